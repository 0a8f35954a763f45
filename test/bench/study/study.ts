import type { CaseKey } from '../../../bench/study/case.js';
import type { Check } from '../../../bench/study/check.js';
import { LEAST_CHECKS } from '../../../bench/study/gate.js';
import {
  type EndToEndResult,
  type EngineResult,
  type Figure,
  figureOf as figureOfAttempts,
  MEASURING,
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

/** The same for a study that is measured as today: of cases with cold caches and many texts too. */
export function newChecks(check: Check): Check[] {
  const others = ['cold', 'many'].map((pattern) => ({ ...check, name: check.name.replace(/\w+$/, pattern) }));
  return [...checksLike(check), ...others];
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

/** A study that a machine can contribute: every field is there, and the gate finds no fault. */
export function wholeStudy(more: Partial<Study> = {}): Study {
  const figures = [figureOf('js', 64, 20), figureOf('js', 1024, 200), figureOf('wasm', 1024, 20)];
  const engine = engineOf(figures, {
    answers: [{ question: 'compile', subject: 'wasm', attempts: [1, 0] }],
    compression: [
      {
        candidate: 'wsloom fast',
        contextTakeover: true,
        bytes: 64,
        ratio: 0.5,
        deflateMicros: 2,
        inflateMicros: 0,
        isSteady: true,
      },
    ],
  });
  return studyOf(figures, {
    machine: {
      cpu: 'a CPU',
      identity: 'family 1',
      vectors: ['AVX2', 'AVX-512F'],
      isVirtual: false,
      platform: 'linux',
      arch: 'x64',
      cores: 2,
      memoryGiB: 4,
      kernel: 'Linux 6.1',
      node: 'v20.1.2',
    },
    fingerprints: { js: '0123456789abcdef', 'many frames in one call': 'fedcba9876543210' },
    modules: [{ name: 'kernels.wasm, with compression', bytes: 10_000, gzipBytes: 4000 }],
    engines: [engine],
    counters: [{ op: 'unmask', candidate: 'js', bytes: 1024, instructionsPerByte: 1.5, cyclesPerByte: 0.5 }],
    endToEnd: [serverOf('js', 100_000), serverOf('auto', 200_000)],
    memory: [{ kernel: 'js', threads: 1, arenaBytes: 2 ** 24, atStart: 5e7, afterSmall: 6e7, afterLarge: 7e7 }],
    mainNode: 'v20.1.2',
    measuring: MEASURING,
    loop: [{ kernel: 'js', content: 'binary', bytes: 20, attempts: [30, 31] }],
    checks: newChecks({ engine: 'Node 20', name: 'unmask js any 1024 6 hot', own: 201, slower: 202, ns: 200 }),
    failures: ['Node 22: it is not there'],
    ...more,
  });
}
