import { randomBytes } from 'node:crypto';
import { constants, deflateRawSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { type ResolvedDeflateOptions, readDeflateOption } from '../../dist/client/deflate-options.js';
import { MessageDeflate } from '../../dist/client/message-deflate.js';
import { ClientSession, type ReceivedMessage } from '../../dist/client/session.js';
import type { DeflateAgreement } from '../../dist/protocol/deflate/agreement.js';
import { BINARY, CLOSE, frame, PING, PONG, TEXT } from '../protocol/client-frames.js';
import { plainInflate } from '../kernels/plain-inflate.js';
import { ZlibPeer } from './zlib-peer.js';

const RSV1 = 4;
const KIB = 1024;
const MIB = 1024 * KIB;
const ALONE = { windowBits: 15, contextTakeover: false };
const TAKEOVER: DeflateAgreement = {
  own: { windowBits: 12, contextTakeover: true },
  peer: { windowBits: 12, contextTakeover: true },
};

/** What has happened, in its order. */
let calls: string[];
let received: (ReceivedMessage & { readonly copy: Buffer })[];
let sent: { readonly first: number; readonly payload: Buffer }[];
let session: ClientSession;
/** By how much each look at the clock moves it, in ms. */
let tickMs: number;

function open(agreement: DeflateAgreement = { own: ALONE, peer: ALONE }, options: object = {}): void {
  const [itsCalls, itsReceived, itsSent]: [typeof calls, typeof received, typeof sent] = [[], [], []];
  [calls, received, sent] = [itsCalls, itsReceived, itsSent];
  tickMs = 2;
  let ms = 0;
  session = new ClientSession(
    {
      isOutputWaiting: false,
      writeFrame: (written: Buffer) => {
        itsSent.push(partsOf(written));
        itsCalls.push(`sends ${(itsSent.at(-1)?.first ?? 0) & 15}`);
      },
      onWritten: () => itsCalls.push('written'),
      holdInput: () => itsCalls.push('held'),
      releaseInput: () => itsCalls.push('released'),
      onMessage: (message: ReceivedMessage) => {
        itsReceived.push({ ...message, copy: Buffer.from(message.payload) });
        itsCalls.push(`message ${message.payload.length}`);
      },
      onPong: () => itsCalls.push('pong'),
      onCloseFrame: () => itsCalls.push('closed'),
      onViolation: ({ rule, closeCode }: { rule: string; closeCode: number }) => itsCalls.push(`${rule} ${closeCode}`),
    } as never,
    32 * MIB,
  );
  session.useDeflate(
    new MessageDeflate(agreement, readDeflateOption(options) as ResolvedDeflateOptions, () => (ms += tickMs)),
  );
}

/** First byte and payload of a masked frame. */
function partsOf(written: Buffer): { readonly first: number; readonly payload: Buffer } {
  const short = written.readUInt8(1) & 0x7f;
  const keyAt = short < 126 ? 2 : short === 126 ? 4 : 10;
  const key = written.subarray(keyAt, keyAt + 4);
  const payload = Buffer.from(written.subarray(keyAt + 4));
  for (let i = 0; i < payload.length; i++) payload[i] = (payload[i] as number) ^ (key[i & 3] as number);
  return { first: written.readUInt8(0), payload };
}

const server = (opcode: number, payload: Uint8Array | string = '') => frame({ opcode, payload, key: null });
const deflated = (message: Uint8Array | string) =>
  deflateRawSync(message, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
const compressed = (opcode: number, message: Uint8Array | string) =>
  frame({ opcode, rsv: RSV1, payload: deflated(message), key: null });

/** Bytes in which little repeats, and something does. */
function halfRandom(length: number): Buffer {
  const bytes = randomBytes(length);
  for (let at = 0; at + 80 <= length; at += 160) bytes.fill('ab', at, at + 80);
  return bytes;
}

const iteration = () => new Promise((resolve) => setImmediate(resolve));

async function until(isSo: () => boolean): Promise<number> {
  let iterations = 0;
  for (; !isSo(); iterations++) {
    if (iterations > 5000) throw new Error(`does not end: ${calls.slice(0, 20)}`);
    await iteration();
  }
  return iterations;
}

beforeEach(() => open());

describe('a large message that comes', () => {
  it('is decompressed in steps, and what is behind it comes behind it', async () => {
    const message = halfRandom(3 * MIB);
    session.feed(
      Buffer.concat([compressed(BINARY, message), server(PING, 'p'), server(TEXT, 'plain'), compressed(TEXT, 'small')]),
    );
    expect(calls).toEqual(['held']);
    expect(session.isMidway).toBe(true);
    expect(await until(() => calls.includes('released'))).toBeGreaterThan(10);
    expect(calls).toEqual(['held', `message ${3 * MIB}`, `sends ${PONG}`, 'message 5', 'message 5', 'released']);
    expect(received[0]?.copy.equals(message)).toBe(true);
    expect(String(received[2]?.copy)).toBe('small');
  });

  it('does not depend on the memory of the read, nor of other connections, and its memory is its own', async () => {
    const message = halfRandom(3 * MIB);
    const read = Buffer.concat([compressed(BINARY, message), server(TEXT, 'plain')]);
    session.feed(read);
    read.fill(0xff);
    const [first, ofFirst] = [session, received];
    open();
    tickMs = 0;
    while (ofFirst.length === 0) {
      session.feed(compressed(BINARY, Buffer.alloc(100_000, 'x')));
      session.sendMessage(BINARY, Buffer.alloc(50_000, 'y'), true);
      await iteration();
    }
    await until(() => !first.isMidway);
    expect(ofFirst[0]?.ownsPayload).toBe(true);
    expect(message.equals(ofFirst[0]?.payload as Uint8Array)).toBe(true);
    expect(deflatedAgain(ofFirst[0]?.compressed)).toBe(message.length);
    expect(String(ofFirst[1]?.copy)).toBe('plain');
  });

  const deflatedAgain = (bytes: Uint8Array | undefined) => new ZlibPeer().decompress(bytes ?? Buffer.alloc(0)).length;

  it('leaves what is fed meanwhile for later', async () => {
    session.feed(compressed(BINARY, Buffer.alloc(3 * MIB)));
    const later = server(TEXT, 'later');
    session.feed(later.subarray(0, 3));
    const rest = Buffer.from(later.subarray(3));
    session.feed(rest);
    rest.fill(0);
    expect(received).toEqual([]);
    await until(() => received.length === 2);
    expect(String(received[1]?.copy)).toBe('later');
  });

  it.each([-1, 0, 1])('has memory of its own if it says so (512 KiB and %i)', async (more) => {
    const message = halfRandom(512 * KIB + more);
    session.feed(compressed(BINARY, message));
    await until(() => received.length === 1);
    session.feed(compressed(BINARY, Buffer.alloc(message.length)));
    await until(() => received.length === 2);
    if (received[0]?.ownsPayload) expect(message.equals(received[0].payload)).toBe(true);
    expect(received[0]?.copy.equals(message)).toBe(true);
    expect(received[0]?.ownsPayload).toBe(more > 0);
  });

  it('enters the window, as zlib has it', async () => {
    open(TAKEOVER);
    const peer = new ZlibPeer(12);
    const secret = randomBytes(1000).toString('hex');
    for (const message of [`${'filler '.repeat(300_000)}${secret}`, secret]) {
      session.feed(frame({ opcode: TEXT, rsv: RSV1, payload: peer.compress(message), key: null }));
      await until(() => !session.isMidway);
    }
    expect(received.map(({ copy }) => copy.length)).toEqual([2_102_000, 2000]);
    expect(String(received[1]?.copy)).toBe(secret);
  });

  it.each([0, 1, 2])('is judged as UTF-8 across all steps (%i)', async (shift) => {
    const text = `${'x'.repeat(shift)}${'€'.repeat(700_000)}`;
    session.feed(compressed(TEXT, text));
    await until(() => !session.isMidway);
    expect(String(received[0]?.copy)).toBe(text);
    for (const at of [10, 1_200_000, 2_099_000]) {
      open();
      const broken = Buffer.from(text);
      broken[at] = 0xff;
      session.feed(Buffer.concat([compressed(TEXT, broken), server(TEXT, 'late')]));
      await until(() => !session.isMidway);
      expect(calls).toEqual(['held', `sends ${CLOSE}`, 'utf8 1007', 'released']);
    }
    open();
    session.feed(compressed(TEXT, Buffer.from(text).subarray(0, -1)));
    await until(() => !session.isMidway);
    expect(calls).toContain('utf8 1007');
  });

  it('is refused in the middle if it is corrupt or too long, and nothing behind it is looked at', async () => {
    const bomb = compressed(BINARY, Buffer.alloc(32 * MIB + 1));
    session.feed(Buffer.concat([bomb, server(TEXT, 'late')]));
    await until(() => !session.isMidway);
    expect(calls).toEqual(['held', `sends ${CLOSE}`, 'too-big 1009', 'released']);
    open();
    const cut = deflated(halfRandom(2 * MIB)).subarray(0, -10);
    session.feed(Buffer.concat([frame({ opcode: BINARY, rsv: RSV1, payload: cut, key: null }), server(TEXT, 'late')]));
    await until(() => !session.isMidway);
    expect(calls).toEqual(['held', `sends ${CLOSE}`, 'deflate 1007', 'released']);
  });

  it('is forgotten with its connection', async () => {
    session.feed(compressed(BINARY, Buffer.alloc(3 * MIB)));
    session.closing.lost();
    session.drop();
    await until(() => !session.isMidway);
    expect(calls).toEqual(['held', 'released']);
  });

  it('leaves the others of its read to the next iteration once the time is over', async () => {
    session.feed(Buffer.concat(Array.from({ length: 5 }, () => compressed(TEXT, 'one of many'))));
    expect(received).toHaveLength(1);
    expect(await until(() => received.length === 5)).toBeGreaterThan(2);
  });
});

describe('a large message that is sent', () => {
  const large = () => Buffer.from(JSON.stringify(Array.from({ length: 40_000 }, (_, id) => ({ id, of: id * 7919 }))));

  it('is compressed in steps, and leaves in one frame, with what is sent behind it', async () => {
    const message = large();
    session.sendMessage(TEXT, message, true);
    session.sendMessage(TEXT, Buffer.from('z'.repeat(300)), true);
    session.send(PING, Buffer.from('p'));
    session.close(1000, '');
    expect(session.isOpen).toBe(false);
    expect(sent).toEqual([]);
    expect(session.waitingBytes).toBe(message.length + 300 + 1 + 2);
    expect(await until(() => !session.isWaiting)).toBeGreaterThanOrEqual(Math.floor(message.length / (189 * KIB)));
    expect(sent.map(({ first }) => first)).toEqual([0xc1, 0xc1, 0x80 | PING, 0x80 | CLOSE]);
    expect(new ZlibPeer().decompress(sent[0]?.payload as Buffer).equals(message)).toBe(true);
    expect(calls.at(-1)).toBe('written');
    expect(session.waitingBytes).toBe(0);
  });

  it('is copied, and so is what is sent behind it', async () => {
    const [message, behind, ping] = [large(), Buffer.alloc(400, 'b'), Buffer.from('ping')];
    const [wanted, wantedBehind] = [Buffer.from(message), Buffer.from(behind)];
    session.sendMessage(BINARY, message, true);
    session.sendMessage(BINARY, behind, false);
    session.send(PING, ping);
    for (const bytes of [message, behind, ping]) bytes.fill(0);
    await until(() => !session.isWaiting);
    expect(new ZlibPeer().decompress(sent[0]?.payload as Buffer).equals(wanted)).toBe(true);
    expect(sent[1]).toEqual({ first: 0x82, payload: wantedBehind });
    expect(String(sent[2]?.payload)).toBe('ping');
  });

  it('goes as it is if it does not get smaller, masked as a whole', async () => {
    const message = randomBytes(MIB + 1);
    session.sendMessage(BINARY, message, true);
    expect(await until(() => !session.isWaiting)).toBeGreaterThan(1);
    expect(sent[0]?.first).toBe(0x82);
    expect(sent[0]?.payload.equals(message)).toBe(true);
  });

  it('goes at once if it may not be compressed', () => {
    session.sendMessage(BINARY, Buffer.alloc(MIB), false);
    expect(sent[0]?.first).toBe(0x82);
  });

  it.each(['fast', 'small'] as const)('keeps the window the same as that of zlib, at %s', async (level) => {
    open(TAKEOVER, { level });
    const peer = new ZlibPeer(12);
    const secret = randomBytes(1000).toString('hex');
    const all = [secret, Buffer.concat([Buffer.from(secret), large()]), randomBytes(MIB), large().subarray(-1000)];
    for (const message of all) session.sendMessage(BINARY, Buffer.from(message), true);
    await until(() => !session.isWaiting);
    const back = sent.map(({ first, payload }) => ((first & 0x40) === 0 ? payload : peer.decompress(payload)));
    expect(back.map((message, i) => message.equals(Buffer.from(all[i] as string)))).toEqual([true, true, true, true]);
    expect(sent[3]?.payload.length).toBeLessThan(100);
  });

  it.each(['fast', 'small'] as const)('refers no further back than its window, at %s', async (level) => {
    open({ own: { windowBits: 10, contextTakeover: true }, peer: ALONE }, { level });
    const part = randomBytes(50).toString('hex');
    const parts = Array.from({ length: 300 }, (_, i) => part + randomBytes(i % 2 === 0 ? 100 : 700).toString('hex'));
    const message = Buffer.from(parts.join(''));
    session.sendMessage(TEXT, message, true);
    expect(session.isWaiting).toBe(true);
    await until(() => !session.isWaiting);
    const { bytes, farthest } = plainInflate(sent[0]?.payload as Buffer, Buffer.alloc(0), 2 ** 10); // throws for what is further
    expect(bytes.equals(message)).toBe(true);
    expect(farthest).toBeGreaterThanOrEqual(300);
  });

  it('refers at its beginning to what was sent before', async () => {
    const secret = randomBytes(1000).toString('hex');
    const message = Buffer.concat([Buffer.from(secret), large()]);
    const lengths: number[] = [];
    for (const contextTakeover of [false, true]) {
      open({ own: { windowBits: 12, contextTakeover }, peer: ALONE });
      session.sendMessage(BINARY, Buffer.from(secret), true);
      session.sendMessage(BINARY, message, true);
      await until(() => !session.isWaiting);
      lengths.push(sent[1]?.payload.length as number);
    }
    expect(lengths[1]).toBeLessThan((lengths[0] as number) - 900);
  });

  it('waits if much was compressed before it in the same turn, however short the messages are', async () => {
    const message = Buffer.from('w'.repeat(60 * KIB));
    for (let i = 0; i < 8; i++) session.sendMessage(TEXT, message, true);
    expect(sent.length).toBe(3);
    await until(() => !session.isWaiting);
    expect(sent.length).toBe(8);
  });

  it('is not sent any more once the protocol is broken: the Close leaves at once', () => {
    session.sendMessage(TEXT, large(), true);
    session.feed(server(TEXT, Buffer.of(0xff)));
    expect(calls).toEqual([`sends ${CLOSE}`, 'utf8 1007']);
    expect(session.isWaiting).toBe(false);
  });

  it('is forgotten with its connection', async () => {
    session.sendMessage(TEXT, large(), true);
    session.drop();
    for (let i = 0; i < 5; i++) await iteration();
    expect(calls).toEqual([]);
    expect(session.waitingBytes).toBe(0);
  });
});
