import { describe, expect, test } from 'vitest';
import { DeflateWindow } from '../../dist/compression/deflate-window.js';
import { PooledWindows } from '../../dist/compression/window-slabs.js';
import { pattern } from '../connection/frames.js';
import { Dice } from '../fuzz/dice.js';

const KIB = 1024;
const SLAB_BYTES = 256 * KIB;

/** Windows of the same size, which fill so many slabs. */
function fill(windows: PooledWindows, slabs: number, size = 4 * KIB) {
  return Array.from({ length: (slabs * SLAB_BYTES) / size }, () => {
    const slab = windows.withRoom(size);
    return { slab, start: slab.take() };
  });
}

describe('windows in slabs', () => {
  test.each([256, 512, 4 * KIB, 32 * KIB])('of %i bytes lie side by side, and never in each other', (size) => {
    const windows = new PooledWindows();
    const filled = fill(windows, 2, size);
    expect(windows.slabBytes).toBe(2 * SLAB_BYTES);
    expect(windows.takenBytes).toBe(2 * SLAB_BYTES);
    for (const { slab, start } of filled) {
      expect(slab.bytes.subarray(start, start + size).every((byte) => byte === 0)).toBe(true);
      slab.bytes.fill(1, start, start + size);
    }
    expect(new Set(filled.map(({ slab }) => slab)).size).toBe(2);
    for (const { slab } of filled) expect(slab.bytes).toHaveLength(SLAB_BYTES);
  });

  test('give their memory back when their slab has no others, but for one slab of each size', () => {
    const windows = new PooledWindows();
    const filled = [...fill(windows, 3), ...fill(windows, 2, KIB)];
    for (const { slab, start } of filled) slab.free(start);
    expect(windows.takenBytes).toBe(0);
    expect(windows.slabBytes).toBe(2 * SLAB_BYTES);
    expect(new Set(filled.map(({ slab }) => slab)).size).toBe(5);
    const given = new Set(filled.filter(({ slab }) => slab.bytes.length === 0).map(({ slab }) => slab));
    expect(given.size).toBe(3);
    for (const { slab } of fill(windows, 3)) expect(slab.bytes).toHaveLength(SLAB_BYTES);
    expect(windows.slabBytes).toBe(4 * SLAB_BYTES);
  });

  test('keep their slab while it has a single one, and take its room again', () => {
    const windows = new PooledWindows();
    const filled = fill(windows, 3);
    const kept = filled.filter((_, i) => i % 64 === 0);
    for (const window of filled) if (!kept.includes(window)) window.slab.free(window.start);
    expect(windows.slabBytes).toBe(3 * SLAB_BYTES);
    expect(kept.every(({ slab }) => slab.bytes.length === SLAB_BYTES)).toBe(true);
    for (let i = 0; i < 3 * 63; i++) windows.withRoom(4 * KIB).take();
    expect(windows.slabBytes).toBe(3 * SLAB_BYTES);
    windows.withRoom(4 * KIB).take();
    expect(windows.slabBytes).toBe(4 * SLAB_BYTES);
  });

  test('that come and go one at a time use the same memory again and again', () => {
    const windows = new PooledWindows();
    const [first] = fill(windows, 1);
    const { bytes } = first?.slab ?? {};
    for (let i = 0; i < 1000; i++) {
      const slab = windows.withRoom(4 * KIB);
      slab.free(slab.take());
    }
    expect(windows.slabBytes).toBe(2 * SLAB_BYTES);
    expect(bytes).toHaveLength(SLAB_BYTES);
  });

  test('of many connections keep what each was given, while connections come and go', () => {
    const windows = new PooledWindows();
    const dice = new Dice(7, 1);
    const all: { readonly window: DeflateWindow; readonly size: number; content: Buffer }[] = [];
    for (let i = 0; i < 6000; i++) {
      const chosen = dice.below(Math.max(all.length, 200));
      const found = all[chosen];
      if (found === undefined) {
        const bits = 8 + dice.below(8);
        all.push({ window: new DeflateWindow(windows, bits), size: 2 ** bits, content: Buffer.alloc(0) });
      } else if (dice.below(4) === 0) {
        expect(Buffer.from(found.window.bytes).equals(found.content)).toBe(true);
        found.window.release();
        all.splice(chosen, 1);
      } else {
        const message = pattern(dice.below(3000), i);
        found.window.add(message, 0, message.length);
        found.content = Buffer.concat([found.content, message]).subarray(-found.size);
      }
    }
    const wanted = all.reduce((sum, { content }) => sum + content.length, 0);
    expect(windows.takenBytes).toBeGreaterThanOrEqual(wanted);
    for (const { window, content } of all) expect(Buffer.from(window.bytes).equals(content)).toBe(true);
    for (const { window } of all) window.release();
    expect(windows.takenBytes).toBe(0);
    expect(windows.slabBytes).toBeLessThanOrEqual(8 * SLAB_BYTES);
  });
});
