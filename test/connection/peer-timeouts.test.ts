import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Clock } from '../../dist/connection/clock.js';
import { PeerTimeouts, type TimeLimits } from '../../dist/connection/peer-timeouts.js';
import { Verdict } from '../../dist/connection/verdict.js';

const TICK_MS = 10;
const NO_LIMITS: TimeLimits = {
  heartbeatIntervalMs: 0,
  idleTimeoutMs: 0,
  messageTimeoutMs: 0,
  stallTimeoutMs: 0,
  closeTimeoutMs: 1_000_000,
};

/** A connection of which nothing is known but its times. */
class Watched {
  readonly clock: Clock;
  readonly timeouts: PeerTimeouts;
  queuedBytes = 0;
  acknowledgedBytes = 0;
  isPaused = false;
  readonly #limits: TimeLimits;

  constructor(limits: Partial<TimeLimits>, tickMs = TICK_MS) {
    this.#limits = { ...NO_LIMITS, ...limits };
    this.clock = new Clock(tickMs);
    this.timeouts = new PeerTimeouts(0);
  }

  tick(sinceLastMs = this.clock.tickMs): Verdict | undefined {
    this.clock.tick(sinceLastMs);
    return this.timeouts.check(this.clock, this.#limits, this.queuedBytes, this.acknowledgedBytes, this.isPaused);
  }

  /** The verdicts of all ticks in so many ms, without those that are fine. */
  pass(ms: number, inEachTick: () => void = () => {}): Verdict[] {
    const verdicts: Verdict[] = [];
    for (let passed = 0; passed < ms; passed += this.clock.tickMs) {
      inEachTick();
      const verdict = this.tick();
      if (verdict !== undefined) verdicts.push(verdict);
    }
    return verdicts;
  }

  /** When the first verdict comes that is not fine. */
  first(): { readonly verdict: Verdict; readonly atMs: number } {
    for (let i = 0; i < 100_000; i++) {
      const verdict = this.tick();
      if (verdict !== undefined) return { verdict, atMs: this.clock.nowMs };
    }
    throw new Error('there is no verdict');
  }
}

/** What begins each of the times, and the verdict at its end. */
const TIMES: readonly {
  readonly option: keyof TimeLimits;
  readonly verdict: Verdict;
  readonly begin: (watched: Watched) => void;
}[] = [
  {
    option: 'heartbeatIntervalMs',
    verdict: Verdict.SILENT,
    begin: ({ timeouts, clock }) => {
      timeouts.heardAt = clock.nowMs;
    },
  },
  {
    option: 'idleTimeoutMs',
    verdict: Verdict.IDLE,
    begin: ({ timeouts, clock }) => {
      timeouts.messageAt = clock.nowMs;
    },
  },
  {
    option: 'messageTimeoutMs',
    verdict: Verdict.UNFINISHED,
    begin: ({ timeouts, clock }) => {
      timeouts.begunAt = clock.nowMs;
    },
  },
  {
    option: 'stallTimeoutMs',
    verdict: Verdict.STALLED,
    begin: (watched) => {
      watched.queuedBytes = 1;
    },
  },
  {
    option: 'closeTimeoutMs',
    verdict: Verdict.LINGERING,
    begin: ({ timeouts, clock }) => {
      timeouts.closingAt = clock.nowMs;
    },
  },
];

describe.each(TIMES)('$option', ({ option, verdict, begin }) => {
  test('is never judged early, and at most two ticks late', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.integer({ min: 1, max: 5000 }),
        fc.nat({ max: 50 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (tickMs, limitMs, ticksBefore, part) => {
          const watched = new Watched({ [option]: limitMs }, tickMs);
          for (let i = 0; i < ticksBefore; i++) {
            begin(watched); // its time begins anew
            watched.queuedBytes = 0;
            expect(watched.tick()).toBe(undefined);
          }
          // Really between two ticks; the clock still shows the former.
          const begunMs = watched.clock.nowMs + part * tickMs;
          begin(watched);
          const first = watched.first();
          expect(first.verdict).toBe(verdict);
          const lateMs = first.atMs - begunMs - limitMs;
          expect(lateMs).toBeGreaterThan(0);
          expect(lateMs).toBeLessThanOrEqual(2 * tickMs);
        },
      ),
    );
  });

  if (option === 'closeTimeoutMs') return; // always limited
  test('0 is no limit', () => {
    const watched = new Watched({});
    begin(watched);
    expect(watched.pass(100_000)).toEqual([]);
  });
});

describe('a silent peer', () => {
  test('is pinged once, and is dead when it is silent for as long again', () => {
    const watched = new Watched({ heartbeatIntervalMs: 100 });
    const pinged = watched.first();
    expect(pinged).toEqual({ verdict: Verdict.SILENT, atMs: 120 });
    expect(watched.first()).toEqual({ verdict: Verdict.DEAD, atMs: pinged.atMs + 100 + TICK_MS });
  });

  test('that sends anything after the ping lives, also in the tick of the ping itself', () => {
    for (const delayTicks of [0, 1, 10]) {
      const watched = new Watched({ heartbeatIntervalMs: 100 });
      watched.first();
      for (let i = 0; i < delayTicks; i++) expect(watched.tick()).toBe(undefined);
      watched.timeouts.heardAt = watched.clock.nowMs;
      const heardMs = watched.clock.nowMs;
      expect(watched.first()).toEqual({ verdict: Verdict.SILENT, atMs: heardMs + 120 });
    }
  });

  test('that sends something in each interval is never pinged', () => {
    const watched = new Watched({ heartbeatIntervalMs: 100 });
    const hear = () => {
      if (watched.clock.nowMs % 100 === 0) watched.timeouts.heardAt = watched.clock.nowMs;
    };
    expect(watched.pass(10_000, hear)).toEqual([]);
  });

  test('is not pinged while output is queued, which a ping would have to wait behind', () => {
    const watched = new Watched({ heartbeatIntervalMs: 100 });
    watched.queuedBytes = 5;
    expect(watched.pass(1000)).toEqual([]);
    watched.queuedBytes = 0;
    expect(watched.tick()).toBe(Verdict.SILENT);
    expect(watched.pass(100)).toEqual([]);
    expect(watched.tick()).toBe(Verdict.DEAD);
  });

  test('has the time that output was queued after its ping given back', () => {
    const watched = new Watched({ heartbeatIntervalMs: 100 });
    watched.first();
    watched.queuedBytes = 5;
    expect(watched.pass(1000)).toEqual([]);
    watched.queuedBytes = 0;
    expect(watched.pass(100)).toEqual([]);
    expect(watched.tick()).toBe(Verdict.DEAD);
  });
});

