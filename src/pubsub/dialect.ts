import type { DeflateDirection } from '../protocol/deflate/agreement.js';

/**
 * How frames are encoded for a subscriber: as they are, or deflated without history (RFC 7692 section 7.2.1), with distances of at most
 * 32 KiB, 4 KiB or 256 bytes. Each dialect costs the publisher a compression of every message that is longer than the window, so there
 * are no more: 13 and 14 window bits are served as 12, and 9 to 11 as 8. Browsers, and most other clients, leave the server 15, whatever
 * window it keeps itself for messages to one of them alone.
 */
export const Dialect = { PLAIN: 0, DEFLATED_15: 1, DEFLATED_12: 2, DEFLATED_8: 3 } as const;

export type Dialect = (typeof Dialect)[keyof typeof Dialect];

export const ALL_DIALECTS: readonly Dialect[] = Object.values(Dialect);

/** The dialects that are compressed, from the largest window to the smallest. */
export const DEFLATED_DIALECTS = [Dialect.DEFLATED_15, Dialect.DEFLATED_12, Dialect.DEFLATED_8] as const;

/** By dialect: how far back its distances reach at most, as a power of two in bytes. */
export const WINDOW_BITS = [0, 15, 12, 8] as const;

/** Sets of dialects have bit `1 << dialect` for each. This is the set of all that are compressed. */
export const DEFLATED_SET = 0b1110;

/** The dialect of a subscriber. @param own what binds the server when it compresses for it; undefined if it may not. */
export function dialectFor(own: DeflateDirection | undefined): Dialect {
  if (own === undefined) return Dialect.PLAIN;
  const bits = own.standaloneBits ?? own.windowBits;
  return DEFLATED_DIALECTS.find((dialect) => WINDOW_BITS[dialect] <= bits) ?? Dialect.PLAIN;
}
