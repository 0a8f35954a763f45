/**
 * Inflates the messages of permessage-deflate (RFC 1951, RFC 7692 section 7.2.2), in the memory of the thread's arena: input,
 * history and output are ranges of it.
 *
 * - The history lies right in front of the output: matches reach into it. It is what the messages before have ended with, up to
 *   32 KiB, or nothing.
 * - The four bytes 00 00 FF FF that a sender leaves out are not needed behind the input, and nothing behind the input is read.
 * - Nothing behind the limit of the output is written. Below it, what lies behind the output that is there is unspecified.
 * - Ranges are not checked. They must be within the memory, and must not overlap: the input, the history with the output up to
 *   the limit, and the region that the inflater works in.
 *
 * A message may consist of several streams: behind a block with BFINAL, the next block begins with the next byte, and the history
 * goes on. A message is whole if it ends behind such a block, at the beginning of a stored block without lengths (the normal
 * case: they are among the four bytes), or between two blocks with less than three bits left, all of them zero. A message that
 * ends elsewhere is corrupt.
 *
 * One inflater does one message at a time. One that is not whole can be put aside, so that others come in between.
 */
export interface Inflater {
  /** The name by which the kernel is chosen and printed: `wasm`, `wasm-scalar` or `native`. */
  readonly name: string;

  /**
   * Begins a message, whatever became of the one before, and inflates it as far as `limit` and `work` allow.
   *
   * @param from where the compressed message lies.
   * @param length its length in bytes.
   * @param to where its output goes.
   * @param historyBytes how many bytes of history lie in front of `to`, from 0 to {@link MAX_HISTORY_BYTES}.
   * @param limit where the output must end, at the latest.
   * @param work after how much work to pause, at least 1: a byte of output counts as one, the header of a block as up to 2048.
   * One match or header is finished beyond that. {@link ALL_WORK} does not pause.
   * In WebAssembly a million takes 2 ms at most, of whatever input, on an AMD EPYC: of literals without a match, which take
   * longest. Text takes half of it. zlib takes up to three times as long.
   * @returns one of {@link InflateResult}.
   */
  inflate(from: number, length: number, to: number, historyBytes: number, limit: number, work: number): number;

  /**
   * Goes on after `NEEDS_ROOM`, with a limit that is further away, and after `PAUSED`. Input, history and output must be where
   * they were, or where {@link inputMoved} and {@link outputMoved} have said.
   */
  goOn(limit: number, work: number): number;

  /** Says that the input of the message that is under way was moved by so many bytes, which may be negative. */
  inputMoved(bytes: number): void;

  /** Says that the output of the message that is under way was moved by so many bytes, together with the history in front of it. */
  outputMoved(bytes: number): void;

  /** How much memory outside of the arena a message takes that is put aside, in bytes. */
  readonly asideBytes: number;

  /**
   * Puts the message that is under way aside, after `NEEDS_ROOM` or `PAUSED`. That takes {@link asideBytes}.
   * Its input, history and output stay the caller's business.
   * @returns a function that takes it up again. It is to be called once, before {@link goOn}; it ends what is under way then.
   */
  putAside(): () => void;

  /**
   * How many bytes of the message's output are there, from `to` on. After `DONE` it is all of them; after `NEEDS_ROOM` up to 257
   * less than there was room for, or none.
   */
  readonly written: number;
}

/** What a call has come to. Everything from `CUT` on means that the message is corrupt: see {@link isCorrupt}. */
export const InflateResult = {
  /** The message is whole. */
  DONE: 0,
  /** The message is longer than the limit allows. One that is corrupt, too, may be called so instead. */
  NEEDS_ROOM: 1,
  /** The work is done, and the message is not at its end. */
  PAUSED: 2,
  /** The message ends within a block. */
  CUT: 3,
  /** A block is of the reserved type 11 (RFC 1951 section 3.2.3). */
  BLOCK_TYPE: 4,
  /** The two lengths of a stored block do not match (section 3.2.4). */
  STORED_LENGTHS: 5,
  /** More than 286 literals and lengths, or more than 30 distances have codewords (section 3.2.7). */
  TOO_MANY_SYMBOLS: 6,
  /** The codewords for the lengths of codewords are too many, or too few. */
  LENGTHS_CODE: 7,
  /** A length is repeated beyond the last codeword, or before there is one. */
  LENGTHS_REPEAT: 8,
  /** The end of the block has no codeword. */
  NO_END: 9,
  /** The codewords for literals and lengths are too many, or too few. */
  LITERALS_CODE: 10,
  /** The codewords for distances are too many, or too few. */
  DISTANCES_CODE: 11,
  /** Bits that are no codeword of a literal or length, or the one of symbol 286 or 287. */
  LITERAL_SYMBOL: 12,
  /** Bits that are no codeword of a distance, or the one of symbol 30 or 31. */
  DISTANCE_SYMBOL: 13,
  /** A distance reaches beyond the beginning of the history. */
  TOO_FAR: 14,
} as const;

/** Whether a result says that the message is corrupt. */
export function isCorrupt(result: number): boolean {
  return result >= InflateResult.CUT;
}

/** What is wrong with a message that is corrupt, in words: `block type`. */
export function faultOf(result: number): string {
  const [name = ''] = Object.entries(InflateResult).find(([, value]) => value === result) ?? [];
  return name.toLowerCase().replaceAll('_', ' ');
}

/** The largest distance of a match (RFC 1951 section 3.2.5), and so the most history that is of use, in bytes. */
export const MAX_HISTORY_BYTES = 32768;

/** Work that no message reaches before it is whole: the largest that there is. */
export const ALL_WORK = 2 ** 32 - 1;

/**
 * The size of the region that an inflater works in, in bytes. It must begin at a multiple of 16, and it is written to from its
 * beginning to its end. Between messages nothing in it but the tables of fixed codes is of use, which the inflater writes once.
 */
export const INFLATE_REGION_BYTES = 20 * 1024;
