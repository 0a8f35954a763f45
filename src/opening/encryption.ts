import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { ClientTls } from '../connection/client-tls.js';
import type { ClientVerdict, ThreadTls } from '../tls/thread-tls.js';
import { describeTls } from './describe-tls.js';

/** The answer to a request for a host that the TLS of its connection is not for (RFC 9110 section 15.5.20). */
export const MISDIRECTED = {
  status: 421,
  body: 'this connection is for another host name: make one for this host\n',
} as const;

/** What is known of the TLS of the connections in this thread. */
export class Encryption {
  /** Undefined as long as this thread has no TLS server of ours. */
  tls: ThreadTls | undefined;
  readonly #verdicts = new WeakMap<object, ClientVerdict>();

  /** Notes what the rules say about the client of a connection of ours. */
  note(socket: TLSSocket, verdict: ClientVerdict): void {
    this.#verdicts.set(socket, verdict);
  }

  /** The TLS of a connection, ours or that of another server of the application; undefined if it is not encrypted. */
  of(stream: Duplex): ClientTls | undefined {
    if (!(stream instanceof TLSSocket)) return undefined;
    return describeTls(stream, this.#verdicts.get(stream)?.isAuthorized ?? stream.authorized);
  }

  /**
   * Whether a request on this connection may be for this host: see {@link ThreadTls.covers}. Connections of other servers are for
   * these to judge.
   */
  covers(stream: Duplex, host: string): boolean {
    if (this.tls === undefined || !this.#verdicts.has(stream)) return true;
    return this.tls.covers((stream as { readonly servername?: string | false | null }).servername, host);
  }
}
