import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Arena, MIN_ARENA_BYTES, WINDOW_BYTES } from '../../dist/memory/arena.js';
import { PartialMessage } from '../../dist/protocol/partial-message.js';
import { noise } from './client-frames.js';

const SPAN = 64 * 1024;

const large = new Arena(16 * 1024 * 1024);
const small = new Arena(MIN_ARENA_BYTES);

let arena: Arena;
let message: PartialMessage<Buffer>;

beforeEach(() => {
  arena = large;
  message = new PartialMessage(arena);
});

afterEach(() => {
  for (const { slabs } of [large, small]) {
    expect(slabs.allocatedSlabs).toBe(0);
    expect(slabs.allocatedBytes).toBe(0);
  }
});

/** Appends bytes that lie in the window, which is then overwritten. */
function append(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += WINDOW_BYTES) {
    const part = bytes.subarray(at, at + WINDOW_BYTES);
    arena.bytes.set(part, arena.windowStart);
    message.append(arena.windowStart, part.length);
  }
  arena.window.fill(0xaa);
}

/** Appends bytes that were read into the range that the message has lent. */
function appendDirectly(bytes: Uint8Array): void {
  const lent = message.lendFreeEnd(bytes.length, bytes.length);
  expect(lent).toBeDefined();
  const [offset] = lent as [number, number];
  arena.bytes.set(bytes, offset);
  message.endLoan();
  message.append(offset, bytes.length);
}

/** Compares bytes. `toEqual` would be slow, because it looks at every byte by itself. */
function expectContents(bytes: Uint8Array): void {
  const contents = message.bytes.subarray(message.start, message.start + message.length);
  expect(contents.equals(bytes)).toBe(true);
}

/** Fills the arena. Returns a function that gives the memory back. */
function occupy(): () => void {
  const taken: [number, number][] = [];
  for (let size = 256 * SPAN; size >= 64; size /= 2) {
    for (let offset = arena.slabs.take(size); offset >= 0; offset = arena.slabs.take(size)) taken.push([offset, size]);
  }
  return () => {
    for (const [offset, size] of taken) arena.slabs.free(offset, size);
  };
}

describe('a partial message', () => {
  test('takes no memory before something arrives', () => {
    expect(message.length).toBe(0);
    expect(arena.slabs.allocatedSlabs).toBe(0);
    message.release();
  });

  test.each([1, 63, 64, 65, 1000, 65_536, 65_537, 1_000_000])(
    'holds %i bytes in a slab of at most twice as many',
    (length) => {
      const bytes = noise(length);
      append(bytes);
      expectContents(bytes);
      expect(message.onHeap).toBe(false);
      expect(arena.slabs.allocatedBytes).toBeLessThan(Math.max(65, length * 2));
      message.release();
      expect(message.length).toBe(0);
    },
  );

  test('joins what arrives, in slabs that double', () => {
    const bytes = noise(300_000);
    let at = 0;
    for (let size = 1; at < bytes.length; size += 7) {
      const part = bytes.subarray(at, at + size);
      append(part);
      at += part.length;
      expect(arena.slabs.allocatedSlabs).toBe(1);
      expect(arena.slabs.allocatedBytes).toBeLessThan(Math.max(65, at * 2));
    }
    expectContents(bytes);
    message.release();
  });

  test('grows where it lies while the memory behind it is free', () => {
    append(noise(SPAN));
    const { start } = message;
    append(noise(5 * SPAN));
    expect(message.start).toBe(start);
    expect(arena.slabs.allocatedBytes).toBe(8 * SPAN);
    message.release();
  });

  test('moves when the memory behind it is taken, and gives the old slab back', () => {
    const bytes = noise(3 * SPAN);
    append(bytes.subarray(0, SPAN));
    const { start } = message;
    const free = occupy();
    free();
    // Its upper buddy is taken, the rest is free.
    const neighbours: number[] = [];
    for (let offset = arena.slabs.take(SPAN); offset >= 0; offset = arena.slabs.take(SPAN)) neighbours.push(offset);
    expect(neighbours).toContain(start + SPAN);
    for (const offset of neighbours) if (offset !== start + SPAN) arena.slabs.free(offset, SPAN);
    append(bytes.subarray(SPAN));
    expect(message.start).not.toBe(start);
    expectContents(bytes);
    expect(arena.slabs.allocatedSlabs).toBe(2);
    arena.slabs.free(start + SPAN, SPAN);
    message.release();
  });

  test('can be used again after it was released', () => {
    for (const length of [100, 100_000, 7]) {
      const bytes = noise(length, length);
      append(bytes);
      expectContents(bytes);
      message.release();
    }
  });
});

