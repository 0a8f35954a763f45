import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { createKernel } from '../../dist/kernels/create-kernel.js';
import { DEFLATE_READ_BEHIND_BYTES } from '../../dist/kernels/deflater.js';
import {
  Arena,
  HEADROOM_BYTES,
  MAX_ARENA_BYTES,
  MIN_ARENA_BYTES,
  OUT_BYTES,
  PAGE_BYTES,
  WINDOW_BYTES,
} from '../../dist/memory/arena.js';
import type { Slabs } from '../../dist/memory/slabs.js';

/** Takes as many slabs of a size as there is room for. Returns them in the order of their offsets. */
function takeAll(slabs: Slabs, size: number): number[] {
  const offsets: number[] = [];
  for (let offset = slabs.take(size); offset >= 0; offset = slabs.take(size)) offsets.push(offset);
  return offsets.sort((a, b) => a - b);
}

describe('the layout of an arena', () => {
  test.each([
    ['the smallest', MIN_ARENA_BYTES],
    ['one of 3 MiB and a half', 3.5 * 1024 * 1024],
    ['one of 64 MiB', 64 * 1024 * 1024],
  ])('has in %s static data, headroom, window, gather buffer and slabs, one behind the other', (_name, sizeBytes) => {
    const arena = new Arena(sizeBytes);
    expect(arena.bytes).toHaveLength(sizeBytes);
    expect(arena.bytes.buffer).toBe(arena.memory.buffer);

    expect(arena.windowStart - HEADROOM_BYTES).toBeGreaterThanOrEqual(PAGE_BYTES);
    const windowEnd = arena.windowStart + WINDOW_BYTES;
    expect(windowEnd).toBeLessThanOrEqual(arena.outStart);
    const slabs = takeAll(arena.slabs, PAGE_BYTES);
    expect(slabs[0]).toBeGreaterThanOrEqual(arena.outStart + OUT_BYTES);
    const last = slabs.at(-1) as number;
    expect(last + PAGE_BYTES).toBeLessThanOrEqual(sizeBytes);
    expect(last + 2 * PAGE_BYTES).toBeGreaterThan(sizeBytes);
    // A deflater may read behind a message that ends a slab.
    expect(last + PAGE_BYTES + DEFLATE_READ_BEHIND_BYTES).toBeLessThanOrEqual(sizeBytes);
    // No memory between them is lost.
    expect(slabs).toHaveLength((last - (slabs[0] as number)) / PAGE_BYTES + 1);
  });

  test('puts the gather buffer and large slabs off the beginnings of pages, by more than a frame header', () => {
    const arena = new Arena(MIN_ARENA_BYTES);
    for (const offset of [arena.outStart, arena.slabs.take(PAGE_BYTES), arena.slabs.take(2 * PAGE_BYTES)]) {
      expect(offset % 4096).toBeGreaterThanOrEqual(64);
      expect(offset % 4096).toBeLessThanOrEqual(4096 - 64);
    }
  });

  test('shows the window as a view of the same memory', () => {
    const arena = new Arena(MIN_ARENA_BYTES);
    expect(arena.window).toHaveLength(WINDOW_BYTES);
    arena.bytes[arena.windowStart] = 1;
    arena.bytes[arena.windowStart + WINDOW_BYTES - 1] = 2;
    expect(arena.window[0]).toBe(1);
    expect(arena.window[WINDOW_BYTES - 1]).toBe(2);
  });

  test('has room behind the window for a header that was carried over from the read before', () => {
    const arena = new Arena(MIN_ARENA_BYTES);
    expect(arena.outStart - (arena.windowStart + WINDOW_BYTES)).toBeGreaterThanOrEqual(HEADROOM_BYTES);
  });
});

describe('the size of an arena', () => {
  test('is rounded down to whole pages', () => {
    expect(new Arena(MIN_ARENA_BYTES + PAGE_BYTES - 1).bytes).toHaveLength(MIN_ARENA_BYTES);
    expect(new Arena(MIN_ARENA_BYTES + PAGE_BYTES).bytes).toHaveLength(MIN_ARENA_BYTES + PAGE_BYTES);
  });

  test('leaves in the smallest arena room for a slab of 256 KiB', () => {
    expect(new Arena(MIN_ARENA_BYTES).slabs.take(256 * 1024)).toBeGreaterThan(0);
  });

  test('never changes: the memory cannot grow', () => {
    const { memory } = new Arena(MIN_ARENA_BYTES);
    expect(() => (memory as unknown as { grow(pages: number): number }).grow(1)).toThrow(RangeError);
  });

  test('goes up to a page less than 4 GiB, and kernels reach the last of its bytes', () => {
    const arena = new Arena(MAX_ARENA_BYTES);
    expect(arena.bytes).toHaveLength(2 ** 32 - PAGE_BYTES);
    const end = arena.bytes.length;
    for (const choice of ['js', 'wasm', 'native', 'auto'] as const) {
      const kernel = createKernel(choice, arena.memory);
      arena.bytes.fill(0, end - 100);
      kernel.unmask(end - 99, 99, 0x04030201);
      expect([...arena.bytes.subarray(end - 100, end - 94)]).toEqual([0, 1, 2, 3, 4, 1]);
      expect(kernel.unmaskText(end - 99, 99, 0x04030201, 0)).toBe(0);
      arena.bytes[end - 1] = 0xff;
      expect(kernel.validate(end - 99, 99, 0)).toBe(1);
    }
  });
});

// Only Linux limits the address space: macOS has the option and ignores it.
describe.runIf(process.platform === 'linux')('without the address space for an arena', () => {
  test('the ArenaError says how much was needed, and what to do', () => {
    const arena = new URL('../../dist/memory/arena.js', import.meta.url).href;
    const script = `
      const { Arena, ArenaError } = await import(${JSON.stringify(arena)});
      try {
        new Arena(64 * 1024 * 1024);
      } catch (error) {
        console.log(JSON.stringify({
          isArenaError: error instanceof ArenaError, code: error.code, name: error.name,
          message: error.message, cause: error.cause?.name,
        }));
      }`;
    // Enough for Node itself, and less than the 10 GiB that one WebAssembly memory reserves.
    const command = `ulimit -v ${6 * 1024 * 1024} && exec "$0" --input-type=module --eval "$1"`;
    const child = spawnSync('sh', ['-c', command, process.execPath, script], { encoding: 'utf8' });
    expect(child).toMatchObject({ status: 0, stderr: '' });
    expect(JSON.parse(child.stdout)).toEqual({
      isArenaError: true,
      code: 'WSLOOM_ARENA',
      name: 'ArenaError',
      message: expect.stringMatching(
        /^cannot reserve an arena of 64 MiB .*ulimit -v.*10 GiB.*--disable-wasm-trap-handler.*--arena/,
      ),
      cause: 'RangeError',
    });
  });
});
