import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { type ResolvedDeflateOptions, readDeflateOption } from '../../dist/client/deflate-options.js';
import { MessageDeflate } from '../../dist/client/message-deflate.js';
import { ClientSession, type ReceivedMessage } from '../../dist/client/session.js';
import type { DeflateAgreement } from '../../dist/protocol/deflate/agreement.js';
import { BINARY, CLOSE, CONTINUATION, type FrameParts, frame, PING, PONG, TEXT } from '../protocol/client-frames.js';
import { plainInflate } from '../kernels/plain-inflate.js';
import { RECORDS, ZlibPeer } from './zlib-peer.js';

const RSV1 = 4;
const MAX_PAYLOAD_BYTES = 5000;

const NO_TAKEOVER: DeflateAgreement = {
  own: { windowBits: 15, contextTakeover: false },
  peer: { windowBits: 15, contextTakeover: false },
};
const takeover = (windowBits: number): DeflateAgreement => ({
  own: { windowBits, contextTakeover: true },
  peer: { windowBits, contextTakeover: true },
});

/** What has come, or was sent: `text Hello`, `violation 1007`. */
let calls: string[];
let messages: (Omit<ReceivedMessage, 'payload'> & { readonly payload: Buffer })[];
let sent: { readonly first: number; readonly payload: Buffer }[];
let session: ClientSession;
/** The clock of the session. */
const nowMs = 0;

function open(agreement: DeflateAgreement | undefined, options: object = {}): void {
  calls = [];
  messages = [];
  sent = [];
  session = new ClientSession(
    {
      isOutputWaiting: false,
      writeFrame: (written: Buffer) => sent.push(partsOf(written)),
      onMessage: (message: ReceivedMessage) => {
        const payload = Buffer.from(message.payload);
        messages.push({ ...message, payload });
        calls.push(`${message.isBinary ? 'binary' : 'text'} ${payload}`);
      },
      onPong: (payload: Uint8Array) => calls.push(`pong ${Buffer.from(payload)}`),
      onCloseFrame: () => calls.push('closed'),
      onViolation: ({ rule, closeCode }: { rule: string; closeCode: number }) => calls.push(`${rule} ${closeCode}`),
    } as never,
    MAX_PAYLOAD_BYTES,
  );
  if (agreement === undefined) return;
  const choice = readDeflateOption(options) as ResolvedDeflateOptions;
  session.useDeflate(new MessageDeflate(agreement, choice, () => nowMs));
}

/** First byte and payload of a masked frame. */
function partsOf(written: Buffer): { readonly first: number; readonly payload: Buffer } {
  const short = written.readUInt8(1) & 0x7f;
  const keyAt = short < 126 ? 2 : short === 126 ? 4 : 10;
  const key = written.subarray(keyAt, keyAt + 4);
  const payload = Buffer.from(written.subarray(keyAt + 4).map((byte, i) => byte ^ (key[i & 3] as number)));
  return { first: written.readUInt8(0), payload };
}

const server = (parts: FrameParts) => frame({ ...parts, key: null });
const compressed = (opcode: number, message: Uint8Array | string, peer = new ZlibPeer()) =>
  server({ opcode, rsv: RSV1, payload: peer.compress(message) });

const HELLO = Buffer.from('f248cdc9c90700', 'hex');
const LONG = 'to be or not to be, '.repeat(50);

beforeEach(() => open(NO_TAKEOVER));

