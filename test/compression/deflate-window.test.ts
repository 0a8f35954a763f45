import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DeflateWindow } from '../../dist/compression/deflate-window.js';
import { HEAP_WINDOWS, PooledWindows } from '../../dist/compression/window-slabs.js';
import { pattern } from '../connection/frames.js';

/** What is copied out of a window, with a mark around it. */
function copied(window: DeflateWindow): Buffer {
  const memory = Buffer.alloc(1000 + 2 ** 15 + 10, 0xee);
  const end = 1000 + 2 ** 15;
  window.copyTo(memory, end);
  const start = end - window.length;
  expect(memory.subarray(0, start).every((byte) => byte === 0xee)).toBe(true);
  expect(memory.subarray(end).every((byte) => byte === 0xee)).toBe(true);
  return memory.subarray(start, end);
}

test('has the last 2^windowBits bytes of all that was added, however it was cut', () => {
  const sizes = fc.array(fc.oneof(fc.nat(40), fc.nat(600), fc.nat(1500)), { maxLength: 20 });
  fc.assert(
    fc.property(fc.integer({ min: 8, max: 10 }), sizes, (windowBits, lengths) => {
      const window = new DeflateWindow(HEAP_WINDOWS, windowBits);
      let all = Buffer.alloc(0);
      expect(window.length).toBe(0);
      for (const [i, length] of lengths.entries()) {
        const message = pattern(length, i);
        window.add(Buffer.concat([pattern(7), message, pattern(9)]), 7, length);
        all = Buffer.concat([all, message]);
        expect(copied(window).equals(all.subarray(-(2 ** windowBits)))).toBe(true);
      }
    }),
  );
});

test('has them too if each message lies behind what was copied out', () => {
  const window = new DeflateWindow(HEAP_WINDOWS, 9);
  const memory = Buffer.alloc(4000);
  let all = Buffer.alloc(0);
  for (const [i, length] of [100, 200, 0, 300, 1, 511, 512, 513, 2000, 7].entries()) {
    const message = pattern(length, i);
    window.copyTo(memory, 1000);
    memory.set(message, 1000);
    window.addBehind(memory, 1000, length);
    all = Buffer.concat([all, message]);
    expect(copied(window).equals(all.subarray(-512)), `message ${i}`).toBe(true);
  }
});

test('is empty before the first message, and copies nothing', () => {
  expect(copied(new DeflateWindow(HEAP_WINDOWS, 15))).toHaveLength(0);
});

test('that was cleared has only what is added afterwards', () => {
  const window = new DeflateWindow(HEAP_WINDOWS, 8);
  window.add(pattern(200), 0, 200);
  window.clear();
  expect(copied(window)).toHaveLength(0);
  window.add(pattern(100, 2), 0, 100);
  expect(copied(window).equals(pattern(100, 2))).toBe(true);
});

test('takes what has entered it, in powers of two from 512 bytes to its size, and nothing before the first message', () => {
  const slabs = new PooledWindows();
  const window = new DeflateWindow(slabs, 12);
  const taken = [0, 1, 511, 1, 500, 2000, 2000, 9000].map((length) => {
    window.add(pattern(length), 0, length);
    return slabs.takenBytes;
  });
  expect(taken).toEqual([0, 512, 512, 1024, 1024, 4096, 4096, 4096]);
});

test.each([512, 1024, 2048])('takes no more than a first message of %i bytes', (length) => {
  const slabs = new PooledWindows();
  new DeflateWindow(slabs, 12).add(pattern(length), 0, length);
  expect(slabs.takenBytes).toBe(length);
});

test('gives its memory back when it is released, once, and takes nothing afterwards', () => {
  const slabs = new PooledWindows();
  const [window, other] = [new DeflateWindow(slabs, 12), new DeflateWindow(slabs, 12)];
  for (const each of [window, other]) each.add(pattern(100), 0, 100);
  expect(slabs.takenBytes).toBe(1024);
  window.release();
  window.release();
  window.add(pattern(100), 0, 100);
  expect(slabs.takenBytes).toBe(512);
  expect(window.length).toBe(0);
  expect(copied(other).equals(pattern(100))).toBe(true);
});
