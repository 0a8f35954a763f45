/** The reserved bits of frames, with and without an extension that uses the first of them (RFC 7692 section 6). */
import { describe, expect, test } from 'vitest';
import { FrameEvent } from '../../dist/protocol/frame-event.js';
import { MaskedFrameReader } from '../../dist/protocol/masked-frame-reader.js';
import { RSV1 } from '../../dist/protocol/opcode.js';
import { ProtocolError } from '../../dist/protocol/protocol-error.js';
import { UnmaskedFrameReader } from '../../dist/protocol/unmasked-frame-reader.js';
import { BINARY, CLOSE, CONTINUATION, type FrameParts, frame, noise, PING, PONG, TEXT } from './client-frames.js';
import { PLATFORM } from './platform.js';
import { byteByByte, rig } from './receiver.js';

const MEBIBYTE = 1024 * 1024;
/** RSV1 as `FrameParts` have it. */
const COMPRESSED = 4;
/** No UTF-8. */
const DEFLATED = Buffer.from([0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]);

interface Outcome {
  /** For each event its name, or the first byte of a message, and the payload. */
  readonly events: readonly string[];
  readonly refused: string | undefined;
  /** The message of the refusal. */
  readonly why: string | undefined;
}

type Read = (allowedRsv: number, reads: Iterable<Uint8Array>) => Outcome;

const shown = (what: number | string, payload: Uint8Array) =>
  `${typeof what === 'number' ? what.toString(16) : what} ${Buffer.from(payload).toString('hex')}`;

function outcomeOf(run: (note: (what: number | string, payload: Uint8Array) => void) => void): Outcome {
  const events: string[] = [];
  try {
    run((what, payload) => events.push(shown(what, payload)));
    return { events, refused: undefined, why: undefined };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { events, refused: `${error.rule} ${error.closeCode}`, why: error.message };
  }
}

const readMasked =
  (kernelName: 'js' | 'wasm'): Read =>
  (allowedRsv, reads) =>
    outcomeOf((note) => {
      const { arena, kernel } = rig(kernelName);
      const reader = new MaskedFrameReader(arena, kernel, MEBIBYTE, 10, allowedRsv);
      try {
        for (const read of reads) {
          arena.bytes.set(read, arena.windowStart);
          reader.feed(arena.windowStart, arena.windowStart + read.length);
          for (let event = reader.next(); event !== FrameEvent.NONE; event = reader.next()) {
            const { bytes, start, length, firstByte } = reader;
            note(event === FrameEvent.MESSAGE ? firstByte : 'control', bytes.subarray(start, start + length));
          }
        }
      } finally {
        reader.discard();
      }
    });

const readUnmasked: Read = (allowedRsv, reads) =>
  outcomeOf((note) => {
    const reader = new UnmaskedFrameReader(PLATFORM, MEBIBYTE, allowedRsv);
    for (const read of reads) {
      reader.feed(read);
      for (let event = reader.next(); event !== FrameEvent.NONE; event = reader.next()) {
        note(event === FrameEvent.MESSAGE ? reader.firstByte : 'control', reader.payload);
      }
    }
  });