describe('a partial message in a full arena', () => {
  beforeEach(() => {
    arena = small;
    message = new PartialMessage(arena);
  });

  test('begins on the heap when there is no slab', () => {
    const free = occupy();
    const bytes = noise(5000);
    append(bytes);
    expect(message.onHeap).toBe(true);
    expectContents(bytes);
    append(bytes);
    expectContents(Buffer.concat([bytes, bytes]));
    free();
    message.release();
    expect(message.onHeap).toBe(false);
  });

  test('moves to the heap when no slab is large enough, and gives its slab back at once', () => {
    const bytes = noise(500_000);
    append(bytes.subarray(0, 200_000));
    expect(message.onHeap).toBe(false);
    append(bytes.subarray(200_000));
    expect(message.onHeap).toBe(true);
    expect(arena.slabs.allocatedSlabs).toBe(0);
    expectContents(bytes);
    message.release();
  });

  test('stays on the heap until it is released, even when there is room again', () => {
    const free = occupy();
    append(noise(100));
    free();
    append(noise(1000));
    expect(message.onHeap).toBe(true);
    expect(arena.slabs.allocatedSlabs).toBe(0);
    message.release();
    append(noise(100));
    expect(message.onHeap).toBe(false);
    message.release();
  });

  test('has memory of its own on the heap, which Buffer\u2019s pool does not share', () => {
    const free = occupy();
    append(noise(100));
    expect(message.bytes.buffer.byteLength).toBe(128);
    free();
    message.release();
  });

  test('lends nothing on the heap', () => {
    const free = occupy();
    append(noise(100));
    expect(message.lendFreeEnd(10, 1)).toBeUndefined();
    free();
    message.release();
  });
});

describe('the free end that a partial message lends', () => {
  test('takes bytes that are then not copied', () => {
    const bytes = noise(90_000);
    append(bytes.subarray(0, 70_000));
    const { start } = message;
    appendDirectly(bytes.subarray(70_000, 80_000));
    appendDirectly(bytes.subarray(80_000));
    expect(message.start).toBe(start);
    expectContents(bytes);
    message.release();
  });

  test('lies behind the bytes that have arrived, and is not longer than asked for, nor than the room', () => {
    append(noise(70_000));
    expect(message.lendFreeEnd(1000, 1)).toEqual([message.start + 70_000, 1000]);
    message.endLoan();
    expect(message.lendFreeEnd(10_000_000, 1)).toEqual([message.start + 70_000, 2 * SPAN * 2 - 70_000]);
    message.endLoan();
    message.release();
  });

  test('is undefined before the first bytes, which decide about the size of the slab', () => {
    expect(message.lendFreeEnd(1_000_000, 1)).toBeUndefined();
  });

  test('is undefined if there is less room than the least length', () => {
    append(noise(60));
    expect(message.lendFreeEnd(10, 4)).toEqual([message.start + 60, 4]);
    message.endLoan();
    expect(message.lendFreeEnd(10, 5)).toBeUndefined();
    message.release();
  });

  test('makes the slab grow by the bytes that have arrived, however much is asked for', () => {
    append(noise(SPAN));
    for (let i = 0; i < 10; i++) {
      expect(message.lendFreeEnd(2 ** 40, 1)).toEqual([message.start + SPAN, SPAN]);
      message.endLoan();
    }
    expect(arena.slabs.allocatedBytes).toBe(2 * SPAN);
    message.release();
  });
});

