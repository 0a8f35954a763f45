/**
 * Node's own native code: `buffer.isUtf8` (simdutf) validates, and from Node 26.12 on `http.websocketUnmask` unmasks. Older versions
 * have nothing that unmasks, so there WebAssembly does it. A text is unmasked as a whole, and then validated. To do both in blocks of
 * 16 to 256 KiB, so that a block is still in the cache, gained nothing measurable up to 4 MiB, which is more than a read ever brings.
 */
import { isUtf8 } from 'node:buffer';
import type { WasmMemory } from '../memory/wasm-memory.js';
import { type Unmask, websocketUnmask } from '../system/websocket-unmask.js';
import type { Kernel } from './kernel.js';
import { validateAround } from './utf8.js';

/**
 * The kernel `native`: all of it is Node's native code where Node has all of it. WebAssembly unmasks faster at every size (Node 26.12:
 * 16 bytes in 4 ns instead of 27, 4 KiB in 43 instead of 73), so `auto` has a {@link NativeKernel} whose bytes WebAssembly unmasks.
 *
 * @param wasm unmasks where Node cannot.
 */
export function nativeKernel(memory: WasmMemory, wasm: Kernel): NativeKernel {
  return new NativeKernel(memory, websocketUnmask(memory) ?? wasm.unmask);
}

/** Validates by `buffer.isUtf8`, and unmasks by what it is given. */
export class NativeKernel implements Kernel {
  readonly name = 'native';
  readonly #bytes: Uint8Array;
  /** A function of its own, and not a method: it is called without its kernel. */
  readonly #unmask: Unmask;
  /**
   * The call of the validator, made once. Each call needs a new view (about 30 ns, half of what the call of `isUtf8` costs), but
   * no new closure.
   */
  readonly #isValid: (start: number, end: number) => boolean;

  constructor(memory: WasmMemory, unmask: Unmask) {
    const { buffer } = memory;
    this.#bytes = new Uint8Array(buffer);
    this.#unmask = unmask;
    this.#isValid = (start, end) => isUtf8(new Uint8Array(buffer, start, end - start));
  }

  unmask(offset: number, length: number, key: number): void {
    this.#unmask(offset, length, key);
  }

  validate(offset: number, length: number, state: number): number {
    return validateAround(this.#bytes, offset, length, state, this.#isValid);
  }

  unmaskText(offset: number, length: number, key: number, state: number): number {
    this.#unmask(offset, length, key);
    return validateAround(this.#bytes, offset, length, state, this.#isValid);
  }
}
