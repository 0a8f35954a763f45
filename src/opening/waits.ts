import type { Duplex } from 'node:stream';
import type { Boundary } from './boundary.js';

/** The actions for a socket that waits for too long. */
export interface WaitEnds {
  /** Reports that the time is over. */
  late(): void;
  /** Ends the connection, because its time is over or the server closes. */
  giveUp(why: string): void;
}

/** A socket that waits. */
export interface Wait {
  /** Ends the wait. @returns whether the socket is still open, and its time was not over */
  stop(): boolean;
  /**
   * Notes that the client has ended its side. It does not count any more, but the bytes that it has sent are still to be
   * answered.
   */
  depart(): void;
}

/** Sockets that wait for something in this thread, each for a bounded time. */
export class Waits {
  readonly #timeoutMs: number;
  readonly #boundary: Boundary;
  /** The functions that end the waits. */
  readonly #waiting = new Set<(why: string) => void>();
  readonly #departed = new Set<(why: string) => void>();

  constructor(timeoutMs: number, boundary: Boundary) {
    this.#timeoutMs = timeoutMs;
    this.#boundary = boundary;
  }

  /** How many sockets wait, without those that have departed. */
  get size(): number {
    return this.#waiting.size;
  }

  /** @param limitMs the longest time of this wait, in ms. */
  begin(socket: Duplex, { late, giveUp }: WaitEnds, limitMs = this.#timeoutMs): Wait {
    let isOver = false;
    const stop = () => {
      if (isOver) return false;
      isOver = true;
      this.#waiting.delete(abort);
      this.#departed.delete(abort);
      clearTimeout(timer);
      socket.off('close', stop);
      return !socket.destroyed;
    };
    const abort = (why: string) => {
      if (stop()) this.#boundary.guard(socket, () => giveUp(why));
    };
    const timer = setTimeout(() => {
      late();
      abort('the server took too long to decide\n');
    }, limitMs);
    socket.on('close', stop);
    this.#waiting.add(abort);
    const depart = () => {
      if (this.#waiting.delete(abort)) this.#departed.add(abort);
    };
    return { stop, depart };
  }

  /** Ends all waits. */
  abortAll(why: string): void {
    for (const abort of [...this.#waiting, ...this.#departed]) abort(why);
  }
}
