import { ByteBudget } from '../anatomy/byte-budget.js';
import type { DissectedClose } from '../anatomy/dissected-frame.js';
import type { Side } from '../anatomy/frame-judge.js';
import type { CapturedPacket } from './captured-packet.js';
import { Conversation, type ConversationEvent, type ConversationOptions } from './conversation.js';
import { ipPacketIn } from './link-layer.js';
import { sideOf } from './opening-reader.js';
import { type ConnectionEnd, type End, type TcpConnection, TcpConnections, type TcpEvent } from './tcp-connections.js';
import { type Endpoint, type NoSegment, readSegment } from './tcp-segment.js';
import type { StreamGap } from './tcp-stream.js';

/** How much all connections keep of compressed messages that are not whole, in bytes. */
const MAX_COMPRESSED_BYTES = 64 * 1024 * 1024;

/** A connection of which something is told. */
export interface AboutConnection {
  /** Its number, from 1 on: only WebSockets have one. */
  readonly number: number;
  /** What was captured; undefined for a stream of bytes of which no more is known than who has sent it. */
  readonly captured?: {
    readonly client: Endpoint;
    readonly server: Endpoint;
    /** When its first packet was captured, and that by which this is known: nanoseconds since 1970. */
    readonly startNs: bigint;
    readonly timeNs: bigint;
  };
  /** The side that has sent all bytes, of such a stream. */
  readonly onlyFrom?: Side;
}

/** What happens in a connection. */
export type InspectionEvent = AboutConnection &
  (
    | Exclude<ConversationEvent, { readonly kind: 'other' }>
    | { readonly kind: 'gap'; readonly from: Side; readonly gap: StreamGap; readonly leftOutBytes: number }
    | {
        readonly kind: 'end';
        readonly how: ConnectionEnd;
        /** What each side has said in its Close frame; undefined if none was captured. */
        readonly closes: Readonly<Record<Side, DissectedClose | 'empty' | undefined>>;
      }
  );

/** What there was in a capture beside WebSockets, and what was left out. */
export interface InspectionTotals {
  packets: number;
  /** Packets that are no TCP over IP, or of a link that is not read. */
  otherPackets: number;
  /** Parts of IP packets, and packets whose headers are cut off or wrong. */
  fragments: number;
  damagedPackets: number;
  connections: number;
  /** Connections that are something else. */
  tlsConnections: number;
  httpConnections: number;
  otherConnections: number;
  /** Connections that were ended early, because there were too many at a time. */
  evictedConnections: number;
}

interface Watched {
  readonly conversation: Conversation;
  readonly startNs: bigint;
  number: number;
  client: End;
}

const COUNTED: Readonly<Record<NoSegment, 'otherPackets' | 'fragments' | 'damagedPackets'>> = {
  other: 'otherPackets',
  fragment: 'fragments',
  damaged: 'damagedPackets',
};

/** Finds the WebSocket connections in captured packets, and takes them apart. */
export class Inspection {
  readonly #options: ConversationOptions;
  readonly #connections = new TcpConnections();
  readonly #budget = new ByteBudget(MAX_COMPRESSED_BYTES);
  readonly #watched = new Map<TcpConnection, Watched>();
  #timeNs = 0n;
  readonly totals: InspectionTotals = {
    ...{ packets: 0, otherPackets: 0, fragments: 0, damagedPackets: 0, connections: 0 },
    ...{ tlsConnections: 0, httpConnections: 0, otherConnections: 0, evictedConnections: 0 },
  };

  constructor(options: ConversationOptions) {
    this.#options = options;
  }

  /** Takes the next packet. @returns what it brings, in parts that are to be used before the next one is asked for. */
  *take({ linkType, bytes, timeNs }: CapturedPacket): Generator<InspectionEvent> {
    this.totals.packets++;
    this.#timeNs = timeNs;
    const packet = ipPacketIn(linkType, bytes);
    const segment = packet === undefined ? 'other' : readSegment(packet);
    if (typeof segment === 'string') {
      this.totals[COUNTED[segment]]++;
      return;
    }
    for (const event of this.#connections.take(segment)) yield* this.#tcp(event);
  }

  /** To be called if nothing more comes. */
  *end(): Generator<InspectionEvent> {
    for (const event of this.#connections.end()) yield* this.#tcp(event);
  }

  *#tcp(event: TcpEvent): Generator<InspectionEvent> {
    const { connection } = event;
    const watched = this.#watchedOf(connection);
    const contexts = [contextOf(connection, 0), contextOf(connection, 1)] as const;
    if (event.kind === 'bytes') {
      yield* this.#conversation(connection, watched, watched.conversation.feed(event.from, event.bytes, contexts));
      return;
    }
    yield* this.#conversation(connection, watched, watched.conversation.settle(contexts));
    this.#watched.delete(connection);
    if (event.how === 'evicted') this.totals.evictedConnections++;
    if (watched.number === 0) return; // it never said what it is
    for (const end of [0, 1] as const) {
      const stream = connection.streams[end];
      yield* this.#conversation(connection, watched, watched.conversation.end(end, stream.isFinished));
      const { gap, leftOutBytes } = stream;
      if (gap === undefined) continue;
      const from = sideOf(end, watched.client);
      yield { ...this.#about(connection, watched), kind: 'gap', from, gap, leftOutBytes };
    }
    const { conversation } = watched;
    const closes = { client: conversation.closeOf('client'), server: conversation.closeOf('server') };
    yield { ...this.#about(connection, watched), kind: 'end', how: event.how, closes };
  }

  #watchedOf(connection: TcpConnection): Watched {
    let watched = this.#watched.get(connection);
    if (watched === undefined) {
      const conversation = new Conversation(connection.opener, this.#budget, this.#options);
      watched = { conversation, startNs: this.#timeNs, number: 0, client: 0 };
      this.#watched.set(connection, watched);
    }
    return watched;
  }

  *#conversation(
    connection: TcpConnection,
    watched: Watched,
    events: Generator<ConversationEvent>,
  ): Generator<InspectionEvent> {
    for (const event of events) {
      if (event.kind === 'other') {
        const { totals } = this;
        if (event.what === 'TLS') totals.tlsConnections++;
        else if (event.what === 'HTTP') totals.httpConnections++;
        else totals.otherConnections++;
        this.#watched.delete(connection);
        this.#connections.forget(connection);
        return;
      }
      if (event.kind === 'opening') {
        watched.number = ++this.totals.connections;
        watched.client = event.client;
      }
      yield { ...this.#about(connection, watched), ...event };
    }
  }

  #about({ ends }: TcpConnection, { number, startNs, client }: Watched): AboutConnection {
    const server = client === 0 ? 1 : 0;
    return { number, captured: { client: ends[client], server: ends[server], startNs, timeNs: this.#timeNs } };
  }
}

function contextOf({ streams }: TcpConnection, end: End): { readonly isFromStart: boolean } {
  return { isFromStart: streams[end].hasSyn };
}
