/**
 * Validates by Node's own `buffer.isUtf8` (simdutf). Node has no XOR of a buffer with a key, so the WASM kernel unmasks. A text
 * is unmasked as a whole, and then validated. To do both in blocks of 16 to 256 KiB, so that a block is still in the cache,
 * gained nothing measurable up to 4 MiB, which is more than a read ever brings.
 */
import { isUtf8 } from 'node:buffer';
import type { Kernel } from './kernel.js';
import { validateAround } from './utf8.js';

export class NativeKernel implements Kernel {
  readonly name = 'native';
  readonly #bytes: Uint8Array;
  readonly #wasm: Kernel;
  /**
   * The call of the validator, made once. Each call needs a new view (about 30 ns, half of what the call of `isUtf8` costs), but
   * no new closure.
   */
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
