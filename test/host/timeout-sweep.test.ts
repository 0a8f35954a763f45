import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TimeLimits } from '../../dist/connection/peer-timeouts.js';
import { type Swept, TimeoutSweep, tickFor } from '../../dist/host/timeout-sweep.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }));
afterEach(() => void vi.useRealTimers());

/** Counts its ticks. */
class Counting implements Swept {
  ticks = 0;

  onTick(): void {
    this.ticks++;
  }
}

describe('a sweep', () => {
  it('looks at everybody in each tick, and tells its clock first', () => {
    const swept = new Set<Swept>();
    const sweep = new TimeoutSweep(swept, 100);
    const times: number[] = [];
    const one = new Counting();
    swept.add(one).add({ onTick: () => times.push(sweep.clock.nowMs) });
    sweep.start();
    vi.advanceTimersByTime(350);
    expect(one.ticks).toBe(3);
    expect(times).toEqual([100, 200, 300]);
  });

  it('has one timer, however often it is started and however many it looks at', () => {
    const swept = new Set<Swept>();
    const sweep = new TimeoutSweep(swept, 100);
    for (let i = 0; i < 1000; i++) {
      swept.add(new Counting());
      sweep.start();
    }
    expect(vi.getTimerCount()).toBe(1);
  });

  it('has no timer while there is nobody, and no time goes by for its clock', () => {
    const swept = new Set<Swept>();
    const sweep = new TimeoutSweep(swept, 100);
    expect(vi.getTimerCount()).toBe(0);
    const one = new Counting();
    swept.add(one);
    sweep.start();
    vi.advanceTimersByTime(200);
    swept.delete(one);
    vi.advanceTimersByTime(200);
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(100_000);
    expect(sweep.clock.nowMs).toBe(200);

    swept.add(one);
    sweep.start();
    vi.advanceTimersByTime(100);
    expect(sweep.clock).toMatchObject({ nowMs: 300, elapsedMs: 100 });
    expect(one.ticks).toBe(3);
  });

  it('keeps the time recent while there is somebody whose rate is limited', () => {
    const swept = new Set<Swept>([new Counting()]);
    const [plain, rated] = [new TimeoutSweep(swept, 1000), new TimeoutSweep(swept, 1000, true)];
    plain.start();
    rated.start();
    const startedMs = rated.clock.recentMs;
    vi.advanceTimersByTime(120);
    expect(rated.clock.recentMs - startedMs).toBe(100);
    expect(plain.clock.recentMs).toBe(0);
    swept.clear();
    vi.advanceTimersByTime(1000);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does not look at those that another one’s tick has ended', () => {
    const swept = new Set<Swept>();
    const sweep = new TimeoutSweep(swept, 100);
    const victim = new Counting();
    const survivor = new Counting();
    swept.add({ onTick: () => void swept.delete(victim) });
    swept.add(victim).add(survivor);
    sweep.start();
    vi.advanceTimersByTime(100);
    expect(victim.ticks).toBe(0);
    expect(survivor.ticks).toBe(1);
  });
});

describe('a tick', () => {
  const NONE: TimeLimits = {
    heartbeatIntervalMs: 0,
    idleTimeoutMs: 0,
    messageTimeoutMs: 0,
    stallTimeoutMs: 0,
    closeTimeoutMs: 100_000,
  };

  it.each(['heartbeatIntervalMs', 'idleTimeoutMs', 'messageTimeoutMs', 'stallTimeoutMs', 'closeTimeoutMs'] as const)(
    'is an eighth of %s if that is the shortest',
    (option) => expect(tickFor({ ...NONE, [option]: 4000 })).toBe(500),
  );

  it('is a second at most, and 10 ms at least', () => {
    expect(tickFor(NONE)).toBe(1000);
    expect(tickFor({ ...NONE, idleTimeoutMs: 1 })).toBe(10);
  });
});
