/**
 * The kernels in WebAssembly: the modules that are compiled from assembly/, and that work on the memory of the arena. A kernel
 * object holds the functions of its module, so that a call is one step from JavaScript into WebAssembly.
 */
import { readFileSync } from 'node:fs';
import type { WasmMemory } from '../memory/wasm-memory.js';
import type { WasmDeflate } from './deflater.js';
import type { BatchKernel, Kernel } from './kernel.js';

/** The bytes that an arena reserves at its beginning for the static data of the modules: one page. */
const RESERVED_BYTES = 65536;

/** The build with the instructions that all engines with SIMD have. */
export const SIMD_BUILD = new URL('../kernels.wasm', import.meta.url);

/** The build with relaxed SIMD. An engine that does not have these instructions takes it for malformed. */
export const RELAXED_BUILD = new URL('../kernels-relaxed.wasm', import.meta.url);

/** A module at work on a memory. */
export interface WasmModule {
  /** `wasm`, or `wasm-scalar` for the one without SIMD. */
  readonly name: string;
  readonly memory: WasmMemory;
  readonly exports: ModuleExports;
}

/**
 * The module with SIMD where the engine has it, else the one without. Engines that have relaxed SIMD (Node from 22 on) get a build that
 * looks up tables by one instruction instead of three: it validates text other than ASCII in 0.82 to 0.95 of the time.
 */
export function wasmModule(memory: WasmMemory): WasmModule {
  for (const build of [RELAXED_BUILD, SIMD_BUILD]) {
    const bytes = readFileSync(build);
    if (WebAssembly.validate(bytes)) return instantiate('wasm', bytes, memory);
  }
  return wasmScalarModule(memory);
}

/** The module without SIMD, which runs everywhere. */
export function wasmScalarModule(memory: WasmMemory): WasmModule {
  const bytes = readFileSync(new URL('../kernels-scalar.wasm', import.meta.url));
  return instantiate('wasm-scalar', bytes, memory);
}

/** The kernel with SIMD where the engine has it, else `wasm-scalar`. */
export function wasmKernel(memory: WasmMemory): Kernel {
  return kernelOf(wasmModule(memory));
}

/** The kernel without SIMD, which runs everywhere. */
export function wasmScalarKernel(memory: WasmMemory): Kernel {
  return kernelOf(wasmScalarModule(memory));
}

/** The kernel of one build with SIMD, to compare builds. Undefined if the engine does not have its instructions. */
export function wasmKernelOf(build: URL, memory: WasmMemory): Kernel | undefined {
  const bytes = readFileSync(build);
  return WebAssembly.validate(bytes) ? kernelOf(instantiate('wasm', bytes, memory)) : undefined;
}

function kernelOf({ name, exports }: WasmModule): Kernel {
  const { unmask, validate, unmaskText, unmaskAscii, scan, gather } = exports;
  const batch = scan === undefined || gather === undefined ? undefined : { scan, gather };
  return { name, unmask, validate, unmaskText, unmaskAscii, batch };
}

/**
 * The static data of the modules with and without SIMD lie at different places, so that both can work on one memory. The builds with
 * SIMD have the same data at the same place.
 */
function instantiate(name: string, bytes: Uint8Array, memory: WasmMemory): WasmModule {
  const module = new WebAssembly.Module(bytes);
  const exports = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as ModuleExports;
  const staticEnd = exports.__heap_base.value;
  if (staticEnd > RESERVED_BYTES) {
    throw new Error(`${name}: static data must end within the first ${RESERVED_BYTES} bytes, got ${staticEnd}`);
  }
  return { name, memory, exports };
}

/** What assembly/index.ts and assembly/scalar.ts export. */
export interface ModuleExports extends WasmDeflate {
  readonly unmask: Kernel['unmask'];
  readonly validate: Kernel['validate'];
  readonly unmaskText: Kernel['unmaskText'];
  readonly unmaskAscii?: Kernel['unmaskAscii'];
  readonly scan?: BatchKernel['scan'];
  readonly gather?: BatchKernel['gather'];
  inflateInit(region: number): void;
  inflate(
    region: number,
    from: number,
    length: number,
    to: number,
    historyBytes: number,
    limit: number,
    work: number,
  ): number;
  inflateGoOn(region: number, limit: number, work: number): number;
  /** How many bytes a region has. */
  inflateRegionBytes(): number;
  readonly __heap_base: { readonly value: number };
}
