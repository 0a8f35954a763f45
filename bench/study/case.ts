/** What a case is. Engines, results and reports know cases by these fields alone. */
import type { Content } from '#dist/study/texts.js';
import type { Operation } from './candidates.js';

/**
 * How the calls of a case follow each other.
 *
 * - `hot`: one range again and again, in cache as far as it fits. Calls may overlap: this is throughput.
 * - `cold`: ranges that are in no cache.
 * - `many`: 4096 different texts of the same size, in the last cache: the processor cannot learn the branches of one text by heart.
 * - `latency`: the range of a call depends on the result of the call before, so that no two calls overlap.
 */
export const PATTERNS = ['hot', 'cold', 'many', 'latency'] as const;
export type Pattern = (typeof PATTERNS)[number];

/** One way to do one thing to one kind of range. */
export interface CaseKey {
  readonly op: Operation;
  readonly candidate: string;
  /** `any` where the content makes no difference. */
  readonly content: Content | 'any';
  readonly bytes: number;
  /** The first byte's distance from a multiple of 8. */
  readonly alignment: number;
  readonly pattern: Pattern;
}

/** The fields of a case, in the order in which they are written. */
export const KEY_FIELDS = ['op', 'candidate', 'content', 'bytes', 'alignment', 'pattern'] as const;

/** A text that no other case has. */
export function nameOf({ op, candidate, content, bytes, alignment, pattern }: CaseKey): string {
  return [op, candidate, content, bytes, alignment, pattern].join(' ');
}
