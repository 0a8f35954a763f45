import type { Kernel } from './built.js';

/** Runs a kernel's operation `times` times over one range. */
export type Batch = (kernel: Kernel, times: number, offset: number, length: number) => void;

/** How long a batch is, about, and how many of each candidate are run, in turns. */
const BATCH_MS = 0.08;
const ROUNDS = 60;

let batches = 0;

/**
 * A batch for one operation of one kernel. Each is compiled from a source of its own, made different by a number: what
 * shares its source shares its type feedback, and a call site that has seen every kernel is slower than a server's, which
 * sees one.
 */
export function batch(call: string): Batch {
  return new Function(
    'kernel',
    'times',
    'offset',
    'length',
    `/* ${batches++} */ for (let i = 0; i < times; i++) kernel.${call};`,
  ) as Batch;
}

/**
 * Nanoseconds per call for each kernel. The candidates take turns, so that all of them meet the same disturbances, and
 * the best of each counts: what else runs on a machine only ever adds time. (A tool that times each call, or prints one
 * candidate's mean after another's, cannot tell 5 ns from 8 on a shared machine.)
 */
export function nanoseconds(
  kernels: readonly Kernel[],
  batches: readonly Batch[],
  offset: number,
  length: number,
): number[] {
  const best = kernels.map(() => Number.POSITIVE_INFINITY);
  const times = kernels.map((kernel, i) => calibrated(kernel, batches[i] as Batch, offset, length));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, kernel] of kernels.entries()) {
      const runs = times[i] as number;
      const start = performance.now();
      (batches[i] as Batch)(kernel, runs, offset, length);
      const perCall = ((performance.now() - start) * 1e6) / runs;
      if (perCall < (best[i] as number)) best[i] = perCall;
    }
  }
  return best;
}

/** How many calls make a batch of about `BATCH_MS`. Finding out also warms the code up. */
function calibrated(kernel: Kernel, run: Batch, offset: number, length: number): number {
  for (let times = 1; ; times *= 2) {
    const start = performance.now();
    run(kernel, times, offset, length);
    if (performance.now() - start >= BATCH_MS) return times;
  }
}
