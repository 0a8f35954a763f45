import { describe, expect, test } from 'vitest';
import { DeflateMemory } from '../../dist/client/deflate-memory.js';
import { InflatedMessages } from '../../dist/compression/inflated-messages.js';
import { Inflation } from '../../dist/compression/inflation.js';
import { HEAP_WINDOWS } from '../../dist/compression/window-slabs.js';
import { readCloseStatus } from '../../dist/protocol/close-payload.js';
import { FrameEvent } from '../../dist/protocol/frame-event.js';
import { MaskedFrameReader } from '../../dist/protocol/masked-frame-reader.js';
import { PROTOCOL_RULES, ProtocolError } from '../../dist/protocol/protocol-error.js';
import { UnmaskedFrameReader } from '../../dist/protocol/unmasked-frame-reader.js';
import { BINARY, CONTINUATION, type FrameParts, frame, PING, TEXT } from './client-frames.js';
import { PLATFORM } from './platform.js';
import { makeRig, rig } from './receiver.js';

const MAX_PAYLOAD_BYTES = 1000;
const MAX_EMPTY_FRAGMENTS = 2;

type Expected = readonly [rule: string, section: string, closeCode: number];

/** Frames that the readers of both sides must refuse. They are written with a mask or without one. */
const OF_BOTH_SIDES: readonly (readonly [what: string, expected: Expected, ...frames: FrameParts[]])[] = [
  ['RSV1', ['rsv', '5.2', 1002], { opcode: TEXT, rsv: 4 }],
  ['RSV2 in a control frame', ['rsv', '5.2', 1002], { opcode: PING, rsv: 2 }],
  ['RSV3', ['rsv', '5.2', 1002], { opcode: BINARY, rsv: 1 }],
  ['a reserved data opcode', ['opcode', '5.2', 1002], { opcode: 0x3 }],
  ['a reserved control opcode', ['opcode', '5.2', 1002], { opcode: 0xb }],
  ['a length below 126 in 16 bits', ['length', '5.2', 1002], { opcode: BINARY, payload: 'x', lengthBits: 16 }],
  ['a length below 65536 in 64 bits', ['length', '5.2', 1002], { opcode: BINARY, payload: 'x', lengthBits: 64 }],
  ['the top bit of a length', ['length', '5.2', 1002], { opcode: BINARY, declaredLength: 2n ** 63n }],
  ['a long control frame', ['control-length', '5.5', 1002], { opcode: PING, payload: 'x'.repeat(126) }],
  ['a fragmented control frame', ['control-fragment', '5.5', 1002], { opcode: PING, fin: false }],
  ['a continuation of nothing', ['fragmentation', '5.4', 1002], { opcode: CONTINUATION }],
  [
    'a message between the fragments of another one',
    ['fragmentation', '5.4', 1002],
    { opcode: TEXT, fin: false, payload: 'x' },
    { opcode: TEXT, payload: 'y' },
  ],
  ['text that is not UTF-8', ['utf8', '8.1', 1007], { opcode: TEXT, payload: Buffer.from([0xff]) }],
  ['text that ends inside a character', ['utf8', '8.1', 1007], { opcode: TEXT, payload: Buffer.from([0xc3]) }],
  ['a message above the limit', ['too-big', '10.4', 1009], { opcode: BINARY, payload: 'x'.repeat(1001) }],
  [
    'fragments above the limit in sum',
    ['too-big', '10.4', 1009],
    { opcode: BINARY, fin: false, payload: 'x'.repeat(600) },
    { opcode: CONTINUATION, payload: 'x'.repeat(600) },
  ],
];

function readMasked(stream: Uint8Array): void {
  const { arena, kernel } = rig();
  const reader = new MaskedFrameReader(arena, kernel, MAX_PAYLOAD_BYTES, MAX_EMPTY_FRAGMENTS);
  try {
    arena.bytes.set(stream, arena.windowStart);
    reader.feed(arena.windowStart, arena.windowStart + stream.length);
    while (reader.next() !== FrameEvent.NONE);
  } finally {
    reader.discard();
  }
}

