import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PARTITIONS, partitionOf, topicToken } from '../../dist/backplanes/topic-names.js';

/** Any string, of UTF-16 units that are likely to be confused: also halves of pairs, and what names are escaped by. */
const topic = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
  fc
    .array(fc.constantFrom('=', 'h', 'u', '0', '4', '1', 'A', 'a', '.', '*', '>', '\ud83d', '\ude00'))
    .map((all) => all.join('')),
  fc
    .tuple(fc.constantFrom('x', '😀', '/', 'é'), fc.integer({ min: 40, max: 1100 }))
    .map(([part, times]) => part.repeat(times)),
);

/** Reads a token by its table. Of a topic that a hash stands for, nothing is to be read. */
function topicOf(token: string): string {
  if (token === '=') return '';
  return token.replace(/=u([0-9A-F]{4})|=([0-9A-F]{2})/g, (_, long, short) =>
    String.fromCharCode(Number.parseInt(long ?? short, 16)),
  );
}

describe('the name of a topic at an engine', () => {
  it('can be read back, or is a hash for a topic that would be too long', () => {
    fc.assert(
      fc.property(topic, (name) => {
        const token = topicToken(name);
        if (token.startsWith('=h')) expect(name.length).toBeGreaterThan(256 / 6);
        else expect(topicOf(token)).toBe(name);
      }),
    );
  });

  it('is different for different topics', () => {
    fc.assert(fc.property(topic, topic, (a, b) => (topicToken(a) === topicToken(b)) === (a === b)));
  });

  it('has only letters, digits, -, _ and =, at least one of them and at most 256', () => {
    fc.assert(fc.property(topic, (name) => /^[A-Za-z0-9_=-]{1,256}$/.test(topicToken(name))));
  });

  it.each([
    ['', '='],
    ['news', 'news'],
    ['/rooms/1', '=2Frooms=2F1'],
    ['a.b *>', 'a=2Eb=20=2A=3E'],
    ['=41', '=3D41'],
    ['\0\r\n', '=00=0D=0A'],
    ['é', '=E9'],
    ['😀', '=uD83D=uDE00'],
    ['\ud83d', '=uD83D'],
    ['x'.repeat(256), 'x'.repeat(256)],
  ])('of %j is %s', (name, token) => {
    expect(topicToken(name)).toBe(token);
  });

  it('is a hash from one character more on, and of many that are escaped', () => {
    expect(topicToken('x'.repeat(257))).toMatch(/^=h[\w-]{43}$/);
    expect(topicToken('😀'.repeat(22))).toMatch(/^=h[\w-]{43}$/);
    expect(topicToken('😀'.repeat(21))).toHaveLength(252);
    // The same in every version: processes of different ones share an engine.
    expect(topicToken('x'.repeat(1024))).toBe('=hX6HgCYoxSXBXxaa5_p1J_W3UfM58Jo5lSGmeeOWHquo');
  });
});

describe('the partition of a topic', () => {
  it('is from 0 to 127, and the same each time', () => {
    fc.assert(
      fc.property(topic, (name) => {
        const partition = partitionOf(name);
        expect(partition).toBe(partitionOf(name));
        expect(Number.isInteger(partition) && partition >= 0 && partition < PARTITIONS).toBe(true);
      }),
    );
  });

  it.each(['room ', '/rooms/', 'user:', ''])(
    'divides topics that begin with %j and go on with a number evenly',
    (start) => {
      const counts = new Array<number>(PARTITIONS).fill(0);
      for (let i = 0; i < PARTITIONS * 100; i++)
        counts[partitionOf(`${start}${i}`)] = (counts[partitionOf(`${start}${i}`)] ?? 0) + 1;
      expect(Math.min(...counts)).toBeGreaterThan(40);
      expect(Math.max(...counts)).toBeLessThan(200);
    },
  );
});
