import { ByteBudget } from '../anatomy/byte-budget.js';
import type { Endpoint, TcpSegment } from './tcp-segment.js';
import { TcpStream } from './tcp-stream.js';

/** How many connections are followed at a time: beyond, the one is ended early of which no packet has come for longest. */
const MAX_CONNECTIONS = 1024;

/** Of how many connections that have ended it is known that packets of theirs are no new connection. */
const MAX_REMEMBERED = 4096;

/** How much all connections keep of what has come too early, in bytes. */
const MAX_HELD_BYTES = 64 * 1024 * 1024;

/** How a connection has ended: by both sides, by a RST, because the capture ended, or early, for want of room. */
export type ConnectionEnd = 'closed' | 'reset' | 'capture' | 'evicted';

/** One of the two ends of a connection. */
export type End = 0 | 1;

/** A TCP connection in a capture. */
export interface TcpConnection {
  /** The ends: the first is that which has sent the first packet captured. */
  readonly ends: readonly [Endpoint, Endpoint];
  /** What each end sends. */
  readonly streams: readonly [TcpStream, TcpStream];
  /** The end that has opened the connection; undefined if that was not captured. */
  readonly opener: End | undefined;
}

/** What happens in a connection. */
export type TcpEvent =
  | { readonly kind: 'bytes'; readonly connection: TcpConnection; readonly from: End; readonly bytes: Uint8Array }
  | { readonly kind: 'end'; readonly connection: TcpConnection; readonly how: ConnectionEnd };

interface Followed extends TcpConnection {
  readonly key: string;
  opener: End | undefined;
  isForgotten: boolean;
}

/**
 * The TCP connections of a capture, whose packets may be interleaved. Each has its two streams in order.
 */
export class TcpConnections {
  readonly #budget = new ByteBudget(MAX_HELD_BYTES);
  /** Those that are followed; that of the last packet is the last. */
  readonly #followed = new Map<string, Followed>();
  /** Those that have ended or are of no interest. */
  readonly #remembered = new Set<string>();

  /** Takes the next segment. @returns what it brings. */
  *take(segment: TcpSegment): Generator<TcpEvent> {
    const key = keyOf(segment);
    const isOpening = segment.isSyn && !segment.isAck;
    let connection = this.#followed.get(key);
    if (connection !== undefined && isOpening && !connection.streams[endOf(connection, segment)].belongs(segment)) {
      yield* this.#end(connection, 'closed'); // its ports are used again
      connection = undefined;
    }
    if (connection === undefined) {
      if (!isOpening && (segment.payload.length === 0 || this.#remembered.has(key))) return;
      this.#remembered.delete(key);
      yield* this.#makeRoom();
      connection = this.#follow(key, segment);
    } else {
      this.#followed.delete(key);
      this.#followed.set(key, connection);
    }
    const from = endOf(connection, segment);
    if (isOpening) connection.opener ??= from;
    else if (segment.isSyn) connection.opener ??= from === 0 ? 1 : 0;
    for (const bytes of connection.streams[from].take(segment)) {
      yield { kind: 'bytes', connection, from, bytes };
      if (connection.isForgotten) break;
    }
    if (connection.isForgotten) this.#drop(connection);
    else if (segment.isReset) yield* this.#end(connection, 'reset');
    else if (connection.streams.every((stream) => stream.isEnded)) yield* this.#end(connection, 'closed');
  }

  /** To be called if nothing more comes. */
  *end(): Generator<TcpEvent> {
    for (const connection of this.#followed.values()) yield* this.#end(connection, 'capture');
  }

  /** A connection of which nothing more is wanted. It may be called for one whose bytes are being returned. */
  forget(connection: TcpConnection): void {
    (connection as Followed).isForgotten = true; // all are made here
  }

  #follow(key: string, { source, destination }: TcpSegment): Followed {
    const streams = [new TcpStream(this.#budget), new TcpStream(this.#budget)] as const;
    const connection: Followed = { key, ends: [source, destination], streams, opener: undefined, isForgotten: false };
    this.#followed.set(key, connection);
    return connection;
  }

  *#makeRoom(): Generator<TcpEvent> {
    if (this.#followed.size < MAX_CONNECTIONS) return;
    const [longest] = this.#followed.values();
    if (longest !== undefined) yield* this.#end(longest, 'evicted');
  }

  *#end(connection: Followed, how: ConnectionEnd): Generator<TcpEvent> {
    for (const from of [0, 1] as const) {
      if (connection.isForgotten) break;
      for (const bytes of connection.streams[from].end()) {
        yield { kind: 'bytes', connection, from, bytes };
        if (connection.isForgotten) break;
      }
    }
    this.#drop(connection);
    if (!connection.isForgotten) yield { kind: 'end', connection, how };
  }

  #drop({ key, streams }: Followed): void {
    for (const stream of streams) stream.discard();
    this.#followed.delete(key);
    this.#remembered.add(key);
    if (this.#remembered.size <= MAX_REMEMBERED) return;
    const [oldest] = this.#remembered;
    this.#remembered.delete(oldest as string); // it is not empty
  }
}

/** A name of a connection that is the same for both directions. */
function keyOf({ source, destination }: TcpSegment): string {
  const [a, b] = [`${source.address} ${source.port}`, `${destination.address} ${destination.port}`];
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}

/** The end that has sent a segment. */
function endOf({ ends: [first] }: TcpConnection, { source }: TcpSegment): End {
  return first.address === source.address && first.port === source.port ? 0 : 1;
}
