import { describe, expect, it } from 'vitest';
import { expectBytes, pattern } from '../e2e/pattern.js';
import { closeStatus, encodeFrame, type FrameOptions, Opcode, RawClient } from '../e2e/raw-client.js';
import { serve } from '../e2e/serving.js';
import { handlerOf, withstand } from './attack.js';

const MIB = 1024 * 1024;
const handler = handlerOf('paths.js');
const UNFINISHED: FrameOptions = { fin: false };

/** A binary message in fragments of `size` bytes. */
function fragmented(message: Uint8Array, size: number): Buffer {
  const frames: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const opcode = at === 0 ? Opcode.BINARY : Opcode.CONTINUATION;
    frames.push(encodeFrame(opcode, message.subarray(at, at + size), { fin: at + size >= message.length }));
  }
  return Buffer.concat(frames);
}

describe.each([0, 1])('a message, with threads: %i', (threads) => {
  it.each([
    [65_536, 64],
    [100_000, 1],
  ])('of %i fragments of %i bytes is legal, and echoed', async (count, size) => {
    await using served = await serve({ handler, threads });
    const message = pattern(1, count * size);
    const bytes = fragmented(message, size);
    const attack = async () => {
      using client = await RawClient.open(served.port);
      client.socket.write(bytes);
      expectBytes((await client.next()).payload, message);
    };
    await withstand(served, attack, { bufferedBytes: 16 * MIB });
    expect(served.server.stats().protocolErrors).toBe(0);
  });

  it('of TCP segments of one byte is legal, and echoed', async () => {
    await using served = await serve({ handler, threads });
    const message = pattern(1, 500);
    await withstand(served, async () => {
      using client = await RawClient.open(served.port);
      for (const byte of fragmented(message, 7)) {
        await new Promise((resolve) => client.socket.write(Buffer.of(byte), resolve));
      }
      expectBytes((await client.next()).payload, message);
    });
  });

  it('of continuations without payload that do not end is closed with 1008', async () => {
    await using served = await serve({ handler, threads });
    await withstand(served, async () => {
      for (const empties of [101, 50_000]) {
        using client = await RawClient.open(served.port);
        client.frame(Opcode.TEXT, 'a', UNFINISHED);
        const empty = encodeFrame(Opcode.CONTINUATION, '', UNFINISHED);
        client.socket.write(Buffer.concat(Array.from({ length: empties }, () => empty)));
        expect(closeStatus(await client.next()).code).toBe(1008);
      }
    });
    expect(served.server.stats().protocolErrors).toBe(2);
  });

  it('may have as many empty fragments as there may be, and a payload behind them', async () => {
    await using served = await serve({ handler, threads });
    using client = await RawClient.open(served.port);
    const empty = encodeFrame(Opcode.CONTINUATION, '', UNFINISHED);
    const empties = Buffer.concat(Array.from({ length: 99 }, () => empty));
    client.frame(Opcode.TEXT, 'a', UNFINISHED);
    for (let i = 0; i < 10; i++) client.socket.write(Buffer.concat([empties, encodeFrame(0, 'b', UNFINISHED)]));
    client.frame(Opcode.CONTINUATION, 'c');
    expect(String((await client.next()).payload)).toBe(`a${'b'.repeat(10)}c`);
  });

  it('that is held open on many connections is closed with 1008 in time, however it goes on', async () => {
    const count = 200;
    await using served = await serve({ handler, threads, messageTimeoutMs: 200 });
    const attack = async () => {
      const clients = await Promise.all(Array.from({ length: count }, () => RawClient.open(served.port)));
      const feeding = setInterval(() => {
        for (const client of clients.slice(count / 2)) {
          if (client.socket.writable) client.frame(Opcode.CONTINUATION, 'more', UNFINISHED);
        }
      }, 20);
      for (const client of clients) client.frame(Opcode.BINARY, Buffer.alloc(1000), UNFINISHED);
      const codes = await Promise.all(clients.map(async (client) => closeStatus(await client.next()).code));
      clearInterval(feeding);
      for (const client of clients) client[Symbol.dispose]();
      return codes;
    };
    const codes = await withstand(served, attack);
    expect(new Set(codes)).toEqual(new Set([1008]));
    expect(served.server.stats().limits.messageTimeouts).toBe(count);
  });
});
