/** The inflater in WebAssembly, assembly/inflate.ts. It needs no SIMD, and copies by vectors where there is SIMD. */
import { INFLATE_REGION_BYTES, type Inflater } from './inflater.js';
import type { WasmModule } from './wasm.js';

/** Words of the state at the beginning of a region, which assembly/inflate-state.ts lays out. */
const AT = 0;
const END_AT = 1;
const SAFE = 2;
const INPUT_END = 3;
const OUT = 7;
const OUT_BEGIN = 8;
const OLDEST = 9;
const STATE_WORDS = 10;

export class WasmInflater implements Inflater {
  readonly name: string;
  readonly asideBytes = INFLATE_REGION_BYTES;
  readonly #region: number;
  readonly #state: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #inflate: WasmModule['exports']['inflate'];
  readonly #goOn: WasmModule['exports']['inflateGoOn'];

  /** @param region where `INFLATE_REGION_BYTES` of the memory of this module are given to it. */
  constructor(module: WasmModule, region: number) {
    this.name = module.name;
    this.#region = region;
    this.#state = new Uint32Array(module.memory.buffer, region, STATE_WORDS);
    this.#bytes = new Uint8Array(module.memory.buffer, region, INFLATE_REGION_BYTES);
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

  inputMoved(bytes: number): void {
    const state = this.#state;
    // Close to its end the input is read from a copy in the region, which has not moved.
    const isCopied = state[END_AT] !== state[INPUT_END];
    this.#move(INPUT_END, bytes);
    if (isCopied) return;
    this.#move(AT, bytes);
    this.#move(END_AT, bytes);
    this.#move(SAFE, bytes);
  }

  outputMoved(bytes: number): void {
    this.#move(OUT, bytes);
    this.#move(OUT_BEGIN, bytes);
    this.#move(OLDEST, bytes);
  }

  putAside(): () => void {
    const region = this.#bytes.slice();
    return () => this.#bytes.set(region);
  }

  #move(word: number, bytes: number): void {
    this.#state[word] = (this.#state[word] as number) + bytes;
  }
}
