import { Bench } from 'tinybench';
import { percentile } from '../statistics.js';
import type { Candidate } from './candidates.js';
import type { Group } from './design.js';
import type { Figure } from './results.js';
import { Loops, Trial } from './trial.js';
import type { Workplace } from './workplace.js';

/** How much is measured. */
export interface Effort {
  /** Turns of each candidate in a case. */
  readonly rounds: number;
  /** Of a turn. */
  readonly ms: number;
  /** Batches of a turn, at least. */
  readonly batches: number;
  /** How often a case may be measured before it is given up. */
  readonly attempts: number;
}

export const FULL_EFFORT: Effort = { rounds: 3, ms: 12, batches: 5, attempts: 8 };
export const QUICK_EFFORT: Effort = { rounds: 2, ms: 3, batches: 4, attempts: 3 };

/**
 * A case is not reported while the middle half of its batches spreads over more than this part of their median: the difference
 * between two candidates would be one between two moments.
 */
export const SPREAD_BOUND = 0.1;

/** What the cases of a group came to. */
export interface Outcome {
  readonly figures: readonly Figure[];
  /** Names of those that spread too much in every attempt, and why. */
  readonly unreported: readonly Figure[];
}

/** Measures groups of cases by tinybench, whose tasks are batches of calls. */
export class Harness {
  readonly #workplace: Workplace;
  readonly #loops: Loops;
  readonly #effort: Effort;

  constructor(workplace: Workplace, effort: Effort) {
    this.#workplace = workplace;
    this.#loops = new Loops(workplace);
    this.#effort = effort;
  }

  /** @throws WrongResult, with the case in its message, if a candidate is wrong */
  measure(group: Group, candidates: readonly Candidate[]): Outcome {
    const figures: Figure[] = [];
    let left = candidates;
    let spread: Figure[] = [];
    for (let attempt = 0; attempt < this.#effort.attempts && left.length > 0; attempt++) {
      const measured = this.#attempt(group, left);
      figures.push(...measured.filter(isSteady));
      spread = measured.filter((figure) => !isSteady(figure));
      left = left.filter(({ name }) => spread.some(({ candidate }) => candidate === name));
    }
    return { figures, unreported: spread };
  }

  #attempt(group: Group, candidates: readonly Candidate[]): Figure[] {
    const { bytes, alignment, cache } = group;
    const isCold = cache === 'cold';
    const places = this.#workplace[cache](bytes, alignment);
    const samples = new Map<Candidate, number[]>(candidates.map((candidate) => [candidate, []]));
    for (let round = 0; round < this.#effort.rounds; round++) {
      // In each round in another order: what follows on what is part of what disturbs.
      const turns = round % 2 === 0 ? candidates : candidates.toReversed();
      for (const candidate of turns) {
        const trial = new Trial(candidate, group, places, this.#workplace, this.#loops);
        samples.get(candidate)?.push(...this.#turn(trial, isCold, describe(group, candidate)));
      }
    }
    return [...samples].map(([candidate, all]) => figureOf(group, candidate, all));
  }

  /** Nanoseconds per call, by batch. */
  #turn(trial: Trial, isCold: boolean, name: string): number[] {
    const { ms, batches } = this.#effort;
    try {
      trial.prepare();
      if (isCold) trial.batch();
      else trial.calibrate();
      const bench = new Bench({
        time: isCold ? 0 : ms,
        iterations: batches,
        warmup: false,
        retainSamples: true,
        throws: true,
      });
      bench.add(name, () => trial.batch(), isCold ? { beforeEach: () => this.#workplace.evict() } : {});
      bench.runSync();
      trial.verify(isCold);
      const result = bench.tasks[0]?.result;
      if (result?.state !== 'completed') throw new Error(`it is ${result?.state}`);
      return (result.latency.samples ?? []).map((sampleMs) => (sampleMs * 1e6) / trial.times);
    } catch (error) {
      throw new Error(`${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
}

function figureOf(
  { op, content, bytes, alignment, cache }: Group,
  { name }: Candidate,
  samples: readonly number[],
): Figure {
  const at = (part: number) => Number(percentile(samples, part).toPrecision(4));
  const [q1, ns, q3] = [at(0.25), at(0.5), at(0.75)];
  return { op, candidate: name, content, bytes, alignment, cache, ns, q1, q3, batches: samples.length };
}

function isSteady({ q1, ns, q3 }: Figure): boolean {
  return (q3 - q1) / ns <= SPREAD_BOUND;
}

function describe({ op, content, bytes, alignment, cache }: Group, { name }: Candidate): string {
  return `${op} by ${name}, ${bytes} bytes, ${content}, alignment ${alignment}, ${cache}`;
}
