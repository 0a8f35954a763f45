/**
 * The one memory of a hosting thread, from its beginning to its end:
 *
 * | bytes      | what |
 * |-----------:|------|
 * | 64 KiB     | static data of the WASM module |
 * | 256        | headroom: what the last read left over, in front of its continuation |
 * | 256 KiB    | the window, which sockets are read into |
 * | 63.75 KiB  | the rest of a page, which a part of input that was kept back may use |
 * | 4 KiB      | table of the frames that a scan has found |
 * | 4 KiB      | table of the frames that are to be gathered |
 * | 2 KiB      | unused, so that the gather buffer begins in the middle of a page of the machine |
 * | 256 KiB    | the gather buffer |
 * | 4 KiB      | slack, which the vectors of `gather` may overwrite |
 * | the rest   | slabs |
 */
import { PAGE_BYTES, reserveMemory } from './reserve.js';
import { Slabs } from './slabs.js';
import type { WasmMemory } from './wasm-memory.js';

export { ArenaError, PAGE_BYTES } from './reserve.js';

const KIB = 1024;

/** How much one read may bring, in bytes. A read is handled to its end before the next, so one window serves all connections. */
export const WINDOW_BYTES = 256 * KIB;

/**
 * Free bytes in front of the window. When a read ends within a frame header or a control frame, that beginning is put
 * there, in front of its continuation: 130 bytes at most.
 */
export const HEADROOM_BYTES = 256;

/** Where a thread gathers the small frames of its next writes, in bytes. When it is full they are written, and gathering goes on. */
export const OUT_BYTES = 256 * KIB;

/** How many frames one call of a kernel finds or gathers at most: the number of rows in each of the two tables. */
export const TABLE_ROWS = 512;

/**
 * How many words a row has: where a payload lies, and its length with the first byte of its frame. See {@link
 * BatchKernel}.
 */
export const ROW_WORDS = 2;

export const TABLE_BYTES = TABLE_ROWS * ROW_WORDS * Int32Array.BYTES_PER_ELEMENT;

/**
 * Bytes behind the gather buffer that may be overwritten when frames are gathered by vectors: a page of the machine, of
 * which a few bytes are used.
 */
export const OUT_SLACK_BYTES = 4 * KIB;

/**
 * The gather buffer and every slab of a page or more begin this many bytes behind the beginning of a page of the machine.
 * On AMD's Zen 3 and 4, the kernel's copy (`rep movsb`) is many times slower if it reads from the beginning of a page
 * and writes up to 63 bytes further in another page (glibc bug 30994). A payload that goes behind a frame header is
 * such a copy: to echo 1 MiB took 955 us with slabs that begin a page, and takes 678 us with these.
 */
const OFF_PAGE_BYTES = 2048;

/** The smallest arena that holds the kernels' static data, the window and some slabs, in bytes. */
export const MIN_ARENA_BYTES = 1024 * KIB;

/**
 * The largest arena, in bytes: what WebAssembly's 32-bit addresses reach, less a page, so that every end is an address
 * too.
 */
export const MAX_ARENA_BYTES = 4 * KIB * KIB * KIB - PAGE_BYTES;

/**
 * The one memory of a hosting thread: WebAssembly memory that the kernel reads sockets into and that the WASM kernels
 * work on in place. Its size is fixed (`initial == maximum`), because libuv keeps raw pointers into it and growing
 * would move it. Its pages are touched, and so become resident, only when bytes arrive in them; then they stay
 * resident.
 *
 * The window has a law: libuv holds the range that it was given until the next read of that connection, so the window
 * can be overwritten whenever this thread returns to its event loop. Nothing asynchronous may point into it.
 */
export class Arena {
  readonly memory: WasmMemory;
  /** All of the memory, as a Buffer, so that strings can be encoded into it in place. */
  readonly bytes: Buffer;
  /** All of the memory, for words at any offset. */
  readonly view: DataView;
  /** Offset of the window, where reads land: `WINDOW_BYTES` long, with `HEADROOM_BYTES` free in front. */
  readonly windowStart: number;
  /** The window as a view, as libuv wants it. */
  readonly window: Uint8Array;
  /** The table of the frames that the last scan has found: {@link TABLE_ROWS} rows, at `foundStart`. */
  readonly found: Int32Array;
  readonly foundStart: number;
  /** The table of the frames that are to be gathered: as many rows, at `repliesStart`. */
  readonly replies: Int32Array;
  readonly repliesStart: number;
  /** Offset of the gather buffer, which has `OUT_BYTES`. */
  readonly outStart: number;
  readonly slabs: Slabs;

  /**
   * @param sizeBytes how much to reserve, from {@link MIN_ARENA_BYTES} to {@link MAX_ARENA_BYTES}, rounded down to
   * whole pages.
   * @throws ArenaError if the address space cannot be had, or there is no WebAssembly.
   */
  constructor(sizeBytes: number) {
    const pages = Math.floor(sizeBytes / PAGE_BYTES);
    this.memory = reserveMemory(pages, {
      what: `an arena of ${Math.floor((pages * PAGE_BYTES) / (KIB * KIB))} MiB for a thread`,
      less: 'a smaller arenaBytes (--arena) or fewer threads (--threads)',
    });
    this.bytes = Buffer.from(this.memory.buffer);
    this.view = new DataView(this.memory.buffer);
    this.windowStart = PAGE_BYTES + HEADROOM_BYTES;
    this.window = this.bytes.subarray(this.windowStart, this.windowStart + WINDOW_BYTES);
    this.foundStart = 2 * PAGE_BYTES + WINDOW_BYTES;
    this.found = new Int32Array(this.memory.buffer, this.foundStart, TABLE_ROWS * ROW_WORDS);
    this.repliesStart = this.foundStart + TABLE_BYTES;
    this.replies = new Int32Array(this.memory.buffer, this.repliesStart, TABLE_ROWS * ROW_WORDS);
    this.outStart = this.repliesStart + TABLE_BYTES + OFF_PAGE_BYTES;
    const slabsStart = this.outStart + OUT_BYTES + OUT_SLACK_BYTES;
    this.slabs = new Slabs(slabsStart, pages * PAGE_BYTES - slabsStart);
  }
  /** Memory on the heap, for a message that the slabs have no room for. It is not cleared. */
  allocate(length: number): Buffer {
    return Buffer.allocUnsafeSlow(length);
  }
}
