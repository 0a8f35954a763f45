/** How messages are compressed: `fast` takes the first good match, `small` looks for a better one, which takes two to ten times as long. */
export const DEFLATE_LEVELS = ['fast', 'small'] as const;

export type DeflateLevel = (typeof DEFLATE_LEVELS)[number];

/** Returned for a message that does not get smaller, or does not fit into its output. */
export const NOT_SMALLER = 0;

/** Returned for a message that is not finished. */
export const UNFINISHED = -1;

/** How many bytes behind the end of its output range a deflater may overwrite. */
export const DEFLATE_SLACK_BYTES = 8;

/** How many bytes behind the end of a message a deflater may read. Behind the slabs of an arena there are always more. */
export const DEFLATE_READ_BEHIND_BYTES = 4;

/**
 * How large the scratch of a deflater is, in bytes. What is in it does not matter at the beginning of a message, and between
 * messages it may be used for something else.
 */
export const DEFLATE_SCRATCH_BYTES = 223_232;

/** A message to be compressed. All that it names lies in the memory of the arena, behind its first page. */
export interface DeflateTask {
  /** Where the message begins, and how many bytes it has. */
  readonly input: number;
  readonly length: number;
  /** How many bytes right in front of the message the receiver knows. 0: none. Of more than the window the last count. */
  readonly historyBytes: number;
  /** The window has 2^windowBits bytes: no distance is greater. From 8 to 15. */
  readonly windowBits: number;
  /** Where the output begins, and how many bytes it may have. It overlaps neither the message, nor the history, nor the scratch. */
  readonly output: number;
  readonly capacity: number;
}

/**
 * Compresses messages for permessage-deflate. What it writes is what RFC 7692 section 7.2.1 says is sent: a DEFLATE stream (RFC
 * 1951) that ends with an empty stored block, without the last four bytes of that, 00 00 FF FF. The same message gives the same
 * bytes whenever and in however many steps it is compressed.
 *
 * It writes into the range of the output, {@link DEFLATE_SLACK_BYTES} behind it at most, and into its scratch, and nowhere else. If a
 * message does not get smaller, the output range may have been written to all the same. It reads up to 64 KiB in front of the message
 * and up to {@link DEFLATE_READ_BEHIND_BYTES} behind it, whatever they are, so these have to be within the memory.
 */
export interface Deflater {
  /** What does it: `wasm`, `wasm-scalar` or `native`. */
  readonly name: string;

  /**
   * Compresses a message in one call.
   * @returns how many bytes the output has, or {@link NOT_SMALLER}.
   */
  deflate(task: DeflateTask): number;

  /** Begins a message, of which {@link goOn} compresses parts. A message that was begun before and is not finished is given up. */
  begin(task: DeflateTask): void;

  /**
   * Goes on with the message that was begun. Between the steps the message and its history stay where they are, and nobody
   * touches the scratch.
   *
   * @param budgetBytes how much of the message to handle in this step, in bytes, about: a step ends up to 64 KiB later where a block
   * has to be written, which takes a fifth of the time of the rest. `native` handles a multiple of 4 KiB.
   * @returns {@link UNFINISHED}, and at last what {@link deflate} returns.
   */
  goOn(budgetBytes: number): number;
}

/** What the modules in WebAssembly have for this. */
export interface WasmDeflate {
  deflateBegin(
    scratch: number,
    input: number,
    length: number,
    historyBytes: number,
    windowBits: number,
    output: number,
    capacity: number,
    isLazy: number,
  ): void;
  deflateStep(scratch: number, budgetBytes: number): number;
  readonly deflateScratchBytes: { readonly value: number };
}
