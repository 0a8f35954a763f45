import { afterEach, describe, expect, test } from 'vitest';
import { FrameEvent } from '../../dist/protocol/frame-event.js';
import { MaskedFrameReader } from '../../dist/protocol/masked-frame-reader.js';
import { ProtocolError } from '../../dist/protocol/protocol-error.js';
import { BINARY, CONTINUATION, frame, PING, TEXT } from './client-frames.js';
import { byteByByte, expectNoSlabTaken, rig } from './receiver.js';

afterEach(expectNoSlabTaken);

const MAX = 3;
const BEGIN = frame({ opcode: BINARY, fin: false, payload: 'a' });
const EMPTY_BEGIN = frame({ opcode: BINARY, fin: false });
const EMPTY = frame({ opcode: CONTINUATION, fin: false });
const MORE = frame({ opcode: CONTINUATION, fin: false, payload: 'b' });
const END = frame({ opcode: CONTINUATION });
const PINGED = frame({ opcode: PING });
const times = (count: number, bytes: Buffer) => Array<Buffer>(count).fill(bytes);

/** The events of frames with `MAX` empty fragments allowed, and the violation at their end; the same however they are cut. */
function outcome(...frames: Buffer[]) {
  const stream = Buffer.concat(frames);
  const whole = outcomeOf([stream]);
  expect(outcomeOf(byteByByte(stream))).toEqual(whole);
  return whole;
}

function outcomeOf(reads: Iterable<Uint8Array>, maxEmptyFragments: number | undefined = MAX) {
  const { arena, kernel } = rig();
  const reader = new MaskedFrameReader(arena, kernel, 1000, maxEmptyFragments);
  let messages = 0;
  let pings = 0;
  try {
    for (const read of reads) {
      arena.bytes.set(read, arena.windowStart);
      reader.feed(arena.windowStart, arena.windowStart + read.length);
      for (let event = reader.next(); event !== FrameEvent.NONE; event = reader.next()) {
        if (event === FrameEvent.MESSAGE) messages++;
        else pings++;
      }
    }
    return { messages, pings, closeCode: undefined };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { messages, pings, closeCode: error.closeCode };
  } finally {
    reader.endLoan();
    reader.discard();
  }
}

describe('maxConsecutiveEmptyFragments', () => {
  test('allows exactly this number of empty fragments', () => {
    expect(outcome(BEGIN, ...times(MAX, EMPTY), END)).toEqual({ messages: 1, pings: 0, closeCode: undefined });
  });

  test('makes one more a violation with 1008', () => {
    expect(outcome(BEGIN, ...times(MAX + 1, EMPTY), END)).toEqual({ messages: 0, pings: 0, closeCode: 1008 });
  });

  test('counts the first fragment of a message, too', () => {
    expect(outcome(EMPTY_BEGIN, ...times(MAX - 1, EMPTY), END)).toMatchObject({ messages: 1, closeCode: undefined });
    expect(outcome(EMPTY_BEGIN, ...times(MAX, EMPTY), END)).toMatchObject({ messages: 0, closeCode: 1008 });
  });

  test('begins anew with a fragment that has a payload', () => {
    const part = [...times(MAX, EMPTY), MORE];
    expect(outcome(BEGIN, ...part, ...part, ...part, END)).toMatchObject({ messages: 1, closeCode: undefined });
    expect(outcome(BEGIN, ...part, ...times(MAX + 1, EMPTY))).toMatchObject({ closeCode: 1008 });
  });

  test('begins anew with the next message, also when the last fragment is empty', () => {
    const message = [EMPTY_BEGIN, ...times(MAX - 1, EMPTY), END];
    expect(outcome(...message, ...message, ...message)).toMatchObject({ messages: 3, closeCode: undefined });
  });

  test('is not concerned with control frames in between', () => {
    const emptyAndPing = times(MAX, Buffer.concat([EMPTY, PINGED]));
    expect(outcome(BEGIN, ...emptyAndPing, END)).toEqual({ messages: 1, pings: MAX, closeCode: undefined });
    expect(outcome(BEGIN, ...emptyAndPing, EMPTY)).toEqual({ messages: 0, pings: MAX, closeCode: 1008 });
  });

  test('does not count empty messages', () => {
    const empty = frame({ opcode: TEXT });
    expect(outcome(...times(100, empty))).toEqual({ messages: 100, pings: 0, closeCode: undefined });
  });

  test('can be 0: then each fragment but the last has a payload', () => {
    expect(outcomeOf([Buffer.concat([BEGIN, MORE, END])], 0)).toMatchObject({ messages: 1, closeCode: undefined });
    expect(outcomeOf([Buffer.concat([BEGIN, EMPTY])], 0)).toMatchObject({ closeCode: 1008 });
  });
});
