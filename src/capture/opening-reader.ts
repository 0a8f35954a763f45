import { brokenInHeader, type Side } from '../anatomy/frame-judge.js';
import { KeptBytes } from '../anatomy/kept-bytes.js';
import { MASK } from '../protocol/frame-header.js';
import type { HandshakeRequest } from '../protocol/opening/handshake.js';
import { HandshakeResponseError } from '../protocol/opening/handshake-response-error.js';
import { readUpgradeRequest } from '../protocol/opening/request-head.js';
import { type ResponseHead, ResponseHeadReader } from '../protocol/opening/response-head.js';
import { RSV1 } from '../protocol/opcode.js';
import type { End } from './tcp-connections.js';

/** The longest head of a request that is read, in bytes, and how many headers it may have. */
const MAX_HEAD_BYTES = 16 * 1024;
const MAX_HEADERS = 1000;

/** How much of a direction is kept until the opening handshake is known, in bytes. */
const MAX_KEPT_BYTES = 32 * 1024;

const REQUEST = 'GET ';
const RESPONSE = 'HTTP';
/** How many bytes tell what a direction begins with. */
const START_BYTES = REQUEST.length;

const CR = 0x0d;
const LF = 0x0a;

/** What a direction begins with; undefined if too little of it has come. */
type Beginning = 'request' | 'response' | 'frames' | 'other' | undefined;

/** What is known of a direction beside its bytes. */
export interface DirectionContext {
  /** Whether its first bytes are the first of the connection. */
  readonly isFromStart: boolean;
  /** Whether they are frames if they are no head, whatever they look like. @default false */
  readonly areFrames?: boolean;
  /** Whether nothing will come of it. @default false */
  readonly isSilent?: boolean;
}

/** How a connection has begun: as a WebSocket, or as something else. */
export type Beginnings =
  | { readonly isWebSocket: false; readonly what: 'TLS' | 'HTTP' | 'other' }
  | {
      readonly isWebSocket: true;
      /** The end that is the client. */
      readonly client: End;
      readonly request: HandshakeRequest | undefined;
      /** How long the request is, and the answer with what may come in front of it, in bytes. */
      readonly headBytes: readonly [client: number, server: number];
      readonly response: ResponseHead | HandshakeResponseError | undefined;
    };

interface Direction {
  readonly kept: KeptBytes;
  bytes: number;
  /** How many of the bytes have been searched for the end of the head. */
  searched: number;
}

/**
 * Finds out how a connection begins, from the first bytes of both directions: with an opening handshake, in the middle of a WebSocket whose
 * handshake was not captured, or as something else. Both directions are kept until that is known, because it says how frames are to be read.
 */
export class OpeningReader {
  #directions: readonly [Direction, Direction] = [newDirection(), newDirection()];
  readonly #opener: End | undefined;
  readonly #answer = new ResponseHeadReader();
  #answerFed = 0;
  #answerBytes: number | undefined;
  #answerError: HandshakeResponseError | undefined;

  /** @param opener the end that has opened the TCP connection, if that is known. */
  constructor(opener: End | undefined) {
    this.#opener = opener;
  }

  /** What has come of a direction. */
  keptOf(end: End): Uint8Array {
    return this.#directions[end].kept.bytes;
  }

  /** Gives up what is kept. */
  discard(): void {
    this.#directions = [newDirection(), newDirection()];
  }

  /** Takes the next bytes of a direction. @returns how many of them are kept: the others come too early. */
  feed(end: End, bytes: Uint8Array): number {
    const direction = this.#directions[end];
    const taken = Math.min(bytes.length, MAX_KEPT_BYTES - direction.bytes);
    direction.kept.append(bytes.subarray(0, taken));
    direction.bytes += taken;
    return taken;
  }

