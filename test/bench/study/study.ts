import type { Figure, Study } from '../../../bench/study/results.js';
import { THRESHOLDS } from '../../../dist/kernels/thresholds.js';

/** A figure of this many nanoseconds per call. */
export function figureOf(candidate: string, bytes: number, ns: number, more: Partial<Figure> = {}): Figure {
  const usual = { op: 'unmask', content: 'any', alignment: 6, cache: 'hot' } as const;
  return { ...usual, candidate, bytes, ns, q1: ns, q3: ns, batches: 9, ...more };
}

/** A study of one engine. */
export function studyOf(figures: readonly Figure[], more: Partial<Study> = {}): Study {
  return {
    date: '2026-01-02T03:04:05.678Z',
    commit: '0123456789',
    machine: { cpu: 'a CPU', cores: 2, memoryGiB: 4, kernel: 'Linux 6', node: 'v20.1.2' },
    isQuick: false,
    spreadBound: 0.1,
    attempts: 3,
    cacheBytes: 32 * 1024 * 1024,
    engines: [{ node: 'v20.1.2', v8: '11.3', thresholds: THRESHOLDS, figures, unreported: [] }],
    endToEnd: [],
    threads: [],
    memory: [],
    failures: [],
    ...more,
  };
}
