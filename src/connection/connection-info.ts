import type { AgreementNumber } from '../protocol/deflate/agreement.js';
import type { ClientTls } from './client-tls.js';

/** What the handshake has found out about a connection, in a form that can cross threads. */
export interface ConnectionInfo {
  readonly id: number;
  readonly remoteAddress: string | undefined;
  /** Of connections that are encrypted: a member more would cost the others time on their way to other threads. */
  readonly tls?: ClientTls;
  /** What was agreed on about compression, if it was. Left out like `tls`; as an object it would take 0.9 µs more on its way. */
  readonly deflate?: AgreementNumber;
  readonly path: string;
  readonly query: string;
  readonly subprotocol: string;
  readonly data: unknown;
}
