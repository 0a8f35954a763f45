import type { Side } from '../anatomy/frame-judge.js';
import type { DeflateParameters } from '../protocol/deflate/parameters.js';
import type { Sha1Base64 } from '../protocol/opening/accept-key.js';
import { readAcceptance } from '../protocol/opening/client-handshake.js';
import { type HandshakeRequest, type OpeningHandshake, readHandshake } from '../protocol/opening/handshake.js';
import { HandshakeError } from '../protocol/opening/handshake-error.js';
import { HandshakeHeaders } from '../protocol/opening/handshake-headers.js';
import { HandshakeResponseError } from '../protocol/opening/handshake-response-error.js';
import type { ResponseHead } from '../protocol/opening/response-head.js';
import { type AgreedExtensions, readAgreedExtensions } from './agreed-deflate.js';

/** A rule of RFC 6455 that one side breaks. */
export interface Violation {
  readonly from: Side;
  /** Where what breaks it begins, in bytes from the beginning of the stream. */
  readonly at: number;
  /** A name of the rule, such as `mask` or `WSLOOM_HANDSHAKE_KEY`. */
  readonly rule: string;
  /** The section of RFC 6455 that has the rule, such as `5.2`. */
  readonly section: string;
  /** What was found. It can quote what the side has sent. */
  readonly found: string;
  /** Whether what it quotes may be a secret: a part of the request target, a subprotocol, or any header. */
  readonly mayQuoteSecret: boolean;
}

/** What both sides have said before the first frame, as far as it was captured. */
export interface Opening {
  /** Undefined if it was not captured, or is no request that can be read. */
  readonly request: HandshakeRequest | undefined;
  /** The request if it is valid. */
  readonly handshake: OpeningHandshake | undefined;
  readonly response: ResponseHead | undefined;
  /** The subprotocol that the server has chosen; '' for none. */
  readonly subprotocol: string;
  readonly extensions: AgreedExtensions;
  /** The parameters of permessage-deflate by which messages are decompressed, agreed on or assumed; undefined for none. */
  readonly deflate: DeflateParameters | undefined;
  readonly violations: readonly Violation[];
}

/** The sections that say what a request and an answer have to be. */
const REQUEST_SECTION = '4.2.1';
const RESPONSE_SECTION = '4.1';

/** The rules whose errors quote a target, a subprotocol, or whole headers. */
const QUOTING: ReadonlySet<string> = new Set([
  ...['WSLOOM_HANDSHAKE_TARGET', 'WSLOOM_HANDSHAKE_SUBPROTOCOLS', 'WSLOOM_HANDSHAKE_BODY'],
  ...['WSLOOM_RESPONSE_SUBPROTOCOL', 'WSLOOM_RESPONSE_SYNTAX'],
]);

/**
 * Judges an opening handshake (RFC 6455 sections 4.1 and 4.2).
 * @param response an error for bytes that are no answer.
 * @param assumed the parameters of permessage-deflate if the answer was not captured.
 */
export function judgeOpening(
  request: HandshakeRequest | undefined,
  response: ResponseHead | HandshakeResponseError | undefined,
  assumed: DeflateParameters | undefined,
  sha1Base64: Sha1Base64,
): Opening {
  const violations: Violation[] = [];
  const handshake = request && judged(() => readHandshake(request), violations);
  const head = response instanceof HandshakeResponseError ? undefined : response;
  if (response instanceof HandshakeResponseError) violations.push(violationOf(response));
  const headers = head && new HandshakeHeaders(head.rawHeaders);
  const extensions = readAgreedExtensions(handshake?.extensions, headers?.get('sec-websocket-extensions'));
  if (head?.status === 101) {
    if (handshake !== undefined) {
      const { target, host, key, subprotocols } = handshake;
      // The extensions are judged apart: this is a client that may have offered any.
      const rest = { ...head, rawHeaders: withoutExtensions(head.rawHeaders) };
      judged(() => readAcceptance(rest, { target, host, key, subprotocols }, sha1Base64), violations);
    }
    if (extensions.problem !== undefined) {
      violations.push(violationOf(new HandshakeResponseError('WSLOOM_RESPONSE_EXTENSIONS', extensions.problem, 101)));
    }
  }
  return {
    ...{ request, handshake, response: head, extensions, violations },
    subprotocol: headers?.get('sec-websocket-protocol') ?? '',
    deflate: head === undefined ? assumed : extensions.deflate,
  };
}

/** @returns undefined if a rule is broken: that is added to the violations. */
function judged<T>(read: () => T, violations: Violation[]): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof HandshakeError || error instanceof HandshakeResponseError)) throw error;
    violations.push(violationOf(error));
    return undefined;
  }
}

function violationOf(error: HandshakeError | HandshakeResponseError): Violation {
  const from = error instanceof HandshakeError ? 'client' : 'server';
  const section = from === 'client' ? REQUEST_SECTION : RESPONSE_SECTION;
  const found = `${error.message} (RFC 6455 section ${section})`;
  return { from, at: 0, rule: error.code, section, found, mayQuoteSecret: QUOTING.has(error.code) };
}

function withoutExtensions(rawHeaders: readonly string[]): string[] {
  const rest: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const [name = '', value = ''] = rawHeaders.slice(i, i + 2);
    if (name.toLowerCase() !== 'sec-websocket-extensions') rest.push(name, value);
  }
  return rest;
}
