import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { TimedPublication } from '../../dist/fleet/fleet-publication.js';
import { KeptPublications } from '../../dist/fleet/kept-publications.js';

const bytes = (length: number, value = 1) => new Uint8Array(length).fill(value);

/** A message of so many bytes. */
const publication = (topic: string, length: number, timestamp = 0): TimedPublication => ({
  topic,
  frames: bytes(length),
  messages: 1,
  timestamp,
  mayCompress: true,
});

function takeAll(kept: KeptPublications): TimedPublication[] {
  const all: TimedPublication[] = [];
  for (let one = kept.shift(); one !== undefined; one = kept.shift()) all.push(one);
  return all;
}

test('nothing is kept by default', () => {
  const kept = new KeptPublications(0);
  expect(kept.add(publication('a', 0))).toBe(false);
  expect(kept.isEmpty).toBe(true);
  expect(kept.shift()).toBeUndefined();
});

test('what is kept is a copy, in the order of publishing', () => {
  const kept = new KeptPublications(10_000);
  const frames = bytes(3);
  kept.add({ topic: 'a', frames, messages: 2, timestamp: 7, mayCompress: false });
  frames.fill(9);
  kept.add({ topic: 'b', frames, messages: 1, timestamp: 8, mayCompress: true });
  expect(takeAll(kept)).toEqual([
    { topic: 'a', frames: bytes(3, 1), messages: 2, timestamp: 7, mayCompress: false },
    { topic: 'b', frames: bytes(3, 9), messages: 1, timestamp: 8, mayCompress: true },
  ]);
});

test('after the first that has no room nothing is kept until all was taken out, so that there is no gap', () => {
  const kept = new KeptPublications(1200);
  expect(kept.add(publication('a', 300))).toBe(true);
  expect(kept.add(publication('a', 200))).toBe(true);
  expect(kept.add(publication('a', 300))).toBe(false);
  expect(kept.add(publication('a', 1))).toBe(false);
  kept.shift();
  expect(kept.add(publication('a', 1))).toBe(false);
  kept.shift();
  expect(kept.add(publication('a', 1))).toBe(true);
});

test('one that is larger than the whole room does not end keeping for ever', () => {
  const kept = new KeptPublications(1000);
  expect(kept.add(publication('a', 2000))).toBe(false);
  expect(kept.add(publication('a', 1))).toBe(false); // behind a gap
  expect(kept.shift()).toBeUndefined(); // the engine is there again
  expect(kept.add(publication('a', 1))).toBe(true);
});

test('what fills the room to the last byte is kept', () => {
  const kept = new KeptPublications(10_000);
  kept.add(publication('a', 100));
  const exact = new KeptPublications(kept.bytes);
  expect(exact.add(publication('a', 100))).toBe(true);
  expect(exact.add(publication('', 0))).toBe(false);
});

test('topics and many small publications count too', () => {
  const kept = new KeptPublications(10_000);
  let added = 0;
  while (kept.add(publication('topic', 2))) added++;
  expect(added).toBeLessThan(100);
  expect(new KeptPublications(10_000).add(publication('t'.repeat(5000), 2))).toBe(false);
});

test('it is a queue of so many bytes, whatever is added and taken out', () => {
  const step = fc.oneof(fc.constant(undefined), fc.integer({ min: 0, max: 400 }), fc.constant(10_000));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const kept = new KeptPublications(5000);
      const model: number[] = [];
      for (const [timestamp, length] of steps.entries()) {
        if (length === undefined) {
          expect(kept.shift()?.timestamp).toBe(model.shift());
        } else if (kept.add(publication('', length, timestamp))) {
          model.push(timestamp);
        }
        expect(kept.isEmpty).toBe(model.length === 0);
        expect(kept.bytes).toBeLessThanOrEqual(5000);
        expect(kept.bytes === 0).toBe(model.length === 0);
      }
      expect(takeAll(kept).map(({ timestamp }) => timestamp)).toEqual(model);
      expect(kept.bytes).toBe(0);
      expect(kept.add(publication('', 1))).toBe(true);
    }),
  );
});
