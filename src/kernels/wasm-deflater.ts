/** The deflater in WebAssembly: assembly/deflate.ts. It needs no SIMD, so that both modules have the same. */
import {
  DEFLATE_SCRATCH_BYTES,
  type DeflateLevel,
  type Deflater,
  type DeflateTask,
  NOT_SMALLER,
  type WasmDeflate,
} from './deflater.js';
import type { WasmModule } from './wasm.js';

/** More than any message has, in bytes. */
const EVERYTHING = 0xffff_ffff;

export class WasmDeflater implements Deflater {
  readonly name: string;
  readonly #exports: WasmDeflate;
  readonly #scratch: number;
  readonly #isLazy: number;
  /** Whether a message was begun that can get smaller at all. */
  #isBegun = false;

  /** @param scratch where the scratch lies: {@link DEFLATE_SCRATCH_BYTES}, aligned to eight bytes. */
  constructor({ name, exports }: WasmModule, level: DeflateLevel, scratch: number) {
    const needed = exports.deflateScratchBytes.value;
    if (needed !== DEFLATE_SCRATCH_BYTES) {
      throw new Error(`${name}: the scratch has ${DEFLATE_SCRATCH_BYTES} bytes, and the module needs ${needed}`);
    }
    this.name = name;
    this.#exports = exports;
    this.#scratch = scratch;
    this.#isLazy = level === 'small' ? 1 : 0;
  }

  deflate(task: DeflateTask): number {
    this.begin(task);
    return this.goOn(EVERYTHING);
  }

  begin({ input, length, historyBytes, windowBits, output, capacity }: DeflateTask): void {
    const most = Math.min(capacity, length - 1);
    this.#isBegun = most > 0;
    if (!this.#isBegun) return;
    this.#exports.deflateBegin(this.#scratch, input, length, historyBytes, windowBits, output, most, this.#isLazy);
  }

  goOn(budgetBytes: number): number {
    return this.#isBegun ? this.#exports.deflateStep(this.#scratch, budgetBytes) : NOT_SMALLER;
  }
}
