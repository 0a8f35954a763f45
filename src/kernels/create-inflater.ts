import type { WasmMemory } from '../memory/wasm-memory.js';
import type { Inflater } from './inflater.js';
import { NativeInflater } from './native-inflater.js';
import { wasmModule } from './wasm.js';
import { WasmInflater } from './wasm-inflater.js';

/** The inflaters that can be chosen. */
export const INFLATER_CHOICES = ['auto', 'wasm', 'native'] as const;

/** What inflates messages: WebAssembly, zlib, or the one that is better, which is WebAssembly at every size of a message. */
export type InflaterChoice = (typeof INFLATER_CHOICES)[number];

/**
 * Makes the inflater of a thread, over the memory of its arena.
 *
 * @param region where a region of {@link INFLATE_REGION_BYTES} lies in the memory. `native` does not use it.
 */
export function createInflater(choice: InflaterChoice, memory: WasmMemory, region: number): Inflater {
  if (choice === 'native') return new NativeInflater(memory);
  return new WasmInflater(wasmModule(memory), region);
}
