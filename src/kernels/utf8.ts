/**
 * UTF-8 as a finite automaton, built from Table 3-7 of the Unicode Standard ("Well-Formed UTF-8 Byte Sequences"). A text can be
 * cut anywhere, and the first byte that makes it invalid is known when it arrives (RFC 6455 section 8.1).
 */

/**
 * The states of a decoder. They are the same numbers in every kernel (assembly/dfa.ts has its own copy), so that kernels
 * can take turns in one stream. The states inside a character are named after what they still need.
 */
export const Utf8 = {
  /** Between characters: at the beginning, and where a message may end. */
  ACCEPT: 0,
  /** No continuation makes the text valid. No byte leads out of here. */
  REJECT: 1,
  /** One continuation byte, 80 to BF. */
  ONE_MORE: 2,
  /** Two continuation bytes. */
  TWO_MORE: 3,
  /** Three continuation bytes. */
  THREE_MORE: 4,
  /** After E0: A0 to BF (below would be overlong), then one continuation byte. */
  AFTER_E0: 5,
  /** After ED: 80 to 9F (above would be a surrogate), then one continuation byte. */
  AFTER_ED: 6,
  /** After F0: 90 to BF (below would be overlong), then two continuation bytes. */
  AFTER_F0: 7,
  /** After F4: 80 to 8F (above would be beyond U+10FFFF), then two continuation bytes. */
  AFTER_F4: 8,
} as const;

/** A decoder's state: one of the values of {@link Utf8}. */
export type Utf8State = (typeof Utf8)[keyof typeof Utf8];

/** The next state, at `state << 8 | byte`. */
export const NEXT_STATE: Readonly<Uint8Array> = nextStates();

function nextStates(): Uint8Array {
  const next = new Uint8Array(9 << 8).fill(Utf8.REJECT);
  const allow = (state: Utf8State, first: number, last: number, to: Utf8State) => {
    next.fill(to, (state << 8) | first, ((state << 8) | last) + 1);
  };
  allow(Utf8.ACCEPT, 0x00, 0x7f, Utf8.ACCEPT);
  allow(Utf8.ACCEPT, 0xc2, 0xdf, Utf8.ONE_MORE);
  allow(Utf8.ACCEPT, 0xe0, 0xe0, Utf8.AFTER_E0);
  allow(Utf8.ACCEPT, 0xe1, 0xec, Utf8.TWO_MORE);
  allow(Utf8.ACCEPT, 0xed, 0xed, Utf8.AFTER_ED);
  allow(Utf8.ACCEPT, 0xee, 0xef, Utf8.TWO_MORE);
  allow(Utf8.ACCEPT, 0xf0, 0xf0, Utf8.AFTER_F0);
  allow(Utf8.ACCEPT, 0xf1, 0xf3, Utf8.THREE_MORE);
  allow(Utf8.ACCEPT, 0xf4, 0xf4, Utf8.AFTER_F4);
  allow(Utf8.ONE_MORE, 0x80, 0xbf, Utf8.ACCEPT);
  allow(Utf8.TWO_MORE, 0x80, 0xbf, Utf8.ONE_MORE);
  allow(Utf8.THREE_MORE, 0x80, 0xbf, Utf8.TWO_MORE);
  allow(Utf8.AFTER_E0, 0xa0, 0xbf, Utf8.ONE_MORE);
  allow(Utf8.AFTER_ED, 0x80, 0x9f, Utf8.ONE_MORE);
  allow(Utf8.AFTER_F0, 0x90, 0xbf, Utf8.TWO_MORE);
  allow(Utf8.AFTER_F4, 0x80, 0x8f, Utf8.TWO_MORE);
  return next;
}

/** The state after the bytes from `start` to `end` (exclusive), one at a time. */
export function advance(bytes: Uint8Array, start: number, end: number, state: number): number {
  for (let at = start; at < end; at++) state = NEXT_STATE[(state << 8) | (bytes[at] as number)] as number;
  return state;
}

/**
 * Validates a part of a stream by a validator that knows only whole texts. The automaton ends the character that was begun
 * before, and begins the character that the end of the range cuts. `isValid` judges the bytes in between (`start` to `end`,
 * exclusive), if there are any.
 */
export function validateAround(
  bytes: Uint8Array,
  offset: number,
  length: number,
  state: number,
  isValid: (start: number, end: number) => boolean,
): number {
  const end = offset + length;
  let start = offset;
  while (state !== Utf8.ACCEPT) {
    if (state === Utf8.REJECT || start === end) return state;
    state = NEXT_STATE[(state << 8) | (bytes[start++] as number)] as number;
  }
  const boundary = lastBoundary(bytes, start, end);
  if (boundary > start && !isValid(start, boundary)) return Utf8.REJECT;
  return advance(bytes, boundary, end, Utf8.ACCEPT);
}

/**
 * The beginning of the character that `end` cuts; `end` itself if it cuts none. `start` is a boundary between characters. In text
 * that is not valid the result may be any place: then the bytes before it or those after it are not valid.
 */
function lastBoundary(bytes: Uint8Array, start: number, end: number): number {
  // A lead byte among the last three is cut if it needs more bytes than are there.
  if (end - 1 >= start && (bytes[end - 1] as number) >= 0xc0) return end - 1;
  if (end - 2 >= start && (bytes[end - 2] as number) >= 0xe0) return end - 2;
  if (end - 3 >= start && (bytes[end - 3] as number) >= 0xf0) return end - 3;
  return end;
}
