import type { ResolvedDeflateOptions } from './deflate-options.js';

/** What a connection is opened with, checked and complete: its limits, and how it compresses. */
export interface ClientLimits {
  readonly handshakeTimeoutMs: number;
  readonly closeTimeoutMs: number;
  readonly maxPayloadBytes: number;
  /** Undefined if nothing is to be compressed. */
  readonly deflate: ResolvedDeflateOptions | undefined;
}
