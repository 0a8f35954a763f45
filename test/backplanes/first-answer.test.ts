import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { firstAnswer } from '../../dist/backplanes/first-answer.js';
import { settled } from '../fleet/fake-backplane.js';

interface Asked {
  readonly signal: AbortSignal;
  answer(what: string): void;
  fail(message: string): void;
}

const ADDRESSES = ['a', 'b', 'c'].map((host) => ({ host, port: 1 }));
const asked = new Map<string, Asked>();
const discarded: string[] = [];
let giveUp: AbortController;

/** Asks the addresses, beginning with the first. What becomes of it is noted. */
function start() {
  const result = { answer: undefined as string | undefined, error: undefined as string | undefined };
  const ask = ({ host }: { readonly host: string }, signal: AbortSignal) =>
    new Promise<string>((resolve, reject) => {
      asked.set(host, { signal, answer: resolve, fail: (message) => reject(new Error(message)) });
      signal.addEventListener('abort', () => reject(new Error(`${host} was given up`)));
    });
  firstAnswer(ADDRESSES, giveUp.signal, ask, (answer) => discarded.push(answer)).then(
    ({ address, answer }) => {
      result.answer = `${address.host}: ${answer}`;
    },
    (error: Error) => {
      result.error = error.message;
    },
  );
  return result;
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(0);
  asked.clear();
  discarded.length = 0;
  giveUp = new AbortController();
});

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe('the first answer', () => {
  it('is that of the first address if it comes within a second, and no other one is asked', async () => {
    const result = start();
    vi.advanceTimersByTime(999);
    asked.get('a')?.answer('here');
    await settled();
    expect(result.answer).toBe('a: here');
    expect([...asked.keys()]).toEqual(['a']);
  });

  it('is that of another address if the first does not answer for a second, and the first is given up', async () => {
    const result = start();
    vi.advanceTimersByTime(1000);
    asked.get('b')?.answer('here');
    await settled();
    expect(result.answer).toBe('b: here');
    expect(asked.get('a')?.signal.aborted).toBe(true);
    expect(discarded).toEqual([]);
  });

  it('may be that of an address that was asked before another one', async () => {
    const result = start();
    vi.advanceTimersByTime(1000);
    asked.get('a')?.answer('at last');
    await settled();
    expect(result.answer).toBe('a: at last');
    expect(asked.get('b')?.signal.aborted).toBe(true);
  });

  it('discards others that come at the same time', async () => {
    const result = start();
    vi.advanceTimersByTime(1000);
    asked.get('b')?.answer('one');
    asked.get('a')?.answer('other');
    await settled();
    expect(result.answer).toBe('b: one');
    expect(discarded).toEqual(['other']);
  });

  it('is looked for at the next address as soon as one fails', async () => {
    const result = start();
    asked.get('a')?.fail('refused');
    await settled();
    asked.get('b')?.answer('here');
    await settled();
    expect(result.answer).toBe('b: here');
  });

  it('is waited for until the last of them has failed, and then all of them say why', async () => {
    const result = start();
    vi.advanceTimersByTime(2000);
    expect([...asked.keys()]).toEqual(['a', 'b', 'c']);
    vi.advanceTimersByTime(60_000);
    asked.get('c')?.fail('one');
    asked.get('a')?.fail('two');
    await settled();
    expect(result.error).toBeUndefined();
    asked.get('b')?.fail('three');
    await settled();
    expect(result.error).toBe('one; two; three');
  });

  it('is given up when it is aborted', async () => {
    const result = start();
    vi.advanceTimersByTime(1000);
    giveUp.abort();
    await settled();
    expect(result.error).toBe('a was given up; b was given up');
    expect([...asked.keys()]).toEqual(['a', 'b']);
  });

  it('is not looked for if it is aborted already', async () => {
    giveUp.abort();
    const result = start();
    await settled();
    expect(result.error).toBe('it took too long');
    expect(asked.size).toBe(0);
  });

  it('is looked for from an address on that is drawn at random', async () => {
    vi.mocked(Math.random).mockReturnValue(0.99);
    const result = start();
    for (const host of ['c', 'a', 'b']) {
      expect([...asked.keys()].at(-1)).toBe(host);
      asked.get(host)?.fail(host);
      await settled();
    }
    expect(result.error).toBe('c; a; b');
  });
});
