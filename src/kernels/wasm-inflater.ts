/** The inflater in WebAssembly, assembly/inflate.ts. It needs no SIMD, and copies by vectors where there is SIMD. */
import type { Inflater } from './inflater.js';
import type { WasmModule } from './wasm.js';

/** Words of the state at the beginning of a region, which assembly/inflate.ts lays out. */
const OUT = 7;
const OUT_BEGIN = 8;
const STATE_WORDS = 9;

export class WasmInflater implements Inflater {
  readonly name: string;
  readonly #region: number;
  readonly #state: Uint32Array;
  readonly #inflate: WasmModule['exports']['inflate'];
  readonly #goOn: WasmModule['exports']['inflateGoOn'];

  /** @param region where `INFLATE_REGION_BYTES` of the memory of this module are given to it. */
  constructor(module: WasmModule, region: number) {
    this.name = module.name;
    this.#region = region;
    this.#state = new Uint32Array(module.memory.buffer, region, STATE_WORDS);
    this.#inflate = module.exports.inflate;
    this.#goOn = module.exports.inflateGoOn;
    module.exports.inflateInit(region);
  }

  get written(): number {
    return (this.#state[OUT] as number) - (this.#state[OUT_BEGIN] as number);
  }

  inflate(from: number, length: number, to: number, historyBytes: number, limit: number, work: number): number {
    return this.#inflate(this.#region, from, length, to, historyBytes, limit, work);
  }

  goOn(limit: number, work: number): number {
    return this.#goOn(this.#region, limit, work);
  }
}
