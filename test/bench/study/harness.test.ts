import { describe, expect, it } from 'vitest';
import { type Candidate, candidatesOf, type Operation } from '../../../bench/study/candidates.js';
import type { Group } from '../../../bench/study/design.js';
import { type Case, type Effort, Harness } from '../../../bench/study/harness.js';
import { joinRounds } from '../../../bench/study/join.js';
import { Workplace } from '../../../bench/study/workplace.js';
import { THRESHOLDS } from '../../../dist/kernels/thresholds.js';

const workplace = new Workplace(64 * 1024);
const EFFORT: Effort = {
  warmUp: { loopMs: 0, caseMs: 0 },
  ms: 0,
  stretchMs: 0,
  batches: 2,
  batchMs: 0.05,
  sentinelEvery: 50,
  sentinelRuns: 1,
};
const harness = new Harness(workplace, EFFORT, 0);

function group(op: Operation, more: Partial<Group> = {}): Group {
  return { op, content: op === 'unmask' ? 'any' : 'json', bytes: 200, alignment: 3, pattern: 'hot', ...more };
}

/** One attempt of all candidates of a group. */
function measure(of: Group, candidates: readonly Candidate[] = candidatesOf(of.op)) {
  return harness.measure(candidates.map((candidate) => ({ group: of, candidate }))).attempts;
}

/** A candidate whose call is something else. */
function broken(op: Operation, call: string): Candidate {
  return { op, name: `broken ${call}`, landing: 'place', make: () => ({}), call: () => call };
}

describe('the harness', () => {
  it.each([
    group('unmask'),
    group('unmask', { pattern: 'cold', alignment: 6 }),
    group('validate'),
    group('validate', { content: 'invalid in the middle' }),
    group('validate', { content: 'cjk', pattern: 'cold' }),
    group('validate', { pattern: 'many' }),
    group('validate', { pattern: 'latency' }),
    group('unmask', { pattern: 'latency' }),
  ])('measures and verifies every candidate of $op, $content, $pattern', (of) => {
    const attempts = measure(of);
    expect(attempts.map(({ candidate }) => candidate)).toEqual(candidatesOf(of.op).map(({ name }) => name));
    for (const { ns } of attempts) expect(ns).toBeGreaterThan(0);
  });

  it('measures and verifies candidates that unmask and validate', () => {
    const some = candidatesOf('unmaskText').filter(({ name }) => /fused|^wasm \+/.test(name));
    for (const pattern of ['hot', 'many'] as const)
      expect(measure(group('unmaskText', { pattern }), some)).toHaveLength(some.length);
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
    const of = group(op, { content, pattern: 'cold' });
    expect(() => measure(of, [broken(op, call)])).toThrow(says);
    expect(() => measure(of, [broken(op, call)])).toThrow(`${op} broken ${call} ${content} 200 3 cold: `);
  });
});

describe('many texts', () => {
  it('are all different, and are not touched by a validator that is right', () => {
    const seen = new Set<string>();
    const subject = {
      look(view: Uint8Array): boolean {
        seen.add(new TextDecoder().decode(view));
        return true;
      },
    };
    const call = ({ view }: { readonly view: string }) => `subject.look(${view})`;
    const looking: Candidate = { op: 'validate', name: 'looking', landing: 'place', make: () => subject, call };
    const once = new Harness(workplace, EFFORT, 0);
    for (const bytes of [64, 125]) {
      seen.clear();
      once.measure([{ group: group('validate', { bytes, pattern: 'many' }), candidate: looking }]);
      expect(seen.size).toBe(4096);
      for (const text of seen) expect(text).not.toContain('\ufffd');
    }
  });
});

/** Time that only passes when something works. From `from` to `to` everything takes longer. */
class Script {
  ms = 0;
  slow = { from: Number.POSITIVE_INFINITY, to: Number.POSITIVE_INFINITY, times: 1 };
  /** When each case was measured, by its size. */
  readonly visits: { readonly bytes: number; readonly ms: number }[] = [];
  readonly clock = () => this.ms;

  work(ns: number): void {
    const { from, to, times } = this.slow;
    this.ms += (ns / 1e6) * (this.ms >= from && this.ms < to ? times : 1);
  }

