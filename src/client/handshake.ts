import { randomBytes } from 'node:crypto';
import { type Acceptance, type ClientHandshake, readAcceptance, renderRequest } from '../protocol/client-handshake.js';
import type { HeaderSource } from '../protocol/handshake-response.js';
import { ResponseHeadReader } from '../protocol/response-head.js';
import type { Address } from './address.js';

/** What an opening handshake asks for. */
export interface HandshakeOffer {
  /**
   * The subprotocols that are offered, in the order of preference.
   *
   * @default none
   */
  readonly subprotocols?: readonly string[] | undefined;
  /**
   * Headers that are sent besides those of the handshake, in ASCII.
   *
   * @default none
   */
  readonly headers?: HeaderSource | undefined;
}

/** One opening handshake, from its request to the server's answer. */
export class Handshake {
  /** To be written as it is. */
  readonly request: string;
  readonly #offer: ClientHandshake;
  readonly #reader = new ResponseHeadReader();

  /** @throws HandshakeConfigError if what is offered cannot be sent */
  constructor({ target, authority }: Address, { subprotocols, headers }: HandshakeOffer) {
    const key = randomBytes(16).toString('base64');
    this.#offer = { target, host: authority, key, subprotocols, headers };
    this.request = renderRequest(this.#offer);
  }

  /**
   * Takes what one read has brought. Undefined while the answer is not whole.
   * @throws HandshakeResponseError if the server does not accept, or not as it must.
   */
  feed(bytes: Uint8Array): { readonly acceptance: Acceptance; readonly rest: Buffer } | undefined {
    const rest = this.#reader.feed(bytes);
    const { head } = this.#reader;
    if (rest === undefined || head === undefined) return undefined;
    return { acceptance: readAcceptance(head, this.#offer), rest };
  }
}
