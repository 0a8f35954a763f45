/**
 * What browsers measure: the cases that comparisons between engines need, because each takes a quarter of a second there. A browser's clock
 * moves in coarse steps, so batches are long.
 */
import type { Operation } from './candidate.js';
import { type Group, USUAL_ALIGNMENT, USUAL_CONTENTS } from './design.js';
import { type Case, casesOf, type Effort } from './harness.js';
import { portableCandidates } from './portable-candidates.js';

const KIB = 1024;
const SIZES = {
  // Also where one way overtakes another, or falls behind again: crossovers are looked for at sizes that all engines have.
  full: [4, 16, 64, 125, 256, 512, KIB, 4 * KIB, 16 * KIB, 32 * KIB, 64 * KIB, KIB * KIB],
  quick: [16, 125, KIB, 64 * KIB],
};
/** At this size, which the tables of engines are about, all ways to unmask and to validate are measured. */
const ALL_AT = 64 * KIB;
/** The candidates at the other sizes. */
const ONLY: Readonly<Record<Operation, readonly string[]>> = {
  unmask: [
    'js-byte',
    'js',
    'js-words-8, kept, of a view',
    'js-bigint-4, kept, of a view',
    'js-bigint-4, closure, of a view',
    'wasm-scalar',
    'wasm',
    'wasm, copy in and out',
  ],
  validate: ['js', 'TextDecoder', 'wasm'],
  unmaskText: ['js, fused', 'wasm, fused'],
};

const COARSE = { batchMs: 50, batches: 3, ms: 0, stretchMs: 0, sentinelEvery: 10, sentinelRuns: 50 };
export const BROWSER_EFFORT: Readonly<Record<'full' | 'quick', Effort>> = {
  full: { ...COARSE, warmUp: { loopMs: 60, caseMs: 0 } },
  quick: { ...COARSE, warmUp: { loopMs: 15, caseMs: 0 } },
};

export function browserGroups(isQuick: boolean): Group[] {
  const usual = { alignment: USUAL_ALIGNMENT, pattern: 'hot' } as const;
  return SIZES[isQuick ? 'quick' : 'full'].flatMap((bytes) => {
    const group = (op: Operation, content: Group['content']): Group => {
      const hasAll = bytes === ALL_AT && op !== 'unmaskText' && !isQuick;
      return { ...usual, op, content, bytes, ...(hasAll ? {} : { only: ONLY[op] }) };
    };
    return [
      group('unmask', 'any'),
      ...USUAL_CONTENTS.flatMap((content) => [group('validate', content), group('unmaskText', content)]),
    ];
  });
}

export function browserCases(isQuick: boolean): Case[] {
  return casesOf(browserGroups(isQuick), portableCandidates);
}
