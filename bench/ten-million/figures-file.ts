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
  /** A publication to a topic with one subscriber, 32 of them in flight, the copy for the publisher included: in one thread, and in two. */
  readonly publication: { readonly oneThreadMicros: number; readonly twoThreadsMicros: number };
  readonly handshakes: readonly HandshakeFigure[];
  /** A ping to a silent client, and its pong. */
  readonly heartbeatMicros: number;
  readonly wire: readonly WireFigure[];
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

export interface WireFigure {
  /** The payload of a message to a subscriber. */
  readonly bytes: number;
  /** What the network carried both ways for each of them: frame, TCP and IP, acknowledgements. Without Ethernet. */
  readonly wireBytes: number;
  readonly packets: number;
}

export interface BackplaneFigure {
  /** The name of the engine: `NATS`. */
  readonly engine: string;
  readonly bytes: number;
  /** CPU time of the primary of a server that publishes, above the same publication without an engine. */
  readonly outMicros: number;
  /** CPU time of the primary of a server that gets the publication from the engine, and hands it to a thread. */
  readonly inMicros: number;
  /** CPU time of the engine for a publication that goes to one other server. */
  readonly engineMicros: number;
}
