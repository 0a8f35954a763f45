import { excerpt } from '../../options/shown.js';
import { HeaderSyntaxError } from '../opening/handshake-error.js';
import { HandshakeResponseError } from '../opening/handshake-response-error.js';
import { type Extension, parseExtensions } from '../opening/header-grammar.js';
import { type DeflateAgreement, type DeflateSettings, MIN_PEER_WINDOW_BITS } from './agreement.js';
import {
  type DeflateParameters,
  MAX_WINDOW_BITS,
  PERMESSAGE_DEFLATE,
  problemOfAnswer,
  readAnswer,
  writeParameters,
} from './parameters.js';

/** What a client offers with these settings, in the order of its preference (RFC 7692 sections 5 and 7.1). */
export function deflateOffers(settings: DeflateSettings): Extension[] {
  return offersFor(settings).map(writeParameters);
}

/**
 * A server that cannot limit its window declines an offer that wants it to (section 7.1.2.1): for it there is a second offer, under
 * which its window need not be kept, or is kept whole.
 */
function offersFor({ contextTakeover, windowBits, allowsFullWindows }: DeflateSettings): DeflateParameters[] {
  const offer: DeflateParameters = {
    serverNoContextTakeover: !contextTakeover,
    clientNoContextTakeover: !contextTakeover,
    serverMaxWindowBits: undefined,
    clientMaxWindowBits: contextTakeover ? windowBits : MAX_WINDOW_BITS,
  };
  if (!contextTakeover || windowBits === MAX_WINDOW_BITS) return [offer];
  return [
    { ...offer, serverMaxWindowBits: windowBits },
    { ...offer, serverNoContextTakeover: !allowsFullWindows },
  ];
}

/**
 * Judges what a server has answered to {@link deflateOffers} (RFC 6455 section 4.1, RFC 7692 sections 5 and 7).
 *
 * @param settings undefined if nothing was offered.
 * @param value of Sec-WebSocket-Extensions in the answer; undefined if the header has not come.
 * @returns what is agreed on, as the client sees it; undefined if the server has accepted no offer: then nothing is compressed.
 * @throws HandshakeResponseError if the answer accepts what was not offered, or is invalid: then the connection is failed.
 */
export function readDeflateAnswer(
  settings: DeflateSettings | undefined,
  value: string | undefined,
): DeflateAgreement | undefined {
  if (value === undefined) return undefined;
  if (settings === undefined) throw wrong(`it must accept no extension, none was offered, got ${excerpt(value)}`);
  const accepted = parse(value);
  const stranger = accepted.find(({ name }) => name !== PERMESSAGE_DEFLATE);
  if (stranger !== undefined) {
    throw wrong(`it must accept no extension but ${PERMESSAGE_DEFLATE}, got ${excerpt(stranger.name)}`);
  }
  const [extension, second] = accepted;
  if (extension === undefined || second !== undefined) {
    throw wrong(`it must accept ${PERMESSAGE_DEFLATE} once, got it ${accepted.length} times`);
  }
  const answer = readAnswer(extension);
  if (typeof answer === 'string') throw wrong(answer);
  return agreeOn(answer, offersFor(settings));
}

/** An answer does not say which offer it accepts: it must fit one of them. */
function agreeOn(answer: DeflateParameters, offers: readonly DeflateParameters[]): DeflateAgreement {
  const problems: string[] = [];
  for (const offer of offers) {
    const problem = problemOfAnswer(answer, offer);
    if (problem === undefined) return agreement(answer, offer);
    problems.push(problem);
  }
  throw wrong(problems.join('; or else '));
}

/** What the client has offered about itself binds it, even if the server does not repeat it (sections 7.1.1.2 and 7.1.2.2). */
function agreement(answer: DeflateParameters, offer: DeflateParameters): DeflateAgreement {
  return {
    own: {
      windowBits: answer.clientMaxWindowBits ?? offer.clientMaxWindowBits ?? MAX_WINDOW_BITS,
      contextTakeover: !answer.clientNoContextTakeover && !offer.clientNoContextTakeover,
    },
    peer: {
      windowBits: Math.max(answer.serverMaxWindowBits ?? MAX_WINDOW_BITS, MIN_PEER_WINDOW_BITS),
      contextTakeover: !answer.serverNoContextTakeover,
    },
  };
}

function parse(value: string): Extension[] {
  try {
    return parseExtensions(value);
  } catch (error) {
    if (!(error instanceof HeaderSyntaxError)) throw error;
    throw wrong(`Sec-WebSocket-Extensions is malformed: ${error.message}`);
  }
}

function wrong(finding: string): HandshakeResponseError {
  return new HandshakeResponseError('WSLOOM_RESPONSE_EXTENSIONS', finding, 101);
}
