import { randomBytes } from 'node:crypto';
import type { DeflateSettings } from '../protocol/deflate/agreement.js';
import {
  type Acceptance,
  type ClientHandshake,
  readAcceptance,
  renderRequest,
} from '../protocol/opening/client-handshake.js';
import type { HeaderSource } from '../protocol/opening/handshake-response.js';
import { ResponseHeadReader } from '../protocol/opening/response-head.js';
import { sha1Base64 } from '../system/sha1.js';
import type { Address } from './address.js';
import { bufferOf } from './buffer-of.js';

/** What a client may add to its opening handshake. */
export interface HandshakeOffer {
  /** Subprotocols that the client speaks, in the order of its preference. @default none */
  readonly subprotocols?: readonly string[] | undefined;
  /** Headers that are sent beside those of the handshake, in ASCII. @default none */
  readonly headers?: HeaderSource | undefined;
}

/** One opening handshake, from its request to the server's answer. */
export class Handshake {
  /** The bytes of the request. */
  readonly request: string;
  readonly #offer: ClientHandshake;
  readonly #reader = new ResponseHeadReader();

  /**
   * @param deflate how messages are to be compressed; undefined to offer no compression.
   * @throws HandshakeConfigError if a subprotocol or a header cannot be sent.
   */
  constructor(
    { target, authority }: Address,
    { subprotocols, headers }: HandshakeOffer,
    deflate: DeflateSettings | undefined,
  ) {
    const key = randomBytes(16).toString('base64');
    this.#offer = { target, host: authority, key, subprotocols, headers, deflate };
    this.request = renderRequest(this.#offer);
  }

  /**
   * Takes the bytes of one read.
   * @returns undefined while the answer is not whole.
   * @throws HandshakeResponseError if the server does not accept the connection, or answers wrongly.
   */
  feed(bytes: Uint8Array): { readonly acceptance: Acceptance; readonly rest: Buffer } | undefined {
    const rest = this.#reader.feed(bytes);
    const { head } = this.#reader;
    if (rest === undefined || head === undefined) return undefined;
    return { acceptance: readAcceptance(head, this.#offer, sha1Base64), rest: bufferOf(rest) };
  }
}
