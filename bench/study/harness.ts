import { median } from '../statistics.js';
import type { Candidate, Operation } from './candidate.js';
import { type CaseKey, nameOf } from './case.js';
import type { Group } from './design.js';
import { Sentinel } from './sentinel.js';
import { type Clock, Loops, type Pace, Trial } from './trial.js';
import type { Workplace } from './workplace.js';

/** How much is measured in a round. */
export interface Effort extends Pace {
  /** How long a turn lasts, in ms. */
  readonly ms: number;
  /**
   * How long a stretch of batches of a candidate that allocates lasts, in ms: so long that collections fall into it. V8 collects after 1 to 4
   * MiB of views or strings, which takes 1 to 3 ms. Such a turn has {@link STRETCHES} of them.
   */
  readonly stretchMs: number;
  /** How many batches a turn has at least. */
  readonly batches: number;
  /** How many turns there are from one turn of the sentinel to the next. */
  readonly sentinelEvery: number;
  /** How many times the sentinel runs in one of its turns. */
  readonly sentinelRuns: number;
}

/**
 * How often the sentinel runs before it is measured. What V8 has compiled while a loop was running is left at the end of the loop, so that
 * each run took 172 µs; what it has compiled as a whole takes 148. Runs that are too few to be compiled anew if the code is thrown away
 * are as slow: so each turn has several.
 */
const SENTINEL_WARM_UP = 300;

/** How many stretches are measured, so that a disturbance of one of them does not count. */
const STRETCHES = 3;

const FINE = { batchMs: 0.05, batches: 3, sentinelEvery: 50, sentinelRuns: 10 };
export const FULL_EFFORT: Effort = { ...FINE, warmUp: { loopMs: 60, caseMs: 3 }, ms: 6, stretchMs: 4 };
export const QUICK_EFFORT: Effort = { ...FINE, warmUp: { loopMs: 15, caseMs: 0.5 }, ms: 1, stretchMs: 3 };

/** One candidate, and the means to measure it. */
export interface Case {
  readonly group: Group;
  readonly candidate: Candidate;
}

/** One attempt of a case: nanoseconds per call, the median over the batches of a turn or, if the candidate allocates, of stretches of them. */
export interface Attempt extends CaseKey {
  readonly ns: number;
}

/** What one round has measured. */
export interface Round {
  /** One attempt of each case, in the order of the cases. */
  readonly attempts: readonly Attempt[];
  /** Nanoseconds of the sentinel in each of its turns. */
  readonly sentinel: readonly number[];
}

/** The cases of some groups. @param candidatesOf the candidates that this engine has */
export function casesOf(groups: readonly Group[], candidatesOf: (op: Operation) => readonly Candidate[]): Case[] {
  return groups.flatMap((group) =>
    candidatesOf(group.op)
      .filter(({ name }) => group.only?.includes(name) ?? true)
      // A call can wait for the call before only where that one leaves something to read.
      .filter(({ landing }) => group.pattern !== 'latency' || landing !== 'scratch')
      .map((candidate) => ({ group, candidate })),
  );
}

export function keyOf({ group, candidate }: Case): CaseKey {
  const { op, content, bytes, alignment, pattern } = group;
  return { op, candidate: candidate.name, content, bytes, alignment, pattern };
}

/** Measures one round: one attempt of every case. A study has several rounds, each in a process of its own, minutes apart. */
export class Harness {
  readonly #workplace: Workplace;
  readonly #round: number;
  readonly #loops: Loops;
  readonly #effort: Effort;
  readonly #clock: Clock;
  readonly #sentinel: { run(): void };

  /**
   * @param round the number of the round, from 0: every other one goes backwards, and the kind of loop changes
   * @param clock and `sentinel`: other ones are for tests, which must not depend on time
   */
  constructor(
    workplace: Workplace,
    effort: Effort,
    round: number,
    clock: Clock = () => performance.now(),
    sentinel: { run(): void } = new Sentinel(),
  ) {
    this.#workplace = workplace;
    this.#loops = new Loops(workplace, effort, clock, round);
    this.#round = round;
    this.#effort = effort;
    this.#clock = clock;
    this.#sentinel = sentinel;
  }

  /**
   * @param onTurn is called with the number of turns that are done
   * @throws WrongResult, with the case in its message, if a candidate is wrong
   */
  measure(cases: readonly Case[], onTurn: (done: number) => void = () => {}): Round {
    const attempts = new Map<Case, Attempt>();
    const sentinel: number[] = [];
    this.#warmUpSentinel();
    for (const [i, one] of this.#inOrder(cases).entries()) {
      if (i % this.#effort.sentinelEvery === 0) sentinel.push(this.#timeOfSentinel());
      attempts.set(one, { ...keyOf(one), ns: this.#turn(one) });
      onTurn(i + 1);
    }
    return { attempts: cases.map((one) => attempts.get(one) as Attempt), sentinel };
  }

  /** Every other round goes backwards. */
  #inOrder(cases: readonly Case[]): readonly Case[] {
    return this.#round % 2 === 1 ? cases.toReversed() : cases;
  }

  /** Until it is compiled as a whole: an engine that compiles a loop while it runs has to be asked for it in every call until then. */
  #warmUpSentinel(): void {
    for (let i = 0; i < SENTINEL_WARM_UP; i++) this.#sentinel.run();
  }

  #timeOfSentinel(): number {
    const { sentinelRuns } = this.#effort;
    const start = this.#clock();
    for (let i = 0; i < sentinelRuns; i++) this.#sentinel.run();
    return rounded(((this.#clock() - start) * 1e6) / sentinelRuns);
  }

  /** @returns nanoseconds per call */
  #turn(one: Case): number {
    const { group, candidate } = one;
    const isCold = group.pattern === 'cold';
    const places = this.#workplace[group.pattern](group.bytes, group.alignment);
    const trial = new Trial(candidate, group, places, this.#workplace, this.#loops);
    try {
      trial.prepare();
      if (isCold) trial.batch();
      else trial.calibrate();
      // Collections come once in many batches, so a median would leave them out. Cold batches are too few to have any.
      const isLong = candidate.allocates === true && !isCold;
      const samples = isLong ? this.#stretches(trial) : this.#samples(trial, isCold);
      trial.verify();
      return rounded((median(samples) * 1e6) / trial.times);
    } catch (error) {
      throw new Error(`${nameOf(keyOf(one))}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  }

  /** The ms of each batch. */
  #samples(trial: Trial, isCold: boolean): number[] {
    const { ms, batches } = this.#effort;
    const samples: number[] = [];
    const end = this.#clock() + (isCold ? 0 : ms);
    while (samples.length < batches || this.#clock() < end) {
      if (isCold) this.#workplace.evict();
      const start = this.#clock();
      trial.batch();
      samples.push(this.#clock() - start);
    }
    return samples;
  }

  /** The ms of a batch in each stretch: the mean over all of its batches, with the pauses of the collector in it. */
  #stretches(trial: Trial): number[] {
    return Array.from({ length: STRETCHES }, () => {
      const start = this.#clock();
      let batches = 0;
      let ms = 0;
      do {
        trial.batch();
        batches++;
        ms = this.#clock() - start;
      } while (ms < this.#effort.stretchMs);
      return ms / batches;
    });
  }
}

/** Four digits: more would not be reproducible. */
function rounded(ns: number): number {
  return Number(ns.toPrecision(4));
}
