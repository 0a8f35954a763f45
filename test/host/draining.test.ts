import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type DrainedConnection, Draining } from '../../dist/host/draining.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }));
afterEach(() => void vi.useRealTimers());

const LIMIT_MS = 1000;

/** The connections of a host that drains, and what is done to them. */
class Drained {
  readonly connections = new Set<FakeConnection>();
  readonly events: string[] = [];
  readonly draining = new Draining(this.connections, {
    begin: () => void this.events.push('turn begins'),
    end: () => void this.events.push('turn ends'),
  });

  add(name: string, isQuiet = true): FakeConnection {
    const connection = new FakeConnection(this, name, isQuiet);
    this.connections.add(connection);
    this.draining.noteAdded(connection);
    return connection;
  }

  /** What was done to connections, without the turns. */
  get done(): string[] {
    return this.events.filter((event) => !event.startsWith('turn'));
  }
}

class FakeConnection implements DrainedConnection {
  isOpen = true;
  isQuiet: boolean;
  readonly #drained: Drained;
  readonly #name: string;

  constructor(drained: Drained, name: string, isQuiet: boolean) {
    this.#drained = drained;
    this.#name = name;
    this.isQuiet = isQuiet;
  }

  stopReading(): void {
    this.#drained.events.push(`${this.#name} stops reading`);
  }

  close(code: number): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#drained.events.push(`${this.#name} closes with ${code}`);
  }

  terminate(): void {
    this.#drained.events.push(`${this.#name} is destroyed`);
  }

  /** The peer has ended it. */
  end(): void {
    this.#drained.connections.delete(this);
    this.#drained.draining.noteRemoved();
  }
}

/** Rounds of the event loop, more than draining waits for. */
async function rounds(): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Advances the clock, and lets what waited for it go on. */
async function pass(ms: number): Promise<void> {
  vi.advanceTimersByTime(ms);
  await rounds();
}

