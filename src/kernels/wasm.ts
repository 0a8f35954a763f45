/**
 * The kernels in WebAssembly: the modules that are compiled from assembly/, and that work on the memory of the arena. A kernel
 * object holds the functions of its module, so that a call is one step from JavaScript into WebAssembly.
 */
import { readFileSync } from 'node:fs';
import type { WasmDeflate } from './deflater.js';
import type { BatchKernel, Kernel } from './kernel.js';

/** The bytes that an arena reserves at its beginning for the static data of the modules: one page. */
const RESERVED_BYTES = 65536;

/** One of the two modules, at work on a memory. */
export interface WasmModule {
  /** `wasm`, or `wasm-scalar` for the one without SIMD. */
  readonly name: string;
  readonly memory: WebAssembly.Memory;
  readonly exports: ModuleExports;
}

/** The module with SIMD where the engine has it, else the one without. */
export function wasmModule(memory: WebAssembly.Memory): WasmModule {
  const bytes = readFileSync(new URL('../kernels.wasm', import.meta.url));
  // An engine without SIMD takes the module for malformed.
  if (!WebAssembly.validate(bytes)) return wasmScalarModule(memory);
  return instantiate('wasm', bytes, memory);
}

/** The module without SIMD, which runs everywhere. */
export function wasmScalarModule(memory: WebAssembly.Memory): WasmModule {
  const bytes = readFileSync(new URL('../kernels-scalar.wasm', import.meta.url));
  return instantiate('wasm-scalar', bytes, memory);
}

/** The kernel with SIMD where the engine has it, else `wasm-scalar`. */
export function wasmKernel(memory: WebAssembly.Memory): Kernel {
  return kernelOf(wasmModule(memory));
}

/** The kernel without SIMD, which runs everywhere. */
export function wasmScalarKernel(memory: WebAssembly.Memory): Kernel {
  return kernelOf(wasmScalarModule(memory));
}

function kernelOf({ name, exports }: WasmModule): Kernel {
  const { unmask, validate, unmaskText, unmaskAscii, scan, gather } = exports;
  const batch = scan === undefined || gather === undefined ? undefined : { scan, gather };
  return { name, unmask, validate, unmaskText, unmaskAscii, batch };
}

/** The static data of the two modules lie at different places, so that both can work on one memory. */
function instantiate(name: string, bytes: Uint8Array, memory: WebAssembly.Memory): WasmModule {
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
