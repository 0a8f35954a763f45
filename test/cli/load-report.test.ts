import { afterEach, describe, expect, it, vi } from 'vitest';
import { showProgress, warnings } from '../../dist/cli/load-report.js';
import type { LoadProgress } from '../../dist/load/index.js';
import type { LoadResult } from '../../dist/load/load-result.js';

describe('a client that was the bottleneck', () => {
  const resultOf = (mode: LoadResult['mode']) =>
    ({ mode, errorsByKind: {}, client: { utilization: 0.99, cpu: 1, microsPerMessage: 5 } }) as LoadResult;

  it('is to be given more threads', () => {
    expect(warnings(resultOf('echo'))).toEqual([expect.stringMatching(/busy 99 % .* Give it more threads \(-w\)/)]);
  });

  it('is not told so of what more came than was sent', () => {
    const errorsByKind = { 'unexpected: more messages than were sent': 1 };
    expect(warnings({ ...resultOf('echo'), errorsByKind })).toEqual([]);
  });

  it('is not told so in broadcast, where there can be no more', () => {
    expect(warnings(resultOf('broadcast'))).toEqual([expect.stringMatching(/busy 99 % of the time/)]);
    expect(warnings(resultOf('broadcast'))[0]).not.toContain('-w');
  });
});

describe('progress', () => {
  afterEach(() => void vi.restoreAllMocks());

  const shown = (progress: Partial<LoadProgress>) => {
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    showProgress({
      phase: 'measuring',
      elapsedMs: 2000,
      durationMs: 10_000,
      open: 3,
      messages: 5000,
      errors: 0,
      ...progress,
    });
    return String(write.mock.calls[0]?.[0]);
  };

  it('names a rate while it is measured', () => {
    expect(shown({})).toContain('measuring: 2 of 10 s, 3 connections, 2,500/s');
  });

  it('names none of the time that it takes to close', () => {
    expect(shown({ phase: 'closing' })).toMatch(/closing: 2 of 10 s, 3 connections$/);
  });
});