describe('a message that comes', () => {
  it('is decompressed, text and binary, also an empty one, and others are as they were', () => {
    session.feed(compressed(TEXT, 'größer'));
    session.feed(Buffer.concat([compressed(BINARY, LONG), server({ opcode: TEXT, payload: 'plain' })]));
    session.feed(compressed(TEXT, ''));
    expect(calls).toEqual(['text größer', `binary ${LONG}`, 'text plain', 'text ']);
    expect(messages.map(({ ownsPayload }) => ownsPayload)).toEqual([false, false, false, false]);
    expect(messages[2]?.compressed).toBeUndefined();
  });

  it('may be cut anywhere, into frames and into reads, with pings between the frames', () => {
    for (let cut = 0; cut <= HELLO.length; cut++) {
      open(NO_TAKEOVER);
      const bytes = Buffer.concat([
        server({ opcode: TEXT, rsv: RSV1, fin: false, payload: HELLO.subarray(0, cut) }),
        server({ opcode: PING, payload: 'p' }),
        server({ opcode: CONTINUATION, payload: HELLO.subarray(cut) }),
      ]);
      for (const byte of bytes) session.feed(Buffer.from([byte]));
      expect(calls).toEqual(['text Hello']);
      expect(messages[0]?.compressed).toEqual(HELLO);
      expect(sent).toEqual([{ first: 0x80 | PONG, payload: Buffer.from('p') }]);
    }
  });

  it('is refused if RSV1 stands in a continuation or a control frame, or nothing is agreed on', () => {
    const begun = server({ opcode: TEXT, rsv: RSV1, fin: false, payload: HELLO.subarray(0, 3) });
    session.feed(Buffer.concat([begun, server({ opcode: CONTINUATION, rsv: RSV1, payload: HELLO.subarray(3) })]));
    expect(calls).toEqual(['rsv 1002']);
    open(NO_TAKEOVER);
    session.feed(server({ opcode: PONG, rsv: RSV1 }));
    expect(calls).toEqual(['rsv 1002']);
    open(NO_TAKEOVER);
    session.feed(server({ opcode: TEXT, rsv: 6, payload: HELLO }));
    expect(calls).toEqual(['rsv 1002']);
    open(undefined);
    session.feed(server({ opcode: TEXT, rsv: RSV1, payload: HELLO }));
    expect(calls).toEqual(['rsv 1002']);
  });

  it('is refused with 1007 if it is corrupt, wherever it is cut, and nothing behind it is looked at', () => {
    const whole = new ZlibPeer().compress(LONG);
    for (let length = 1; length < whole.length; length++) {
      open(NO_TAKEOVER);
      const cut = server({ opcode: TEXT, rsv: RSV1, payload: whole.subarray(0, length) });
      session.feed(Buffer.concat([cut, server({ opcode: TEXT, payload: 'late' })]));
      expect(calls).toEqual(['deflate 1007']);
      expect(sent.map(({ first, payload }) => [first, payload.readUInt16BE(0)])).toEqual([[0x80 | CLOSE, 1007]]);
    }
  });

  it('is refused with 1007 if it is text that is not UTF-8; binary is not judged', () => {
    session.feed(compressed(BINARY, Buffer.from([0xff])));
    session.feed(compressed(TEXT, Buffer.from('caf\u00e9').subarray(0, -1)));
    expect(calls).toEqual(['binary \ufffd', 'utf8 1007']);
  });

  it('is refused with 1009 if it is longer than the limit, compressed, decompressed, or in fragments', () => {
    session.feed(compressed(BINARY, Buffer.alloc(MAX_PAYLOAD_BYTES)));
    session.feed(compressed(BINARY, Buffer.alloc(MAX_PAYLOAD_BYTES + 1)));
    expect(calls.slice(1)).toEqual(['too-big 1009']);
    open(NO_TAKEOVER);
    session.feed(server({ opcode: BINARY, rsv: RSV1, payload: Buffer.alloc(MAX_PAYLOAD_BYTES + 1) }));
    expect(calls).toEqual(['too-big 1009']);
    open(NO_TAKEOVER);
    const half = Buffer.alloc(MAX_PAYLOAD_BYTES / 2 + 1);
    session.feed(server({ opcode: BINARY, rsv: RSV1, fin: false, payload: half }));
    session.feed(server({ opcode: CONTINUATION, payload: half }));
    expect(calls).toEqual(['too-big 1009']);
  });

  it('may not refer to an earlier one without context takeover', () => {
    const peer = new ZlibPeer(15);
    session.feed(compressed(TEXT, LONG, peer));
    session.feed(compressed(TEXT, LONG, peer));
    expect(calls).toEqual([`text ${LONG}`, 'deflate 1007']);
  });
});

describe('a message that is sent', () => {
  it('is compressed in one frame with RSV1', () => {
    session.sendMessage(TEXT, Buffer.from(LONG), true);
    session.sendMessage(BINARY, Buffer.from(LONG), true);
    expect(sent.map(({ first }) => first)).toEqual([0xc1, 0xc2]);
    for (const { payload } of sent) expect(String(new ZlibPeer().decompress(payload))).toBe(LONG);
  });

  it('goes as it is below the threshold, if it does not get smaller, and if it may not be compressed', () => {
    open(NO_TAKEOVER, { thresholdBytes: 500 });
    for (const [message, isCompressible] of [
      [Buffer.alloc(499), true],
      [randomBytes(1000), true],
      [Buffer.alloc(1000), false],
    ] as const) {
      session.sendMessage(BINARY, message, isCompressible);
      expect(sent.at(-1)?.first).toBe(0x82);
      expect(sent.at(-1)?.payload.equals(message)).toBe(true);
    }
    session.sendMessage(BINARY, Buffer.alloc(500), true);
    expect(sent.at(-1)?.first).toBe(0xc2);
  });

  it('refers to nothing earlier without context takeover', () => {
    session.sendMessage(TEXT, Buffer.from(LONG), true);
    session.sendMessage(TEXT, Buffer.from(LONG), true);
    expect(sent[1]?.payload).toEqual(sent[0]?.payload);
  });

  it('is compressed by the level that was chosen', () => {
    const message = Buffer.from(RECORDS);
    const sizes = ['fast', 'small'].map((level) => {
      open(NO_TAKEOVER, { level });
      session.sendMessage(TEXT, message, true);
      return sent[0]?.payload.length as number;
    });
    expect(sizes[1]).toBeLessThan(sizes[0] as number);
  });
});

