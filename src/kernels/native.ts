/**
 * Validation by Node's own `buffer.isUtf8` (simdutf). Node has no XOR of a buffer with a key, so unmasking is the WASM
 * kernel's. Text is unmasked as a whole and then judged: to do both in blocks of 16 to 256 KiB, so that a block is still
 * in the cache when it is judged, gained nothing measurable up to 4 MiB, which is more than a read ever brings.
 */
import { isUtf8 } from 'node:buffer';
import type { Kernel } from './kernel.js';
import { validateAround } from './utf8.js';

export class NativeKernel implements Kernel {
  readonly name = 'native';
  readonly #bytes: Uint8Array;
  readonly #wasm: Kernel;
  /** Made once: each call needs a new view (about 30 ns, half of what `isUtf8` costs to call), but no new closure. */
  readonly #isValid: (start: number, end: number) => boolean;

  constructor(memory: WebAssembly.Memory, wasm: Kernel) {
    const { buffer } = memory;
    this.#bytes = new Uint8Array(buffer);
    this.#wasm = wasm;
    this.#isValid = (start, end) => isUtf8(new Uint8Array(buffer, start, end - start));
  }

  unmask(offset: number, length: number, key: number): void {
    this.#wasm.unmask(offset, length, key);
  }

  validate(offset: number, length: number, state: number): number {
    return validateAround(this.#bytes, offset, length, state, this.#isValid);
  }

  unmaskText(offset: number, length: number, key: number, state: number): number {
    this.#wasm.unmask(offset, length, key);
    return validateAround(this.#bytes, offset, length, state, this.#isValid);
  }
}
