/** What a candidate is: code as text, so that it can be compiled into a loop of its own. */
import type { Workplace } from './workplace.js';

export type Operation = 'unmask' | 'validate' | 'unmaskText';

/** The names of what a candidate may use. Beside these there are `length`, `key` (an int32) and `mask` (the same as four bytes). */
export interface Names {
  readonly subject: string;
  readonly offset: string;
  readonly view: string;
  /** The range in ordinary memory. */
  readonly source: string;
}

/** Where a candidate leaves the unmasked bytes: in place, elsewhere in WASM memory, or where they were in ordinary memory. */
export type Landing = 'place' | 'scratch' | 'source';

export interface Candidate {
  readonly op: Operation;
  readonly name: string;
  readonly landing: Landing;
  /** Whether its calls leave something to the collector, a view or a string: see Effort in ./harness. */
  readonly allocates?: true;
  /** Makes what it needs, once per process. */
  make(workplace: Workplace): object;
  /** An expression that runs it once. If it validates, its value is 1 for valid text and 0 for invalid text. */
  call(names: Names): string;
}

/** A candidate, whatever its operation is. */
export type Step = Omit<Candidate, 'op'>;

/** Unmasking by a kernel. */
export const kernelStep = (name: string, make: Step['make']): Step => ({
  name,
  landing: 'place',
  make,
  call: ({ subject, offset }) => `${subject}.unmask(${offset}, length, key)`,
});

/** Validation by a kernel. */
export const kernelValidation = (name: string, make: Step['make']): Step => ({
  name,
  landing: 'place',
  make,
  call: ({ subject, offset }) => `(${subject}.validate(${offset}, length, 0) === 0)`,
});
