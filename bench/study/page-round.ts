/** What the page and the server that it comes from tell each other, and whether a round is what was asked for. */
import { type CaseKey, KEY_FIELDS, nameOf } from './case.js';
import { expectFineClock } from './clock-step.js';
import type { Round } from './harness.js';

/** What the page is to do. */
export interface PageJob {
  readonly isQuick: boolean;
  /** The number of the round, from 0. */
  readonly round: number;
  /** How many cases are measured at most: the first ones. */
  readonly most?: number;
}

/** What the page posts. */
export interface PageRound extends Round {
  /** The step of its clock, in ms. */
  readonly clockStepMs: number;
}

/** Where it gets its job, and posts its round, or what went wrong. */
export const PATHS = { job: '/job', round: '/round', failure: '/failure' } as const;

/** The modules that its kernels are made of. */
export const MODULES = ['/dist/kernels.wasm', '/dist/kernels-relaxed.wasm', '/dist/kernels-scalar.wasm'] as const;

/**
 * Checks what a page has posted: anything can come from outside.
 * @param cases those that it was to measure, each once, in this order
 * @throws Error that says what is wrong
 */
export function pageRoundOf(text: string, cases: readonly CaseKey[], batchMs: number): PageRound {
  const posted = objectOf(JSON.parse(text), 'a round');
  const { clockStepMs, sentinel: runs, attempts: listed } = posted;
  const attempts = arrayOf(listed, 'the attempts').map((one) => objectOf(one, 'an attempt'));
  if (attempts.length !== cases.length)
    throw new Error(`a round must have ${cases.length} attempts, got ${attempts.length}`);
  if (typeof clockStepMs !== 'number') throw new Error(`the step of the clock must be a number, got ${clockStepMs}`);
  expectFineClock(clockStepMs, batchMs);
  const sentinel = arrayOf(runs, 'the sentinel').map((ns) => costOf(ns, 'the sentinel'));
  if (sentinel.length === 0) throw new Error('the sentinel must have run');
  return {
    attempts: cases.map((one, i) => {
      const attempt = attempts[i] ?? {};
      const wrong = KEY_FIELDS.find((field) => attempt[field] !== one[field]);
      if (wrong !== undefined)
        throw new Error(`attempt ${i} must be of ${nameOf(one)}, got ${wrong} ${JSON.stringify(attempt[wrong])}`);
      const { ns } = attempt;
      return { ...one, ns: costOf(ns, nameOf(one)) };
    }),
    sentinel,
    clockStepMs,
  };
}

function objectOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new Error(`${what} must be an object, got ${JSON.stringify(value)}`);
}

function arrayOf(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new Error(`${what} must be an array, got ${JSON.stringify(value)}`);
}

/** Nanoseconds. */
function costOf(value: unknown, what: string): number {
  if (typeof value === 'number' && value > 0 && value < Number.POSITIVE_INFINITY) return value;
  throw new Error(`${what} must take some ns, got ${JSON.stringify(value)}`);
}
