import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { createInflater, INFLATER_CHOICES } from '../../dist/kernels/create-inflater.js';
import { ALL_WORK, INFLATE_REGION_BYTES, InflateResult } from '../../dist/kernels/inflater.js';
import { wasmModule, wasmScalarModule } from '../../dist/kernels/wasm.js';
import { newMemory } from './all-kernels.js';
import { deflated } from './deflated.js';

const PAGE = 65536;

describe('createInflater', () => {
  it.each([
    ['auto', 'wasm'],
    ['wasm', 'wasm'],
    ['native', 'native'],
  ] as const)('makes, by %s, the inflater that is called %s', (choice, name) => {
    expect(createInflater(choice, newMemory(2), PAGE).name).toBe(name);
  });

  it('makes inflaters that do a message each, in turn', () => {
    const memory = newMemory(4);
    const bytes = Buffer.from(memory.buffer);
    const texts = ['one '.repeat(2000), 'and the other '.repeat(1000)];
    const runs = texts.map((text, i) => {
      const message = deflated(Buffer.from(text));
      const from = 3 * PAGE + i * 1024;
      bytes.set(message, from);
      const to = 2 * PAGE + i * 32_000;
      const inflater = createInflater('auto', memory, PAGE + i * INFLATE_REGION_BYTES);
      return { inflater, to, text, result: inflater.inflate(from, message.length, to, 0, to + 20_000, 100) };
    });
    while (runs.some(({ result }) => result === InflateResult.PAUSED)) {
      for (const run of runs) run.result = run.inflater.goOn(run.to + 20_000, 100);
    }
    for (const { inflater, to, text, result } of runs) {
      expect(result).toBe(InflateResult.DONE);
      expect(bytes.toString('latin1', to, to + inflater.written)).toBe(text);
    }
  });

  it.each([
    ['with SIMD', wasmModule],
    ['without', wasmScalarModule],
  ])('has regions as large as the module needs them: %s', (_, module) => {
    expect(module(newMemory(2)).exports.inflateRegionBytes()).toBeLessThanOrEqual(INFLATE_REGION_BYTES);
  });
});

describe('at the edges of the memory', () => {
  it.each(INFLATER_CHOICES)('reads up to the last byte, and writes up to the last byte: %s', (choice) => {
    const memory = newMemory(4);
    const bytes = Buffer.from(memory.buffer);
    const inflater = createInflater(choice, memory, PAGE);
    const text = 'The last byte is the last byte. '.repeat(30);
    const message = deflated(Buffer.from(text));
    for (let length = 0; length < message.length - 1; length++) {
      bytes.set(message.subarray(0, length), bytes.length - length);
      const result = inflater.inflate(bytes.length - length, length, 2 * PAGE, 0, 3 * PAGE, ALL_WORK);
      expect(result).toBe(length === 0 ? InflateResult.DONE : InflateResult.CUT);
    }
    const to = bytes.length - text.length;
    bytes.set(message, 2 * PAGE);
    expect(inflater.inflate(2 * PAGE, message.length, to, 0, bytes.length - 1, ALL_WORK)).toBe(
      InflateResult.NEEDS_ROOM,
    );
    if (choice !== 'native') expect(inflater.written).toBeGreaterThan(text.length - 260);
    expect(inflater.goOn(bytes.length, ALL_WORK)).toBe(InflateResult.DONE);
    expect(bytes.toString('latin1', to)).toBe(text);
  });

  it('works above 2 GiB', () => {
    const memory = newMemory(PAGE - 1);
    const bytes = new Uint8Array(memory.buffer);
    const top = bytes.length;
    const text = Buffer.from('far up in the memory '.repeat(40));
    const message = deflated(text);
    for (const choice of INFLATER_CHOICES) {
      const inflater = createInflater(choice, memory, top - 8 * PAGE);
      bytes.set(message, top - message.length);
      const to = 2 ** 31 - 500;
      for (const out of [to, top - 4 * PAGE]) {
        expect(inflater.inflate(top - message.length, message.length, out, 0, out + PAGE, ALL_WORK)).toBe(
          InflateResult.DONE,
        );
        expect(text.equals(bytes.subarray(out, out + inflater.written))).toBe(true);
      }
    }
  });
});

// V8 offers WebAssembly SIMD on x86 from SSSE3 on, and has a flag to turn it off. It has none for other machines.
it.skipIf(process.arch !== 'x64')('inflates on a machine without SIMD', () => {
  const program = `
    import { createInflater } from ${JSON.stringify(new URL('../../dist/kernels/create-inflater.js', import.meta.url).href)};
    const memory = new WebAssembly.Memory({ initial: 3, maximum: 3 });
    const bytes = Buffer.from(memory.buffer);
    const inflater = createInflater('auto', memory, 65536);
    bytes.set([0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], 131072);
    const result = inflater.inflate(131072, 7, 140000, 0, 150000, 1000);
    console.log(inflater.name, result, bytes.toString('latin1', 140000, 140000 + inflater.written));
  `;
  const args = ['--no-enable-ssse3', '--input-type=module', '--eval', program];
  expect(execFileSync(process.execPath, args, { encoding: 'utf8' }).trim()).toBe('wasm-scalar 0 Hello');
});
