import { expect, test } from 'vitest';
import { DeflateWindow } from '../../dist/compression/deflate-window.js';
import { Deflation } from '../../dist/compression/deflation.js';
import { Inflation } from '../../dist/compression/inflation.js';
import { checkCanary } from '../../dist/compression/canary.js';
import { HEAP_WINDOWS } from '../../dist/compression/window-slabs.js';
import { createKernel } from '../../dist/kernels/create-kernel.js';
import { DEFLATE_SLACK_BYTES } from '../../dist/kernels/deflater.js';
import { Arena, ArenaError, MIN_ARENA_BYTES } from '../../dist/memory/arena.js';
import { letters } from '../connection/frames.js';
import { Counters } from '../../dist/telemetry/counters.js';

const MIB = 1024 * 1024;
const OPTIONS = { kernel: 'auto', level: 'fast', thresholdBytes: 100 } as const;

test('takes half a MiB of the arena, once', () => {
  const arena = new Arena(4 * MIB);
  void new Deflation(arena, HEAP_WINDOWS, OPTIONS, new Counters());
  expect(arena.slabs.allocatedBytes).toBe(MIB / 2);
});

test('an arena without room for it is refused, and the option is named, and how large it has to be', () => {
  expect(() => new Deflation(new Arena(MIN_ARENA_BYTES), HEAP_WINDOWS, OPTIONS, new Counters())).toThrow(ArenaError);
  expect(() => new Deflation(new Arena(MIN_ARENA_BYTES), HEAP_WINDOWS, OPTIONS, new Counters())).toThrow(
    /2 MiB at least.*arenaBytes \(--arena\)/,
  );
  const arena = new Arena(2 * MIB);
  void new Deflation(arena, HEAP_WINDOWS, OPTIONS, new Counters());
  expect(() => new Inflation(arena, HEAP_WINDOWS, createKernel('auto', arena.memory), OPTIONS)).not.toThrow();
});

test.each(['wasm', 'native'] as const)('nothing of the arena is written to but its own region (%s)', (kernel) => {
  for (const level of ['fast', 'small'] as const) {
    const arena = new Arena(2 * MIB);
    const deflation = new Deflation(arena, HEAP_WINDOWS, { ...OPTIONS, kernel, level }, new Counters());
    const end = deflation.outputStart + 64 * 1024;
    const start = end - MIB / 2;
    const outside = () => Buffer.concat([arena.bytes.subarray(64 * 1024, start), arena.bytes.subarray(end)]);
    arena.bytes.fill(0x5a, 64 * 1024);
    const before = outside();
    const window = new DeflateWindow(HEAP_WINDOWS, 15);
    for (const length of [deflation.pieceBytes, 1, 1000]) {
      const bytes = Buffer.from(letters(length));
      deflation.deflate(bytes, 0, length, 15, window);
      deflation.pieces(15, window).deflatePiece(Buffer.concat([bytes, bytes]), length, length);
      deflation.write('€'.repeat(100_000));
    }
    expect(outside().equals(before)).toBe(true);
  }
});

test('what a connection compresses at a stretch suits the kernel and the level', () => {
  const stretchOf = (kernel: 'wasm' | 'native', level: 'fast' | 'small') => {
    const { pieceBytes, stretchBytes } = new Deflation(
      new Arena(2 * MIB),
      HEAP_WINDOWS,
      { ...OPTIONS, kernel, level },
      new Counters(),
    );
    return [pieceBytes / 1024, stretchBytes / 1024];
  };
  expect(stretchOf('wasm', 'fast')).toEqual([63, 189]);
  expect(stretchOf('wasm', 'small')).toEqual([32, 48]);
  expect(stretchOf('native', 'fast')).toEqual([63, 126]);
  expect(stretchOf('native', 'small')).toEqual([12, 12]);
});

test('a text that is longer than a piece is not written beyond the input', () => {
  const deflation = new Deflation(new Arena(2 * MIB), HEAP_WINDOWS, OPTIONS, new Counters());
  deflation.bytes.fill(0x5a, deflation.outputStart - deflation.vacated, deflation.outputStart);
  deflation.write('x'.repeat(200_000));
  expect(deflation.bytes[deflation.outputStart - deflation.vacated]).toBe(0x5a);
});

test('what enters the window is what was compressed, also if the payload changes meanwhile', () => {
  const deflation = new Deflation(new Arena(4 * MIB), HEAP_WINDOWS, OPTIONS, new Counters());
  const [compressed, later] = [Buffer.from(letters(1000, 1)), Buffer.from(letters(1000, 2))];
  const shared = new Uint8Array(compressed);
  // Another thread writes to it as soon as it was read.
  shared.subarray = (start, end) => {
    const read = shared.slice(start, end);
    shared.set(later);
    return read;
  };
  const window = new DeflateWindow(HEAP_WINDOWS, 12);
  deflation.deflate(shared, 0, 1000, 12, window);
  const entered = Buffer.alloc(window.length);
  window.copyTo(entered, window.length);
  expect(entered.equals(compressed)).toBe(true);
});

test('in poison mode a canary lies behind the slack of the output, which a message leaves as it is', () => {
  const deflation = new Deflation(new Arena(4 * MIB), HEAP_WINDOWS, OPTIONS, new Counters(), true);
  const canary = deflation.outputStart + 63 * 1024 + DEFLATE_SLACK_BYTES;
  const message = Buffer.from(letters(1000, 1));
  expect(deflation.deflate(message, 0, message.length, 15, undefined)).toBeGreaterThan(0);
  expect(() => checkCanary(deflation.bytes, canary, 'a deflater')).not.toThrow();
});
