/** Limits of a connection, complete. */
export interface ClientLimits {
  readonly handshakeTimeoutMs: number;
  readonly closeTimeoutMs: number;
  readonly maxPayloadBytes: number;
}
