/**
 * A memory in which clients compress and decompress, and what works on it.
 *
 * | bytes   | what |
 * |--------:|------|
 * | 64 KiB  | static data of the WebAssembly module |
 * | 218 KiB | the scratch of the deflaters |
 * | 20 KiB  | the region of the inflater |
 * | the rest | the message that goes in, and what comes out, the history in front of one of them |
 *
 * Nothing in it is of use between two messages. Pages that no message has reached take no memory.
 */
import { DEFLATE_SCRATCH_BYTES, type DeflateLevel, type Deflater } from '../kernels/deflater.js';
import { INFLATE_REGION_BYTES, type Inflater } from '../kernels/inflater.js';
import { wasmModule } from '../kernels/wasm.js';
import { WasmDeflater } from '../kernels/wasm-deflater.js';
import { WasmInflater } from '../kernels/wasm-inflater.js';
import { PAGE_BYTES, reserveMemory } from '../memory/reserve.js';

const SCRATCH_AT = PAGE_BYTES;
const REGION_AT = align(SCRATCH_AT + DEFLATE_SCRATCH_BYTES);

/** Where messages may lie. */
export const MESSAGES_AT = align(REGION_AT + INFLATE_REGION_BYTES);

export class KernelMemory {
  readonly bytes: Uint8Array;
  /** How many bytes it has. */
  readonly end: number;
  readonly deflaters: Readonly<Record<DeflateLevel, Deflater>>;
  readonly inflater: Inflater;

  /** @throws ArenaError if it cannot be had. */
  constructor(pages: number) {
    const memory = reserveMemory(pages, { what: 'memory to compress in' });
    this.bytes = new Uint8Array(memory.buffer);
    this.end = this.bytes.length;
    const module = wasmModule(memory);
    this.deflaters = {
      fast: new WasmDeflater(module, 'fast', SCRATCH_AT),
      small: new WasmDeflater(module, 'small', SCRATCH_AT),
    };
    this.inflater = new WasmInflater(module, REGION_AT);
  }
}

/** The next multiple of what both kernels need. */
function align(offset: number): number {
  return Math.ceil(offset / 16) * 16;
}
