import { constants, createInflateRaw } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { random, randomSize } from '../e2e/pattern.js';
import { DEFLATERS, deflate, fault, inflate, KINDS, make } from './all-deflaters.js';
import { plainInflate } from './plain-inflate.js';

const KIND_NAMES = Object.keys(KINDS);
const KIB = 1024;

/** A message of parts of any kind, each of any size. */
function medley(next: () => number, length: number): Buffer {
  const parts: Buffer[] = [];
  for (let left = length; left > 0; ) {
    const kind = KIND_NAMES[Math.floor(next() * KIND_NAMES.length)] as string;
    const part = make(kind, Math.floor(next() * 50), randomSize(next, 1, left));
    parts.push(part);
    left -= part.length;
  }
  return Buffer.concat(parts);
}

describe.each(DEFLATERS)('many messages compressed by %s', (name, deflater) => {
  it('are inflated by zlib to the same bytes, with any window, history, and budget', () => {
    const next = random(name.length);
    for (let i = 0; i < 800; i++) {
      const windowBits = 8 + Math.floor(next() * 8);
      const history = next() < 0.5 ? undefined : medley(next, randomSize(next, 1, 2 ** windowBits));
      const message = medley(next, randomSize(next, 1, next() < 0.02 ? 400 * KIB : 8 * KIB));
      const steps = next() < 0.5 ? {} : { budgetBytes: randomSize(next, 64, 100 * KIB) };
      const found = fault(deflater, { message, windowBits, ...(history && { history }), ...steps });
      if (found !== undefined) expect.fail(`number ${i}: ${found}`);
    }
  });

  it.each(KIND_NAMES)('are inflated by zlib to the same bytes, up to 4 MiB of %s', (kind) => {
    const next = random(kind.length);
    for (let i = 0; i < 3; i++) {
      const length = i === 0 ? 4096 * KIB : randomSize(next, 500 * KIB, 4096 * KIB);
      const found = fault(deflater, { message: make(kind, i, length), windowBits: 15 - 3 * (i % 3) });
      if (found !== undefined) expect.fail(found);
    }
  });

  it('hold no distance beyond their window', () => {
    const next = random(3);
    for (let i = 0; i < 64; i++) {
      const windowBits = 8 + (i % 8);
      const window = 2 ** windowBits;
      const history = make('json', i, Math.floor(next() * window));
      const message = i % 4 === 0 ? medley(next, 20 * KIB) : make('json', i, randomSize(next, 100, 90 * KIB));
      const compressed = deflate(deflater, { message, history, windowBits });
      if (compressed === undefined) continue;
      expect(plainInflate(compressed, history, window).bytes.equals(message)).toBe(true);
    }
  });

  it.each([9, 10, 11, 12, 13, 14, 15])('are one stream with a window of %i bits', async (windowBits) => {
    const next = random(windowBits);
    const inflater = createInflateRaw({ windowBits });
    let window: Buffer = Buffer.alloc(0);
    for (let i = 0; i < 200; i++) {
      // What is longer than 16 KiB would wait to be read before it is flushed.
      const length = randomSize(next, 1, 12_000);
      const message = next() < 0.7 ? make('json', Math.floor(next() * 9), length) : medley(next, length);
      const compressed = deflate(deflater, { message, history: window, windowBits });
      if (compressed === undefined) continue;
      window = Buffer.concat([window, message]).subarray(-(2 ** windowBits));
      inflater.write(Buffer.concat([compressed, Buffer.from([0, 0, 0xff, 0xff])]));
      await new Promise<void>((resolve) => inflater.flush(constants.Z_SYNC_FLUSH, resolve));
      const parts: Buffer[] = [];
      for (let part = inflater.read(); part !== null; part = inflater.read()) parts.push(part);
      expect(Buffer.concat(parts).equals(message)).toBe(true);
    }
    inflater.destroy();
  });

  it('reach into a history that is cut at every place', () => {
    const text = make('json', 6, 1500);
    for (let cut = 0; cut <= 1000; cut++) {
      const history = text.subarray(cut % 7, cut);
      const message = text.subarray(cut, cut + 300);
      const compressed = deflate(deflater, { message, history, windowBits: 10 });
      if (compressed === undefined) continue;
      expect(inflate(compressed, history).equals(message)).toBe(true);
    }
  });
});
