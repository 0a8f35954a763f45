import type { Kernel } from '../kernels/kernel.js';
import type { Clock } from './timetable.js';

/** Runs a kernel's operation `times` times over one range. */
export type Batch = (kernel: Kernel, times: number, offset: number, length: number) => number;

/** A kernel, and a batch that only this kernel runs. */
export interface Subject {
  readonly kernel: Kernel;
  readonly run: Batch;
}

/** How long a batch takes, in ms, about; and how long at least where there is little time. */
const BATCH_MS = 0.08;
const MIN_BATCH_MS = 0.01;
/** To find out how many calls make a batch takes about as long as so many batches. */
const CALIBRATION_BATCHES = 3;
/** The least number of batches of each subject, however short the time is. */
const MIN_ROUNDS = 3;

let batches = 0;

/**
 * Makes a batch for one operation of one kernel. Each batch is compiled from its own source, which a number makes different.
 * Batches of the same source would share their type feedback, and a call site that has seen every kernel is slower than that of a
 * server, which sees one. The results of the calls are summed up, so that no call can be left out.
 */
export function batch(call: string): Batch {
  return compile('kernel', `kernel.${call}`, ['offset', 'length']) as Batch;
}

/**
 * Compiles a function of `subject`, `times`, and the other parameters. It evaluates `expression` as often as `times` says, and
 * returns the sum.
 */
export function compile(subject: string, expression: string, others: readonly string[]): unknown {
  return new Function(
    subject,
    'times',
    ...others,
    `/* ${batches++} */ let sum = 0; for (let i = 0; i < times; i++) sum += ${expression} | 0; return sum;`,
  );
}

/** What the batches of one subject say. Times are in ns. */
export interface Timing {
  /** Of a call, in the best batch. */
  readonly best: number;
  /** Of a call, in the median batch. */
  readonly median: number;
  /** How many calls were measured. */
  readonly calls: number;
  /** The time of all these calls. */
  readonly elapsed: number;
}

/**
 * Measures the time per call of each subject. The subjects take turns until `end`, so that all of them meet the same
 * disturbances. The best batch of each counts, because a disturbance only ever adds time. (A tool that times each call, or prints
 * one candidate's mean after another's, cannot tell 5 ns from 8 on a shared machine.)
 * @param end by the clock. Where that is too soon, there are as few and as short batches as mean anything.
 */
export function timings(
  subjects: readonly Subject[],
  offset: number,
  length: number,
  end: number,
  clock: Clock,
): Timing[] {
  const partMs = (end - clock()) / (subjects.length * (CALIBRATION_BATCHES + MIN_ROUNDS));
  const batchMs = Math.max(MIN_BATCH_MS, Math.min(BATCH_MS, partMs));
  const turns = subjects.map(({ kernel, run }) => {
    const time = (times: number) => {
      const start = clock();
      run(kernel, times, offset, length);
      return clock() - start;
    };
    return { time, times: calibrated(time, batchMs), samples: [] as number[] };
  });
  for (let round = 0; round < MIN_ROUNDS || clock() < end; round++) {
    for (const { time, times, samples } of turns) samples.push(time(times));
  }
  return turns.map(({ times, samples }) => timingOf(samples, times));
}

function timingOf(samples: readonly number[], times: number): Timing {
  const sorted = samples.toSorted((one, other) => one - other);
  const nsOf = (index: number) => ((sorted[index] as number) * 1e6) / times;
  return {
    best: nsOf(0),
    median: nsOf(sorted.length >> 1),
    calls: times * samples.length,
    elapsed: samples.reduce((sum, ms) => sum + ms, 0) * 1e6,
  };
}

/** How many calls make a batch of about `batchMs`. Finding out also warms the code up. */
function calibrated(time: (times: number) => number, batchMs: number): number {
  for (let times = 1; ; times *= 2) if (time(times) >= batchMs) return times;
}