describe('draining', () => {
  it('reads what has arrived, stops reading, closes, and ends with the last connection', async () => {
    const drained = new Drained();
    const [one, two] = [drained.add('one'), drained.add('two')];
    let isOver = false;
    const over = drained.draining.run(LIMIT_MS).then(() => (isOver = true));
    expect(drained.events).toEqual([]);
    await rounds();
    expect(drained.done).toEqual([
      'one stops reading',
      'two stops reading',
      'one closes with 1001',
      'two closes with 1001',
    ]);
    one.end();
    await rounds();
    expect(isOver).toBe(false);
    two.end();
    await over;
    expect(vi.getTimerCount()).toBe(0);
  });

  it('closes connections within a turn, so that their hooks publish in one', async () => {
    const drained = new Drained();
    const one = drained.add('one');
    const over = drained.draining.run(LIMIT_MS);
    await rounds();
    expect(drained.events.slice(0, 4)).toEqual([
      'one stops reading',
      'turn begins',
      'one closes with 1001',
      'turn ends',
    ]);
    one.end();
    await over;
  });

  it('closes each connection as soon as it is quiet itself', async () => {
    const drained = new Drained();
    const busy = drained.add('busy', false);
    const quiet = drained.add('quiet');
    const over = drained.draining.run(LIMIT_MS);
    await rounds();
    expect(drained.done.slice(2)).toEqual(['quiet closes with 1001']);
    busy.isQuiet = true;
    await pass(20);
    expect(drained.done.slice(3)).toEqual(['busy closes with 1001']);
    busy.end();
    quiet.end();
    await over;
  });

  it('closes nothing while a hook has not settled, and goes on at once when it has', async () => {
    const drained = new Drained();
    const one = drained.add('one');
    let settle = () => {};
    drained.draining.track(new Promise<void>((resolve) => (settle = resolve)));
    drained.draining.track(Promise.reject(new Error('failed'))); // settled, too
    const over = drained.draining.run(LIMIT_MS);
    await pass(LIMIT_MS / 4);
    expect(drained.done).toEqual(['one stops reading']);
    settle();
    await rounds(); // no timer has to fire
    expect(drained.done.slice(1)).toEqual(['one closes with 1001']);
    one.end();
    await over;
  });

  it('closes what is not quiet after half of its time, and destroys what is left at its end', async () => {
    const drained = new Drained();
    const busy = drained.add('busy', false);
    const over = drained.draining.run(LIMIT_MS);
    await rounds();
    await pass(LIMIT_MS / 2 - 1);
    expect(drained.done).toEqual(['busy stops reading']);
    await pass(20);
    expect(drained.done.slice(1)).toEqual(['busy closes with 1001']);
    await pass(LIMIT_MS / 2 - 20);
    expect(drained.done).toHaveLength(2);
    await pass(20);
    expect(drained.done.slice(2)).toEqual(['busy is destroyed']);
    busy.end();
    await over;
    expect(vi.getTimerCount()).toBe(0);
  });

  it('waits for destroyed connections, but not for ever', async () => {
    const drained = new Drained();
    drained.add('stuck');
    let isOver = false;
    const over = drained.draining.run(0).then(() => (isOver = true));
    await rounds();
    await pass(1);
    expect(drained.done.at(-1)).toBe('stuck is destroyed');
    await pass(99);
    expect(isOver).toBe(false);
    await pass(20);
    expect(isOver).toBe(true);
    await over;
  });

  it('spreads the turns of connections evenly, and lets the others be read until then', async () => {
    const drained = new Drained();
    const connections = ['one', 'two', 'three', 'four'].map((name) => drained.add(name));
    const over = drained.draining.run(2 * LIMIT_MS, LIMIT_MS);
    await rounds();
    expect(drained.done).toEqual([]);
    const closed = () => drained.done.filter((event) => event.endsWith('closes with 1001')).length;
    // Each thread has a phase of its own within one turn.
    for (let ms = 0; ms < LIMIT_MS; ms += 20) {
      await pass(20);
      const share = ((ms + 20) / LIMIT_MS) * connections.length;
      expect(closed()).toBeGreaterThanOrEqual(Math.floor(share));
      expect(closed()).toBeLessThanOrEqual(Math.floor(share) + 1);
      if (closed() === connections.length) continue; // at its end, what is left stops reading: those that are closed, too
      expect(drained.done.filter((event) => event.endsWith('stops reading'))).toHaveLength(closed());
    }
    expect(drained.done.filter((event) => event.endsWith('1001'))).toEqual(
      ['one', 'two', 'three', 'four'].map((name) => `${name} closes with 1001`),
    );
    for (const connection of connections) connection.end();
    await pass(20);
    await over;
    expect(vi.getTimerCount()).toBe(0);
  });

  it('closes whoever is not quiet after half of the time that it has beside the spread', async () => {
    const drained = new Drained();
    const busy = drained.add('busy', false);
    const last = drained.add('last');
    drained.draining.track(new Promise(() => {})); // a hook that never settles
    const over = drained.draining.run(11 * LIMIT_MS, 10 * LIMIT_MS);
    const closed = (name: string) => drained.done.includes(`${name} closes with 1001`);
    for (let ms = 0; ms < 5.6 * LIMIT_MS; ms += 20) await pass(20);
    expect(closed('busy')).toBe(true);
    expect(drained.done.filter((event) => event.endsWith('destroyed'))).toEqual([]);
    for (let ms = 0; ms < 5 * LIMIT_MS; ms += 20) await pass(20);
    expect(closed('last')).toBe(true);
    for (const connection of [busy, last]) connection.end();
    await pass(20);
    await over;
  });

  it('does nothing to a connection that has ended before its turn in the spread', async () => {
    const drained = new Drained();
    const [gone, left] = [drained.add('gone'), drained.add('left')];
    const over = drained.draining.run(2 * LIMIT_MS, LIMIT_MS);
    await rounds();
    gone.end();
    for (let ms = 0; ms <= LIMIT_MS; ms += 20) await pass(20);
    expect(drained.done.filter((event) => event.startsWith('gone'))).toEqual([]);
    expect(drained.done).toContain('left closes with 1001');
    left.end();
    await over;
  });

  it('ends the spread when all connections are gone', async () => {
    const drained = new Drained();
    const one = drained.add('one');
    const over = drained.draining.run(1_000_000, 1_000_000);
    await rounds();
    one.end();
    await over;
    expect(vi.getTimerCount()).toBe(0);
  });

  it('closes a connection that is added after its begin, and none before', async () => {
    const drained = new Drained();
    expect(drained.draining.hasBegun).toBe(false);
    drained.add('early').end();
    expect(drained.done).toEqual([]);
    const over = drained.draining.run(LIMIT_MS);
    expect(drained.draining.hasBegun).toBe(true);
    const late = drained.add('late');
    expect(drained.done).toEqual(['late closes with 1001']);
    await rounds();
    late.end();
    await over;
  });
});
