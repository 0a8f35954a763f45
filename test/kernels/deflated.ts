import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Dice } from '../fuzz/dice.js';

/** What a sender makes of a message: the last four bytes are left out (RFC 7692 section 7.2.1). */
export function deflated(content: Uint8Array, options: Parameters<typeof deflateRawSync>[1] = {}): Buffer {
  const stream = deflateRawSync(content, { ...options, finishFlush: constants.Z_SYNC_FLUSH });
  return stream.subarray(0, stream.length - 4);
}

/** Bytes of some kind: noise, text of few letters, runs, and repetitions from near and from far. */
export function content(dice: Dice, most: number): Buffer {
  const length = dice.size(most);
  const bytes = Buffer.alloc(length);
  let at = 0;
  while (at < length) {
    const run = Math.min(length - at, 1 + dice.size(400));
    const kind = dice.below(at === 0 ? 3 : 6);
    const letters = 1 + dice.size(255);
    const distance = kind === 3 ? 1 + dice.below(Math.min(at, 20)) : 1 + dice.below(Math.max(1, Math.min(at, 32768)));
    for (const end = at + run; at < end; at++) {
      if (kind === 0) bytes[at] = dice.below(256);
      else if (kind < 3) bytes[at] = 0x20 + (dice.below(letters) * dice.below(letters)) / letters;
      else bytes[at] = bytes[at - distance] ?? 0;
    }
  }
  return bytes;
}

/** Some way in which zlib deflates. */
export function anyOptions(dice: Dice): Exclude<Parameters<typeof deflateRawSync>[1], undefined> {
  return {
    level: dice.below(10),
    strategy: dice.below(5),
    memLevel: 1 + dice.below(9),
    windowBits: 9 + dice.below(7),
  };
}

/** What zlib says of a message that consists of one stream, which may be cut: its output, or its error. */
export function byZlib(message: Uint8Array, history: Uint8Array = new Uint8Array()): Buffer | string {
  const input = Buffer.concat([message, Buffer.of(0, 0, 0xff, 0xff)]);
  try {
    return inflateRawSync(input, {
      finishFlush: constants.Z_SYNC_FLUSH,
      ...(history.length > 0 && { dictionary: history }),
    });
  } catch (error) {
    return (error as Error).message;
  }
}
