/** The requests of the process of the clients to the process of the servers, and their answers. */
import type { ServerStats } from '../../dist/index.js';

export interface Request {
  readonly id: number;
  readonly what: 'stats' | 'measure' | 'reload' | 'close';
}

export interface Answer {
  readonly id: number;
  readonly error?: string;
  readonly measured?: Measured;
  readonly stats?: readonly ServerStats[];
}

/** Sent once, when the servers listen. */
export interface Ready {
  /** The ports of the server with threads and of the server without. */
  readonly ports: readonly [number, number];
  readonly canReload: boolean;
}

/** Of the whole process, after a collection in its first thread. */
export interface Measured {
  readonly descriptors: number;
  /** The heap of the primary, without compiled code. */
  readonly heapBytes: number;
  readonly residentBytes: number;
  /** Log lines that nothing in the load explains. */
  readonly unexpectedLines: readonly string[];
}
