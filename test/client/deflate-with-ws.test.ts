import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import {
  type ClientMessage,
  type ClientOptions,
  connect,
  HandshakeResponseError,
  OptionError,
} from '../../dist/client/index.js';
import { Queue } from '../e2e/queue.js';
import { RECORDS } from './zlib-peer.js';

/** A server of `ws` that echoes, and what it offers of itself about compression. */
async function echoServer(perMessageDeflate: boolean | object) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate });
  onTestFinished(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  await once(server, 'listening');
  const sockets = new Queue<WebSocket>();
  const offers = new Queue<string>();
  server.on('connection', (socket, request) => {
    socket.on('message', (bytes, binary) => socket.send(bytes, { binary }));
    sockets.push(socket);
    offers.push(request.headers['sec-websocket-extensions'] ?? 'none');
  });
  return { sockets, offers, url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function open(url: string, options: ClientOptions) {
  const messages = new Queue<ClientMessage>();
  const connection = await connect(url, { message: (_, message) => messages.push(message), ...options });
  onTestFinished(() => connection.terminate());
  return { connection, messages };
}

const MESSAGES = ['', 'x', RECORDS, 'é'.repeat(30_000), RECORDS.slice(500), '{"plain":1}', RECORDS.repeat(40), RECORDS];

describe('a client and a server of ws', () => {
  const servers = [
    {},
    { threshold: 0 },
    { threshold: 0, serverNoContextTakeover: true },
    { threshold: 0, clientNoContextTakeover: true },
    { threshold: 0, serverMaxWindowBits: 10 },
    { threshold: 0, clientMaxWindowBits: 9 },
    { threshold: 0, zlibDeflateOptions: { level: 9 } },
  ];
  const clients = [
    true,
    { contextTakeover: true },
    { contextTakeover: true, windowBits: 9, level: 'small' },
    { contextTakeover: true, windowBits: 15, thresholdBytes: 0 },
    { contextTakeover: true, windowBits: 11, fullWindows: true },
  ] as const;
  const pairs = servers.flatMap((server) => clients.map((client) => [server, client] as const));

  it.each(pairs)('exchange messages if the server has %o and the client %o', async (perMessageDeflate, deflate) => {
    const { url } = await echoServer(perMessageDeflate);
    const { connection, messages } = await open(url, { deflate });
    expect(connection.deflate).toBeDefined();
    for (const message of MESSAGES) {
      connection.send(message);
      connection.send(Buffer.from(message), { compress: false });
    }
    for (const message of MESSAGES) {
      const text = await messages.next();
      expect(text.isBinary).toBe(false);
      expect(text.text() === message).toBe(true);
      const binary = await messages.next();
      expect(binary.isBinary).toBe(true);
      expect(binary.bytes.equals(Buffer.from(message))).toBe(true);
    }
  });

  it('agree on what both can do, and say so', async () => {
    const { url, offers } = await echoServer({});
    const takeover = await open(url, { deflate: { contextTakeover: true, windowBits: 11 } });
    expect(await offers.next()).toBe(
      'permessage-deflate; server_max_window_bits=11; client_max_window_bits=11, permessage-deflate; server_no_context_takeover; client_max_window_bits=11',
    );
    expect(takeover.connection.deflate).toEqual({
      own: { windowBits: 11, contextTakeover: true },
      peer: { windowBits: 11, contextTakeover: true },
    });
    const without = await open(url, { deflate: true });
    expect(await offers.next()).toBe(
      'permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits',
    );
    expect(without.connection.deflate?.peer.contextTakeover).toBe(false);
  });

  it('exchange plain messages if the server declines, or the client does not offer', async () => {
    const declining = await echoServer(false);
    const { connection, messages } = await open(declining.url, { deflate: true });
    expect(connection.deflate).toBeUndefined();
    connection.send(RECORDS);
    expect((await messages.next()).text()).toBe(RECORDS);
    const willing = await echoServer({});
    for (const deflate of [false, undefined] as const) {
      const plain = await open(willing.url, deflate === undefined ? {} : { deflate });
      expect(await willing.offers.next()).toBe('none');
      expect(plain.connection.deflate).toBeUndefined();
    }
  });

  it('exchange fewer bytes for it, as long as the message may be compressed', async () => {
    const { sockets, url } = await echoServer({ threshold: 0 });
    const { connection, messages } = await open(url, { deflate: true });
    const socket = await sockets.next();
    const read = () => (socket as unknown as { _socket: { bytesRead: number } })._socket.bytesRead;
    const bytesOf = async (compress?: boolean) => {
      const before = read();
      connection.send(RECORDS, compress === undefined ? {} : { compress });
      await messages.next();
      return read() - before;
    };
    expect(await bytesOf(false)).toBeGreaterThan(RECORDS.length);
    expect(await bytesOf(true)).toBeLessThan(RECORDS.length / 3);
    expect(await bytesOf()).toBeLessThan(RECORDS.length / 3);
  });

  it('end the connection with 1009 for a message that is too long when it is decompressed', async () => {
    const { sockets, url } = await echoServer({ threshold: 0 });
    const { connection } = await open(url, { deflate: true, maxPayloadBytes: 1000 });
    const socket = await sockets.next();
    socket.send('a'.repeat(1_000_000));
    expect(await once(socket, 'close')).toEqual([1009, expect.anything()]);
    const { code, error } = await connection.closed;
    expect([code, error]).toEqual([1006, expect.objectContaining({ rule: 'too-big' })]);
  });

  it('keep what was handed out, whatever comes later', async () => {
    const { url } = await echoServer({ threshold: 0 });
    const { connection, messages } = await open(url, { deflate: { contextTakeover: true } });
    for (const letter of ['a', 'b', 'c']) connection.send(letter.repeat(5000));
    const kept = await messages.take(3);
    expect(kept.map(({ bytes }) => bytes.equals(Buffer.alloc(5000, bytes[0])) && bytes[0])).toEqual([97, 98, 99]);
  });

  const LARGE = RECORDS.repeat(Math.ceil(3_000_000 / RECORDS.length));

  it('exchange large messages in their order, with what is sent behind them, up to the Close', async () => {
    const { url } = await echoServer({ threshold: 0 });
    const drains = new Queue<number>();
    const { connection, messages } = await open(url, {
      deflate: { contextTakeover: true },
      drain: (one) => drains.push(one.bufferedAmount),
    });
    const sent = [LARGE, 'short', LARGE.slice(7), 'last'];
    for (const message of sent) expect(connection.send(message)).toBe(false);
    expect(connection.bufferedAmount).toBe(Buffer.byteLength(sent.join('')));
    await drains.next();
    for (const message of sent) expect((await messages.next()).text() === message).toBe(true);
    connection.send(LARGE);
    connection.close(1000, 'done');
    expect(connection.isOpen).toBe(false);
    expect((await messages.next()).text() === LARGE).toBe(true);
    expect(await connection.closed).toEqual({ code: 1000, reason: 'done' });
  });

  it('get a large message also if the server ends TCP right behind it', async () => {
    const { url, sockets } = await echoServer(true);
    const { connection, messages } = await open(url, { deflate: true });
    const socket = await sockets.next();
    socket.send(LARGE, () => (socket as unknown as { _socket: { end(): void } })._socket.end());
    expect(await connection.closed).toEqual({ code: 1006, reason: '' });
    expect(messages.rest.map((message) => message.text() === LARGE)).toEqual([true]);
  });

  it('are ended at once by terminate, whatever waits', async () => {
    const { url } = await echoServer(true);
    const { connection } = await open(url, { deflate: true });
    connection.send(LARGE);
    connection.terminate();
    expect(connection.bufferedAmount).toBe(0);
    expect(await connection.closed).toEqual({ code: 1006, reason: '' });
  });

  it('stay paused while a large message is decompressed, and after it', async () => {
    const { url, sockets } = await echoServer(true);
    const got: number[] = [];
    const connection = await connect(url, {
      deflate: true,
      message: (one, message) => {
        got.push(message.bytes.length);
        if (got.length === 1) one.pause();
      },
    });
    onTestFinished(() => connection.terminate());
    const socket = await sockets.next();
    socket.send(LARGE);
    while (got.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await new Promise<void>((resolve) => socket.send('behind', () => resolve()));
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(got).toEqual([LARGE.length]);
    connection.resume();
    while (got.length === 1) await new Promise((resolve) => setImmediate(resolve));
    expect(got[1]).toBe(6);
  });

  it('end the connection if a hook throws for a large message', async () => {
    const { url, sockets } = await echoServer(true);
    const connection = await connect(url, {
      deflate: true,
      message: () => {
        throw new Error('of the hook');
      },
    });
    const thrown = new Promise((resolve) => {
      const others = process.listeners('uncaughtException');
      process.removeAllListeners('uncaughtException');
      process.once('uncaughtException', (error) => {
        for (const other of others) process.on('uncaughtException', other);
        resolve(error);
      });
    });
    (await sockets.next()).send(LARGE);
    expect(await thrown).toMatchObject({ message: 'of the hook' });
    expect(await connection.closed).toEqual({ code: 1006, reason: '' });
  });

  it('get right what a hook sends while it is given a message', async () => {
    const { sockets, url } = await echoServer({ threshold: 0 });
    const texts = new Queue<string>();
    const connection = await connect(url, {
      deflate: true,
      message: (own, message) => {
        if (texts.rest.length === 0) own.send('z'.repeat(50_000));
        texts.push(message.text());
      },
    });
    onTestFinished(() => connection.terminate());
    (await sockets.next()).send('y'.repeat(40_000));
    expect((await texts.next())[39_999]).toBe('y');
    expect((await texts.next())[49_999]).toBe('z');
  });
});

describe('the handshake', () => {
  /** A server that answers with extensions of its own choice. */
  async function answering(extensions: string) {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    server.on('headers', (headers) => headers.push(`Sec-WebSocket-Extensions: ${extensions}`));
    return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  it.each([
    'permessage-deflate',
    'permessage-deflate; server_no_context_takeover; server_max_window_bits=7',
    'permessage-deflate; server_no_context_takeover; what',
    'permessage-bzip2',
    'permessage-deflate; server_no_context_takeover, permessage-deflate; server_no_context_takeover',
  ])('fails if the server answers %s', async (extensions) => {
    const url = await answering(extensions);
    const error = await connect(url, { deflate: true }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(HandshakeResponseError);
    expect(error).toMatchObject({ code: 'WSLOOM_RESPONSE_EXTENSIONS' });
  });

  it('fails if the server accepts what was not offered', async () => {
    const url = await answering('permessage-deflate');
    await expect(connect(url)).rejects.toThrow('it must accept no extension, none was offered');
  });
});

describe('an option', () => {
  it.each([
    [5, 'deflate', 'deflate must be true, false or an object of options, got 5'],
    [['fast'], 'deflate', /^deflate must be true, false or an object of options, got /],
    [{ level: 'best' }, 'deflate.level', 'deflate.level must be one of fast, small, got "best"'],
    [{ windowBits: 8 }, 'deflate.windowBits', 'deflate.windowBits must be an integer from 9 to 15, got 8'],
    [{ thresholdBytes: -1 }, 'deflate.thresholdBytes', /^deflate\.thresholdBytes must be an integer from 0 to /],
    [{ contextTakeover: 1 }, 'deflate.contextTakeover', 'deflate.contextTakeover must be true or false, got 1'],
    [
      { fullWindow: true },
      'deflate.fullWindow',
      /^deflate: there is no option 'fullWindow'; .*did you mean fullWindows$/,
    ],
  ])('%o is refused', async (deflate, option, message) => {
    const error = await connect('ws://127.0.0.1:1', { deflate: deflate as never }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OptionError);
    expect(error).toMatchObject({ option, message: expect.stringMatching(message) });
  });

  it.each([
    [null, 'none'],
    [undefined, 'none'],
    [{ windowBits: null, level: null }, 'permessage-deflate'],
  ])('%o is the default, as for a server', async (deflate, offered) => {
    const { url, offers } = await echoServer({});
    await open(url, { deflate: deflate as never });
    expect(await offers.next()).toMatch(new RegExp(`^${offered}`));
  });

  it('of send is refused if it is none', async () => {
    const { url } = await echoServer({});
    const { connection } = await open(url, {});
    expect(() => connection.send('x', { compress: 1 as never })).toThrow('compress must be true or false, got 1');
    expect(() => connection.send('x', { compres: true } as never)).toThrow("there is no option 'compres'");
    expect(() => connection.send('x', null as never)).toThrow('takes an object of options, got null');
    expect(() => connection.send('x', [] as never)).toThrow('takes an object of options, got []');
    expect(connection.send('x', {})).toBe(true);
  });
});
