import type { Kernel } from '../kernels/kernel.js';

/** Runs a kernel's operation `times` times over one range. */
export type Batch = (kernel: Kernel, times: number, offset: number, length: number) => number;

/** A kernel, and a batch that only this kernel runs. */
export interface Subject {
  readonly kernel: Kernel;
  readonly run: Batch;
}

/** How long a batch takes, in ms, about. */
const BATCH_MS = 0.08;
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

/**
 * Measures the nanoseconds per call of each subject. The subjects take turns for `budgetMs`, so that all of them meet the same
 * disturbances. The best batch of each counts, because a disturbance only ever adds time. (A tool that times each call, or prints
 * one candidate's mean after another's, cannot tell 5 ns from 8 on a shared machine.)
 */
export function nanoseconds(subjects: readonly Subject[], offset: number, length: number, budgetMs: number): number[] {
  const end = performance.now() + budgetMs;
  const turns = subjects.map((subject) => ({
    ...subject,
    times: calibrated(subject, offset, length),
    best: Number.POSITIVE_INFINITY,
  }));
  for (let round = 0; round < MIN_ROUNDS || performance.now() < end; round++) {
    for (const turn of turns) {
      const start = performance.now();
      turn.run(turn.kernel, turn.times, offset, length);
      turn.best = Math.min(turn.best, ((performance.now() - start) * 1e6) / turn.times);
    }
  }
  return turns.map(({ best }) => best);
}

/** How many calls make a batch of about `BATCH_MS`. Finding out also warms the code up. */
function calibrated({ kernel, run }: Subject, offset: number, length: number): number {
  for (let times = 1; ; times *= 2) {
    const start = performance.now();
    run(kernel, times, offset, length);
    if (performance.now() - start >= BATCH_MS) return times;
  }
}
