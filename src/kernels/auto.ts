/**
 * Chooses the best implementation for each operation and size, by measured thresholds. JavaScript is best for the smallest sizes,
 * where even the call into WebAssembly costs more than the work. WebAssembly is best in the middle, and native validation where
 * its call pays.
 *
 * WebAssembly is as fast as native code on ASCII, and half as fast on everything else. A validator does not know its text
 * beforehand, so the thresholds are for a text that is as likely to be ASCII as not.
 */
import type { WasmMemory } from '../memory/wasm-memory.js';
import type { BatchKernel, Kernel } from './kernel.js';
import { THRESHOLDS, type Thresholds } from './thresholds.js';
import { advance, Utf8 } from './utf8.js';

export class AutoKernel implements Kernel {
  readonly name = 'auto';
  readonly #bytes: Uint8Array;
  readonly #wasm: Kernel;
  readonly #native: Kernel;
  readonly #unmaskWasmFromBytes: number;
  readonly #validateWasmFromBytes: number;
  readonly #validateNativeFromBytes: number;
  readonly #unmaskTextWasmFromBytes: number;
  readonly #unmaskTextNativeFromBytes: number;

  readonly batch: BatchKernel | undefined;

  constructor(memory: WasmMemory, wasm: Kernel, native: Kernel, thresholds: Thresholds = THRESHOLDS) {
    this.#bytes = new Uint8Array(memory.buffer);
    this.#wasm = wasm;
    this.batch = wasm.batch;
    this.#native = native;
    this.#unmaskWasmFromBytes = thresholds.unmaskWasmFromBytes;
    this.#validateWasmFromBytes = thresholds.validateWasmFromBytes;
    this.#validateNativeFromBytes = thresholds.validateNativeFromBytes;
    this.#unmaskTextWasmFromBytes = thresholds.unmaskTextWasmFromBytes;
    this.#unmaskTextNativeFromBytes = thresholds.unmaskTextNativeFromBytes;
  }

  unmask(offset: number, length: number, key: number): void {
    if (length >= this.#unmaskWasmFromBytes) this.#wasm.unmask(offset, length, key);
    else this.#unmaskFew(offset, length, key);
  }

  validate(offset: number, length: number, state: number): number {
    if (length >= this.#validateNativeFromBytes) return this.#native.validate(offset, length, state);
    if (length >= this.#validateWasmFromBytes) return this.#wasm.validate(offset, length, state);
    return advance(this.#bytes, offset, offset + length, state);
  }

  unmaskText(offset: number, length: number, key: number, state: number): number {
    if (length >= this.#unmaskTextNativeFromBytes) return this.#unmaskLongText(offset, length, key, state);
    if (length >= this.#unmaskTextWasmFromBytes) return this.#wasm.unmaskText(offset, length, key, state);
    this.#unmaskFew(offset, length, key);
    return advance(this.#bytes, offset, offset + length, state);
  }

  /**
   * Unmasks a long text, and finds out how many bytes at its front are ASCII. Only the rest has to be validated, and most texts
   * have none.
   */
  #unmaskLongText(offset: number, length: number, key: number, state: number): number {
    const { unmaskAscii } = this.#wasm;
    if (unmaskAscii === undefined || state !== Utf8.ACCEPT) return this.#native.unmaskText(offset, length, key, state);
    const ascii = unmaskAscii(offset, length, key);
    return ascii === length ? Utf8.ACCEPT : this.#native.validate(offset + ascii, length - ascii, Utf8.ACCEPT);
  }

  /**
   * A method of its own, so that its callers stay small enough to be inlined: that saves 2 ns in each call that goes to
   * WASM.
   */
  #unmaskFew(offset: number, length: number, key: number): void {
    const bytes = this.#bytes;
    for (let i = 0; i < length; i++) {
      bytes[offset + i] = (bytes[offset + i] as number) ^ (key >>> ((i & 3) << 3));
    }
  }
}
