import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type KeptPublication, KeptPublications } from '../../dist/fleet/kept-publications.js';

const bytes = (length: number, value = 1) => new Uint8Array(length).fill(value);

function takeAll(kept: KeptPublications): KeptPublication[] {
  const all: KeptPublication[] = [];
  for (let one = kept.shift(); one !== undefined; one = kept.shift()) all.push(one);
  return all;
}

test('nothing is kept by default', () => {
  const kept = new KeptPublications(0);
  expect(kept.add('a', bytes(0), 1, 0)).toBe(false);
  expect(kept.isEmpty).toBe(true);
  expect(kept.shift()).toBeUndefined();
});

test('what is kept is a copy, in the order of publishing', () => {
  const kept = new KeptPublications(10_000);
  const frames = bytes(3);
  kept.add('a', frames, 2, 7);
  frames.fill(9);
  kept.add('b', frames, 1, 8);
  expect(takeAll(kept)).toEqual([
    { topic: 'a', frames: bytes(3, 1), messages: 2, timestamp: 7, mayCompress: true },
    { topic: 'b', frames: bytes(3, 9), messages: 1, timestamp: 8, mayCompress: true },
  ]);
});

test('after the first that has no room nothing is kept until all was taken out, so that there is no gap', () => {
  const kept = new KeptPublications(1000);
  expect(kept.add('a', bytes(300), 1, 0)).toBe(true);
  expect(kept.add('a', bytes(200), 1, 0)).toBe(true);
  expect(kept.add('a', bytes(300), 1, 0)).toBe(false);
  expect(kept.add('a', bytes(1), 1, 0)).toBe(false);
  kept.shift();
  expect(kept.add('a', bytes(1), 1, 0)).toBe(false);
  kept.shift();
  expect(kept.add('a', bytes(1), 1, 0)).toBe(true);
});

test('topics and many small publications count too', () => {
  const kept = new KeptPublications(10_000);
  let added = 0;
  while (kept.add('topic', bytes(2), 1, 0)) added++;
  expect(added).toBeLessThan(100);
  expect(new KeptPublications(10_000).add('t'.repeat(5000), bytes(2), 1, 0)).toBe(false);
});

test('it is a queue of so many bytes, whatever is added and taken out', () => {
  const step = fc.oneof(fc.constant(undefined), fc.integer({ min: 0, max: 400 }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const kept = new KeptPublications(5000);
      const model: number[] = [];
      for (const [timestamp, length] of steps.entries()) {
        if (length === undefined) {
          expect(kept.shift()?.timestamp).toBe(model.shift());
        } else if (kept.add('', bytes(length), 1, timestamp)) {
          model.push(timestamp);
        }
        expect(kept.isEmpty).toBe(model.length === 0);
        expect(kept.bytes).toBeLessThanOrEqual(5000);
        expect(kept.bytes === 0).toBe(model.length === 0);
      }
      expect(takeAll(kept).map(({ timestamp }) => timestamp)).toEqual(model);
      expect(kept.bytes).toBe(0);
    }),
  );
});
