import { describe, expect, it } from 'vitest';
import { browserCases } from '../../../bench/study/browser-cases.js';
import { keyOf } from '../../../bench/study/harness.js';
import { pageRoundOf } from '../../../bench/study/page-round.js';

const CASES = browserCases(true).slice(0, 3).map(keyOf);
const ATTEMPTS = CASES.map((one, i) => ({ ...one, ns: i + 1 }));
const ROUND = { attempts: ATTEMPTS, sentinel: [200_000, 210_000], clockStepMs: 0.02 };

const read = (posted: unknown) => pageRoundOf(JSON.stringify(posted), CASES, 50);
const withAttempt = (i: number, more: object) => ({
  ...ROUND,
  attempts: ATTEMPTS.map((attempt, at) => (at === i ? { ...attempt, ...more } : attempt)),
});

describe('what a page posts', () => {
  it('is taken if it is what the page was to measure, without anything else that is in it', () => {
    const more = { ...withAttempt(1, { secret: 1 }), name: 'Node 24', thresholds: {} };
    expect(read(more)).toEqual(ROUND);
  });

  it.each<[string, unknown, string | RegExp]>([
    ['is no object', [1], 'a round must be an object, got [1]'],
    ['is null', null, 'a round must be an object, got null'],
    ['has no attempts', { ...ROUND, attempts: undefined }, 'the attempts must be an array, got undefined'],
    ['has an attempt that is no object', { ...ROUND, attempts: [1, 2, 3] }, 'an attempt must be an object, got 1'],
    ['lacks an attempt', { ...ROUND, attempts: ATTEMPTS.slice(1) }, 'a round must have 3 attempts, got 2'],
    [
      'has attempts in another order',
      { ...ROUND, attempts: ATTEMPTS.toReversed() },
      /^attempt 0 must be of unmask js-byte any 16 6 hot, got candidate "wasm-scalar"$/,
    ],
    ['is of another size', withAttempt(2, { bytes: 17 }), /^attempt 2 must be of .* got bytes 17$/],
    ['is of no size', withAttempt(2, { bytes: undefined }), /got bytes undefined$/],
    ['took no time', withAttempt(1, { ns: 0 }), 'unmask js any 16 6 hot must take some ns, got 0'],
    ['took time in words', withAttempt(1, { ns: '5' }), /must take some ns, got "5"$/],
    ['took endless time', withAttempt(1, { ns: Number.POSITIVE_INFINITY }), /must take some ns, got null$/],
    ['has no sentinel', { ...ROUND, sentinel: [] }, 'the sentinel must have run'],
    ['has a sentinel of no time', { ...ROUND, sentinel: [1, -1] }, 'the sentinel must take some ns, got -1'],
    ['says no step', { ...ROUND, clockStepMs: '0.02' }, 'the step of the clock must be a number, got 0.02'],
    ['has a coarse clock', { ...ROUND, clockStepMs: 1 }, /at most 0.5 ms for batches of 50 ms, got 1$/],
  ])('is refused if it %s', (_, posted, message) => {
    expect(() => read(posted)).toThrow(message);
  });

  it('is refused if it is no JSON', () => {
    expect(() => pageRoundOf('{', CASES, 50)).toThrow(SyntaxError);
  });
});
