/** Where candidates work: WebAssembly memory, and as much ordinary memory for candidates that copy from there. */
import { viewOf } from './bytes.js';

const PAGE = 65536;
const MIB = 1024 * 1024;

/** Where places begin: a multiple of every alignment that matters. The kernels' static data is in the first page. */
const BASE = 2 * PAGE;
const PLACES_BYTES = 64 * MIB;
/** The size of the largest range, and of the memory for copies of it. */
export const MAX_BYTES = 16 * MIB;
const SCRATCH = BASE + PLACES_BYTES + PAGE;
const PAGES = (SCRATCH + MAX_BYTES + PAGE) / PAGE;
/** The gap between the places of a cold case: more than a processor fetches ahead, and not a multiple of the sizes in caches. */
const GAP_BYTES = 4096 + 192;
/** How many places there are at most in a cold case, and how many a loop of many warms up with. */
export const MAX_PLACES = 256;
/** How many texts there are where there are many: more than a processor can know the branches of. */
export const MANY_TEXTS = 4096;

/** Places for one case: ranges of the same length, in the order in which they are visited. */
export interface Places {
  readonly length: number;
  readonly offsets: readonly number[];
  /**
   * The ranges as views, for candidates that take views. They exist already, as the view of a payload does in a server. All candidates have
   * the same ones, and those that take offsets look at them too where there are several: see ./trial.
   */
  readonly views: readonly Uint8Array[];
  /** The same ranges in ordinary memory. */
  readonly sources: readonly Uint8Array[];
}

export class Workplace {
  readonly memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
  readonly bytes = viewOf(this.memory.buffer);
  readonly #source = viewOf(new ArrayBuffer(SCRATCH));
  readonly #evicting: Uint8Array;
  readonly #made = new Map<(workplace: Workplace) => object, object>();

  /** @param cacheBytes the size of the caches of this machine, at most */
  constructor(cacheBytes: number) {
    this.#evicting = new Uint8Array(2 * cacheBytes);
  }

  /**
   * What `make` makes, which is made once. A process has one kernel of a kind, as a thread of a server has: the engine compiles the
   * closures of the first one with its memory as a constant, and those of a second one without, which may take three times as long. So
   * what a pair of candidates is made of is asked for here, too: with kernels of its own, `js + js` takes twice as long.
   */
  once(make: (workplace: Workplace) => object): object {
    const known = this.#made.get(make);
    if (known !== undefined) return known;
    const made = make(this);
    this.#made.set(make, made);
    return made;
  }

  /** The memory for copies. Every candidate may overwrite it. */
  scratch(length: number): Uint8Array {
    return this.bytes.subarray(SCRATCH, SCRATCH + length);
  }

  readonly scratchOffset = SCRATCH;

  /** One place, at this distance from a multiple of 64. */
  hot(length: number, alignment: number): Places {
    return this.#places(length, [BASE + alignment]);
  }

  /** As many places as there is room for, up to 256, in an order that no processor foresees. */
  cold(length: number, alignment: number): Places {
    const stride = Math.ceil((length + GAP_BYTES) / 64) * 64;
    const count = Math.min(MAX_PLACES, Math.floor(PLACES_BYTES / stride));
    // 97 is prime and no count is a multiple of it: each place is visited once.
    return this.#places(
      length,
      Array.from({ length: count }, (_, i) => BASE + alignment + ((i * 97) % count) * stride),
    );
  }

  /** The same as `hot`: only the loop differs. */
  latency(length: number, alignment: number): Places {
    return this.hot(length, alignment);
  }

  /** Places close together, so that all of them stay in the last cache, visited in an irregular order. @param count a power of two */
  many(length: number, alignment: number, count: number = MANY_TEXTS): Places {
    const stride = Math.ceil(length / 64) * 64 + 64;
    // 97 has no divisor in common with a power of two: each place is visited once.
    return this.#places(
      length,
      Array.from({ length: count }, (_, i) => BASE + alignment + ((i * 97) % count) * stride),
    );
  }

  #places(length: number, offsets: readonly number[]): Places {
    const views = (of: Uint8Array) => offsets.map((offset) => of.subarray(offset, offset + length));
    return { length, offsets, views: views(this.bytes), sources: views(this.#source) };
  }

  /** Puts other bytes into all caches, so that the next visit of a place has to fetch it from memory. */
  evict(): void {
    const bytes = this.#evicting;
    for (let at = 0; at < bytes.length; at += 64) bytes[at] = (bytes[at] as number) + 1;
  }
}
