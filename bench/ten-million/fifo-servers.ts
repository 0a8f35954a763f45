/**
 * Some servers with one queue: first come, first served, and every job takes the same time. So the server that is free first is always the
 * one that began longest ago, and the end of a job is known when it comes.
 */
export class FifoServers {
  readonly seconds: number;
  readonly #freeAt: Float64Array;
  #next = 0;
  #busySeconds = 0;

  /** @param seconds what a job takes */
  constructor(servers: number, seconds: number) {
    this.#freeAt = new Float64Array(servers);
    this.seconds = seconds;
  }

  /** The time that the servers have spent, and will spend, on the jobs that have come: of all together. */
  get busySeconds(): number {
    return this.#busySeconds;
  }

  /** When the first of the servers is free. */
  get freeAt(): number {
    return this.#freeAt[this.#next] as number;
  }

  /** A job comes, not before the one that came last. @returns when it begins; it ends {@link seconds} later. */
  enter(time: number): number {
    const start = Math.max(time, this.#freeAt[this.#next] as number);
    this.#freeAt[this.#next] = start + this.seconds;
    this.#next = (this.#next + 1) % this.#freeAt.length;
    this.#busySeconds += this.seconds;
    return start;
  }
}
