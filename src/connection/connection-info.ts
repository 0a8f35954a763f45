/** What the handshake has found out about a connection, in a form that can cross threads. */
export interface ConnectionInfo {
  readonly id: number;
  readonly remoteAddress: string | undefined;
  readonly path: string;
  readonly query: string;
  readonly subprotocol: string;
  readonly data: unknown;
}