  /** A call takes a nanosecond for each byte. */
  validate(bytes: number): boolean {
    if (this.visits.at(-1)?.bytes !== bytes) this.visits.push({ bytes, ms: this.ms });
    this.work(bytes);
    return true;
  }
}

describe('the harness on a scripted clock', () => {
  const SIZES = [1000, 2000, 3000, 4000];
  const SENTINEL_NS = 200_000;
  const effort: Effort = {
    warmUp: { loopMs: 0.1, caseMs: 0.1 },
    ms: 0.5,
    stretchMs: 2,
    batches: 3,
    batchMs: 0.05,
    sentinelEvery: 50,
    sentinelRuns: 1,
  };

  function scripted(sizes: readonly number[] = SIZES, by: Effort = effort) {
    const script = new Script();
    const candidate: Candidate = {
      op: 'validate',
      name: 'scripted',
      landing: 'place',
      make: () => script,
      call: ({ subject }) => `${subject}.validate(length)`,
    };
    const cases: Case[] = sizes.map((bytes) => ({ group: group('validate', { bytes }), candidate }));
    const round = (number: number) => {
      const inProcess = new Harness(workplace, by, number, script.clock, { run: () => script.work(SENTINEL_NS) });
      const measured = inProcess.measure(cases);
      return {
        name: 'Node 1',
        version: 'v1',
        compiler: 'V8',
        clockStepMs: 0.001,
        answers: [],
        thresholds: THRESHOLDS,
        ...measured,
      };
    };
    return { script, round };
  }

  it('finds exactly what each call takes', () => {
    const { attempts, sentinel } = scripted().round(0);
    expect(attempts.map(({ bytes, ns }) => [bytes, ns])).toEqual(SIZES.map((bytes) => [bytes, bytes]));
    expect(sentinel).toEqual([SENTINEL_NS]);
  });

  it('measures long enough, and enough batches of a call that takes long', () => {
    const { script, round } = scripted([1000, 2_000_000]);
    round(0);
    const [, , first, second] = script.visits; // the first two are the warm-up of the loop
    expect(((second?.ms ?? 0) - (first?.ms ?? 0)) * 1e6).toBeGreaterThan(0.6e6);
    expect(script.ms - (second?.ms ?? 0)).toBeGreaterThan(3 * 2);
  });

  it.each([
    ['a clock of 1 ms steps', 1, 1],
    ['a clock of 20 µs steps', 0.02, 0.05],
  ])('makes batches as long as they are to be by %s, and no longer than needed', (_, stepMs, bound) => {
    const script = new Script();
    const lengths: number[] = [];
    const coarse = () => Math.floor(script.ms / stepMs) * stepMs;
    const candidate: Candidate = {
      op: 'validate',
      name: 'scripted',
      landing: 'place',
      make: () => ({
        validate(bytes: number, i: number): boolean {
          if (i === 0) lengths.push(0);
          lengths[lengths.length - 1] = (lengths.at(-1) ?? 0) + bytes / 1e6;
          return script.validate(bytes);
        },
      }),
      call: ({ subject }) => `${subject}.validate(length, i)`,
    };
    const effort: Effort = {
      warmUp: { loopMs: 0, caseMs: 0 },
      ms: 0,
      stretchMs: 0,
      batches: 3,
      batchMs: 50,
      sentinelEvery: 50,
      sentinelRuns: 1,
    };
    const cases = [1000, 30_000].map((bytes) => ({ group: group('validate', { bytes }), candidate }));
    const { attempts } = new Harness(workplace, effort, 0, coarse, { run: () => {} }).measure(cases);
    for (const { bytes, ns } of attempts) expect(Math.abs(ns / bytes - 1)).toBeLessThan((2 * stepMs) / 50);
    const measured = lengths.filter((ms) => ms > 45);
    expect(measured.length).toBeGreaterThanOrEqual(2 * 3);
    for (const ms of measured) expect([ms > 50 - bound, ms < 60]).toEqual([true, true]);
    // All that it takes to find out how many calls make a batch is less than two batches.
    expect(script.ms).toBeLessThan(2 * 5.5 * 53);
  });

  it('runs the sentinel as often as a coarse clock needs, and says what one run takes', () => {
    const script = new Script();
    let runs = 0;
    const many: Effort = { ...EFFORT, sentinelRuns: 50 };
    // It takes ten times as long until it is compiled.
    const run = () => script.work(runs++ < 250 ? 10 * SENTINEL_NS : SENTINEL_NS);
    const coarse = () => Math.floor(script.ms);
    const { sentinel } = new Harness(workplace, many, 0, coarse, { run }).measure([]);
    expect([runs, sentinel]).toEqual([300, []]);
    runs = 0;
    const candidate = broken('validate', 'true');
    const measured = new Harness(workplace, many, 0, coarse, { run }).measure([
      { group: group('validate', { pattern: 'cold' }), candidate },
    ]);
    expect([runs, measured.sentinel]).toEqual([350, [SENTINEL_NS]]);
  });

  it('takes the batch in the middle, so that a short disturbance of a turn does not count', () => {
    const { script, round } = scripted([1000]);
    round(0);
    const end = script.ms;
    const again = scripted([1000]);
    again.script.slow = { from: end - 0.15, to: end - 0.1, times: 10 };
    expect(again.round(0).attempts[0]?.ns).toBe(1000);
  });

  it('measures stretches of many batches of a candidate that allocates, so that the collector counts', () => {
    const measure = (allocates: boolean, pattern: 'hot' | 'cold' = 'hot') => {
      const script = new Script();
      let calls = 0;
      const candidate: Candidate = {
        op: 'validate',
        name: 'scripted',
        landing: 'place',
        ...(allocates ? { allocates } : {}),
        // The collector comes once in ten batches, and takes as long as two of them.
        make: () => ({ validate: (bytes: number) => script.validate(++calls % 5000 === 0 ? 1001 * bytes : bytes) }),
        call: ({ subject }) => `${subject}.validate(length)`,
      };
      const cases = [{ group: group('validate', { bytes: 100, pattern }), candidate }];
      const longer: Effort = { ...effort, stretchMs: 50 };
      const { attempts } = new Harness(workplace, longer, 0, script.clock, { run: () => {} }).measure(cases);
      return attempts[0]?.ns ?? 0;
    };
    expect(measure(false)).toBe(100);
    expect(Math.abs(measure(true) / 120 - 1)).toBeLessThan(0.02);
    expect(measure(true, 'cold')).toBe(100);
  });

  it('lets a new loop of a candidate that allocates settle, so that what is still compiled is not in its stretches', () => {
    const script = new Script();
    const candidate: Candidate = {
      op: 'validate',
      name: 'scripted',
      landing: 'place',
      allocates: true,
      make: () => script,
      call: ({ subject }) => `${subject}.validate(length)`,
    };
    // The engine compiles for longer than the loop warms up.
    script.slow = { from: 0, to: 0.25, times: 10 };
    const short: Effort = { ...effort, stretchMs: 0.5, warmUp: { loopMs: 0.15, caseMs: 0.05 } };
    const cases = [{ group: group('validate', { bytes: 100 }), candidate }];
    const { attempts } = new Harness(workplace, short, 0, script.clock, { run: () => {} }).measure(cases);
    expect(attempts[0]?.ns).toBe(100);
  });

  it('charges every candidate for an object of each place where there are several', () => {
    const text = (landing: Candidate['landing'], pattern: 'hot' | 'cold' | 'many') => {
      let seen = '';
      const candidate: Candidate = {
        op: 'unmask',
        name: `noting ${landing} ${pattern}`,
        landing,
        make: () => ({
          note(code: string) {
            seen = code;
            throw new Error('noted');
          },
        }),
        call: ({ subject }) => `${subject}.note(arguments.callee.toString())`,
      };
      expect(() => measure(group('unmask', { pattern }), [candidate])).toThrow('noted');
      return seen;
    };
    for (const pattern of ['cold', 'many'] as const) {
      expect(text('place', pattern)).toContain('length = views[i].length, ');
      expect(text('source', pattern)).toContain('length = sources[i].length, ');
    }
    expect(text('place', 'hot')).not.toContain('.length, ');
  });

  it('goes backwards in every other round, and gives its attempts in the same order', () => {
    const { script, round } = scripted();
    const visited = () => script.visits.splice(0).map(({ bytes }) => bytes);
    const [forwards, backwards] = [round(0), visited(), round(1)];
    expect(forwards.attempts).toEqual(backwards && round(2).attempts);
    script.visits.length = 0;
    round(0);
    expect(visited().slice(-4)).toEqual(SIZES);
    round(1);
    expect(visited().slice(-4)).toEqual(SIZES.toReversed());
  });

  it('has one kernel of a kind for all patterns and rounds of a workplace', () => {
    const script = new Script();
    const order: string[] = [];
    let made = 0;
    const make = () => {
      made++;
      return {
        see(name: string): boolean {
          if (order.at(-1) !== name) order.push(name);
          script.work(100);
          return true;
        },
      };
    };
    const named = (name: string): Candidate => ({
      op: 'validate',
      name,
      landing: 'place',
      make,
      call: ({ subject }) => `${subject}.see('${name}')`,
    });
    const cases = [named('one + two'), named('one'), named('two')].flatMap((candidate) =>
      (['hot', 'latency'] as const).map((pattern) => ({ group: group('validate', { pattern }), candidate })),
    );
    const orderOf = (round: number) => {
      order.length = 0;
      const { attempts } = new Harness(workplace, effort, round, script.clock, { run: () => {} }).measure(cases);
      expect(attempts.map(({ candidate }) => candidate)).toEqual(cases.map(({ candidate }) => candidate.name));
      return [...order];
    };
    expect(orderOf(0)).toEqual(['one + two', 'one', 'two']);
    expect(orderOf(1)).toEqual(['two', 'one', 'one + two']);
    expect(made).toBe(1);
  });

  it('measures a pair of candidates with the kernels of those that are measured alone', () => {
    const subjectOf = (op: Operation, name: string) => {
      const candidate = candidatesOf(op).find((one) => one.name === name);
      return workplace.once((candidate as Candidate).make);
    };
    const { mask, validator } = subjectOf('unmaskText', 'js-byte + wasm') as Readonly<Record<string, object>>;
    expect(mask).toBe(subjectOf('unmask', 'js-byte'));
    expect(validator).toBe(subjectOf('validate', 'wasm'));
    expect(subjectOf('unmaskText', 'wasm, fused')).toBe(validator);
  });

  it('runs the sentinel before every 50th turn, or more often where turns are long', () => {
    const sizes = Array.from({ length: 101 }, (_, i) => 1000 + i);
    expect(scripted(sizes).round(0).sentinel).toHaveLength(3);
    expect(scripted(sizes, { ...effort, sentinelEvery: 10 }).round(0).sentinel).toHaveLength(11);
  });

  it('has the figures right though a disturbance met every case in two of seven rounds', () => {
    const { script, round } = scripted();
    const rounds = Array.from({ length: 7 }, (_, i) => {
      script.slow = i < 2 ? { from: 0, to: Number.POSITIVE_INFINITY, times: 2.5 } : { from: 0, to: 0, times: 1 };
      return round(i);
    });
    const [engine] = joinRounds(rounds);
    expect(engine?.figures.map(({ bytes, ns, attempts }) => [bytes, ns, attempts[0]])).toEqual(
      SIZES.map((bytes) => [bytes, bytes, 2.5 * bytes]),
    );
    expect(engine?.sentinel).toEqual([500_000, 500_000, 200_000, 200_000, 200_000, 200_000, 200_000]);
  });

  it('has the attempts of one case a whole round apart: a disturbance shorter than that meets one of them', () => {
    const { script, round } = scripted();
    const first = round(0);
    const length = script.ms;
    script.slow = { from: length * 0.5, to: length * 1.4, times: 3 };
    script.ms = 0;
    const rounds = [first, ...Array.from({ length: 6 }, (_, i) => round(2 * i))];
    const [engine] = joinRounds(rounds);
    for (const { bytes, ns, isSteady } of engine?.figures ?? [])
      expect([bytes, ns, isSteady]).toEqual([bytes, bytes, true]);
  });
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
