import { expect, test } from 'vitest';
import { check, Rigs } from './check.js';
import { inputOf, type Setting } from './input.js';
import { PAST_FAILURES } from './past-failures.js';

/** Inputs of the fuzzer that are the same each time. */
const SEED = 2024;
const INPUTS = 400;

const rigs = new Rigs();

function* settings(length: number): Generator<Setting> {
  const limits = [
    { maxPayloadBytes: 300, maxEmptyFragments: 3 },
    { maxPayloadBytes: 2 ** 32 - 1, maxEmptyFragments: 100 },
  ];
  for (const limit of limits) {
    for (const sizes of [[length], [1], [7, 2, 5]]) {
      for (const odd of [true, false]) {
        for (const pauseEach of [0, 1, 2]) {
          yield {
            ...limit,
            sizes,
            pauseEach,
            fullArena: odd,
            detaches: !odd,
            readsOnAfterClose: odd,
            endsWhileLent: false,
            deflate: pauseEach === 2 ? { windowBits: 15, contextTakeover: odd } : undefined,
            pausesInflating: odd,
          };
        }
      }
    }
  }
}

test.each(Object.entries(PAST_FAILURES))('agrees with the reference about %s', (_name, hex) => {
  const stream = Buffer.from(hex.replaceAll(' ', ''), 'hex');
  expect(stream.length * 2).toBe(hex.replaceAll(' ', '').length);
  for (const setting of settings(stream.length)) check({ stream, setting }, rigs);
});

// The reference takes its time on a machine that is busy.
test('agrees with the reference about hundreds of inputs of the fuzzer, and writes to nobody else\u2019s memory', () => {
  const outcomes = new Set<number | undefined>();
  let heapMessages = 0;
  for (let number = 0; number < INPUTS; number++) {
    const agreement = check(inputOf(SEED, number), rigs);
    outcomes.add(agreement.verdict.closeCode);
    heapMessages += agreement.heapMessages;
  }
  // The inputs must be interesting enough.
  expect(outcomes).toEqual(new Set([undefined, 1002, 1007, 1008, 1009]));
  expect(heapMessages).toBeGreaterThan(0);
}, 60_000);
