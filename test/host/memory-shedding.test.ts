import { describe, expect, it } from 'vitest';
import { type MemoryHolder, MemoryShedding } from '../../dist/host/memory-shedding.js';

const turnOfLoop = () => new Promise((resolve) => setImmediate(resolve));

/** A thread whose connections hold memory of a budget of 1000 bytes. */
class Thread {
  readonly maxBytes = 1000;
  /** What the connections of other threads hold. */
  otherBytes = 0;
  readonly shed: string[] = [];
  turns = 0;
  readonly #holders = new Set<MemoryHolder>();
  readonly shedding = new MemoryShedding(this.#holders, this, {
    begin: () => {
      this.turns++;
    },
    end: () => void this.shed.push('|'),
  });

  get bytes(): number {
    let sum = 0;
    for (const { heldBytes } of this.#holders) sum += heldBytes;
    return sum;
  }

  get totalBytes(): number {
    return this.bytes + this.otherBytes;
  }

  get isExceeded(): boolean {
    return this.totalBytes > this.maxBytes;
  }

  /** Adds a connection. @param keptBytes what it still holds when it was shed. */
  hold(name: string, heldBytes: number, heldSinceMs: number, keptBytes = 0): void {
    const holder = {
      heldBytes,
      heldSinceMs,
      shed: () => {
        this.shed.push(name);
        holder.heldBytes = keptBytes;
      },
    };
    this.#holders.add(holder);
  }
}

describe('shedding', () => {
  it('ends those that have held memory for longest, until nine tenths of the budget are held', async () => {
    const thread = new Thread();
    thread.hold('young', 400, 30);
    thread.hold('oldest', 100, 10);
    thread.hold('empty', 0, 5);
    thread.hold('old', 550, 20);
    thread.shedding.check();
    await turnOfLoop();
    expect(thread.shed).toEqual(['oldest', 'old', '|']);
  });

  it('ends the largest of those that have held memory for the same time', async () => {
    const thread = new Thread();
    thread.hold('small', 300, Number.NEGATIVE_INFINITY);
    thread.hold('large', 800, Number.NEGATIVE_INFINITY);
    thread.shedding.check();
    await turnOfLoop();
    expect(thread.shed).toEqual(['large', '|']);
  });

  it('gives only the part of this thread', async () => {
    const thread = new Thread();
    thread.otherBytes = 1500;
    for (let i = 0; i < 5; i++) thread.hold(`${i}`, 100, i);
    thread.shedding.check();
    await turnOfLoop();
    // 1100 are too much by the mark of nine tenths, a quarter of which is this thread's: 275.
    expect(thread.shed).toEqual(['0', '1', '2', '|']);
  });

  it('waits until the code that has exceeded the budget is over, and is done once', async () => {
    const thread = new Thread();
    thread.hold('one', 2000, 1, 1500);
    thread.shedding.check();
    thread.shedding.check();
    expect(thread.shed).toEqual([]);
    await turnOfLoop();
    await turnOfLoop();
    expect(thread.shed).toEqual(['one', '|']);
    expect(thread.turns).toBe(1);

    thread.shedding.check();
    await turnOfLoop();
    expect(thread.shed).toEqual(['one', '|', 'one', '|']);
  });

  it('ends nothing within the budget, and nothing if others have made room meanwhile', async () => {
    const thread = new Thread();
    thread.hold('one', 1000, 1);
    thread.shedding.check();
    await turnOfLoop();
    thread.otherBytes = 1;
    thread.shedding.check();
    thread.otherBytes = 0;
    await turnOfLoop();
    expect(thread.shed).toEqual([]);
  });
});
