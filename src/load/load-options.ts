import type { ClientDeflateOptions } from '../client/deflate-options.js';
import type { HandshakeOffer } from '../client/handshake.js';

/** What is done with the connections of a load. */
export const LOAD_MODES = ['echo', 'broadcast', 'connect', 'idle'] as const;

/** What is done with the connections of a load: see `mode` of {@link LoadOptions}. */
export type LoadMode = (typeof LOAD_MODES)[number];

/** What a server does with a message that it is sent. */
export const EXPECTATIONS = ['echo', 'none'] as const;

/** What a server does with a message that it is sent: see `expect` of {@link LoadOptions}. */
export type Expectation = (typeof EXPECTATIONS)[number];

/** Options of {@link load}. An option that cannot be used, or that there is not, is an {@link OptionError}. */
export interface LoadOptions extends HandshakeOffer {
  /** The server: ws://host:port/path?query, wss, or for a unix socket ws+unix:/path/of/the.sock:/path?query, or wss+unix. */
  readonly url: string | URL;
  /**
   * A title that stands over the result.
   *
   * @default none
   */
  readonly title?: string | undefined;
  /**
   * What is done with the connections:
   * - 'echo': each connection sends a message, and the server sends it back.
   * - 'broadcast': one more connection publishes, and the server sends each message to all; it is done when all have it.
   * - 'connect': connections are opened and closed, as fast as it goes.
   * - 'idle': connections are opened and held.
   *
   * @default 'echo'
   */
  readonly mode?: LoadMode | undefined;
  /**
   * Connections at a time; in 'broadcast', those that subscribe. TCP allows some 28 000 from one address to one port. From 1 to 1 000 000.
   *
   * @default 10
   */
  readonly connections?: number | undefined;
  /**
   * How many messages are on their way on each connection at a time; in 'broadcast', on the one that publishes. From 1 to 10 000.
   *
   * @default 1
   */
  readonly inFlight?: number | undefined;
  /**
   * How long the measurement takes, in ms. From 1 ms to 2^31 less 1 ms (24 days).
   *
   * @default 10 s; with an amount for ever
   */
  readonly durationMs?: number | undefined;
  /**
   * The load ends when this many messages (in 'connect', connections) have been sent, on all connections together. From 1 to 2^53 less 1.
   *
   * @default no limit
   */
  readonly amount?: number | undefined;
  /**
   * Messages per second, of all connections together. A message that cannot be sent when it is due, because all connections have
   * `inFlight` on their way, counts from when it was due: what a server that stalls keeps from being sent is in the latency (no
   * coordinated omission). From 1 to 1 000 000 000.
   *
   * @default as fast as it goes
   */
  readonly ratePerSecond?: number | undefined;
  /**
   * How long the load runs before the measurement, in ms. From 0 ms to 2^31 less 1 ms (24 days).
   *
   * @default 1 s; with an amount 0
   */
  readonly warmUpMs?: number | undefined;
  /**
   * Threads that put the load on, at most as many as connections. With 1 it is the calling thread. 'broadcast' allows only 1,
   * because the connection that publishes waits for all others. From 1 to 1 024.
   *
   * @default 1
   */
  readonly workers?: number | undefined;
  /**
   * What is sent, at most 64 MiB.
   *
   * @default `sizeBytes` bytes that look random, letters if it is text
   */
  readonly message?: string | Uint8Array | undefined;
  /**
   * The length of the message, in bytes, if it is not given. From 0 bytes to 64 MiB.
   *
   * @default 32 bytes
   */
  readonly sizeBytes?: number | undefined;
  /**
   * Whether the message is sent as binary, and not as text.
   *
   * @default true for a `message` of bytes
   */
  readonly isBinary?: boolean | undefined;
  /**
   * What the server answers with: 'echo', or 'none' for a server that does not answer. Then what counts is what has been sent.
   *
   * @default 'echo'
   */
  readonly expect?: Expectation | undefined;
  /**
   * Whether compression is offered (permessage-deflate, RFC 7692), or how. What is sent is compressed once, before the load begins, and
   * without the earlier messages, as a client always may. Answers of a server that begins each message anew are alike, and only the first
   * is decompressed; with `contextTakeover` of a server that keeps its window, all of them are, which takes time of the client.
   *
   * @default false
   */
  readonly deflate?: boolean | ClientDeflateOptions | undefined;
  /**
   * How long an answer may take from when its message was sent, or an opening handshake, in ms. A connection whose answer is late
   * is given up. From 1 ms to 2^31 less 1 ms (24 days).
   *
   * @default 10 s
   */
  readonly timeoutMs?: number | undefined;
  /**
   * Whether a wss server must have a certificate that this machine trusts.
   *
   * @default true
   */
  readonly rejectUnauthorized?: boolean | undefined;
  /**
   * Certificates to trust instead of the machine's, in PEM.
   *
   * @default those of the machine
   */
  readonly ca?: string | undefined;
}

/** How a load is watched and ended. */
export interface LoadControls {
  /** Ends the load early. The result is that of the time until then. */
  readonly signal?: AbortSignal | undefined;
  /** Called with the progress of the load, twice a second, in the calling thread. */
  onProgress?(progress: LoadProgress): void;
}

/** How far a load is. */
export interface LoadProgress {
  /** What the load does now. */
  readonly phase: 'connecting' | 'warming up' | 'measuring' | 'closing';
  /** The time since the phase began, in ms. */
  readonly elapsedMs: number;
  /** How long the phase takes at most, in ms; Infinity if nobody knows. */
  readonly durationMs: number;
  /** Connections that are open. */
  readonly open: number;
  /** Messages since the measurement began; in 'connect', connections. */
  readonly messages: number;
  /** What has gone wrong since the measurement began. */
  readonly errors: number;
}
