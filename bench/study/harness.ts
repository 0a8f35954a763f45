import { Bench } from 'tinybench';
import { percentile } from '../statistics.js';
import type { Candidate } from './candidates.js';
import type { Group } from './design.js';
import type { Figure } from './results.js';
import { Loops, Trial } from './trial.js';
import type { Workplace } from './workplace.js';

/** How much is measured. */
export interface Effort {
  /** How many turns each candidate has in a case. */
  readonly rounds: number;
  /** How long a turn lasts, in ms. */
  readonly ms: number;
  /** How many batches a turn has at least. */
  readonly batches: number;
  /** How many times a case may be measured before it is given up. */
  readonly attempts: number;
}

export const FULL_EFFORT: Effort = { rounds: 3, ms: 12, batches: 5, attempts: 8 };
export const QUICK_EFFORT: Effort = { rounds: 2, ms: 3, batches: 4, attempts: 3 };

/**
 * A case is not reported while the middle half of its batches spreads over more than this part of their median. A difference
 * between two candidates could then come from the moments at which they were measured.
 */
export const SPREAD_BOUND = 0.1;

/** One candidate, and the means to measure it. */
export interface Case {
  readonly group: Group;
  readonly candidate: Candidate;
}

/** The results of the cases. */
export interface Outcome {
  readonly figures: readonly Figure[];
  /** Cases that spread too much in every attempt, with the figures of the last attempt. */
  readonly unreported: readonly Figure[];
}

/** Measures cases by tinybench, whose tasks are batches of calls. */
export class Harness {
  readonly #workplace: Workplace;
  readonly #loops: Loops;
  readonly #effort: Effort;

  constructor(workplace: Workplace, effort: Effort) {
    this.#workplace = workplace;
    this.#loops = new Loops(workplace);
    this.#effort = effort;
  }

  /**
   * Measures all cases, and those again that have spread too much.
   * @param onTurn is called with the number of turns that are done, and the number of all turns of this attempt
   * @throws WrongResult, with the case in its message, if a candidate is wrong
   */
  measure(cases: readonly Case[], onTurn: (done: number, all: number, attempt: number) => void = () => {}): Outcome {
    const steady = new Map<Case, Figure>();
    const unsteady = new Map<Case, Figure>();
    for (let attempt = 1; attempt <= this.#effort.attempts; attempt++) {
      const left = cases.filter((one) => !steady.has(one));
      for (const [one, samples] of this.#attempt(left, (done, all) => onTurn(done, all, attempt))) {
        const figure = figureOf(one, samples);
        if (isSteady(figure)) steady.set(one, figure);
        else unsteady.set(one, figure);
      }
    }
    const of = (figures: ReadonlyMap<Case, Figure>) => (one: Case) => figures.get(one) ?? [];
    return {
      figures: cases.flatMap(of(steady)),
      unreported: cases.filter((one) => !steady.has(one)).flatMap(of(unsteady)),
    };
  }

  /**
   * Each round goes over all cases, so that the turns of one case are far apart. A disturbance of the machine then shows as spread,
   * and is not taken for the speed of the candidates whose turn it was. Every other round goes backwards.
   */
  #attempt(cases: readonly Case[], onTurn: (done: number, all: number) => void): Map<Case, number[]> {
    const samples = new Map<Case, number[]>(cases.map((one) => [one, []]));
    const { rounds } = this.#effort;
    let done = 0;
    for (let round = 0; round < rounds; round++) {
      for (const one of round % 2 === 0 ? cases : cases.toReversed()) {
        const taken = samples.get(one);
        for (const sample of this.#turn(one)) taken?.push(sample);
        onTurn(++done, rounds * cases.length);
      }
    }
    return samples;
  }

  /** Nanoseconds per call, for each batch. */
  #turn({ group, candidate }: Case): number[] {
    const { ms, batches } = this.#effort;
    const isCold = group.cache === 'cold';
    const places = this.#workplace[group.cache](group.bytes, group.alignment);
    const trial = new Trial(candidate, group, places, this.#workplace, this.#loops);
    const name = describe(group, candidate);
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

function figureOf({ group, candidate }: Case, samples: readonly number[]): Figure {
  const { op, content, bytes, alignment, cache } = group;
  const at = (part: number) => Number(percentile(samples, part).toPrecision(4));
  const [q1, ns, q3] = [at(0.25), at(0.5), at(0.75)];
  return { op, candidate: candidate.name, content, bytes, alignment, cache, ns, q1, q3, batches: samples.length };
}

function isSteady({ q1, ns, q3 }: Figure): boolean {
  return (q3 - q1) / ns <= SPREAD_BOUND;
}

function describe({ op, content, bytes, alignment, cache }: Group, { name }: Candidate): string {
  return `${op} by ${name}, ${bytes} bytes, ${content}, alignment ${alignment}, ${cache}`;
}
