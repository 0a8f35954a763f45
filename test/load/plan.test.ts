import { describe, expect, it } from 'vitest';
import { OptionError } from '../../dist/client/index.js';
import type { LoadOptions } from '../../dist/load/index.js';
import { planLoad, planOfThread } from '../../dist/load/plan.js';

const url = 'ws://127.0.0.1:8080/';

describe('the plan of a load', () => {
  it('has defaults', () => {
    expect(planLoad({ url })).toMatchObject({
      mode: 'echo',
      connections: 10,
      inFlight: 1,
      durationMs: 10_000,
      amount: Number.POSITIVE_INFINITY,
      warmUpMs: 1000,
      workers: 1,
      isBinary: false,
      expect: 'echo',
    });
    expect(planLoad({ url }).payload.length).toBe(32);
  });

  it('with an amount has neither an end nor a warm-up by itself', () => {
    expect(planLoad({ url, amount: 10 })).toMatchObject({ durationMs: Number.POSITIVE_INFINITY, warmUpMs: 0 });
    expect(planLoad({ url, amount: 10, durationMs: 5, warmUpMs: 7 })).toMatchObject({ durationMs: 5, warmUpMs: 7 });
  });

  it('makes up a message: printable ASCII for text, and the same each time', () => {
    const { payload } = planLoad({ url, sizeBytes: 1000 });
    expect(Buffer.from(payload).toString()).toMatch(/^[ -~]{1000}$/);
    expect(planLoad({ url, sizeBytes: 1000 }).payload).toEqual(payload);
    expect(new Set(planLoad({ url, sizeBytes: 10_000, isBinary: true }).payload).size).toBe(256);
  });

  it('sends strings as text and bytes as binary, unless told otherwise', () => {
    expect(planLoad({ url, message: 'é' })).toMatchObject({ isBinary: false, payload: Buffer.from('é') });
    expect(planLoad({ url, message: Buffer.from([255]) })).toMatchObject({ isBinary: true });
    expect(planLoad({ url, message: Buffer.from('a'), isBinary: false })).toMatchObject({ isBinary: false });
  });

  it('is shared out among threads, to the last', () => {
    const plan = planLoad({ url, connections: 10, amount: 11, ratePerSecond: 100, workers: 4 });
    const parts = [0, 1, 2, 3].map((index) => planOfThread(plan, index));
    expect(parts.map(({ connections }) => connections)).toEqual([3, 3, 2, 2]);
    expect(parts.map(({ amount }) => amount)).toEqual([3, 3, 3, 2]);
    expect(parts.map(({ ratePerSecond }) => ratePerSecond)).toEqual([25, 25, 25, 25]);
    expect(planOfThread(planLoad({ url, workers: 2 }), 0)).toMatchObject({ amount: Number.POSITIVE_INFINITY });
  });

  it('has no more threads than connections', () => {
    expect(planLoad({ url, connections: 3, workers: 8 }).workers).toBe(3);
  });

  it.each<[Record<string, unknown>, string]>([
    [{ url: 'nowhere' }, 'url'],
    [{ url: 'http://127.0.0.1' }, 'url'],
    [{ connections: 0 }, 'connections'],
    [{ inFlight: 10_001 }, 'inFlight'],
    [{ durationMs: 0.5 }, 'durationMs'],
    [{ amount: 0 }, 'amount'],
    [{ ratePerSecond: -1 }, 'ratePerSecond'],
    [{ workers: 0 }, 'workers'],
    [{ sizeBytes: 2 ** 30 }, 'sizeBytes'],
    [{ sizeBytes: 5, message: 'hello' }, 'sizeBytes'],
    [{ message: 5 }, 'message'],
    [{ message: Buffer.from([255]), isBinary: false }, 'message'],
    [{ mode: 'flood' }, 'mode'],
    [{ expect: 'nothing' }, 'expect'],
    [{ mode: 'broadcast', workers: 2 }, 'workers'],
    [{ ca: 'no certificate' }, 'ca'],
    [{ mode: 'broadcast', expect: 'none' }, 'expect'],
    [{ mode: 'idle', amount: 5 }, 'amount'],
    [{ mode: 'connect', ratePerSecond: 5 }, 'ratePerSecond'],
    [{ subprotocols: ['a b'] }, 'subprotocols'],
    [{ headers: { Host: 'x' } }, 'headers'],
    [{ pipelining: 5 }, 'pipelining'],
  ])('refuses %j', (options, option) => {
    const plan = () => planLoad({ url, ...options } as LoadOptions);
    expect(plan).toThrow(OptionError);
    expect(plan).toThrow(expect.objectContaining({ option, code: 'WSLOOM_OPTION' }));
  });
});
