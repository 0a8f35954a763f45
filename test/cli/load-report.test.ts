import { afterEach, describe, expect, it, vi } from 'vitest';
import { showProgress, warnings } from '../../dist/cli/load-report.js';
import type { LoadProgress } from '../../dist/load/index.js';
import type { LoadResult } from '../../dist/load/load-result.js';

describe('a client that was the bottleneck', () => {
  const resultOf = (mode: LoadResult['mode']) =>
    ({ mode, errorsByKind: {}, client: { utilization: 0.99, cpu: 1, microsPerMessage: 5 } }) as LoadResult;

  it('is reported with the advice to use more threads', () => {
    expect(warnings(resultOf('echo'))).toEqual([expect.stringMatching(/busy 99 % .* Give it more threads \(-w\)/)]);
  });

  it('is not reported for a load that got more than it has sent', () => {
    const errorsByKind = { 'unexpected: more messages than were sent': 1 };
    expect(warnings({ ...resultOf('echo'), errorsByKind })).toEqual([]);
  });

  it('is reported without that advice in broadcast, which has no more threads', () => {
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

  it('shows a rate during the measurement', () => {
    expect(shown({})).toContain('measuring: 2 of 10 s, 3 connections, 2,500/s');
  });

  it('shows no rate while connections are closed', () => {
    expect(shown({ phase: 'closing' })).toMatch(/closing: 2 of 10 s, 3 connections$/);
  });
});
