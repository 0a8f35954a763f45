import { constants, createInflateRaw, deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createDeflater, DEFLATE_KERNEL_CHOICES } from '../../dist/kernels/create-deflater.js';
import {
  DEFLATE_LEVELS,
  DEFLATE_READ_BEHIND_BYTES,
  type Deflater,
  NOT_SMALLER,
  UNFINISHED,
} from '../../dist/kernels/deflater.js';
import { wasmModule, wasmScalarModule } from '../../dist/kernels/wasm.js';
import { WasmDeflater } from '../../dist/kernels/wasm-deflater.js';
import { random, randomSize } from '../e2e/pattern.js';
import { DEFLATERS, deflate, fault, inflate, KINDS, make, WASM_DEFLATERS } from './all-deflaters.js';
import { newMemory } from './all-kernels.js';
import { plainInflate } from './plain-inflate.js';

const KIND_NAMES = Object.keys(KINDS);

describe.each(DEFLATERS)('a message compressed by %s', (name, deflater) => {
  it('is inflated by zlib to the same bytes, at every length to 4 KiB', () => {
    const json = make('json', 1, 4096);
    for (let length = 0; length <= 4096; length++) {
      const found = fault(deflater, { message: json.subarray(0, length), windowBits: 9 + (length % 7) });
      if (found !== undefined) expect.fail(found);
    }
  });

  it.each(KIND_NAMES)('is inflated by zlib to the same bytes, of %s', (kind) => {
    const next = random(kind.length);
    for (let i = 0; i < 60; i++) {
      const message = make(kind, i, i < 50 ? i * 7 : randomSize(next, 400, 120_000));
      const found = fault(deflater, { message, windowBits: 8 + (i % 8) });
      if (found !== undefined) expect.fail(found);
    }
  });

  it('reaches into its history, wherever that is cut, and no farther than the window', () => {
    const next = random(5);
    const before = make('json', 2, 40_000);
    for (let i = 0; i < 60; i++) {
      const windowBits = 8 + (i % 8);
      const history = before.subarray(Math.floor(next() * 40_000 * (i % 3 === 0 ? 1 : 0.05)));
      const message = make('json', 2 + (i % 3), randomSize(next, 4, 3000));
      const compressed = deflate(deflater, { message, history: history.subarray(-32768), windowBits });
      if (compressed === undefined) continue;
      const known = history.subarray(-(2 ** windowBits));
      expect(plainInflate(compressed, known, 2 ** windowBits).bytes.equals(message)).toBe(true);
      expect(inflate(compressed, known).equals(message)).toBe(true);
    }
  });

  it('uses the farthest byte of its window', () => {
    // Nothing else is in the history twice.
    const phrase = make('random bytes', 99, 64);
    for (let windowBits = 8; windowBits <= 15; windowBits++) {
      const window = 2 ** windowBits;
      // zlib keeps 262 bytes of its window free, and has none below 512 bytes.
      const reach = name.startsWith('native') ? Math.max(window, 512) - 262 : window;
      if (reach > window) continue;
      const history = Buffer.concat([phrase, make('random bytes', windowBits, reach - phrase.length)]);
      const compressed = deflate(deflater, { message: phrase, history, windowBits });
      expect(compressed?.length).toBeLessThan(20);
      expect(plainInflate(compressed as Buffer, history, window).farthest).toBe(reach);
      const farther = Buffer.concat([phrase, make('random bytes', windowBits, window + 1 - phrase.length)]);
      const without = deflate(deflater, { message: phrase.subarray(0, 20), history: farther, windowBits });
      if (without !== undefined) plainInflate(without, farther, window);
    }
  });

  it('is not smaller if it is random, or empty, or a single byte', () => {
    for (const length of [0, 1, 2, 3, 4, 5, 100, 1000, 70_000]) {
      expect(deflate(deflater, { message: make('random bytes', length, length) })).toBeUndefined();
    }
    // Not even where there is room.
    expect(deflate(deflater, { message: make('random bytes', 1, 300), capacity: 1000 })).toBeUndefined();
    expect(deflate(deflater, { message: Buffer.alloc(0), capacity: 1000 })).toBeUndefined();
  });

  it('fits into exactly as many bytes as it has, and not into one less', () => {
    for (const kind of KIND_NAMES) {
      for (const length of [40, 300, 5000, 90_000]) {
        const message = make(kind, 3, length);
        const compressed = deflate(deflater, { message });
        if (compressed === undefined) continue;
        expect(deflate(deflater, { message, capacity: compressed.length })?.equals(compressed)).toBe(true);
        expect(deflate(deflater, { message, capacity: compressed.length - 1 })).toBeUndefined();
        expect(deflate(deflater, { message, capacity: 0 })).toBeUndefined();
      }
    }
  });

  it('is one message of a stream with its window, and zlib inflates the whole stream', async () => {
    const next = random(17);
    const windowBits = 12;
    const inflater = createInflateRaw({ windowBits });
    let window: Buffer = Buffer.alloc(0);
    for (let i = 0; i < 300; i++) {
      const kind = KIND_NAMES[Math.floor(next() * KIND_NAMES.length)] as string;
      const message = make(next() < 0.7 ? 'json' : kind, Math.floor(next() * 4), randomSize(next, 1, 6000));
      const compressed = deflate(deflater, { message, history: window, windowBits });
      // What goes uncompressed does not enter the window.
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

  it('is inflated by zlib to the same bytes if it has many blocks, whatever the frequencies in them', () => {
    for (let seed = 0; seed < 2; seed++) {
      for (const kind of ['json', 'skewed bytes']) {
        const found = fault(deflater, { message: make(kind, seed, 250_000) });
        if (found !== undefined) expect.fail(found);
      }
    }
  });

  it('is inflated by zlib to the same bytes if a match from the history begins around the end of a block', () => {
    // A block ends after 20 480 literals, and of the history only every fourth byte is looked up.
    const history = make('random bytes', 6, 4096);
    for (let literals = 20_470; literals <= 20_484; literals++) {
      const message = Buffer.concat([make('random bytes', 7, literals), history.subarray(1001, 1501)]);
      expect(deflate(deflater, { message, history })).toBeDefined();
      const found = fault(deflater, { message, history });
      if (found !== undefined) expect.fail(found);
    }
  });

  it('is the same in steps as in one call', () => {
    for (const kind of KIND_NAMES) {
      const message = make(kind, 5, 150_000);
      const whole = deflate(deflater, { message });
      for (const budgetBytes of [300, 8192, 65_536, 150_000, 2 ** 31]) {
        const stepped = deflate(deflater, { message, budgetBytes });
        expect(stepped?.toString('latin1')).toBe(whole?.toString('latin1'));
      }
    }
  });
});

describe.each(WASM_DEFLATERS)('the output of %s', (_, deflater) => {
  it('depends on the message only, and not on what was in the scratch', () => {
    const history = make('json', 8, 4096);
    for (const kind of KIND_NAMES) {
      for (const length of [20, 700, 100_000]) {
        const message = make(kind, 8, length);
        const first = deflate(deflater, { message, history, scratch: 0 });
        for (const scratch of [0xff, 0x55, make('random bytes', length, 10_000), make('all bytes', 3, 4096)]) {
          const again = deflate(deflater, { message, history, scratch });
          expect(again?.toString('latin1')).toBe(first?.toString('latin1'));
        }
      }
    }
  });

  it('does not depend on the message before, which has left every place of the history in the table', () => {
    for (let seed = 0; seed < 8; seed++) {
      const history = make('json', seed, 4096);
      const message = make('json', seed + 20, 3500);
      const first = deflate(deflater, { message, history, scratch: 0 });
      deflate(deflater, { message: history });
      expect(deflate(deflater, { message, history })?.toString('latin1')).toBe(first?.toString('latin1'));
    }
  });

  it('fits into exactly as many bytes as it has if it ends with a stored block, whatever bits are in front of that', () => {
    for (let seed = 0; seed < 24; seed++) {
      const message = Buffer.concat([make('json', seed, 65_600), make('random bytes', seed, 20_000)]);
      const compressed = deflate(deflater, { message });
      expect(compressed).toBeDefined();
      const { length: capacity } = compressed as Buffer;
      expect(deflate(deflater, { message, capacity })?.length).toBe(capacity);
      expect(deflate(deflater, { message, capacity: capacity - 1 })).toBeUndefined();
    }
  });

  it('is at most as long as with stored blocks, and as with the fixed codes alone', () => {
    // Half of these bytes have a fixed code of nine bits, and none occurs twice.
    const distinct = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    expect(deflate(deflater, { message: distinct })).toBeUndefined();
    const short = Buffer.from('abcabcabcabcabc');
    const fixed = plainInflate(deflate(deflater, { message: short }) as Buffer);
    expect(fixed.blocks).toEqual(['fixed']);
    const long = plainInflate(deflate(deflater, { message: make('json', 1, 2000) }) as Buffer);
    expect(long.blocks).toEqual(['dynamic']);
    const mixed = Buffer.concat([make('random bytes', 1, 65_536), make('one byte', 65, 65_536)]);
    const blocks = plainInflate(deflate(deflater, { message: mixed }) as Buffer);
    expect(blocks.bytes.equals(mixed)).toBe(true);
    expect(blocks.blocks).toContain('stored');
    expect(blocks.blocks.length).toBeGreaterThan(2);
  });

  it('is, bit by bit, what RFC 1951 says of a short message', () => {
    const hex = (message: Buffer) => deflate(deflater, { message })?.toString('hex');
    // Fixed codes: a literal, and a match of the 15 bytes behind it at a distance of one.
    expect(hex(Buffer.alloc(16, 'a'))).toBe('4a44030000');
    expect(
      plainInflate(deflate(deflater, { message: Buffer.alloc(300) }) as Buffer).bytes.equals(Buffer.alloc(300)),
    ).toBe(true);
    expect(plainInflate(Buffer.from('4a44030000', 'hex')).bytes.toString()).toBe('a'.repeat(16));
  });

  it('has complete codes of at most 15 bits, and 7 for code lengths, whatever the frequencies', () => {
    // Huffman's algorithm alone makes 17 bits of the rarest of these, unless there is a match among them by chance.
    let longest = 0;
    for (let seed = 0; seed < 6; seed++) {
      const message = shuffled(seed, FIBONACCI);
      const rare = plainInflate(deflate(deflater, { message, windowBits: 8 }) as Buffer);
      expect(rare.bytes.equals(message)).toBe(true);
      longest = Math.max(longest, rare.longestCode);
    }
    expect(longest).toBe(15);
    // Each code length from 3 on occurs twice as often as the one before.
    const zipf = plainInflate(deflate(deflater, { message: shuffled(2, ZIPF), windowBits: 8 }) as Buffer);
    expect(zipf.bytes.equals(shuffled(2, ZIPF))).toBe(true);
    expect(zipf.longestLengthCode).toBe(7);
  });
});

/**
 * How often each byte occurs: 200 are frequent; the others as the Fibonacci numbers say, which make the deepest trees. The first of
 * these numbers is the end of the block.
 */
const FIBONACCI = [...new Array<number>(200).fill(89), 1, 2, 3, 5, 8, 13, 21, 34, 55];
const ZIPF = Array.from({ length: 256 }, (_, i) => Math.ceil(2000 / (i + 1)));

/** Bytes in a random order: so often each as `counts` says. Similar counts are not beside each other. */
function shuffled(seed: number, counts: readonly number[]): Buffer {
  const next = random(seed);
  const list = counts.flatMap((count, i) => new Array<number>(count).fill((i * 37) & 0xff));
  for (let i = list.length - 1; i > 0; i--) {
    const other = Math.floor(next() * (i + 1));
    [list[i], list[other]] = [list[other] as number, list[i] as number];
  }
  return Buffer.from(list);
}

describe('in the largest arena there is', () => {
  it('both levels work above 2 GiB and up to the last byte', () => {
    const memory = newMemory(65_536);
    const all = Buffer.from(memory.buffer);
    const end = 2 ** 32 - 65_536;
    const json = make('json', 7, 100_000);
    all.set(json, end - json.length);
    for (const level of DEFLATE_LEVELS) {
      const deflater = createDeflater('wasm', memory, level, 2 ** 31 - 100_000);
      const [historyBytes, length] = [30_000, 70_000];
      for (const output of [end - json.length - 80_000, 2 ** 31 - 300_000, 2 ** 31 + 1_000_000]) {
        const task = { input: end - length, length, historyBytes, windowBits: 15, output, capacity: length };
        const size = deflater.deflate(task);
        const compressed = all.subarray(output, output + size);
        expect(inflate(compressed, json.subarray(0, historyBytes)).equals(json.subarray(historyBytes))).toBe(true);
      }
    }
  });
});

describe('createDeflater', () => {
  it.each(DEFLATE_KERNEL_CHOICES)('makes the deflater that is called %s', (choice) => {
    const memory = newMemory(8);
    const deflater = createDeflater(choice, memory, 'fast', 65_536);
    expect(deflater.name).toBe(choice === 'auto' ? 'wasm' : choice);
    const output = 7 * 65_536;
    const input = 6 * 65_536;
    const all = Buffer.from(memory.buffer);
    all.fill('abc', input, input + 300);
    const task = { input, length: 300, historyBytes: 0, windowBits: 15, output, capacity: 299 };
    const size = deflater.deflate(task);
    expect(inflate(all.subarray(output, output + size)).toString()).toBe('abc'.repeat(100));
  });

  it.each(DEFLATE_LEVELS)(
    'compresses a message at the end of the memory with the level %s, whatever is behind it',
    (level) => {
      const memory = newMemory(8);
      const all = Buffer.from(memory.buffer);
      const output = 6 * 65_536;
      for (const module of [wasmModule(memory), wasmScalarModule(memory)]) {
        const deflater = new WasmDeflater(module, level, 65_536);
        for (const length of [4, 5, 9, 16, 100, 1500]) {
          const input = all.length - DEFLATE_READ_BEHIND_BYTES - length;
          all.fill('abc, abcd; ', input);
          const task = { input, length, historyBytes: 0, windowBits: 15, output, capacity: length };
          const size = deflater.deflate(task);
          const compressed = Buffer.from(all.subarray(output, output + size));
          if (size !== NOT_SMALLER) expect(inflate(compressed)).toEqual(all.subarray(input, input + length));
          else expect(length).toBeLessThan(17);
          all.fill(0xff, input + length);
          expect(deflater.deflate(task)).toBe(size);
          expect(all.subarray(output, output + size)).toEqual(compressed);
        }
      }
    },
  );
  it('pauses after each step, also in zlib', () => {
    for (const choice of ['wasm', 'native'] as const) {
      for (const level of DEFLATE_LEVELS) {
        const memory = newMemory(16);
        const message = make('text', 1, 200_000);
        Buffer.from(memory.buffer).set(message, 400_000);
        const deflater = createDeflater(choice, memory, level, 65_536);
        const task = { input: 400_000, length: 200_000, historyBytes: 0, windowBits: 15, output: 700_000 };
        deflater.begin({ ...task, capacity: 200_000 });
        let steps = 1;
        while (deflater.goOn(16_384) === UNFINISHED) steps++;
        expect(steps).toBeGreaterThanOrEqual(10);
      }
    }
  });

  it('goes on with nothing if nothing was begun', () => {
    for (const choice of DEFLATE_KERNEL_CHOICES) {
      expect(createDeflater(choice, newMemory(8), 'fast', 65_536).goOn(1000)).toBe(NOT_SMALLER);
    }
  });

  it.each([
    ['fast', 1],
    ['small', 6],
  ] as const)('compresses JSON with the level %s as well as zlib with level %i, within 1 %%', (level, zlibLevel) => {
    const ours = WASM_DEFLATERS.find(([name]) => name === `wasm, ${level}`)?.[1] as Deflater;
    for (const length of [256, 1024, 4096, 16_384, 65_536]) {
      let [sum, zlibSum] = [0, 0];
      for (let seed = 0; seed < 8; seed++) {
        const message = make('json', seed, length);
        sum += deflate(ours, { message })?.length ?? length;
        zlibSum += deflateRawSync(message, { level: zlibLevel, finishFlush: constants.Z_SYNC_FLUSH }).length - 4;
      }
      expect(sum).toBeLessThan(1.01 * zlibSum);
    }
  });

  it('compresses more with the level small', () => {
    const sizes = DEFLATERS.map(([name, deflater]) => {
      const message = make('json', 4, 30_000);
      return [name, deflate(deflater, { message })?.length ?? 0] as const;
    });
    for (const kernel of ['wasm', 'wasm-scalar', 'native']) {
      const of = (level: string) => sizes.find(([name]) => name === `${kernel}, ${level}`)?.[1] ?? 0;
      expect(of('small')).toBeLessThan(of('fast'));
    }
  });
});
