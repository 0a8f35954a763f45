/** What `npm run ten-million:measure` has measured: bench/results/ten-million-figures.json. docs/ten-million.md rests on it. */
import type { Machine } from '../machine.js';

export interface Figures {
  /** When the run began, ISO 8601. */
  readonly date: string;
  readonly commit: string;
  readonly machine: Machine;
  /** How often each was measured: the figures are medians. */
  readonly rounds: number;
  readonly isQuick: boolean;
  /** Memory of an idle connection. */
  readonly memory: readonly MemoryFigure[];
  /** A message that comes in and goes back, one in flight on each connection. */
  readonly echo: MessageFigure;
  /** A message to one subscriber of a topic that has many. */
  readonly deliveries: readonly DeliveryFigure[];
  /** A publication to a topic with one subscriber, many of them under way, so that they cross to other threads in batches. */
  readonly publication: PublicationFigure;
  /** The same with one under way: it crosses alone, and wakes the other thread. Not in older files. */
  readonly lonePublication?: PublicationFigure;
  readonly handshakes: readonly HandshakeFigure[];
  /** A ping to a silent client, and its pong. */
  readonly heartbeatMicros: number;
  /** A publication through an engine; none if no engine was measured. */
  readonly backplanes: readonly BackplaneFigure[];
  /** What could not be measured, and why. */
  readonly failures: readonly string[];
}

export interface MemoryFigure {
  readonly isSecure: boolean;
  readonly connections: number;
  /** What the server's process grew by, for each connection. */
  readonly serverBytes: number;
  /** What the kernel's slabs grew by, for each end of a connection: both ends are on this machine, and count half each. */
  readonly kernelBytes: number;
}

export interface MessageFigure {
  readonly bytes: number;
  /** CPU time of the server. */
  readonly micros: number;
}

/** In one thread, and in two, of which one has the publisher and the other one the subscriber. The publisher gets a copy. */
export interface PublicationFigure {
  readonly oneThreadMicros: number;
  readonly twoThreadsMicros: number;
}

export interface DeliveryFigure extends MessageFigure {
  readonly isSecure: boolean;
  readonly subscribers: number;
}

/** How a connection is opened: by plain TCP, with the opening handshake in the primary or in a worker, or by TLS. */
export type Handshake = 'plain' | 'plain, in workers' | 'tls' | 'tls resumed';

export interface HandshakeFigure {
  readonly kind: Handshake;
  /** CPU time of the server for TCP, TLS and the opening handshake. */
  readonly micros: number;
  /** The part (0 to 1) of it that the primary takes. */
  readonly primaryShare: number;
}

export interface BackplaneFigure {
  /** The name of the engine: `NATS`. */
  readonly engine: string;
  readonly bytes: number;
  /** CPU time of the primary of a server that publishes, for what comes back by the engine too, above the same publication without an engine. */
  readonly outMicros: number;
  /** CPU time of the primary of a server that gets the publication from the engine, and hands it to a thread. */
  readonly inMicros: number;
  /** CPU time of the engine for a publication that goes to one other server. */
  readonly engineMicros: number;
}
