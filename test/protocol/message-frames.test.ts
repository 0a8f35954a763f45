import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkMessageFrames, endOfMessageFrame } from '../../dist/protocol/message-frames.js';
import { anyMessage, frameOf, framesOf } from '../fleet/frames.js';

const MAX_PAYLOAD_BYTES = 100_000;
const isValidText = (bytes: Uint8Array, start: number, end: number) => isUtf8(bytes.subarray(start, end));
const check = (bytes: Uint8Array, maxPayloadBytes = MAX_PAYLOAD_BYTES) =>
  checkMessageFrames(bytes, 0, bytes.length, maxPayloadBytes, isValidText);
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

test('right frames are counted, and their ends found', () => {
  fc.assert(
    fc.property(fc.array(anyMessage, { maxLength: 8 }), (messages) => {
      const frames = messages.map((message) => frameOf(message));
      const bytes = Buffer.concat(frames);
      expect(check(bytes)).toBe(messages.length);
      let at = 0;
      for (const frame of frames) {
        expect(endOfMessageFrame(bytes, at)).toBe(at + frame.length);
        at += frame.length;
      }
    }),
  );
});

test('only the range is looked at', () => {
  const frames = framesOf('one', 'two');
  const bytes = Buffer.concat([hex('ff'), frames, hex('ff')]);
  expect(checkMessageFrames(bytes, 1, 1 + frames.length, 3, isValidText)).toBe(2);
  expect(checkMessageFrames(bytes, 1, 1, 3, isValidText)).toBe(0);
});

test('frames that are cut off anywhere but between two are found', () => {
  const frames = [frameOf('hello'), frameOf(new Uint8Array(200)), frameOf(new Uint8Array(70_000)), frameOf('')];
  const bytes = Buffer.concat(frames);
  const ends = frames.map((_, i) => Buffer.concat(frames.slice(0, i + 1)).length);
  const cuts = [...Array(300).keys(), 70_200, ...ends, ...ends.map((end) => end - 1)];
  for (const cut of cuts) {
    const whole = ends.indexOf(cut) + 1;
    expect(check(bytes.subarray(0, cut)), `cut at ${cut}`).toBe(whole > 0 || cut === 0 ? whole : 'cut off');
  }
});

describe('refuses as its first byte', () => {
  test.each([
    ['a fragment', '01 00'],
    ['a continuation', '80 00'],
    ['a compressed message', 'c1 00'],
    ['another reserved bit', 'a2 00'],
    ['the last reserved bit', '92 00'],
    ['a ping', '89 00'],
    ['a pong', '8a 00'],
    ['a close', '88 00'],
    ['a reserved opcode', '83 00'],
    ['anything after a right frame', '81 00 00'],
  ])('%s', (_, frame) => {
    expect(check(hex(frame))).toBe('first byte');
  });
});

describe('refuses as the form of a length', () => {
  test.each([
    ['a masked frame', '81 80 00000000'],
    ['a masked frame of 16 bits', '81 fe 007e 00000000'],
    ['125 in 16 bits', `82 7e 007d ${'00'.repeat(125)}`],
    ['0 in 64 bits', '82 7f 0000000000000000'],
    ['65535 in 64 bits', `82 7f 000000000000ffff ${'00'.repeat(65_535)}`],
  ])('%s', (_, frame) => {
    expect(check(hex(frame))).toBe('length form');
  });
});

test('refuses payloads above the limit by what their headers declare', () => {
  expect(check(frameOf(new Uint8Array(10)), 10)).toBe(1);
  expect(check(frameOf(new Uint8Array(11)), 10)).toBe('too big');
  expect(check(frameOf(new Uint8Array(1000)), 999)).toBe('too big');
  expect(check(hex('82 7f 0000000000020000'))).toBe('too big');
  expect(check(hex('82 7f ffffffffffffffff'))).toBe('too big');
});

test('refuses text that is not UTF-8, also a character that goes on in the next frame', () => {
  expect(check(frameOf(hex('ff'), 0x81))).toBe('text');
  expect(check(frameOf(hex('ff'), 0x82))).toBe(1);
  const [begin, end] = [frameOf(hex('e282'), 0x81), frameOf(hex('ac'), 0x81)];
  expect(check(Buffer.concat([begin, end]))).toBe('text');
});

test('random bytes and damaged frames never throw, and what passes is right', () => {
  const damaged = fc
    .tuple(
      fc.array(anyMessage, { minLength: 1, maxLength: 4 }),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
    )
    .map(([messages, damage]) => {
      const bytes = framesOf(...messages);
      for (const [at, value] of damage) bytes[at % Math.min(bytes.length, 300)] = value;
      return bytes;
    });
  fc.assert(
    fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 50 })), (bytes) => {
      const found = check(bytes);
      const expected = parse(Buffer.from(bytes));
      expect(typeof found === 'number' ? found : undefined).toBe(expected);
    }),
    { numRuns: 1000 },
  );
});

/** A plain reference: how many right frames there are; undefined if anything is wrong. */
function parse(bytes: Buffer): number | undefined {
  let count = 0;
  for (let rest = bytes; rest.length > 0; count++) {
    const form = rest[1];
    if (form === undefined || form > 127) return undefined;
    const lengthBytes = form === 126 ? 2 : form === 127 ? 8 : 0;
    if (rest.length < 2 + lengthBytes) return undefined;
    const length = lengthBytes === 0 ? BigInt(form) : BigInt(`0x${rest.toString('hex', 2, 2 + lengthBytes)}`);
    const payload = rest.subarray(2 + lengthBytes).subarray(0, Number(length));
    if (BigInt(payload.length) !== length || payload.length > MAX_PAYLOAD_BYTES) return undefined;
    const isText = rest[0] === 0x81;
    const frame = frameOf(payload, isText ? 0x81 : 0x82); // the one right encoding
    if (!frame.equals(rest.subarray(0, 2 + lengthBytes + payload.length))) return undefined;
    if (isText && !isUtf8(payload)) return undefined;
    rest = rest.subarray(frame.length);
  }
  return count;
}