describe.each([true, false])('with a limited window, and context takeover: %s', (contextTakeover) => {
  it.each([8, 9, 12, 14])('of 2^%i bytes, a message refers no further back than that', (windowBits) => {
    open({ own: { windowBits, contextTakeover }, peer: NO_TAKEOVER.peer });
    const part = randomBytes(100).toString('hex');
    const near = randomBytes(10).toString('hex');
    const far = randomBytes(2 ** windowBits).toString('hex'); // twice as long
    const message = Buffer.from(part + near + part + far + part);
    for (let i = 0; i < 3; i++) session.sendMessage(TEXT, message, true);
    let history = Buffer.alloc(0);
    for (const { first, payload } of sent) {
      expect(first).toBe(0xc1);
      const inflated = plainInflate(payload, history, 2 ** windowBits); // throws for what is further
      expect(inflated.bytes.equals(message)).toBe(true);
      expect(inflated.farthest).toBeGreaterThanOrEqual(part.length + near.length);
      if (contextTakeover) history = message;
    }
  });
});

describe('with context takeover', () => {
  const words = fc.constantFrom('lorem ', 'ipsum ', 'dolor ', 'sit ', 'amet ');
  const message = fc.oneof(
    fc.array(words, { maxLength: 300 }).map((parts) => Buffer.from(parts.join(''))),
    fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes)),
  );
  const step = fc.record({ message, isSent: fc.boolean(), isCompressible: fc.boolean() });

  it('both windows stay those of zlib, whatever goes compressed and whatever does not', () => {
    fc.assert(
      fc.property(fc.integer({ min: 9, max: 15 }), fc.array(step, { maxLength: 30 }), (windowBits, steps) => {
        open(takeover(windowBits), { thresholdBytes: 20 });
        const receiver = new ZlibPeer(windowBits);
        const sender = new ZlibPeer(windowBits);
        for (const { message, isSent, isCompressible } of steps) {
          if (isSent) {
            session.sendMessage(BINARY, message, isCompressible);
            const { first, payload } = sent.at(-1) as (typeof sent)[number];
            const received = (first & 0x40) === 0 ? payload : receiver.decompress(payload);
            expect(received.equals(message)).toBe(true);
          } else {
            session.feed(
              isCompressible ? compressed(BINARY, message, sender) : server({ opcode: BINARY, payload: message }),
            );
            expect(messages.at(-1)?.payload.equals(message)).toBe(true);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it('a message is smaller where it repeats an earlier one, and windows of two connections are apart', () => {
    const secret = randomBytes(400).toString('hex');
    open(takeover(12));
    const first = session;
    first.sendMessage(TEXT, Buffer.from(secret), true);
    first.sendMessage(TEXT, Buffer.from(secret), true);
    const sizes = sent.map(({ payload }) => payload.length);
    expect(sizes[1]).toBeLessThan((sizes[0] as number) / 10);
    open(takeover(12));
    session.sendMessage(TEXT, Buffer.from(secret), true);
    expect(sent[0]?.payload).toHaveLength(sizes[0] as number);
  });

  it('what is sent uncompressed does not enter the window', () => {
    const secret = Buffer.from(randomBytes(400).toString('hex'));
    open(takeover(12));
    session.sendMessage(TEXT, secret, false);
    session.sendMessage(TEXT, secret, true);
    const guess = sent[1]?.payload.length;
    open(takeover(12));
    session.sendMessage(TEXT, secret, true);
    expect(guess).toBe(sent[0]?.payload.length);
  });

  it('a window of 256 bytes is honoured in what is sent', () => {
    const own = { windowBits: 8, contextTakeover: true };
    open({ own, peer: NO_TAKEOVER.peer });
    const part = randomBytes(100).toString('hex');
    for (const filler of ['a', 'b', 'c']) session.sendMessage(TEXT, Buffer.from(part + filler.repeat(300)), true);
    const receiver = new ZlibPeer(8);
    for (const { payload } of sent) expect(String(receiver.decompress(payload))).toContain(part);
    expect(Math.min(...sent.map(({ payload }) => payload.length))).toBeGreaterThan(100);
  });
});
