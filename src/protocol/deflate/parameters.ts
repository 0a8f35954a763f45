import { excerpt } from '../../options/shown.js';
import type { Extension, ExtensionParameter } from '../opening/header-grammar.js';

/** The name of the extension in Sec-WebSocket-Extensions (RFC 7692 section 7). It is compared as it is: names are case-sensitive. */
export const PERMESSAGE_DEFLATE = 'permessage-deflate';

/** The window that DEFLATE cannot exceed: 2^15 bytes (RFC 1951 section 2). Whoever names no limit may use it (RFC 7692 section 7.1.2). */
export const MAX_WINDOW_BITS = 15;

/** The parameters of permessage-deflate (RFC 7692 section 7.1), as a client offers them or a server answers with them. */
export interface DeflateParameters {
  /** The server begins each message with an empty window (section 7.1.1.1). */
  readonly serverNoContextTakeover: boolean;
  /** The client begins each message with an empty window (section 7.1.1.2). */
  readonly clientNoContextTakeover: boolean;
  /** The largest window of the server, 8 to 15 (section 7.1.2.1); undefined if the parameter is not there. */
  readonly serverMaxWindowBits: number | undefined;
  /**
   * The largest window of the client, 8 to 15 (section 7.1.2.2); undefined if the parameter is not there. Without a value, as only an
   * offer may have it, it is 15.
   */
  readonly clientMaxWindowBits: number | undefined;
}

/** What is wrong with an offer or an answer: the end of a sentence about it. */
export type Problem = string;

const SERVER_NO_CONTEXT_TAKEOVER = 'server_no_context_takeover';
const CLIENT_NO_CONTEXT_TAKEOVER = 'client_no_context_takeover';
const SERVER_MAX_WINDOW_BITS = 'server_max_window_bits';
const CLIENT_MAX_WINDOW_BITS = 'client_max_window_bits';

/** Reads what a client offers. Its cost is linear in the number of parameters. @returns the problem for which the offer is declined. */
export function readOffer(offer: Extension): DeflateParameters | Problem {
  return read(offer.parameters, MAX_WINDOW_BITS);
}

/** Reads what a server answers. @returns the problem for which the client fails the connection. */
export function readAnswer(answer: Extension): DeflateParameters | Problem {
  return read(answer.parameters, undefined);
}

/** @param bareBits what `client_max_window_bits` without a value means; undefined if it must have one. */
function read(parameters: readonly ExtensionParameter[], bareBits: number | undefined): DeflateParameters | Problem {
  const values = new Map<string, number>();
  for (const { name, value } of parameters) {
    const number = readValue(name, value, bareBits);
    if (typeof number === 'string') return number;
    if (values.has(name)) return `it must have ${name} once only`;
    values.set(name, number);
  }
  return {
    serverNoContextTakeover: values.has(SERVER_NO_CONTEXT_TAKEOVER),
    clientNoContextTakeover: values.has(CLIENT_NO_CONTEXT_TAKEOVER),
    serverMaxWindowBits: values.get(SERVER_MAX_WINDOW_BITS),
    clientMaxWindowBits: values.get(CLIENT_MAX_WINDOW_BITS),
  };
}

/** @returns the value as a number, which is 0 for a parameter without one. */
function readValue(name: string, value: string | undefined, bareBits: number | undefined): number | Problem {
  switch (name) {
    case SERVER_NO_CONTEXT_TAKEOVER:
    case CLIENT_NO_CONTEXT_TAKEOVER:
      return value === undefined ? 0 : `${name} must have no value, got ${excerpt(value)}`;
    case SERVER_MAX_WINDOW_BITS:
      return readWindowBits(name, value);
    case CLIENT_MAX_WINDOW_BITS:
      return value === undefined && bareBits !== undefined ? bareBits : readWindowBits(name, value);
    default:
      return `it must have no parameter that RFC 7692 section 7.1 does not define, got ${excerpt(name)}`;
  }
}

/** Section 7.1.2: a decimal integer from 8 to 15, without leading zeroes. */
const WINDOW_BITS = /^(?:[89]|1[0-5])$/;

function readWindowBits(name: string, value: string | undefined): number | Problem {
  if (value !== undefined && WINDOW_BITS.test(value)) return Number(value);
  return `${name} must be 8 to 15, got ${value === undefined ? 'no value' : excerpt(value)}`;
}

/** Writes an offer, or an answer. A limit of 15 for the client is written without a value, as an offer may have it. */
export function writeParameters(parameters: DeflateParameters): Extension {
  const { serverNoContextTakeover, clientNoContextTakeover, serverMaxWindowBits, clientMaxWindowBits } = parameters;
  const written: ExtensionParameter[] = [];
  if (serverNoContextTakeover) written.push({ name: SERVER_NO_CONTEXT_TAKEOVER, value: undefined });
  if (clientNoContextTakeover) written.push({ name: CLIENT_NO_CONTEXT_TAKEOVER, value: undefined });
  if (serverMaxWindowBits !== undefined) {
    written.push({ name: SERVER_MAX_WINDOW_BITS, value: String(serverMaxWindowBits) });
  }
  if (clientMaxWindowBits !== undefined) {
    const value = clientMaxWindowBits === MAX_WINDOW_BITS ? undefined : String(clientMaxWindowBits);
    written.push({ name: CLIENT_MAX_WINDOW_BITS, value });
  }
  return { name: PERMESSAGE_DEFLATE, parameters: written };
}

/** What is wrong with an answer to this offer, as far as the two have to fit (section 7.1); undefined if it fits. */
export function problemOfAnswer(answer: DeflateParameters, offer: DeflateParameters): Problem | undefined {
  if (offer.serverNoContextTakeover && !answer.serverNoContextTakeover) {
    return `it must have ${SERVER_NO_CONTEXT_TAKEOVER}, which was offered`;
  }
  const serverBits = answer.serverMaxWindowBits;
  if (offer.serverMaxWindowBits !== undefined && (serverBits ?? Number.POSITIVE_INFINITY) > offer.serverMaxWindowBits) {
    return `${SERVER_MAX_WINDOW_BITS} must be at most ${offer.serverMaxWindowBits}, as it was offered, got ${serverBits ?? 'none'}`;
  }
  const clientBits = answer.clientMaxWindowBits;
  if (clientBits === undefined) return undefined;
  if (offer.clientMaxWindowBits === undefined)
    return `it must not have ${CLIENT_MAX_WINDOW_BITS}, which was not offered`;
  if (clientBits > offer.clientMaxWindowBits) {
    return `${CLIENT_MAX_WINDOW_BITS} must be at most ${offer.clientMaxWindowBits}, as it was offered, got ${clientBits}`;
  }
  return undefined;
}
