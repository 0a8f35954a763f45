/** One that has something to compress or decompress that would take too long at once. */
export interface RoundMember {
  /** Does a part of it. @returns whether there is more to do */
  goOn(): boolean;
}

/** After so many ms the members that are left wait for the next iteration of the event loop. */
const ROUND_MS = 4;

/**
 * Large messages are compressed, and by a client decompressed, in the background: in each iteration of the event loop the members go on one after the other, each for a
 * while, until the time of the round is over. The next round begins with the members that had no turn.
 */
export class DeflateRounds {
  readonly #now: () => number;
  #members: RoundMember[] = [];
  #isScheduled = false;
  #iteration = 0;
  #isIterationCounted = false;
  readonly #onNextIteration: () => void;

  /** @param now the time, in ms. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#onNextIteration = () => {
      this.#isIterationCounted = false;
      this.#iteration++;
    };
  }

  /** A number that stays the same for this iteration of the event loop, and is another one in the next. */
  iteration(): number {
    if (!this.#isIterationCounted) {
      this.#isIterationCounted = true;
      setImmediate(this.#onNextIteration);
    }
    return this.#iteration;
  }

  /** From the next iteration of the event loop on, a member goes on until there is nothing more to do. It must not be one already. */
  add(member: RoundMember): void {
    this.#members.push(member);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#run());
  }

  #run(): void {
    this.#isScheduled = false;
    const end = this.#now() + ROUND_MS;
    const members = this.#members;
    this.#members = [];
    const unfinished: RoundMember[] = [];
    let next = 0;
    try {
      do {
        const member = members[next++] as RoundMember; // there is one, or no round would be scheduled
        if (member.goOn()) unfinished.push(member);
      } while (next < members.length && this.#now() < end);
    } finally {
      // Also if one has thrown: the others do not wait in vain.
      this.#members = [...members.slice(next), ...this.#members, ...unfinished];
      if (this.#members.length > 0) this.#schedule();
    }
  }
}
