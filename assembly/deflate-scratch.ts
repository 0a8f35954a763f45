/**
 * What the compressor of ./deflate keeps outside of itself: a region that the caller gives, and may give again for any other
 * message. Nothing of it is read that was not written for the same message, so its content before does not matter.
 */

/** The state of a message, in words of 32 bits: addresses, unless something else is said. */
/** Where the history begins, or the message if there is none. Positions in the hash tables are counted from here. */
export const BASE: usize = 0;
/** Where the message ends. */
export const END: usize = 4;
/** What comes next. */
export const POSITION: usize = 8;
/** Where the block begins that is being tokenized, and where it ends at the latest. */
export const BLOCK_START: usize = 12;
export const BLOCK_END: usize = 16;
/** The end of the last match: what comes behind it are literals. */
export const ANCHOR: usize = 20;
/** Where the next token goes. */
export const TOKEN: usize = 24;
/** The greatest distance, in bytes. */
export const WINDOW: usize = 28;
/** By how many bits a product is shifted to become a hash. */
export const SHIFT: usize = 32;
/** Where the output begins, goes on, and ends at the latest. */
export const OUTPUT: usize = 36;
export const OUT: usize = 40;
export const OUT_END: usize = 44;
/** Bits that do not fill a byte of the output yet, and how many they are: at most 7. */
export const BITS: usize = 48;
export const BIT_COUNT: usize = 52;
/** Whether matches are evaluated lazily. */
export const LAZY: usize = 56;
/** The shortest match that the greedy search takes, in bytes. */
export const LEAST_MATCH: usize = 60;
/** How many code lengths of the two codes the header of a dynamic block has (HLIT + 257 and HDIST + 1), and of the third (HCLEN + 4). */
export const LITERAL_LENGTHS: usize = 64;
export const DISTANCE_LENGTHS: usize = 68;
export const LENGTH_LENGTHS: usize = 72;
/** Where the run-length encoded code lengths end. */
export const RUNS_END: usize = 76;

/** How often each symbol occurs, 16 bits each: literals and lengths, distances, and code lengths (RFC 1951 section 3.2.7). */
export const LITERAL_COUNTS: usize = 128;
export const DISTANCE_COUNTS: usize = LITERAL_COUNTS + 2 * 288;
export const LENGTH_COUNTS: usize = DISTANCE_COUNTS + 2 * 32;
export const COUNTS_END: usize = LENGTH_COUNTS + 2 * 24;

/** The code lengths of these symbols, 8 bits each, with room for what is copied behind the first. */
export const LITERAL_SIZES: usize = 832;
export const DISTANCE_SIZES: usize = LITERAL_SIZES + 288 + 40;
export const LENGTH_SIZES: usize = DISTANCE_SIZES + 40;

/**
 * Their codes, 32 bits each: the bits in the order in which they are sent, above {@link SIZE_SHIFT} how many they are, and above
 * {@link EXTRA_SHIFT} how many extra bits follow.
 */
export const LITERAL_CODES: usize = 1280;
export const DISTANCE_CODES: usize = LITERAL_CODES + 4 * 288;
export const LENGTH_CODES: usize = DISTANCE_CODES + 4 * 32;
export const SIZE_SHIFT: u32 = 24;
export const EXTRA_SHIFT: u32 = 28;

/** What builds codes works in: keys to be sorted, twice, and the inner nodes of the tree (weights, parents, depths). */
export const KEYS: usize = 2688;
export const SORTED_KEYS: usize = KEYS + 4 * 292;
export const WEIGHTS: usize = SORTED_KEYS + 4 * 292;
export const PARENTS: usize = WEIGHTS + 4 * 292;
export const DEPTHS: usize = PARENTS + 4 * 292;
/** Counters of a pass of the sort, then of leaves and nodes by depth. */
export const COUNTERS: usize = DEPTHS + 4 * 292;

/** The run-length encoded code lengths of a header (RFC 1951 section 3.2.7), 16 bits each: a symbol, and its extra bits above the eighth. */
export const RUNS: usize = 8832;

/** The symbols that occur, in order, 16 bits each, behind how many they are. */
export const LITERALS_USED: usize = 9472;
export const DISTANCES_USED: usize = LITERALS_USED + 2 * 292;
export const LENGTHS_USED: usize = DISTANCES_USED + 2 * 36;

/** The hash tables, of the latest positions. Lazy: and chains to those before. */
export const HEADS: usize = 10240;
export const CHAINS: usize = HEADS + 2 * (1 << 15);

/** The tokens of a block, 32 bits each. */
export const TOKENS: usize = CHAINS + 2 * (1 << 15);
export const MAX_TOKENS: usize = 20480;
export const TOKENS_END: usize = TOKENS + 4 * MAX_TOKENS;

/** How large the scratch is, in bytes. */
export const SCRATCH_BYTES: usize = TOKENS_END;