describe('a peer that takes output slowly', () => {
  test('is not stalled while it takes anything at all', () => {
    const watched = new Watched({ stallTimeoutMs: 100 });
    watched.queuedBytes = 1_000_000;
    const takeSome = () => {
      if (watched.clock.nowMs % 100 === 0) watched.acknowledgedBytes++;
    };
    expect(watched.pass(10_000, takeSome)).toEqual([]);
    expect(watched.first().verdict).toBe(Verdict.STALLED);
  });

  test('that has taken all has its time begin anew with the next output', () => {
    const watched = new Watched({ stallTimeoutMs: 100 });
    watched.queuedBytes = 10;
    expect(watched.pass(90)).toEqual([]);
    watched.queuedBytes = 0;
    expect(watched.pass(1000)).toEqual([]);
    watched.queuedBytes = 10;
    expect(watched.pass(100)).toEqual([]);
    expect(watched.pass(20)).toEqual([Verdict.STALLED]);
  });

  test('is judged although we do not read it', () => {
    const watched = new Watched({ stallTimeoutMs: 100 });
    watched.isPaused = true;
    watched.queuedBytes = 10;
    expect(watched.first()).toEqual({ verdict: Verdict.STALLED, atMs: 120 });
  });
});

describe('a connection that we do not read', () => {
  test('has all times stand still but that of a stall', () => {
    const limits = { heartbeatIntervalMs: 200, idleTimeoutMs: 100, messageTimeoutMs: 100 };
    for (const expected of [Verdict.IDLE, Verdict.UNFINISHED]) {
      const watched = new Watched(limits);
      const isUnfinished = expected === Verdict.UNFINISHED;
      if (isUnfinished) watched.timeouts.begunAt = 0;
      expect(watched.pass(50)).toEqual([]);
      watched.isPaused = true;
      expect(watched.pass(10_000)).toEqual([]);
      watched.isPaused = false;
      // The 50 ms that had gone by count.
      expect(watched.pass(60)).toEqual([]);
      expect(watched.tick()).toBe(expected);
    }
  });

  test('has no message begun that had not', () => {
    const watched = new Watched({ messageTimeoutMs: 100 });
    watched.isPaused = true;
    expect(watched.pass(1000)).toEqual([]);
    expect(watched.timeouts.begunAt).toBe(-1);
  });

  test('has a whole heartbeat when it is read again, also when it was pinged before', () => {
    const watched = new Watched({ heartbeatIntervalMs: 100 });
    watched.first();
    watched.isPaused = true;
    expect(watched.pass(1000)).toEqual([]);
    watched.isPaused = false;
    expect(watched.pass(110)).toEqual([]);
    expect(watched.tick()).toBe(Verdict.SILENT);
  });

  test('has no longer for the closing handshake', () => {
    const watched = new Watched({ closeTimeoutMs: 100 });
    watched.timeouts.closingAt = 0;
    watched.isPaused = true;
    expect(watched.first()).toEqual({ verdict: Verdict.LINGERING, atMs: 120 });
  });
});

test('a connection that is closing is judged by nothing but closeTimeoutMs', () => {
  const watched = new Watched({
    heartbeatIntervalMs: 10,
    idleTimeoutMs: 10,
    messageTimeoutMs: 10,
    stallTimeoutMs: 10,
    closeTimeoutMs: 1000,
  });
  watched.timeouts.closingAt = 0;
  watched.timeouts.begunAt = 0;
  watched.queuedBytes = 1;
  expect(watched.first()).toEqual({ verdict: Verdict.LINGERING, atMs: 1020 });
});

describe('the clock', () => {
  test('of a thread that was blocked moves on by two ticks at most: its peers could not be heard', () => {
    const watched = new Watched({ heartbeatIntervalMs: 100 });
    expect(watched.tick(1_000_000)).toBe(undefined);
    expect(watched.clock).toMatchObject({ nowMs: 2 * TICK_MS, elapsedMs: 2 * TICK_MS });
    for (let i = 0; i < 4; i++) expect(watched.tick(1_000_000)).toBe(undefined);
    expect(watched.tick(1_000_000)).toBe(Verdict.SILENT);
  });

  test('otherwise moves on by what has gone by, in whole ms, of which none gets lost', () => {
    const clock = new Clock(TICK_MS);
    const moved = [10, 9.5, 19, 0, 0.5].map((ms) => {
      clock.tick(ms);
      return clock.elapsedMs;
    });
    expect(moved).toEqual([10, 9, 19, 0, 1]);
    expect(clock.nowMs).toBe(39);
  });
});
