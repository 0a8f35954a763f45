import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { constants, deflateRawSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { renderReport } from '../../dist/cli/load-report.js';
import { type LoadOptions, load } from '../../dist/load/index.js';
import { acceptKey } from '../../dist/protocol/opening/accept-key.js';
import { sha1Base64 } from '../../dist/system/sha1.js';
import { RECORDS, ZlibPeer } from '../client/zlib-peer.js';
import { BitWriter, FIXED_DISTANCES, FIXED_LITERALS } from '../deflate/bit-writer.js';
import { frame } from '../protocol/client-frames.js';
import { broadcastFrom, echo, wsServer } from './server.js';

const NO_TAKEOVER = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';
const NOTHING_WRONG = { errors: 0, errorsByKind: {}, timeouts: 0 };

describe('a load with compression', () => {
  const servers = [
    ['begins each message anew', { threshold: 0 }, {}],
    ['keeps its windows', { threshold: 0 }, { deflate: { contextTakeover: true } }],
    ['wants small windows of the client', { threshold: 0, clientMaxWindowBits: 9 }, {}],
    ['answers uncompressed', { threshold: 1e9 }, {}],
    ['is read by two threads', { threshold: 0 }, { workers: 2, connections: 4 }],
  ] as const;

  it.each(servers)('is answered by a server that %s', async (_, perMessageDeflate, options) => {
    const received: number[] = [];
    const count = (socket: unknown) => {
      const { _receiver } = socket as { _receiver: { _compressed: boolean } };
      received.push(Number(_receiver._compressed));
    };
    const served = await wsServer(
      (socket, bytes, isBinary) => {
        count(socket);
        echo(socket, bytes, isBinary);
      },
      undefined,
      perMessageDeflate,
    );
    const given: Partial<LoadOptions> = { connections: 3, inFlight: 5, amount: 100, deflate: true, ...options };
    const result = await load({ url: served.url, message: RECORDS, ...given });
    expect(result).toMatchObject({ ...NOTHING_WRONG, messages: { total: 100 }, connections: { lost: 0 } });
    const { compression } = result;
    expect(compression?.connections).toBe(given.connections);
    expect(compression?.sentBytes).toBeLessThan(RECORDS.length / 3);
    expect(received).toEqual(Array(100).fill(1));
    const isAnswerPlain = 'threshold' in perMessageDeflate && perMessageDeflate.threshold > 0;
    if (isAnswerPlain) expect(compression?.answerBytes).toBe(RECORDS.length);
    else expect(compression?.answerBytes).toBeLessThan(RECORDS.length / 3);
  });

  it('is refused by a server that declines, and says so', async () => {
    const served = await wsServer(echo);
    const result = await load({ url: served.url, amount: 20, deflate: true });
    expect(result).toMatchObject({ ...NOTHING_WRONG, compression: { connections: 0, sentBytes: 0, answerBytes: 0 } });
    expect(renderReport(result)).toMatch(/^ {2}compression {2}the server has declined it$/m);
  });

  it('is not offered by default', async () => {
    const served = await wsServer(echo, undefined, { threshold: 0 });
    const result = await load({ url: served.url, amount: 20 });
    expect(result).toMatchObject({ ...NOTHING_WRONG, compression: undefined });
    expect(renderReport(result)).not.toContain('compression');
  });

  it('sends a message as it is that does not get smaller, or is short', async () => {
    const served = await wsServer(echo, undefined, { threshold: 1e9 });
    const result = await load({ url: served.url, amount: 20, deflate: true, connections: 2 });
    expect(result).toMatchObject({ ...NOTHING_WRONG, compression: { connections: 2, sentBytes: 32, answerBytes: 32 } });
    expect(renderReport(result)).toMatch(
      /^ {2}compression {2}sent as it is, 32 bytes \(100\.0 %\) received, on 2 connections$/m,
    );
  });

  it.each(['idle', 'connect'] as const)('says in the mode %s whether it was agreed on', async (mode) => {
    for (const [perMessageDeflate, said] of [
      [{}, 'agreed on for \\d+ connections'],
      [undefined, 'the server has declined it'],
    ] as const) {
      const served = await wsServer(echo, undefined, perMessageDeflate);
      const options = { mode, connections: 1, durationMs: 100, warmUpMs: 0, deflate: true } as const;
      const result = await load({ url: served.url, ...options });
      expect(result).toMatchObject(NOTHING_WRONG);
      expect(renderReport(result)).toMatch(new RegExp(`^ {2}compression +${said}$`, 'm'));
    }
  });

  it('has its options in the result, defaults included', async () => {
    const served = await wsServer(echo, undefined, {});
    const of = async (deflate: LoadOptions['deflate']) =>
      (await load({ url: served.url, amount: 1, deflate })).options.deflate;
    const byDefault = {
      level: 'fast',
      thresholdBytes: 256,
      contextTakeover: false,
      windowBits: 12,
      fullWindows: false,
    } as const;
    expect(await of(true)).toEqual(byDefault);
    expect(await of({ contextTakeover: true, level: 'small' })).toEqual({
      ...byDefault,
      contextTakeover: true,
      level: 'small',
    });
    expect(await of(undefined)).toBeUndefined();
  });

  it('reaches all subscribers', async () => {
    const served = await wsServer((...of) => broadcastFrom(() => served.server, false)(...of), undefined, {
      threshold: 0,
    });
    const options = { mode: 'broadcast', connections: 4, amount: 30, inFlight: 4, deflate: true } as const;
    const result = await load({ url: served.url, message: RECORDS, ...options });
    expect(result).toMatchObject({ ...NOTHING_WRONG, messages: { total: 120 }, compression: { connections: 5 } });
  });

  it('finds an answer that is wrong, before and after it has got a right one', async () => {
    for (const wrongFrom of [1, 5]) {
      let count = 0;
      const wrong: typeof echo = (socket, bytes, isBinary) =>
        echo(socket, ++count < wrongFrom ? bytes : Buffer.from(RECORDS.replace('user', 'loser')), isBinary);
      const served = await wsServer(wrong, undefined, { threshold: 0 });
      const result = await load({ url: served.url, message: RECORDS, connections: 1, amount: 10, deflate: true });
      expect(result).toMatchObject({ messages: { total: wrongFrom - 1 }, connections: { lost: 1 } });
    }
  });

  it('takes right answers that are cut, mixed and compressed in different ways', async () => {
    const raw = (level: number) =>
      deflateRawSync(RECORDS, { level, finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
    const whole = (level: number) => frame({ opcode: 1, rsv: 4, payload: raw(level), key: null });
    const cut = [
      frame({ opcode: 1, rsv: 4, fin: false, payload: raw(9).subarray(0, 100), key: null }),
      frame({ opcode: 9, payload: 'ping', key: null }),
      frame({ opcode: 0, payload: raw(9).subarray(100), key: null }),
    ];
    const plain = frame({ opcode: 1, payload: RECORDS, key: null });
    const answers = Buffer.concat([whole(9), whole(9), plain, whole(1), ...cut, whole(9), plain, whole(9)]);
    for (const piece of [answers.length, 1000, 7]) {
      const url = await answering(answers, piece);
      const result = await load({ url, message: RECORDS, connections: 1, inFlight: 8, amount: 8, deflate: true });
      expect(result).toMatchObject({ ...NOTHING_WRONG, messages: { total: 8 } });
    }
  });

  it('decompresses every answer of a server that keeps its window, also one that is as it was before', async () => {
    // A match of the greatest length, which refers back by twice that.
    const message = RECORDS.slice(0, 258);
    const whole = frame({ opcode: 1, rsv: 4, payload: new ZlibPeer().compress(message), key: null });
    const match = new BitWriter()
      .number(2, 3)
      .code(FIXED_LITERALS[285] ?? '')
      .code(FIXED_DISTANCES[18] ?? '')
      .number(3, 8);
    const payload = match.code(FIXED_LITERALS[256] ?? '').end().buffer;
    const answers = Buffer.concat([whole, whole, frame({ opcode: 1, rsv: 4, payload, key: null })]);
    const url = await answering(answers, answers.length, 'permessage-deflate; server_max_window_bits=12');
    const deflate = { contextTakeover: true };
    const result = await load({ url, message, connections: 1, inFlight: 3, amount: 3, deflate });
    expect(result).toMatchObject({ ...NOTHING_WRONG, messages: { total: 3 } });
  });

  it('reports an answer that is corrupt', async () => {
    const corrupt = frame({ opcode: 1, rsv: 4, payload: new ZlibPeer().compress(RECORDS).subarray(9), key: null });
    const url = await answering(corrupt, corrupt.length);
    const result = await load({ url, message: RECORDS, connections: 1, amount: 1, deflate: true, timeoutMs: 500 });
    expect(Object.keys(result.errorsByKind)[0]).toMatch(/^protocol: compressed message that is corrupt: /);
  });
});

/** A server of bare TCP that accepts compression, and answers the first bytes behind the handshake, in writes of so many bytes. */
async function answering(bytes: Buffer, piece: number, extensions = NO_TAKEOVER): Promise<string> {
  const onRequest = (socket: Socket, request: Buffer) => {
    const [, key = ''] = /Sec-WebSocket-Key: (\S+)/.exec(String(request)) ?? [];
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptKey(key, sha1Base64)}\r\nSec-WebSocket-Extensions: ${extensions}\r\n\r\n`,
    );
    socket.once('data', async () => {
      for (let at = 0; at < bytes.length; at += piece) {
        await new Promise((resolve) => socket.write(bytes.subarray(at, at + piece), resolve));
      }
      // The answer to a Close, whatever else has come.
      socket.on('data', () => socket.end(frame({ opcode: 8, payload: Buffer.from([3, 232]), key: null })));
    });
  };
  const server = createServer({ noDelay: true }, (socket) => {
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => {});
    socket.once('data', (request) => onRequest(socket, request));
  });
  onTestFinished(() => void server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}
