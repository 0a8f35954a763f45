import { describe, expect, it } from 'vitest';
import { parseCounts } from '../../../bench/study/counters.js';
import { ASKS, tierUp } from '../../../bench/study/questions.js';

/** Code that takes `slow` ms for each of its first calls, and then `fast` ms. */
function compiled(after: number, slow: number, fast: number) {
  let ms = 0;
  let calls = 0;
  const kernel = {
    unmask: () => {
      ms += calls++ < after ? slow : fast;
    },
  };
  return tierUp(kernel, () => ms);
}

describe('the calls until code is fast', () => {
  it('are those of all windows of 1, 2, 4 … calls up to the last slow one', () => {
    expect(compiled(0, 10, 10)).toEqual({ first: 10_000, calls: 0 });
    expect(compiled(1, 40, 10)).toEqual({ first: 40_000, calls: 1 });
    expect(compiled(100, 40, 10).calls).toBe(127);
    expect(compiled(1000, 40, 10).calls).toBe(1023);
  });

  it('do not count code as slow that takes up to 1.5 times as long', () => {
    expect(compiled(1000, 14, 10).calls).toBe(0);
    expect(compiled(1000, 16, 10).calls).toBe(1023);
  });
});

describe('a process that is asked', () => {
  // A reading of the clock takes a millisecond.
  const ask = (name: string) => {
    let ms = 0;
    return ASKS[name]?.(() => ms++);
  };

  it('answers one question about one thing', () => {
    const subject = 'by 16 MiB, with a maximum';
    expect(ask(`grow ${subject}`)).toEqual([{ question: 'grow', subject, value: 1000 }]);
    expect(ask('new view')).toEqual([{ question: 'new view', subject: 'Uint8Array', value: 10 }]);
  });

  it('is asked about each thing that the report has', () => {
    expect(Object.keys(ASKS)).toHaveLength(2 * 2 + 3 + 4 + 1 + 4);
  });
});

describe('what perf stat prints', () => {
  const line = (count: string, event: string) => `${count},,${event},12345,100.00,,`;

  it('is read', () => {
    expect(parseCounts(`${line('1234567', 'instructions:u')}\n${line('345678', 'cycles:u')}\n`)).toEqual([
      1_234_567, 345_678,
    ]);
  });

  it.each([
    `${line('<not supported>', 'instructions:u')}\n${line('<not supported>', 'cycles:u')}\n`,
    `${line('1234567', 'instructions:u')}\n${line('<not counted>', 'cycles:u')}\n`,
    line('1234567', 'instructions:u'),
    '',
  ])('is nothing where it cannot count: %j', (text) => {
    expect(parseCounts(text)).toBeUndefined();
  });
});
