import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { runInNewContext, runInThisContext } from 'node:vm';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import {
  type ClientMessage,
  type ClientOptions,
  ConnectError,
  connect,
  HandshakeResponseError,
  OptionError,
  ProtocolError,
} from '../../dist/client/index.js';
import { acceptKey } from '../../dist/protocol/opening/accept-key.js';
import { sha1Base64 } from '../../dist/system/sha1.js';
import { Queue } from '../e2e/queue.js';
import { Opcode } from '../e2e/raw-client.js';
import { builtIn, handler, serve, until } from '../e2e/serving.js';
import { deafServer } from '../load/server.js';
import { frame, KEY } from '../protocol/client-frames.js';
import { floodWithPings, PINGS, readPongs } from './ping-flood.js';

const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port;

/** A server of `ws`, closed at the end of the test. */
async function wsServer(options: object = {}) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false, ...options });
  onTestFinished(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  await once(server, 'listening');
  const sockets = new Queue<WebSocket>();
  server.on('connection', (socket) => sockets.push(socket));
  return { server, sockets, url: `ws://127.0.0.1:${portOf(server)}` };
}

/** A server of bare TCP. @param answer makes the answer to the handshake @param onSocket may write more */
async function rawServer(
  answer: (key: string, request: string) => string | Uint8Array | undefined,
  onSocket?: (socket: Socket) => void,
) {
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.once('data', (request) => {
      const [, key = ''] = /Sec-WebSocket-Key: (\S+)/.exec(String(request)) ?? [];
      const said = answer(key, String(request));
      if (said !== undefined) socket.write(said);
      onSocket?.(socket);
    });
    onTestFinished(() => void socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `ws://127.0.0.1:${portOf(server)}/`;
}

const accepting = (key: string) =>
  `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptKey(key, sha1Base64)}\r\n\r\n`;
/** Turns of the event loop, enough for all that the other end in this process has written to arrive. */
async function manyTurns(): Promise<void> {
  for (let i = 0; i < 100; i++) await new Promise((resolve) => setImmediate(resolve));
}

const serverFrame = (opcode: number, payload?: string | Uint8Array) =>
  frame({ opcode, key: null, ...(payload === undefined ? {} : { payload }) });

async function open(url: string, options: ClientOptions = {}) {
  const messages = new Queue<ClientMessage>();
  const connection = await connect(url, { message: (_, message) => messages.push(message), ...options });
  onTestFinished(() => connection.terminate());
  return { connection, messages };
}

describe('a client of ws', () => {
  it('exchanges text and binary, of all lengths', async () => {
    const { sockets, url } = await wsServer();
    const { connection, messages } = await open(url);
    const server = await sockets.next();
    server.on('message', (bytes, isBinary) => server.send(bytes, { binary: isBinary }));
    for (const length of [0, 1, 125, 126, 65_535, 65_536, 1_000_000]) {
      const text = 'é'.repeat(length / 2);
      connection.send(text);
      const echoed = await messages.next();
      expect(echoed.isBinary).toBe(false);
      expect(echoed.text() === text).toBe(true);
      connection.send(Buffer.alloc(length, 7));
      const { isBinary, bytes } = await messages.next();
      expect(isBinary).toBe(true);
      expect(bytes.equals(Buffer.alloc(length, 7))).toBe(true);
    }
  });

  it('sends headers and offers subprotocols, and the server chooses one', async () => {
    const requests = new Queue<Record<string, unknown>>();
    const { server, url } = await wsServer({ handleProtocols: () => 'second' });
    server.on('connection', (_, request) => requests.push({ ...request.headers, url: request.url }));
    const { connection } = await open(`${url}/path?query=1`, {
      subprotocols: ['first', 'second'],
      headers: { 'X-Token': 'abc' },
    });
    expect(connection.subprotocol).toBe('second');
    expect(connection.headers.get('Upgrade')).toBe('websocket');
    expect(await requests.next()).toMatchObject({
      'x-token': 'abc',
      'sec-websocket-protocol': 'first, second',
      url: '/path?query=1',
    });
  });

  it('answers pings with their own bytes, and its hook is called for pongs', async () => {
    const { sockets, url } = await wsServer();
    const pongs = new Queue<string>();
    const { connection } = await open(url, { pong: (_, payload) => pongs.push(String(payload)) });
    const server = await sockets.next();
    server.ping('are you there');
    expect(String((await once(server, 'pong'))[0])).toBe('are you there');
    connection.ping('and you');
    expect(await pongs.next()).toBe('and you');
    expect(() => connection.ping('x'.repeat(126))).toThrow(OptionError);
  });

  it('sends bytes of every kind, also of another realm, and nothing else', async () => {
    const { sockets, url } = await wsServer();
    const { connection, messages } = await open(url);
    const server = await sockets.next();
    server.on('message', (bytes) => server.send(bytes));
    const kinds = [
      'new ArrayBuffer(8)',
      'new SharedArrayBuffer(8)',
      'new Uint8Array(8)',
      'new DataView(new ArrayBuffer(8))',
    ];
    for (const kind of kinds) {
      for (const data of [runInThisContext(kind), runInNewContext(kind)]) {
        connection.send(data);
        expect((await messages.next()).bytes).toEqual(Buffer.alloc(8));
        connection.ping(data);
      }
    }
    const given = new Uint8Array(8);
    structuredClone(given.buffer, { transfer: [given.buffer] });
    for (const wrong of [null, 5, [1], {}, undefined, given, given.buffer]) {
      expect(() => connection.send(wrong as unknown as string)).toThrow(OptionError);
      if (wrong !== undefined) expect(() => connection.ping(wrong as unknown as string)).toThrow(OptionError);
    }
  });

  it('masks each frame with another key', async () => {
    const keys = new Set<string>();
    const url = await rawServer(accepting, (socket) => {
      let bytes = Buffer.alloc(0);
      socket.on('data', (read) => {
        bytes = Buffer.concat([bytes, read as Buffer]);
        for (; bytes.length >= 7; bytes = bytes.subarray(7)) keys.add(bytes.toString('hex', 2, 6));
        if (keys.size === 1000) socket.write(serverFrame(Opcode.TEXT, 'enough'));
      });
    });
    const { connection, messages } = await open(url);
    for (let i = 0; i < 1000; i++) connection.send('x');
    expect((await messages.next()).text()).toBe('enough');
  });

  it('closes with a code and a reason, and reports the answer of the server', async () => {
    const { sockets, url } = await wsServer();
    const { connection } = await open(url);
    const server = await sockets.next();
    connection.close(4000, 'as agreed');
    expect(connection.isOpen).toBe(false);
    expect(connection.send('too late')).toBe(false);
    const [code, reason] = await once(server, 'close');
    expect([code, String(reason)]).toEqual([4000, 'as agreed']);
    expect(await connection.closed).toMatchObject({ code: 4000 });
    expect(() => connection.close(1005)).toThrow(expect.objectContaining({ code: 'WSLOOM_CLOSE_ARGUMENT' }));
  });

  it('is closed by the server, and echoes the code', async () => {
    const { sockets, url } = await wsServer();
    const { connection } = await open(url);
    const server = await sockets.next();
    server.close(1012, 'restart');
    expect(await connection.closed).toEqual({ code: 1012, reason: 'restart' });
    expect((await once(server, 'close'))[0]).toBe(1012);
  });

  it('knows from send that it should wait, and from drain that it may go on', async () => {
    const { sockets, url } = await wsServer();
    const drained = new Queue<boolean>();
    const { connection } = await open(url, { drain: () => drained.push(true) });
    const server = await sockets.next();
    server.pause();
    const payload = Buffer.alloc(1024 * 1024);
    let sent = 0;
    while (connection.send(payload)) sent++;
    expect(connection.bufferedAmount).toBeGreaterThan(0);
    let received = 0;
    const all = new Promise<void>((resolve) => {
      server.on('message', () => {
        if (++received === sent + 1) resolve();
      });
    });
    server.resume();
    await drained.next();
    await all;
    expect(connection.bufferedAmount).toBe(0);
  });

  it('is not handed messages while it is paused', async () => {
    const { sockets, url } = await wsServer();
    const { connection, messages } = await open(url);
    const server = await sockets.next();
    connection.pause();
    server.send('late');
    const pong = once(server, 'pong');
    server.ping();
    connection.resume();
    await pong;
    expect((await messages.next()).text()).toBe('late');
  });

  it('takes nothing from its socket while it is paused, so that the server has to wait', async () => {
    const { sockets, url } = await wsServer();
    const { connection, messages } = await open(url);
    const server = await sockets.next();
    server.send('it reads');
    await messages.next();
    connection.pause();
    const payload = Buffer.alloc(64 * 1024);
    const count = 512;
    let taken = 0;
    const sendOn = () => {
      if (++taken < count) server.send(payload, sendOn);
    };
    server.send(payload, sendOn);
    // The system takes as much as it has room for. When it takes nothing for many turns, it is full.
    for (let turns = 0, last = 0; turns < 100 && taken < count; turns++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (taken > last) turns = 0;
      last = taken;
    }
    expect(taken).toBeLessThan(count);
    connection.resume();
    expect(await messages.take(count)).toHaveLength(count);
  });

  it('leaves no timer of its handshake behind, which would end the open connection', async () => {
    const { url } = await wsServer();
    const set = vi.spyOn(globalThis, 'setTimeout');
    const cleared = vi.spyOn(globalThis, 'clearTimeout');
    try {
      await open(url, { handshakeTimeoutMs: 54_321 });
      const timers = set.mock.results.filter((_, i) => set.mock.calls[i]?.[1] === 54_321);
      expect(timers).toHaveLength(1);
      expect(cleared.mock.calls.map(([timer]) => timer)).toContain(timers[0]?.value);
    } finally {
      set.mockRestore();
      cleared.mockRestore();
    }
  });

  it('that is paused closes all the same', async () => {
    const { sockets, url } = await wsServer();
    const { connection } = await open(url, { closeTimeoutMs: 2 ** 31 - 1 });
    await sockets.next();
    connection.pause();
    connection.close();
    connection.pause();
    expect(await connection.closed).toEqual({ code: 1000, reason: '' });
  });

  it('is handed each message in memory of its own', async () => {
    const { sockets, url } = await wsServer();
    const { messages } = await open(url);
    const server = await sockets.next();
    server.send('one');
    server.send('another');
    const bytes = (await messages.take(2)).map((message) => message.bytes);
    expect(bytes.map((one) => one.buffer.byteLength)).toEqual([3, 7]);
  });

  it('that has dropped its connection gets nothing more', async () => {
    const frames = ['first', 'second', 'third'].map((text) => serverFrame(Opcode.TEXT, text));
    const url = await rawServer((key) => Buffer.concat([Buffer.from(accepting(key)), ...frames]));
    const heard: [text: string, isOpen: boolean][] = [];
    const connection = await connect(url, {
      message(its, message) {
        its.terminate();
        heard.push([message.text(), its.isOpen]);
      },
    });
    expect(await connection.closed).toEqual({ code: 1006, reason: '' });
    expect(heard).toEqual([['first', false]]);
  });

  it('that resumes at once is handed messages in their order', async () => {
    // More than one read can bring.
    const texts = Array.from({ length: 200 }, (_, i) => `${i}`.repeat(1000));
    const frames = texts.map((text) => serverFrame(Opcode.TEXT, text));
    const url = await rawServer((key) => Buffer.concat([Buffer.from(accepting(key)), ...frames]));
    const { connection, messages } = await open(url);
    connection.resume();
    const heard = await messages.take(texts.length);
    expect(heard.map((message) => message.text()).join() === texts.join()).toBe(true);
  });
});

describe('a client of wsloom', () => {
  it('exchanges messages with worker threads, and is closed when they stop', async () => {
    await using served = await serve({ handler: builtIn('echo') });
    const { connection, messages } = await open(served.url);
    connection.send('{"a":[1]}');
    expect((await messages.next()).json()).toEqual({ a: [1] });
    await served.server.close({ drainMs: 1000 });
    expect(await connection.closed).toMatchObject({ code: 1001 });
  });

  it('gets the status of a refusal in the error', async () => {
    await using served = await serve({ handler: builtIn('echo'), path: '/only' });
    await expect(connect(`${served.url}/other`)).rejects.toMatchObject({
      code: 'WSLOOM_RESPONSE_STATUS',
      name: 'HandshakeResponseError',
      status: 404,
    });
  });

  it('loses no message that comes with the answer to its handshake', async () => {
    await using served = await serve({ handler: handler('commands.js') });
    const { connection, messages } = await open(served.url);
    connection.send(JSON.stringify([['send', 'first']]));
    expect((await messages.next()).text()).toBe('first');
  });
});

it.each([
  [{ onmessage() {} }, "there is no option 'onmessage'; there are ca, closeTimeoutMs, deflate, drain"],
  [{ message: 5 }, 'message must be a function, got 5'],
  [{ drain: null }, 'drain must be a function, got null'],
  [{ subprotocols: 'chat' }, 'subprotocols must be an array of names, got "chat"'],
  [null, 'connect(url, options) takes an object of options, got null'],
])('an option that cannot be used is named before anything is sent: %o', async (options, message) => {
  const connecting = connect('ws://127.0.0.1:1/', options as never);
  await expect(connecting).rejects.toMatchObject({ code: 'WSLOOM_OPTION', message: expect.stringContaining(message) });
});

describe('a client keeps to the order of section 4.1 and of section 7.1.1:', () => {
  it('it sends nothing behind its request before that is answered', async () => {
    const seen = new Queue<string>();
    let handshakeKey = '';
    const url = await rawServer(
      (key, request) => {
        handshakeKey = key;
        seen.push(request.slice(request.indexOf('\r\n\r\n')));
        return undefined;
      },
      async (socket) => {
        socket.on('data', () => seen.push('a frame'));
        await manyTurns();
        seen.push('the answer');
        socket.write(accepting(handshakeKey));
      },
    );
    const { connection } = await open(url);
    connection.send('x');
    expect(await seen.take(3)).toEqual(['\r\n\r\n', 'the answer', 'a frame']);
  });

  it.each(['the server', 'the client'])('it waits for the server to end TCP, if %s has begun to close', async (who) => {
    const seen: string[] = [];
    const close = serverFrame(Opcode.CLOSE, Buffer.from([3, 0xe8]));
    const url = await rawServer(accepting, (socket) => {
      socket.on('end', () => seen.push('the client ends'));
      socket.once('data', async () => {
        if (who === 'the client') socket.write(close);
        await manyTurns(); // a FIN of the client would be there by then
        seen.push('the server ends');
        socket.end();
      });
      if (who === 'the server') socket.write(close);
    });
    const { connection } = await open(url);
    if (who === 'the client') connection.close(1000);
    expect(await connection.closed).toEqual({ code: 1000, reason: '' });
    await until(() => seen.length === 2);
    expect(seen).toEqual(['the server ends', 'the client ends']);
  });
});

describe('a server makes a connection fail', () => {
  it('by closing before it answers', async () => {
    const url = await rawServer(
      () => undefined,
      (socket) => void socket.end(),
    );
    await expect(connect(url)).rejects.toThrow(ConnectError);
  });

  it('by not answering in time', async () => {
    const url = await rawServer(() => undefined);
    await expect(connect(url, { handshakeTimeoutMs: 20 })).rejects.toMatchObject({
      code: 'WSLOOM_HANDSHAKE_TIMEOUT',
      name: 'ConnectError',
    });
  });

  it('by accepting another key', async () => {
    const url = await rawServer(() => accepting('another key'));
    await expect(connect(url)).rejects.toMatchObject({ code: 'WSLOOM_RESPONSE_ACCEPT' });
    await expect(connect(url)).rejects.toThrow(HandshakeResponseError);
  });

  it('by refusing the connection', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const port = portOf(server);
    server.close();
    await once(server, 'close');
    await expect(connect(`ws://127.0.0.1:${port}`)).rejects.toMatchObject({
      code: 'WSLOOM_CONNECT',
      cause: expect.objectContaining({ code: 'ECONNREFUSED' }),
    });
  });

  it.each([
    ['a masked frame', frame({ opcode: Opcode.TEXT, payload: 'x', key: KEY }), 1002],
    ['text that is not UTF-8', serverFrame(Opcode.TEXT, Buffer.from([0xff])), 1007],
    ['a message above the limit', serverFrame(Opcode.BINARY, Buffer.alloc(101)), 1009],
    ['a Close of one byte', serverFrame(Opcode.CLOSE, Buffer.from([3])), 1002],
  ])('by %s: it gets a Close with the code, and the client gets an error', async (_name, bytes, closeCode) => {
    const heard = new Queue<Buffer>();
    const url = await rawServer(
      (key) => Buffer.concat([Buffer.from(accepting(key)), bytes]),
      (socket) => {
        const parts: Buffer[] = [];
        socket.on('data', (read) => parts.push(read as Buffer));
        socket.on('end', () => {
          heard.push(Buffer.concat(parts));
          socket.end();
        });
      },
    );
    const { connection } = await open(url, { maxPayloadBytes: 100 });
    expect(await connection.closed).toEqual({ code: 1006, reason: '', error: expect.any(ProtocolError) });
    const close = await heard.next();
    expect(close.readUInt16BE(0)).toBe(0x8882);
    expect(close.readUInt16BE(6) ^ close.readUInt16BE(2)).toBe(closeCode);
  });

  it('by ending without a Close, or by a reset', async () => {
    const ends = await rawServer(accepting, (socket) => void socket.end());
    expect(await (await open(ends)).connection.closed).toEqual({ code: 1006, reason: '' });
    const resets = await rawServer(accepting, (socket) => void setImmediate(() => socket.resetAndDestroy()));
    const closed = connect(resets).then((connection) => connection.closed);
    expect(await closed).toMatchObject({ code: 1006 });
  });

  it('not by a reset after a whole closing handshake, whichever side began it', async () => {
    const farewell = serverFrame(Opcode.CLOSE, Buffer.from([3, 0xe9, ...Buffer.from('bye')]));
    const begins = await rawServer(
      (key) => Buffer.concat([Buffer.from(accepting(key)), farewell]),
      (socket) => void socket.once('data', () => socket.resetAndDestroy()), // when the client has answered
    );
    expect(await (await open(begins)).connection.closed).toEqual({ code: 1001, reason: 'bye' });

    const sockets = new Queue<Socket>();
    const answers = await rawServer(accepting, (socket) => {
      socket.once('data', () => socket.write(Buffer.concat([serverFrame(Opcode.PONG), farewell])));
      sockets.push(socket);
    });
    const { connection } = await open(answers, {
      // The Close comes behind it in the same read.
      pong: async () => {
        const server = await sockets.next();
        setImmediate(() => server.resetAndDestroy());
      },
    });
    connection.close(1000);
    expect(await connection.closed).toEqual({ code: 1001, reason: 'bye' });
  });

  it('by ending without a Close while it reads nothing: the client gives up after a time', async () => {
    const sockets = new Queue<Socket>();
    const url = await deafServer((socket) => sockets.push(socket));
    const { connection } = await open(url, { closeTimeoutMs: 20 });
    // More than the system takes.
    for (let i = 0; i < 50; i++) connection.send(Buffer.alloc(1024 * 1024));
    (await sockets.next()).end();
    expect(await connection.closed).toEqual({ code: 1006, reason: '' });
  });

  it('not by pinging without reading: of the pings that had to wait, the last one is answered in the end', async () => {
    const sockets = new Queue<Socket>();
    const url = await deafServer((socket) => sockets.push(socket));
    const { connection, messages } = await open(url);
    const socket = await sockets.next();
    void floodWithPings(socket);
    socket.write(serverFrame(Opcode.TEXT, 'done'));
    await messages.next();
    expect(connection.bufferedAmount).toBeLessThan(256 * 1024);
    expect(await readPongs(socket)).toBeLessThan(PINGS);
  });

  it('by not answering our Close: the client gives up after a time', async () => {
    const url = await rawServer(accepting);
    const { connection } = await open(url, { closeTimeoutMs: 20 });
    connection.close();
    expect(await connection.closed).toEqual({ code: 1006, reason: '' });
  });

  it('not by sending more behind its Close: the client ignores that', async () => {
    const url = await rawServer(
      (key) =>
        Buffer.concat([
          Buffer.from(accepting(key)),
          serverFrame(Opcode.TEXT, 'early'),
          serverFrame(Opcode.CLOSE, Buffer.from([0x03, 0xe8, 0x21])),
          serverFrame(Opcode.TEXT, 'late'),
          Buffer.from([0xff, 0xff]),
        ]),
      (socket) => void socket.on('end', () => socket.end()).on('data', () => socket.end()),
    );
    const { connection, messages } = await open(url);
    expect((await messages.next()).text()).toBe('early');
    expect(await connection.closed).toEqual({ code: 1000, reason: '!' });
    expect(messages.rest).toEqual([]);
  });
});