function readUnmasked(stream: Uint8Array): void {
  const reader = new UnmaskedFrameReader(PLATFORM, MAX_PAYLOAD_BYTES);
  reader.feed(stream);
  while (reader.next() !== FrameEvent.NONE);
}

/** A block of the reserved type. */
function inflateCorrupt(): void {
  const { arena, kernel } = makeRig('auto', 1024 * 1024);
  const inflation = new Inflation(arena, HEAP_WINDOWS, kernel, { kernel: 'wasm' });
  const messages = new InflatedMessages(
    inflation,
    { windowBits: 15, contextTakeover: false },
    MAX_PAYLOAD_BYTES,
    () => {},
  );
  arena.bytes[arena.windowStart] = 6;
  messages.begin({
    firstByte: 0xc2,
    bytes: arena.bytes,
    start: arena.windowStart,
    length: 1,
    vacated: 0,
    reportedFromHeap: false,
    detachSlab: () => undefined,
  });
  messages.step();
}

type Case = readonly [what: string, expected: Expected, violate: () => void];

const unmasked = (parts: FrameParts) => frame({ ...parts, key: null });

const CASES: readonly Case[] = [
  ...OF_BOTH_SIDES.map(
    ([what, expected, ...frames]): Case => [
      `${what}, masked`,
      expected,
      () => readMasked(Buffer.concat(frames.map(frame))),
    ],
  ),
  ...OF_BOTH_SIDES.map(
    ([what, expected, ...frames]): Case => [
      `${what}, unmasked`,
      expected,
      () => readUnmasked(Buffer.concat(frames.map(unmasked))),
    ],
  ),
  ['a frame without a mask', ['mask', '5.1', 1002], () => readMasked(unmasked({ opcode: TEXT }))],
  ['a frame with a mask', ['mask', '5.1', 1002], () => readUnmasked(frame({ opcode: TEXT }))],
  [
    'empty fragments above the limit',
    ['empty-fragments', '10.4', 1008],
    () =>
      readMasked(
        Buffer.concat([
          frame({ opcode: TEXT, fin: false, payload: 'x' }),
          ...Array<Buffer>(MAX_EMPTY_FRAGMENTS + 1).fill(frame({ opcode: CONTINUATION, fin: false })),
        ]),
      ),
  ],
  ['a compressed message that is corrupt', ['deflate', '7.4.1', 1007], inflateCorrupt],

  [
    'a compressed message of a server that is corrupt',
    ['deflate', '7.4.1', 1007],
    () => new DeflateMemory().inflate(Buffer.from([7]), Buffer.alloc(0), MAX_PAYLOAD_BYTES),
  ],
  ['a Close of one byte', ['close-payload', '5.5.1', 1002], () => readCloseStatus(Buffer.from([3]))],
  ['the close code 1005', ['close-code', '7.4', 1002], () => readCloseStatus(Buffer.from([3, 0xed]))],
  [
    'a close reason that is not UTF-8',
    ['close-reason', '5.5.1', 1007],
    () => readCloseStatus(Buffer.from([3, 0xe8, 0xff])),
  ],
];

function errorOf(violate: () => void): unknown {
  try {
    violate();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was refused');
}

describe('a violation of the protocol', () => {
  test.each(CASES)(
    'names its rule, its section and its close code: %s',
    (_what, [rule, section, closeCode], violate) => {
      const error = errorOf(violate);
      expect(error).toBeInstanceOf(ProtocolError);
      expect(error).toMatchObject({ name: 'ProtocolError', code: 'WSLOOM_PROTOCOL', rule, section, closeCode });
    },
  );

  test('has a case in this file for every rule', () => {
    const tested = new Set(CASES.map(([, [rule]]) => rule));
    expect([...tested].sort()).toEqual(Object.keys(PROTOCOL_RULES).sort());
  });

  test('names in its message the section that it names as a property', () => {
    const sections = CASES.map(([, [, section], violate]) => {
      const [, named] = /RFC 6455 section ([\d.]+)/.exec((errorOf(violate) as ProtocolError).message) ?? [];
      return named === undefined || named === section;
    });
    expect(sections).not.toContain(false);
  });
});
