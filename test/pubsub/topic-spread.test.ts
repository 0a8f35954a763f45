import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { engineFor, PARTITIONS, partitionOf } from '../../dist/pubsub/topic-spread.js';

const STARTS = ['room ', '/rooms/', 'user:', ''];
const TOPICS = ['', 'news', '/rooms/1', 'a.*', '😀', '\ud83d', 'x'.repeat(1024)];

/** How many topics that begin so and go on with a number have each place. */
function countsOf(places: number, start: string, placeOf: (topic: string) => number): number[] {
  const counts = new Array<number>(places).fill(0);
  for (let i = 0; i < places * 100; i++) {
    const place = placeOf(`${start}${i}`);
    counts[place] = (counts[place] ?? 0) + 1;
  }
  return counts;
}

// If one of these fails, servers of this version and of those before it do not reach each other: it is the code that is wrong.
it('topics have the same partition, and the same of several engines, in every version', () => {
  expect(TOPICS.map(partitionOf)).toEqual([124, 73, 53, 115, 91, 108, 125]);
  expect(TOPICS.map((topic) => [2, 3, 4, 7].map((engines) => engineFor(topic, engines)))).toEqual([
    [1, 2, 3, 4],
    [1, 1, 1, 1],
    [1, 0, 3, 5],
    [1, 1, 3, 5],
    [0, 0, 2, 2],
    [0, 0, 2, 1],
    [0, 0, 2, 4],
  ]);
});

describe('the partition of a topic', () => {
  it('is from 0 to 127, and the same each time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (topic) => {
        const partition = partitionOf(topic);
        expect(partition).toBe(partitionOf(topic));
        expect(Number.isInteger(partition) && partition >= 0 && partition < PARTITIONS).toBe(true);
      }),
    );
  });

  it.each(STARTS)('divides topics that begin with %j and go on with a number evenly', (start) => {
    const counts = countsOf(PARTITIONS, start, partitionOf);
    expect(Math.min(...counts)).toBeGreaterThan(40);
    expect(Math.max(...counts)).toBeLessThan(200);
  });
});

describe('the engine of a topic', () => {
  it('is below the number of engines, and the only one there is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 100 }), (topic, engines) => {
        const engine = engineFor(topic, engines);
        expect(Number.isInteger(engine) && engine >= 0 && engine < engines).toBe(true);
        expect(engineFor(topic, 1)).toBe(0);
      }),
    );
  });

  it.each(STARTS)('divides topics that begin with %j and go on with a number evenly', (start) => {
    for (const engines of [2, 3, 4, 5, 16]) {
      const counts = countsOf(engines, start, (topic) => engineFor(topic, engines));
      expect(Math.min(...counts)).toBeGreaterThan(60);
      expect(Math.max(...counts)).toBeLessThan(140);
    }
  });

  it.each([2, 4, 8, 128])('says nothing about its partition: of %d, each has topics of all partitions', (engines) => {
    const partitions = Array.from({ length: engines }, () => new Set<number>());
    for (let i = 0; i < engines * PARTITIONS * 16; i++) {
      const topic = `/rooms/${i}`;
      partitions[engineFor(topic, engines)]?.add(partitionOf(topic));
    }
    for (const own of partitions) expect(own.size).toBe(PARTITIONS);
  });
});
