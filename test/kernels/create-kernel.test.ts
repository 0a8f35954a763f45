import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createKernel, KERNEL_CHOICES } from '../../dist/kernels/create-kernel.js';
import { THRESHOLDS } from '../../dist/kernels/thresholds.js';
import { Utf8 } from '../../dist/kernels/utf8.js';
import { RELAXED_BUILD, SIMD_BUILD, wasmKernel } from '../../dist/kernels/wasm.js';
import { newMemory } from './all-kernels.js';

describe('createKernel', () => {
  it.each(KERNEL_CHOICES)('makes the kernel that is called %s', (choice) => {
    expect(createKernel(choice, newMemory(2)).name).toBe(choice);
  });

  it('logs nothing where there is SIMD', () => {
    const lines: string[] = [];
    for (const choice of KERNEL_CHOICES) createKernel(choice, newMemory(2), (line) => lines.push(line));
    expect(lines).toEqual([]);
  });

  it('changes implementations at the thresholds', () => {
    const memory = newMemory(2);
    const thresholds = {
      unmaskWasmFromBytes: 0,
      validateWasmFromBytes: 0,
      validateNativeFromBytes: 0,
      unmaskTextWasmFromBytes: 0,
      unmaskTextNativeFromBytes: 0,
    };
    const kernel = createKernel('auto', memory, undefined, thresholds);
    new Uint8Array(memory.buffer).set([0xc3, 0xa9], 65536);
    expect(kernel.validate(65536, 2, Utf8.ACCEPT)).toBe(Utf8.ACCEPT);
    expect(kernel.validate(65536, 1, Utf8.ACCEPT)).toBe(Utf8.ONE_MORE);
  });
});

describe('where Node unmasks by itself', () => {
  const calls: number[] = [];
  const original = Object.getOwnPropertyDescriptor(http, 'websocketUnmask');

  beforeAll(() => {
    const value = (buffer: Uint8Array, mask: Uint8Array) => {
      calls.push(buffer.length);
      for (const i of buffer.keys()) buffer[i] = (buffer[i] as number) ^ (mask[i % 4] as number);
    };
    Object.defineProperty(http, 'websocketUnmask', { value, configurable: true });
  });

  afterEach(() => {
    calls.length = 0;
  });

  afterAll(() => {
    if (original === undefined) Reflect.deleteProperty(http, 'websocketUnmask');
    else Object.defineProperty(http, 'websocketUnmask', original);
  });

  it('the kernel native does it by Node, for text and for binary messages', () => {
    const memory = newMemory(2);
    const kernel = createKernel('native', memory);
    kernel.unmask(65536, 3, 0x21212121);
    expect(kernel.unmaskText(65539, 5, 0x61616161, Utf8.ACCEPT)).toBe(Utf8.ACCEPT);
    expect(Buffer.from(memory.buffer).toString('latin1', 65536, 65545)).toBe('!!!aaaaa\0');
    expect(calls).toEqual([3, 5]);
  });

  it('the kernel auto leaves it to WASM, which is faster', () => {
    const memory = newMemory(2);
    const native = { ...THRESHOLDS, validateNativeFromBytes: 0, unmaskTextNativeFromBytes: 0 };
    const kernel = createKernel('auto', memory, undefined, native);
    for (const length of [1, 64, 4096]) {
      kernel.unmask(65536, length, 0x21212121);
      kernel.unmaskText(65536, length, 0, Utf8.ACCEPT);
      // In the middle of a character, nothing is known to be ASCII.
      kernel.unmaskText(65536, length, 0, Utf8.ONE_MORE);
    }
    expect(calls).toEqual([]);
  });
});

it('the kernel in WASM is the relaxed build, or else the one that all engines with SIMD can run', () => {
  const asked: BufferSource[] = [];
  const engine = vi.spyOn(WebAssembly, 'validate').mockImplementation((bytes) => asked.push(bytes) === 2);
  try {
    expect(wasmKernel(newMemory(2)).name).toBe('wasm');
  } finally {
    engine.mockRestore();
  }
  expect(asked).toEqual([readFileSync(RELAXED_BUILD), readFileSync(SIMD_BUILD)]);
});

// V8 offers WebAssembly SIMD on x86 from SSSE3 and SSE4.1 on, and has flags to turn these off. It has none for other machines.
describe.skipIf(process.arch !== 'x64')('on a machine without SIMD', () => {
  const program = `
    import { createKernel } from ${JSON.stringify(new URL('../../dist/kernels/create-kernel.js', import.meta.url).href)};
    const text = 'Möwe, 床前明月光, 🚀 and more. '.repeat(200);
    const report = process.argv.slice(1).map((choice) => {
      const memory = new WebAssembly.Memory({ initial: 2, maximum: 2 });
      const lines = [];
      const kernel = createKernel(choice, memory, (line) => lines.push(line));
      const length = Buffer.from(memory.buffer).write(text, 65536);
      kernel.unmask(65536, length, 0x12345678);
      const state = kernel.unmaskText(65536, length, 0x12345678, 0);
      const right = Buffer.from(memory.buffer, 65536, length).toString() === text;
      return { name: kernel.name, lines, right: right && state === 0 && kernel.validate(65536, length, 0) === 0 };
    });
    console.log(JSON.stringify(report));
  `;

  it.each(['--no-enable-ssse3', '--no-enable-sse4-1'])(
    'falls back to the scalar module with one line of log (%s)',
    (flag) => {
      const args = [flag, '--input-type=module', '--eval', program, '--', ...KERNEL_CHOICES];
      const report = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
      const line = expect.stringContaining('no WebAssembly SIMD');
      expect(report).toEqual([
        { name: 'auto', lines: [line], right: true },
        { name: 'js', lines: [], right: true },
        { name: 'wasm-scalar', lines: [line], right: true },
        { name: 'native', lines: [line], right: true },
      ]);
    },
  );
});