describe.each([
  ['masked frames, by the js kernel', readMasked('js'), undefined],
  ['masked frames, by the wasm kernel, which scans ahead', readMasked('wasm'), undefined],
  ['unmasked frames', readUnmasked, null],
] as const)('the reserved bits of %s', (_name, read, key) => {
  const stream = (...frames: FrameParts[]) =>
    Buffer.concat(frames.map((parts) => frame({ ...parts, ...(key === null && { key }) })));

  /** The events of the frames, which are the same when the frames come byte by byte. */
  const outcome = (allowedRsv: number, ...frames: FrameParts[]) => {
    const whole = read(allowedRsv, [stream(...frames)]);
    expect(read(allowedRsv, byteByByte(stream(...frames)))).toEqual(whole);
    return whole;
  };

  test('may hold RSV1 in a message, if it is negotiated, and the message says so', () => {
    const { events, refused } = outcome(
      RSV1,
      { opcode: TEXT, payload: 'plain' },
      { opcode: TEXT, rsv: COMPRESSED, payload: DEFLATED },
      { opcode: TEXT, payload: 'plain' },
      { opcode: BINARY, rsv: COMPRESSED, payload: DEFLATED },
      { opcode: BINARY, payload: DEFLATED },
    );
    expect(refused).toBeUndefined();
    expect(events).toEqual([
      shown(0x81, Buffer.from('plain')),
      shown(0xc1, DEFLATED),
      shown(0x81, Buffer.from('plain')),
      shown(0xc2, DEFLATED),
      shown(0x82, DEFLATED),
    ]);
  });

  test('stay with a message through its fragments', () => {
    const payload = noise(3000);
    const { events, refused } = outcome(
      RSV1,
      { opcode: TEXT, rsv: COMPRESSED, fin: false, payload: payload.subarray(0, 100) },
      { opcode: PING },
      { opcode: CONTINUATION, fin: false, payload: payload.subarray(100, 2500) },
      { opcode: CONTINUATION, payload: payload.subarray(2500) },
      { opcode: TEXT, payload: 'plain' },
    );
    expect(refused).toBeUndefined();
    expect(events).toEqual([shown('control', Buffer.of()), shown(0xc1, payload), shown(0x81, Buffer.from('plain'))]);
  });

  test('leave text without them to be validated', () => {
    expect(outcome(RSV1, { opcode: TEXT, payload: DEFLATED }).refused).toBe('utf8 1007');
  });

  test('must not hold RSV1 in a continuation: 1002', () => {
    const begin: FrameParts = { opcode: TEXT, rsv: COMPRESSED, fin: false, payload: DEFLATED };
    const { refused } = outcome(RSV1, begin, { opcode: CONTINUATION, rsv: COMPRESSED, payload: DEFLATED });
    expect(refused).toBe('rsv 1002');
  });

  test.each([PING, PONG, CLOSE])('must not hold RSV1 in a control frame (%i): 1002', (opcode) => {
    expect(outcome(RSV1, { opcode, rsv: COMPRESSED }).refused).toBe('rsv 1002');
  });

  test.each([1, 2, 3, 5, 6, 7])('must not hold RSV2 or RSV3, with RSV1 negotiated (%i): 1002', (rsv) => {
    expect(outcome(RSV1, { opcode: TEXT, rsv, payload: 'x' }).refused).toBe('rsv 1002');
  });

  test.each([1, 2, 3, 4, 5, 6, 7])('must all be zero without an extension (%i): 1002', (rsv) => {
    for (const opcode of [TEXT, BINARY, PING]) {
      expect(outcome(0, { opcode, rsv, payload: 'x' }).refused).toBe('rsv 1002');
    }
  });

  /** What is refused when a single byte follows the frames: it is the first byte of a frame. */
  const refusedAt = (allowedRsv: number, firstByte: number, ...frames: FrameParts[]) => {
    const bytes = Buffer.concat([stream(...frames), Buffer.of(firstByte)]);
    const whole = read(allowedRsv, [bytes]);
    expect(read(allowedRsv, byteByByte(bytes))).toEqual(whole);
    expect(read(allowedRsv, [bytes.subarray(0, -1)])).toEqual({ ...whole, refused: undefined, why: undefined });
    return whole;
  };

  const BEGUN: FrameParts = { opcode: TEXT, rsv: COMPRESSED, fin: false, payload: DEFLATED };
  const BEGUN_PLAIN: FrameParts = { opcode: BINARY, fin: false, payload: 'plain' };
  const IN_NO_FIRST_FRAME = 'reserved bits in a frame that begins no message (RFC 7692 section 6)';
  const WITHOUT_MEANING = 'reserved bits without an extension (RFC 6455 section 5.2)';

  test.each([
    ['a continuation', 0x40],
    ['the last continuation', 0xc0],
    ['a Close', 0xc8],
    ['a Ping', 0xc9],
    ['a Pong', 0xca],
  ])('are refused with 1002 at that byte if RSV1 is in %s, whatever message it is in', (_name, byte) => {
    const refusal = { refused: 'rsv 1002', why: IN_NO_FIRST_FRAME };
    expect(refusedAt(RSV1, byte)).toEqual({ events: [], ...refusal });
    expect(refusedAt(RSV1, byte, BEGUN)).toEqual({ events: [], ...refusal });
    expect(refusedAt(RSV1, byte, BEGUN_PLAIN)).toEqual({ events: [], ...refusal });
    const afterOthers = refusedAt(RSV1, byte, { opcode: TEXT, payload: 'plain' }, { opcode: BINARY, rsv: COMPRESSED });
    expect(afterOthers).toEqual({ events: [shown(0x81, Buffer.from('plain')), shown(0xc2, Buffer.of())], ...refusal });
  });

  test.each([0xc0, 0xc1, 0xc2, 0xc8, 0xc9, 0xca, 0x40, 0x41, 0x42])(
    'are refused with 1002 at that byte if RSV1 is not negotiated (%i)',
    (byte) => {
      const refusal = { events: [], refused: 'rsv 1002', why: WITHOUT_MEANING };
      expect(refusedAt(0, byte)).toEqual(refusal);
      expect(refusedAt(0, byte, BEGUN_PLAIN)).toEqual(refusal);
    },
  );

  test.each([0xa1, 0x91, 0xb1, 0xe1, 0xd1, 0xf1, 0x22, 0x12])(
    'are refused with 1002 at that byte if RSV2 or RSV3 is among them, with RSV1 negotiated (%i)',
    (byte) => {
      expect(refusedAt(RSV1, byte)).toEqual({ events: [], refused: 'rsv 1002', why: WITHOUT_MEANING });
    },
  );

  test.each([0xc3, 0xc7, 0xcb, 0xcf])('are refused with 1002 at that byte in a reserved opcode (%i)', (byte) => {
    expect(refusedAt(RSV1, byte)).toEqual({ events: [], refused: 'rsv 1002', why: IN_NO_FIRST_FRAME });
  });

  test.each([0xc1, 0xc2, 0x41])('do not excuse a new message inside a fragmented one (%i): 1002', (byte) => {
    for (const begun of [BEGUN, BEGUN_PLAIN]) expect(refusedAt(RSV1, byte, begun).refused).toBe('fragmentation 1002');
  });

  test('may come with a message without payload, whole or in fragments, and then with the next message', () => {
    const { events, refused } = outcome(
      RSV1,
      { opcode: TEXT, rsv: COMPRESSED },
      { opcode: BINARY, rsv: COMPRESSED, fin: false },
      { opcode: CONTINUATION, fin: false },
      { opcode: CONTINUATION },
      { opcode: TEXT, rsv: COMPRESSED, payload: DEFLATED },
    );
    expect(refused).toBeUndefined();
    expect(events).toEqual([shown(0xc1, Buffer.of()), shown(0xc2, Buffer.of()), shown(0xc1, DEFLATED)]);
  });

  test('in plain control frames between the fragments of a compressed message are zero, and change nothing', () => {
    const { events, refused } = outcome(RSV1, BEGUN, { opcode: PONG, payload: 'x' }, { opcode: CONTINUATION });
    expect(refused).toBeUndefined();
    expect(events).toEqual([shown('control', Buffer.from('x')), shown(0xc1, DEFLATED)]);
  });
});
