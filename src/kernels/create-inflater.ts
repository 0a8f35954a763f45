import type { Inflater } from './inflater.js';
import { NativeInflater } from './native-inflater.js';
import { wasmModule } from './wasm.js';
import { WasmInflater } from './wasm-inflater.js';

/** The inflaters that can be chosen. */
export const INFLATER_CHOICES = ['auto', 'wasm', 'native'] as const;

/** What inflates messages: WebAssembly, zlib, or the one that is better, which is WebAssembly at every size of a message. */
export type InflaterChoice = (typeof INFLATER_CHOICES)[number];

/**
 * Makes what makes the inflaters of a thread, over the memory of its arena. Each inflater does one message at a time, so that a
 * message that pauses needs an inflater of its own.
 *
 * @returns a function that makes an inflater in a region of {@link INFLATE_REGION_BYTES}.
 */
export function inflaterMaker(choice: InflaterChoice, memory: WebAssembly.Memory): (region: number) => Inflater {
  if (choice === 'native') return () => new NativeInflater(memory);
  const module = wasmModule(memory);
  return (region) => new WasmInflater(module, region);
}
