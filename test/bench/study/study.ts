import type { CaseKey } from '../../../bench/study/case.js';
import type { Check } from '../../../bench/study/check.js';
import { LEAST_CHECKS } from '../../../bench/study/gate.js';
import {
  type EndToEndResult,
  type EngineResult,
  type Figure,
  figureOf as figureOfAttempts,
  type Study,
} from '../../../bench/study/results.js';
import { THRESHOLDS } from '../../../dist/kernels/thresholds.js';

/** How many rounds the made-up studies have. */
export const ROUNDS = 7;

export function keyOf(candidate: string, bytes: number, more: Partial<CaseKey> = {}): CaseKey {
  return { op: 'unmask', content: 'any', alignment: 6, pattern: 'hot', candidate, bytes, ...more };
}

/** A figure whose attempts took this many nanoseconds per call: all of them, or each. */
export function figureOf(
  candidate: string,
  bytes: number,
  ns: number | readonly number[],
  more: Partial<CaseKey> = {},
): Figure {
  const attempts = typeof ns === 'number' ? Array.from({ length: ROUNDS }, () => ns) : ns;
  return figureOfAttempts(keyOf(candidate, bytes, more), attempts);
}

export function engineOf(figures: readonly Figure[], more: Partial<EngineResult> = {}): EngineResult {
  return {
    name: 'Node 20',
    version: 'v20.1.2',
    compiler: 'V8 11.3',
    rounds: ROUNDS,
    figures,
    sentinel: Array.from({ length: ROUNDS }, () => 200_000),
    answers: [],
    thresholds: THRESHOLDS,
    ...more,
  };
}

/** A study of one engine. */
export function studyOf(figures: readonly Figure[], more: Partial<Study> = {}): Study {
  return {
    format: 2,
    date: '2026-01-02T03:04:05.678Z',
    commit: '0123456789',
    machine: { cpu: 'a CPU', cores: 2, memoryGiB: 4, kernel: 'Linux 6', node: 'v20.1.2' },
    isQuick: false,
    cacheBytes: 32 * 1024 * 1024,
    fingerprints: {},
    modules: [],
    engines: [engineOf(figures)],
    endToEnd: [],
    memory: [],
    checks: checksLike({ name: 'a case', own: 100, slower: 100, ns: 100 }),
    failures: [],
    ...more,
  };
}

/** As many figures of the second program as a study needs, all the same. */
export function checksLike(check: Check): Check[] {
  return Array.from({ length: LEAST_CHECKS }, () => check);
}

/** A server that carried the same in each of five rounds, or these figures in one each. */
export function serverOf(
  kernel: string,
  perSecond: number | readonly number[],
  more: Partial<EndToEndResult> & { readonly isClientBound?: boolean; readonly isDisturbed?: boolean } = {},
): EndToEndResult {
  const { isClientBound = false, isDisturbed = false, ...others } = more;
  const rounds = typeof perSecond === 'number' ? Array.from({ length: 5 }, () => perSecond) : perSecond;
  const load = { threads: 1, connections: 100, bytes: 1024, inFlight: 16, content: 'binary' } as const;
  const turns = rounds.map((one) => ({ perSecond: one, microsPerMessage: 1e6 / one, isClientBound, isDisturbed }));
  return { kernel, ...load, turns, ...others };
}
