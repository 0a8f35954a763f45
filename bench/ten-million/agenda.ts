/**
 * What happens next in a simulation of many clients. Each client has at most one event ahead of it. Events of the same moment come in the
 * order of their clients, so that a simulation repeats itself. A binary heap in flat arrays: a million clients are ordinary here.
 */
export class Agenda {
  readonly #times: Float64Array;
  readonly #clients: Uint32Array;
  #size = 0;

  /** @param clients how many there are: they are numbered from 0 */
  constructor(clients: number) {
    this.#times = new Float64Array(clients);
    this.#clients = new Uint32Array(clients);
  }

  get size(): number {
    return this.#size;
  }

  /** The time of the next event; infinite if there is none. */
  get nextTime(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : (this.#times[0] as number);
  }

  /** Adds the event of a client that has none. */
  add(time: number, client: number): void {
    let place = this.#size++;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!this.#isAfter(parent, time, client)) break;
      this.#move(parent, place);
      place = parent;
    }
    this.#times[place] = time;
    this.#clients[place] = client;
  }

  /** Removes the next event. @returns its client. There must be one. */
  take(): number {
    const first = this.#clients[0] as number;
    const last = --this.#size;
    const time = this.#times[last] as number;
    const client = this.#clients[last] as number;
    let place = 0;
    for (let child = 1; child < last; child = 2 * place + 1) {
      const right = child + 1;
      if (right < last && this.#isAfter(child, this.#times[right] as number, this.#clients[right] as number))
        child = right;
      if (this.#isAfter(child, time, client)) break;
      this.#move(child, place);
      place = child;
    }
    this.#times[place] = time;
    this.#clients[place] = client;
    return first;
  }

  #isAfter(place: number, time: number, client: number): boolean {
    const own = this.#times[place] as number;
    return own > time || (own === time && (this.#clients[place] as number) > client);
  }

  #move(from: number, to: number): void {
    this.#times[to] = this.#times[from] as number;
    this.#clients[to] = this.#clients[from] as number;
  }
}