describe('a slab that libuv may still read into', () => {
  /** The range that a read under way would write to. */
  function lend(): readonly [offset: number, length: number] {
    const lent = message.lendFreeEnd(100, 100);
    if (lent === undefined) throw new Error('nothing was lent');
    return lent;
  }

  test('stays taken after release() until endLoan()', () => {
    append(noise(SPAN));
    lend();
    const { allocatedBytes } = arena.slabs;
    message.release();
    expect(message.length).toBe(0);
    expect(arena.slabs.allocatedSlabs).toBe(1);
    expect(arena.slabs.allocatedBytes).toBe(allocatedBytes);
    message.endLoan();
    expect(arena.slabs.allocatedSlabs).toBe(0);
  });

  test('is not given to another message meanwhile', () => {
    append(noise(SPAN));
    const [offset, length] = lend();
    message.release();
    const others: number[] = [];
    for (let other = arena.slabs.take(64); other >= 0; other = arena.slabs.take(64)) {
      others.push(other);
    }
    expect(others.length).toBeGreaterThan(1000);
    expect(others.every((other) => other >= offset + length || other + 64 <= offset)).toBe(true);
    for (const other of others) arena.slabs.free(other, 64);
    message.endLoan();
  });

  test('is given back at once by release() after endLoan()', () => {
    append(noise(SPAN));
    lend();
    message.endLoan();
    message.release();
    expect(arena.slabs.allocatedSlabs).toBe(0);
  });

  test('stays taken when the message has moved away from it, until endLoan()', () => {
    arena = small;
    message = new PartialMessage(arena);
    const bytes = noise(400_000);
    append(bytes.subarray(0, 200_000));
    lend();
    append(bytes.subarray(200_000));
    expect(message.onHeap).toBe(true);
    expect(arena.slabs.allocatedSlabs).toBe(1);
    message.endLoan();
    expect(arena.slabs.allocatedSlabs).toBe(0);
    expectContents(bytes);
    message.release();
  });

  test('is given back once, however often release() and endLoan() are called', () => {
    append(noise(SPAN));
    lend();
    message.release();
    message.release();
    append(noise(10));
    message.release();
    expect(arena.slabs.allocatedSlabs).toBe(2);
    message.endLoan();
    expect(arena.slabs.allocatedSlabs).toBe(0);
    message.endLoan();
    append(noise(10));
    expect(arena.slabs.allocatedSlabs).toBe(1);
    message.release();
    expect(arena.slabs.allocatedSlabs).toBe(0);
  });
});

describe('a slab that is detached', () => {
  test('is the caller\u2019s to give back, and the message begins anew', () => {
    const bytes = noise(70_000);
    append(bytes);
    const { start } = message;
    const slab = message.detach();
    expect(slab).toEqual({ offset: start, capacity: 2 * SPAN });
    expect(message.length).toBe(0);
    message.release();
    message.endLoan();
    expect(arena.slabs.allocatedSlabs).toBe(1);

    const next = noise(70_000, 2);
    append(next);
    expectContents(next);
    expect(arena.bytes.subarray(start, start + bytes.length).equals(bytes)).toBe(true);
    message.release();
    arena.slabs.free(start, 2 * SPAN);
  });

  test('is undefined for an empty message and for one on the heap, which is forgotten', () => {
    expect(message.detach()).toBeUndefined();
    arena = small;
    message = new PartialMessage(arena);
    const free = occupy();
    append(noise(100));
    expect(message.detach()).toBeUndefined();
    expect(message.onHeap).toBe(false);
    expect(message.length).toBe(0);
    free();
  });
});