describe('an option', () => {
  it.each([
    ['nowhere'],
    ['http://127.0.0.1/'],
    ['ws://127.0.0.1/#fragment'],
    ['ws://user:secret@127.0.0.1/'],
    ['ws://127.0.0.1:99999/'],
  ])('that is the URL %s is refused', async (url) => {
    await expect(connect(url)).rejects.toMatchObject({ code: 'WSLOOM_OPTION', option: 'url' });
  });

  it.each([
    [{ handshakeTimeoutMs: 0 }, 'handshakeTimeoutMs'],
    [{ closeTimeoutMs: 1.5 }, 'closeTimeoutMs'],
    [{ maxPayloadBytes: 2 ** 32 }, 'maxPayloadBytes'],
    [{ subprotocols: ['a b'] }, 'subprotocols'],
    [{ headers: { Host: 'x' } }, 'headers'],
    [{ ca: 'no certificate' }, 'ca'],
    [{ ca: ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'] }, 'ca'],
  ])('that is wrong (%j) is refused before anything is connected to', async (options, option) => {
    await expect(connect('ws://127.0.0.1:1/', options)).rejects.toMatchObject({ option });
  });
});

describe('the package', () => {
  it('exports the client and the load generator, with types', () => {
    const { exports } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(exports['./client']).toEqual({ types: './dist/client/index.d.ts', default: './dist/client/index.js' });
    expect(exports['./load']).toEqual({ types: './dist/load/index.d.ts', default: './dist/load/index.js' });
  });
});
