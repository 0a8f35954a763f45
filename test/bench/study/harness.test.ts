import { describe, expect, it } from 'vitest';
import { type Candidate, candidatesOf, type Operation } from '../../../bench/study/candidates.js';
import type { Group } from '../../../bench/study/design.js';
import { Harness } from '../../../bench/study/harness.js';
import { Workplace } from '../../../bench/study/workplace.js';

const workplace = new Workplace(64 * 1024);
const harness = new Harness(workplace, { rounds: 1, ms: 0, batches: 2, attempts: 1 });

function group(op: Operation, more: Partial<Group> = {}): Group {
  return { op, content: op === 'unmask' ? 'any' : 'json', bytes: 200, alignment: 3, cache: 'hot', ...more };
}

/** The results of all candidates of a group, whether or not they are steady enough to be reported. */
function measure(of: Group, candidates: readonly Candidate[] = candidatesOf(of.op)) {
  const { figures, unreported } = harness.measure(candidates.map((candidate) => ({ group: of, candidate })));
  return [...figures, ...unreported];
}

/** A candidate whose call is something else. */
function broken(op: Operation, call: string): Candidate {
  return { op, name: `broken ${call}`, landing: 'place', make: () => ({}), call: () => call };
}

describe('the harness', () => {
  it.each([
    group('unmask'),
    group('unmask', { cache: 'cold', alignment: 6 }),
    group('validate'),
    group('validate', { content: 'invalid in the middle' }),
    group('validate', { content: 'cjk', cache: 'cold' }),
  ])('measures and verifies every candidate of $op, $content, $cache', (of) => {
    const figures = measure(of);
    expect(new Set(figures.map(({ candidate }) => candidate))).toEqual(
      new Set(candidatesOf(of.op).map(({ name }) => name)),
    );
    for (const { ns, q1, q3, batches } of figures) {
      expect(ns).toBeGreaterThan(0);
      expect(q1).toBeLessThanOrEqual(ns);
      expect(q3).toBeGreaterThanOrEqual(ns);
      expect(batches).toBeGreaterThanOrEqual(2);
    }
  });

  it('measures and verifies candidates that unmask and validate', () => {
    const some = candidatesOf('unmaskText').filter(({ name }) => /fused|^wasm \+/.test(name));
    expect(measure(group('unmaskText'), some)).toHaveLength(some.length);
  });

  it.each([
    ['unmask', '0', /the bytes are not what they should be/],
    ['validate', 'true', /a verdict is wrong/],
    ['unmaskText', 'false', /a verdict is wrong/],
    ['unmaskText', 'true', /the bytes are not what they should be/],
    // The first call is right, and the measured calls are not.
    ['validate', '(times === 1)', /0 of \d+ verdicts were "valid" and not \d+/],
  ] as const)('finds a candidate that is wrong: %s by %s', (op, call, says) => {
    const content = call === 'true' && op === 'validate' ? 'invalid at the end' : group(op).content;
    const of = group(op, { content, cache: 'cold' });
    expect(() => measure(of, [broken(op, call)])).toThrow(says);
    expect(() => measure(of, [broken(op, call)])).toThrow(`${op} by broken ${call}, 200 bytes, `);
  });
});

it('measures a case again if it spreads too much, and does not report it if it still does', () => {
  /** Every second batch waits. */
  class Erratic {
    batches = 0;
    isValid(call: number): boolean {
      if (call > 0 || this.batches++ % 2 === 0) return true;
      for (const end = performance.now() + 2; performance.now() < end; );
      return true;
    }
  }
  const subject = new Erratic();
  const call = () => 'subject.isValid(i)';
  const candidate: Candidate = { op: 'validate', name: 'erratic', landing: 'place', make: () => subject, call };
  const turns: number[] = [];
  const strict = new Harness(workplace, { rounds: 2, ms: 0, batches: 4, attempts: 3 });
  const outcome = strict.measure([{ group: group('validate', { cache: 'cold' }), candidate }], (...[, , attempt]) => {
    turns.push(attempt);
  });
  expect(outcome.figures).toEqual([]);
  expect(outcome.unreported).toMatchObject([{ candidate: 'erratic', batches: 8 }]);
  expect(turns).toEqual([1, 1, 2, 2, 3, 3]);
});

describe('cold places', () => {
  it.each([64, 1024, 16 * 1024, 256 * 1024])('of %d bytes lie apart, each once', (bytes) => {
    const { offsets } = workplace.cold(bytes, 6);
    const sorted = offsets.toSorted((a, b) => a - b);
    expect(offsets.length).toBeGreaterThan(200);
    for (const [i, offset] of sorted.entries()) {
      expect(offset % 64).toBe(6);
      if (i > 0) expect(offset - (sorted[i - 1] as number)).toBeGreaterThan(bytes + 4096);
    }
    expect(offsets).not.toEqual(sorted);
  });
});
