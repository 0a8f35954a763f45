import type { WasmMemory } from '../memory/wasm-memory.js';
import { AutoKernel } from './auto.js';
import { jsKernel } from './js.js';
import type { Kernel } from './kernel.js';
import { NativeKernel, nativeKernel } from './native.js';
import { THRESHOLDS, type Thresholds } from './thresholds.js';
import { wasmKernel } from './wasm.js';

/** The kernels that can be chosen. */
export const KERNEL_CHOICES = ['auto', 'js', 'wasm', 'native'] as const;

/** What unmasks and validates payloads: one implementation for everything, or `auto`, which chooses by operation and size. */
export type KernelChoice = (typeof KERNEL_CHOICES)[number];

/**
 * Makes the kernel of a thread, over the memory of its arena. The memory must not grow (`initial == maximum`), and its first 64
 * KiB belong to the static data of the kernels.
 *
 * @param log is called with one line if the engine has no WebAssembly SIMD and the kernel does without it.
 * @param thresholds the sizes at which `auto` changes from one implementation to the next; see {@link THRESHOLDS}.
 */
export function createKernel(
  choice: KernelChoice,
  memory: WasmMemory,
  log: (line: string) => void = () => {},
  thresholds: Thresholds = THRESHOLDS,
): Kernel {
  if (choice === 'js') return jsKernel(memory);
  const wasm = wasmKernel(memory);
  if (wasm.name === 'wasm-scalar') {
    log('This machine has no WebAssembly SIMD: unmasking and UTF-8 validation fall back to the scalar WASM kernel.');
  }
  if (choice === 'wasm') return wasm;
  if (choice === 'native') return nativeKernel(memory, wasm);
  return new AutoKernel(memory, wasm, new NativeKernel(memory, wasm.unmask), thresholds);
}
