/** What is counted by how large it is, or how long it takes: how many values there were in each of some ranges, and their sum. */
interface DistributionRow {
  /** Where each range ends, itself included; ascending. One more range is above all of them. */
  readonly bounds: readonly number[];
}

/** Where ranges of sizes end, in bytes: 2^0 to 2^32, so that {@link sizeRange} finds the range without a search. */
const SIZE_BOUNDS = Array.from({ length: 33 }, (_, power) => 2 ** power);

/** Times of an event loop, in seconds: 1 ms is nothing, and 10 s is a thread that was not there. */
const DELAY_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Times of what waits for a client, an application or another thread, in seconds. */
const WAIT_BOUNDS = [0.00025, 0.0005, ...DELAY_BOUNDS];

/** Times of hooks, in seconds: each bound is four times the one before. */
const HOOK_BOUNDS = Array.from({ length: 12 }, (_, power) => 4 ** power / 1e6);

/**
 * Every distribution that a thread counts. Like the rows of `FIGURES`, they have their places in memory that the thread shares with the
 * primary.
 */
export const DISTRIBUTIONS = {
  RECEIVED_TEXT_BYTES: { bounds: SIZE_BOUNDS },
  RECEIVED_BINARY_BYTES: { bounds: SIZE_BOUNDS },
  SENT_TEXT_BYTES: { bounds: SIZE_BOUNDS },
  SENT_BINARY_BYTES: { bounds: SIZE_BOUNDS },
  PUBLISHED_TEXT_BYTES: { bounds: SIZE_BOUNDS },
  PUBLISHED_BINARY_BYTES: { bounds: SIZE_BOUNDS },
  HOOK_SECONDS: { bounds: HOOK_BOUNDS },
  HANDSHAKE_SECONDS: { bounds: WAIT_BOUNDS },
  TLS_HANDSHAKE_SECONDS: { bounds: WAIT_BOUNDS },
  HAND_OFF_SECONDS: { bounds: WAIT_BOUNDS },
  LOOP_DELAY_SECONDS: { bounds: DELAY_BOUNDS },
} as const satisfies Readonly<Record<string, DistributionRow>>;

export type DistributionName = keyof typeof DISTRIBUTIONS;

/** The names of all distributions, in the order of their places in memory. */
export const DISTRIBUTION_NAMES = Object.keys(DISTRIBUTIONS) as readonly DistributionName[];

/** The range of a size, counted from 0. @param bytes up to 2^32 less 1. Hot. */
export function sizeRange(bytes: number): number {
  return bytes === 0 ? 0 : 32 - Math.clz32(bytes - 1);
}
