/** How one side of a connection compresses its messages. */
export interface DeflateDirection {
  /**
   * How far back a compressed message may refer: 2^`windowBits` bytes at most, 8 to 15. With `contextTakeover` this is also how much of
   * the earlier messages both sides have to keep.
   */
  readonly windowBits: number;
  /** Whether a message may refer to earlier messages (RFC 7692 section 7.1.1). If not, nothing is kept from message to message. */
  readonly contextTakeover: boolean;
  /**
   * How far back a message may refer that refers to no earlier message, if that is further than `windowBits`: 2^`standaloneBits` bytes at
   * most. A sender that keeps a small window without having been asked to, and without having said so, still has a receiver that keeps
   * 32 KiB.
   */
  readonly standaloneBits?: number;
}

/** What both sides have agreed on about permessage-deflate, as one of them sees it (RFC 7692 section 7.1). */
export interface DeflateAgreement {
  /** What binds this side when it compresses. */
  readonly own: DeflateDirection;
  /** What this side has to be able to decompress. */
  readonly peer: DeflateDirection;
}

/** An agreement in one number, which takes less time than the object on its way to another thread: see {@link numberOfAgreement}. */
export type AgreementNumber = number;

/** The number of an agreement, which is never 0. {@link agreementOf} makes an agreement of it again. */
export function numberOfAgreement({ own, peer }: DeflateAgreement): AgreementNumber {
  return (numberOfDirection(own) << DIRECTION_BITS) | numberOfDirection(peer);
}

/** The agreement that has this number. It is the same object each time: there are few agreements, and many connections that keep one. */
export function agreementOf(number: AgreementNumber): DeflateAgreement {
  let agreement = agreements.get(number);
  if (agreement === undefined) {
    agreement = { own: directionOf(number >> DIRECTION_BITS), peer: directionOf(number) };
    agreements.set(number, agreement);
  }
  return agreement;
}

const agreements = new Map<AgreementNumber, DeflateAgreement>();

/** Window bits take four, takeover one, and the window bits of messages that refer to no other four: 0 if there are none. */
const DIRECTION_BITS = 9;

function numberOfDirection({ windowBits, contextTakeover, standaloneBits = 0 }: DeflateDirection): number {
  return (standaloneBits << 5) | (windowBits << 1) | (contextTakeover ? 1 : 0);
}

function directionOf(number: number): DeflateDirection {
  const standaloneBits = (number >> 5) & 15;
  return {
    windowBits: (number >> 1) & 15,
    contextTakeover: (number & 1) === 1,
    ...(standaloneBits > 0 && { standaloneBits }),
  };
}

/** What one side wants of permessage-deflate. */
export interface DeflateSettings {
  /** Whether windows are kept from message to message, those of both sides. */
  readonly contextTakeover: boolean;
  /**
   * The largest window that is kept for each side, as a power of two in bytes: 9 to 15. Without `contextTakeover` no window is kept,
   * and this limits nothing: a message can refer to all of itself.
   */
  readonly windowBits: number;
  /** Whether a window of 32 KiB is kept for a peer that cannot be told to use a smaller one. If not, its window is not kept. */
  readonly allowsFullWindows: boolean;
}

/**
 * The smallest window that is kept for a peer. zlib has no raw window of 8 bits: Node, and zlib before version 1.2.9, use 9 where 8 was
 * agreed on.
 */
export const MIN_PEER_WINDOW_BITS = 9;