  /**
   * @param contexts of both directions.
   * @param isLast whether nothing more comes in front of an answer: then what is missing is done without.
   * @returns undefined if more bytes are needed.
   */
  decide(contexts: readonly [DirectionContext, DirectionContext], isLast: boolean): Beginnings | undefined {
    const isForced = isLast || this.#directions.some(({ bytes }) => bytes === MAX_KEPT_BYTES);
    const begins = ([0, 1] as const).map((end) => this.#beginningOf(end, contexts[end], isForced));
    const isEmpty = begins.every((one) => one === undefined);
    if (isEmpty || begins.includes('other')) {
      return isEmpty && !isForced ? undefined : { isWebSocket: false, what: this.#otherOf(begins) };
    }
    const client = this.#clientOf(begins);
    if (client === undefined) return isForced ? { isWebSocket: false, what: 'other' } : undefined;
    const server: End = client === 0 ? 1 : 0;
    const [fromClient, fromServer] = [begins[client], begins[server]];
    if (fromClient === 'response' || fromServer === 'request') return { isWebSocket: false, what: 'HTTP' };
    const isMidStream = fromClient === 'frames' || fromServer === 'frames';

    let request: HandshakeRequest | undefined;
    let requestBytes = 0;
    if (fromClient === 'request') {
      const end = this.#endOfHead(this.#directions[client]);
      if (end === undefined) {
        const isTooLong = this.#directions[client].bytes > MAX_HEAD_BYTES;
        return isTooLong || isForced ? { isWebSocket: false, what: 'HTTP' } : undefined;
      }
      requestBytes = end;
      request = readUpgradeRequest(latin1(this.keptOf(client).subarray(0, end)), MAX_HEADERS);
    }
    const isRequestMissing =
      fromClient === undefined && fromServer === 'response' && contexts[client].isSilent !== true;
    if (isRequestMissing && !isForced) return undefined;

    if (fromServer === 'response') this.#readAnswer(this.keptOf(server));
    const response = this.#answerError ?? this.#answer.head;
    const isAnswerMissing = response === undefined && !isMidStream && contexts[server].isSilent !== true;
    if (isAnswerMissing && !isForced) return undefined;
    const isUpgraded = response !== undefined && 'status' in response && response.status === 101;
    // What is no ordinary request may be one for an upgrade all the same: the answer says so.
    if (request === undefined && !isUpgraded && !isMidStream) return { isWebSocket: false, what: 'HTTP' };
    return { isWebSocket: true, client, request, response, headBytes: [requestBytes, this.#answerBytes ?? 0] };
  }

  #beginningOf(end: End, { isFromStart, areFrames }: DirectionContext, isForced: boolean): Beginning {
    const { kept } = this.#directions[end];
    const start = latin1(kept.bytes.subarray(0, START_BYTES));
    if (start === REQUEST) return 'request';
    if (start === RESPONSE) return 'response';
    if (start === '') return undefined;
    const mayBeHead = REQUEST.startsWith(start) || RESPONSE.startsWith(start);
    if ((mayBeHead || start.length < 2) && !isForced) return undefined;
    return areFrames === true || (!isFromStart && looksLikeFrame(kept.bytes)) ? 'frames' : 'other';
  }

  /** A client asks, a server answers, and if neither was captured, the client masks its frames. */
  #clientOf(begins: readonly Beginning[]): End | undefined {
    if (this.#opener !== undefined) return this.#opener;
    const asking = begins.indexOf('request');
    if (asking >= 0) return asking as End;
    const answering = begins.indexOf('response');
    if (answering >= 0) return answering === 0 ? 1 : 0;
    const framing = begins.indexOf('frames');
    if (framing < 0) return undefined;
    const isMasked = ((this.keptOf(framing as End)[1] as number) & MASK) !== 0; // it looks like a frame
    return isMasked === (framing === 0) ? 0 : 1;
  }

  #otherOf(begins: readonly Beginning[]): 'TLS' | 'HTTP' | 'other' {
    if (begins.includes('request') || begins.includes('response')) return 'HTTP';
    return ([0, 1] as const).some((end) => looksLikeTls(this.keptOf(end))) ? 'TLS' : 'other';
  }

  /** How long the head is, with its empty line; undefined if that has not come. */
  #endOfHead(direction: Direction): number | undefined {
    const { bytes } = direction.kept;
    for (let at = bytes.indexOf(CR, direction.searched); at >= 0; at = bytes.indexOf(CR, at + 1)) {
      if (at + 4 > MAX_HEAD_BYTES) return undefined;
      if (bytes[at + 1] === LF && bytes[at + 2] === CR && bytes[at + 3] === LF) {
        direction.searched = at;
        return at + 4;
      }
    }
    direction.searched = Math.max(0, bytes.length - 3);
    return undefined;
  }

  #readAnswer(bytes: Uint8Array): void {
    if (this.#answerBytes !== undefined || this.#answerError !== undefined) return;
    try {
      const rest = this.#answer.feed(bytes.subarray(this.#answerFed));
      this.#answerFed = bytes.length;
      if (rest !== undefined) this.#answerBytes = bytes.length - rest.length;
    } catch (error) {
      if (!(error instanceof HandshakeResponseError)) throw error;
      this.#answerError = error;
    }
  }
}

/** Whether bytes may be the beginning of a frame, of either side, with compression or without it. */
function looksLikeFrame(bytes: Uint8Array): boolean {
  if (bytes.length < 2) return false;
  const start = bytes.subarray(0, 2);
  const context = { from: undefined, allowedRsv: RSV1 };
  return [false, true].some((isMidMessage) => brokenInHeader(start, isMidMessage, context).length === 0);
}

/** Whether bytes begin as a record of TLS does (RFC 8446 section 5.1): with its type, 20 to 23, and the version 3.x. */
function looksLikeTls([type = 0, major]: Uint8Array): boolean {
  return type >= 20 && type <= 23 && major === 3;
}

function newDirection(): Direction {
  return { kept: new KeptBytes(MAX_KEPT_BYTES), bytes: 0, searched: 0 };
}

/** Bytes as text, one character each. There are not more than a head may have. */
function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

/** The side of an end. */
export function sideOf(end: End, client: End): Side {
  return end === client ? 'client' : 'server';
}
