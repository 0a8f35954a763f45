import {
  type DeflateParameters,
  PERMESSAGE_DEFLATE,
  problemOfAnswer,
  readAnswer,
  readOffer,
} from '../protocol/deflate/parameters.js';
import { HeaderSyntaxError } from '../protocol/opening/handshake-error.js';
import { type Extension, formatExtensions, parseExtensions } from '../protocol/opening/header-grammar.js';

/** What the answer of a server says about extensions (RFC 6455 section 9.1). */
export interface AgreedExtensions {
  /** The parameters of permessage-deflate; undefined if it is not agreed on. */
  readonly deflate: DeflateParameters | undefined;
  /** As the server has written them. */
  readonly text: string;
  /** Whether there are others, of which is not known what they do to frames. */
  readonly hasOthers: boolean;
  /** What is wrong with the answer: the end of a sentence about it. */
  readonly problem: string | undefined;
}

/**
 * Judges what a server has answered to the offers of a client, whoever they are (RFC 6455 section 4.1, RFC 7692 sections 5 and 7).
 * @param offers undefined if they are not known: then any answer fits.
 * @param value of Sec-WebSocket-Extensions in the answer; undefined if the header has not come.
 */
export function readAgreedExtensions(
  offers: readonly Extension[] | undefined,
  value: string | undefined,
): AgreedExtensions {
  if (value === undefined) return { deflate: undefined, text: '', hasOthers: false, problem: undefined };
  let accepted: readonly Extension[];
  try {
    accepted = parseExtensions(value);
  } catch (error) {
    if (!(error instanceof HeaderSyntaxError)) throw error;
    return {
      deflate: undefined,
      text: '',
      hasOthers: false,
      problem: `Sec-WebSocket-Extensions is malformed: ${error.message}`,
    };
  }
  const text = formatExtensions(accepted);
  const hasOthers = accepted.some(({ name }) => name !== PERMESSAGE_DEFLATE);
  const stranger = accepted.find(({ name }) => offers?.some((offer) => offer.name === name) === false);
  if (stranger !== undefined) {
    const problem = `it must accept no extension that was not offered, got ${stranger.name}`;
    return { deflate: undefined, text, hasOthers, problem };
  }
  const answers = accepted.filter(({ name }) => name === PERMESSAGE_DEFLATE);
  const [answer] = answers;
  if (answer === undefined) return { deflate: undefined, text, hasOthers, problem: undefined };
  const deflate = readAnswer(answer);
  if (typeof deflate === 'string') return { deflate: undefined, text, hasOthers, problem: deflate };
  const problem = answers.length > 1 ? `it must accept ${PERMESSAGE_DEFLATE} once` : problemWith(deflate, offers);
  return { deflate, text, hasOthers, problem };
}

/** An answer does not say which offer it accepts: it must fit one of them. */
function problemWith(answer: DeflateParameters, offers: readonly Extension[] | undefined): string | undefined {
  if (offers === undefined) return undefined;
  const problems: string[] = [];
  for (const offer of offers.filter(({ name }) => name === PERMESSAGE_DEFLATE)) {
    const offered = readOffer(offer);
    const problem = typeof offered === 'string' ? offered : problemOfAnswer(answer, offered);
    if (problem === undefined) return undefined;
    problems.push(problem);
  }
  return problems.join('; or else ');
}

/**
 * Reads parameters of permessage-deflate as an answer has them, such as `client_no_context_takeover; server_max_window_bits=10`.
 * @returns what is wrong with them, as the end of a sentence.
 */
export function readDeflateParameters(text: string): DeflateParameters | string {
  const { deflate, problem, hasOthers } = readAgreedExtensions(
    undefined,
    text === '' ? PERMESSAGE_DEFLATE : `${PERMESSAGE_DEFLATE}; ${text}`,
  );
  if (problem !== undefined) return problem;
  return deflate === undefined || hasOthers ? 'these are no parameters of permessage-deflate' : deflate;
}
