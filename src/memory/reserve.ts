import type { WasmMemory } from './wasm-memory.js';

/** A memory could not be reserved. The message says how much was asked for, and what to do. */
export class ArenaError extends Error {
  readonly code = 'WSLOOM_ARENA';
  override readonly name = 'ArenaError';
}

/** Size of a WebAssembly page, in bytes: the unit in which a memory is reserved. */
export const PAGE_BYTES = 64 * 1024;

/** What a memory is for, as the message of an error says it. */
export interface MemoryUse {
  /** `an arena of 256 MiB` */
  readonly what: string;
  /** What the user can do to need less: `a smaller arenaBytes`. Undefined if there is nothing. */
  readonly less?: string;
}

/**
 * Reserves a memory of this size, which never grows.
 * @throws ArenaError if the address space cannot be had, or there is no WebAssembly.
 */
export function reserveMemory(pages: number, { what, less }: MemoryUse): WasmMemory {
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages });
  } catch (cause) {
    throw new ArenaError(`cannot reserve ${what}: ${adviceFor(less)}`, { cause });
  }
}

/**
 * What the user can do where no memory can be had. That depends on whether a memory of one page can be had. V8 reserves
 * 10 GiB of address space for each memory, whatever its size, so that no access needs a check; under the flag it
 * reserves the size only, and checks. (Node 24 and later do so by themselves where the address space is limited.)
 */
function adviceFor(less: string | undefined): string {
  if (typeof WebAssembly === 'undefined') {
    return 'this Node has no WebAssembly, which wsloom needs; start it without --jitless, or whatever else takes it away';
  }
  try {
    new WebAssembly.Memory({ initial: 1, maximum: 1 });
    return `${less === undefined ? '' : `choose ${less}, or `}raise the limit on address space (ulimit -v)`;
  } catch {
    const further = less === undefined ? '' : `, and choose ${less} if that is still too much`;
    return (
      'the limit on address space (ulimit -v) is too low for the 10 GiB that Node takes for each; raise it, or set ' +
      `NODE_OPTIONS=--disable-wasm-trap-handler, with which each takes its own size${further}`
    );
  }
}
