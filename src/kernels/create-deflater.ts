import type { WasmMemory } from '../memory/wasm-memory.js';
import type { DeflateLevel, Deflater } from './deflater.js';
import { NativeDeflater } from './native-deflater.js';
import { wasmModule } from './wasm.js';
import { WasmDeflater } from './wasm-deflater.js';

/** The kernels that can be chosen for compression. */
export const DEFLATE_KERNEL_CHOICES = ['auto', 'wasm', 'native'] as const;

/**
 * What compresses messages. `auto` is `wasm`, with SIMD and without: it is faster than zlib, except that at the level `small` both take as
 * long for messages of 4 KiB, and zlib less from 16 KiB on.
 */
export type DeflateKernelChoice = (typeof DEFLATE_KERNEL_CHOICES)[number];

/**
 * Makes the deflater of a thread, over the memory of its arena.
 *
 * @param scratch where a region of {@link DEFLATE_SCRATCH_BYTES} lies in the memory, aligned to eight bytes. `native` does not use it.
 */
export function createDeflater(
  choice: DeflateKernelChoice,
  memory: WasmMemory,
  level: DeflateLevel,
  scratch: number,
): Deflater {
  if (choice === 'native') return new NativeDeflater(memory, level);
  return new WasmDeflater(wasmModule(memory), level, scratch);
}
