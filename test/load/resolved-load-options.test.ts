import { describe, expect, it } from 'vitest';
import { OptionError } from '../../dist/client/index.js';
import type { LoadOptions } from '../../dist/load/index.js';
import { resolveLoadOptions, shareOfThread } from '../../dist/load/resolved-load-options.js';

const url = 'ws://127.0.0.1:8080/';

describe('the options of a load', () => {
  it('has defaults', () => {
    expect(resolveLoadOptions({ url })).toMatchObject({
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
    expect(resolveLoadOptions({ url }).payload.length).toBe(32);
  });

  it('with an amount has neither an end nor a warm-up by itself', () => {
    expect(resolveLoadOptions({ url, amount: 10 })).toMatchObject({
      durationMs: Number.POSITIVE_INFINITY,
      warmUpMs: 0,
    });
    expect(resolveLoadOptions({ url, amount: 10, durationMs: 5, warmUpMs: 7 })).toMatchObject({
      durationMs: 5,
      warmUpMs: 7,
    });
  });

  it('makes a message: printable ASCII for text, and the same each time', () => {
    const { payload } = resolveLoadOptions({ url, sizeBytes: 1000 });
    expect(Buffer.from(payload).toString()).toMatch(/^[ -~]{1000}$/);
    expect(resolveLoadOptions({ url, sizeBytes: 1000 }).payload).toEqual(payload);
    expect(new Set(resolveLoadOptions({ url, sizeBytes: 10_000, isBinary: true }).payload).size).toBe(256);
  });

  it('sends strings as text and bytes as binary by default', () => {
    expect(resolveLoadOptions({ url, message: 'é' })).toMatchObject({ isBinary: false, payload: Buffer.from('é') });
    expect(resolveLoadOptions({ url, message: Buffer.from([255]) })).toMatchObject({ isBinary: true });
    expect(resolveLoadOptions({ url, message: Buffer.from('a'), isBinary: false })).toMatchObject({ isBinary: false });
  });

  it('divides connections, amount and rate among threads without a rest', () => {
    const options = resolveLoadOptions({ url, connections: 10, amount: 11, ratePerSecond: 100, workers: 4 });
    const parts = [0, 1, 2, 3].map((index) => shareOfThread(options, index));
    expect(parts.map(({ connections }) => connections)).toEqual([3, 3, 2, 2]);
    expect(parts.map(({ amount }) => amount)).toEqual([3, 3, 3, 2]);
    expect(parts.map(({ ratePerSecond }) => ratePerSecond)).toEqual([25, 25, 25, 25]);
    expect(shareOfThread(resolveLoadOptions({ url, workers: 2 }), 0)).toMatchObject({
      amount: Number.POSITIVE_INFINITY,
    });
  });

  it('has no more threads than connections', () => {
    expect(resolveLoadOptions({ url, connections: 3, workers: 8 }).workers).toBe(3);
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
    const refused = () => resolveLoadOptions({ url, ...options } as LoadOptions);
    expect(refused).toThrow(OptionError);
    expect(refused).toThrow(expect.objectContaining({ option, code: 'WSLOOM_OPTION' }));
  });
});
