import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { AutoKernel } from '../../dist/kernels/auto.js';
import { JsByteKernel, JsWordKernel } from '../../dist/kernels/js.js';
import type { Kernel } from '../../dist/kernels/kernel.js';
import { NativeKernel, nativeKernel } from '../../dist/kernels/native.js';
import { RELAXED_BUILD, SIMD_BUILD, wasmKernel, wasmKernelOf, wasmScalarKernel } from '../../dist/kernels/wasm.js';

/** The first byte of the memory that the kernels do not use themselves. */
export const FREE = 65536;

/** Memory of a few pages that all kernels under test share, as a thread's arena. */
export const memory = newMemory(4);
export const bytes = Buffer.from(memory.buffer);

export function newMemory(pages: number): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: pages, maximum: pages });
}

/** Every kernel and variant over one memory. `auto` is there twice: as shipped, and changing where short tests can see it. */
export function allKernels(over: WebAssembly.Memory): readonly (readonly [string, Kernel])[] {
  const wasm = wasmKernel(over);
  const native = new NativeKernel(over, wasm.unmask);
  const low = {
    unmaskWasmFromBytes: 9,
    validateWasmFromBytes: 5,
    validateNativeFromBytes: 33,
    unmaskTextWasmFromBytes: 7,
    unmaskTextNativeFromBytes: 47,
  };
  return [
    ['js, by bytes', new JsByteKernel(over)],
    ['js, by words', new JsWordKernel(over)],
    ['wasm', wasm],
    ...wasmBuilds(over),
    ['wasm, scalar variants', scalarVariants(over)],
    ['wasm-scalar', wasmScalarKernel(over)],
    ['native', nativeKernel(over, wasm)],
    ['native, unmasked by wasm', native],
    ['auto', new AutoKernel(over, wasm, native)],
    ['auto, low thresholds', new AutoKernel(over, wasm, native, low)],
  ];
}

/** The builds with SIMD. `wasm` is one of them. The relaxed build is tested on every engine that has its instructions, behind a flag or not. */
function wasmBuilds(over: WebAssembly.Memory): readonly (readonly [string, Kernel])[] {
  const plain = wasmKernelOf(SIMD_BUILD, over);
  const relaxed = relaxedKernel(over);
  return [
    ...(plain === undefined ? [] : [['wasm, plain SIMD', plain] as const]),
    ...(relaxed === undefined ? [] : [['wasm, relaxed SIMD', relaxed] as const]),
  ];
}

function relaxedKernel(over: WebAssembly.Memory): Kernel | undefined {
  const kernel = wasmKernelOf(RELAXED_BUILD, over);
  if (kernel !== undefined) return kernel;
  // Node 20 has these instructions behind a flag, which no other module here depends on.
  setFlagsFromString('--experimental-wasm-relaxed-simd');
  const flagged = wasmKernelOf(RELAXED_BUILD, over);
  setFlagsFromString('--no-experimental-wasm-relaxed-simd');
  return flagged;
}

export const KERNELS = allKernels(memory);

/** The scalar kernels that the SIMD module carries for comparison. */
function scalarVariants(over: WebAssembly.Memory): Kernel {
  const module = new WebAssembly.Module(readFileSync(new URL('../../dist/kernels.wasm', import.meta.url)));
  const exports = new WebAssembly.Instance(module, { env: { memory: over } }).exports as unknown as {
    unmaskScalar: Kernel['unmask'];
    validateScalar: Kernel['validate'];
    unmaskTextScalar: Kernel['unmaskText'];
  };
  return {
    name: 'wasm',
    unmask: exports.unmaskScalar,
    validate: exports.validateScalar,
    unmaskText: exports.unmaskTextScalar,
  };
}

/** A masking key of four different bytes, in the order in which they are applied, and as kernels want it. */
export const KEY_BYTES = Buffer.from([0x37, 0xfa, 0x21, 0x9d]);
export const KEY = KEY_BYTES.readInt32LE();

/** Masks, or unmasks, byte by byte, as RFC 6455 section 5.3 puts it; `phase` is where in the payload the range begins. */
export function xor(payload: Uint8Array, phase = 0): Buffer {
  return Buffer.from(payload.map((byte, i) => byte ^ (KEY_BYTES[(i + phase) % 4] as number)));
}

/** Bytes that would change the result if a kernel read them: a lead byte in front, continuations behind. */
const BEFORE = Buffer.alloc(32, 0xe2);
const AFTER = Buffer.alloc(32, 0x82);

/** Puts a payload at an offset, between canaries. */
export function place(payload: Uint8Array, offset: number): void {
  bytes.set(BEFORE, offset - BEFORE.length);
  bytes.set(payload, offset);
  bytes.set(AFTER, offset + payload.length);
}

/** Whether this payload lies at an offset. */
export function holds(payload: Uint8Array, offset: number): boolean {
  return bytes.compare(payload, 0, payload.length, offset, offset + payload.length) === 0;
}

/** Whether the canaries that `place` has put around a range are unchanged. */
export function untouchedAround(offset: number, length: number): boolean {
  return holds(BEFORE, offset - BEFORE.length) && holds(AFTER, offset + length);
}
