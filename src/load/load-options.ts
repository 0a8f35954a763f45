import type { HandshakeOffer } from '../client/handshake.js';

/** What is done with the connections of a load. */
export const LOAD_MODES = ['echo', 'broadcast', 'connect', 'idle'] as const;

/** One of {@link LOAD_MODES}. */
export type LoadMode = (typeof LOAD_MODES)[number];

/** What a server does with a message that it is sent. */
export const EXPECTATIONS = ['echo', 'none'] as const;

/** One of {@link EXPECTATIONS}. */
export type Expectation = (typeof EXPECTATIONS)[number];

/** Options of {@link load}. Sizes are in bytes, times in ms. */
export interface LoadOptions extends HandshakeOffer {
  /** ws://host:port/path?query, or wss. */
  readonly url: string | URL;
  /** Stands over the result; none by default. */
  readonly title?: string | undefined;
  /**
   * - 'echo' (default): each connection sends a message, and the server sends it back.
   * - 'broadcast': one more connection publishes, and the server sends each message to all; it is done when all have it.
   * - 'connect': connections are opened and closed, as fast as it goes.
   * - 'idle': connections are opened and held.
   */
  readonly mode?: LoadMode | undefined;
  /** At a time; in 'broadcast', those that subscribe. 1 to 1000000, of which TCP allows some 28000 from one address to one port; default 10. */
  readonly connections?: number | undefined;
  /** Messages on their way on each connection, in 'broadcast' on that which publishes; 1 to 10000, default 1. */
  readonly inFlight?: number | undefined;
  /** How long it is measured; default 10 s, with `amount` for ever. 1 to 2^31 less 1. */
  readonly durationMs?: number | undefined;
  /** Ends when so many messages (in 'connect', connections) have been sent, on all connections together; no limit by default. */
  readonly amount?: number | undefined;
  /**
   * Messages per second, of all connections together; by default as fast as it goes. A message that cannot be sent when it
   * is due, because all connections have `inFlight` on their way, counts from when it was due: what a server that stalls
   * keeps from being sent is in the latency (no coordinated omission).
   */
  readonly ratePerSecond?: number | undefined;
  /** What is done and not measured before; default 1 s, with `amount` 0. */
  readonly warmUpMs?: number | undefined;
  /**
   * Threads to put the load on with, at most as many as connections; default 1, which is the thread that calls. In 'broadcast'
   * there can be no more: the one that publishes waits for all others.
   */
  readonly workers?: number | undefined;
  /** What is sent; by default `sizeBytes` of what looks random, letters if it is text. */
  readonly message?: string | Uint8Array | undefined;
  /** Length of the message, if it is not given: 0 to 64 MiB; default 32. */
  readonly sizeBytes?: number | undefined;
  /** Whether the message is sent as binary; by default if it is a Uint8Array. */
  readonly isBinary?: boolean | undefined;
  /** 'echo' (default), or 'none' for a server that does not answer: then what counts is what has been sent. */
  readonly expect?: Expectation | undefined;
  /**
   * How long an answer may take, from when its message was sent, or an opening handshake; default 10 s. A connection with a
   * late one is given up.
   */
  readonly timeoutMs?: number | undefined;
  /** Whether a wss server must have a certificate that this machine trusts; default true. */
  readonly rejectUnauthorized?: boolean | undefined;
  /** Certificates to trust instead of the machine's, in PEM. */
  readonly ca?: string | undefined;
}

/** How a load is watched and ended. */
export interface LoadControls {
  /** Ends it early: the result is of what there was. */
  readonly signal?: AbortSignal | undefined;
  /** Is told how far it is, twice a second. */
  onProgress?(progress: LoadProgress): void;
}

/** How far a load is. */
export interface LoadProgress {
  readonly phase: 'connecting' | 'warming up' | 'measuring' | 'closing';
  /** Since the phase began, in ms. */
  readonly elapsedMs: number;
  /** How long the phase takes at most, in ms; Infinity if nobody knows. */
  readonly durationMs: number;
  /** Connections that are open. */
  readonly open: number;
  /** Since the measurement began; in 'connect', connections. */
  readonly messages: number;
  readonly errors: number;
}
