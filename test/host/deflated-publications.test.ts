import { randomBytes } from 'node:crypto';
import { MessageChannel } from 'node:worker_threads';
import { constants, inflateRawSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import type { Connection, SendOptions } from '../../dist/connection/connection.js';
import { Host, type HostOptions } from '../../dist/host/host.js';
import { publish, registerPublishing } from '../../dist/host/publish.js';
import { DEFAULT_BUS_LIMITS, ThreadPublishing } from '../../dist/host/thread-publishing.js';
import { THRESHOLDS } from '../../dist/kernels/thresholds.js';
import { type DeflateAgreement, numberOfAgreement } from '../../dist/protocol/deflate/agreement.js';
import { Counters } from '../../dist/telemetry/counters.js';
import { reportTo, ThrottledLog } from '../../dist/telemetry/throttled-log.js';
import { BINARY, clientFrame, TEXT } from '../connection/frames.js';
import { NO_LIMITS } from '../connection/thread.js';
import { duplexPair } from './duplex-pair.js';

const RSV1 = 0x40;
const FULL = { windowBits: 15, contextTakeover: false };

/** What a client has agreed on: how the server compresses. */
const agreed = (windowBits: number, contextTakeover = false): DeflateAgreement => ({
  own: { windowBits, contextTakeover },
  peer: FULL,
});

const cleanups: (() => void)[] = [];

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** A client that shows its frames as `text deflated 1234`, with the payload as it was published. */
class Client {
  readonly messages: { readonly firstByte: number; readonly payload: Buffer; readonly bytes: number }[] = [];
  readonly end: ReturnType<typeof duplexPair>[1];
  #received: Buffer = Buffer.alloc(0);
  #onMessage: () => void = () => {};

  constructor(end: ReturnType<typeof duplexPair>[1], windowBits: number | undefined) {
    this.end = end;
    end.on('data', (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      while (this.#takeFrame(windowBits));
      this.#onMessage();
    });
  }

  #takeFrame(windowBits: number | undefined): boolean {
    const bytes = this.#received;
    if (bytes.length < 2) return false;
    const firstByte = bytes.readUInt8(0);
    let [length, at] = [bytes.readUInt8(1), 2];
    if (length === 126 && bytes.length >= 4) [length, at] = [bytes.readUInt16BE(2), 4];
    if (length === 127 && bytes.length >= 10) [length, at] = [bytes.readUInt32BE(6), 10];
    if (bytes.length < at + length) return false;
    const payload = bytes.subarray(at, at + length);
    this.#received = bytes.subarray(at + length);
    const isDeflated = (firstByte & RSV1) !== 0;
    if (isDeflated && windowBits === undefined) throw new Error('nobody has agreed on compression');
    this.messages.push({ firstByte, payload: isDeflated ? inflate(payload, windowBits) : payload, bytes: length });
    return true;
  }

  async hasGot(count: number): Promise<Client['messages']> {
    while (this.messages.length < count) await new Promise<void>((resolve) => (this.#onMessage = resolve));
    return this.messages;
  }
}

const inflate = (bytes: Buffer, windowBits = 15) =>
  inflateRawSync(Buffer.concat([bytes, Buffer.from([0, 0, 0xff, 0xff])]), {
    windowBits,
    finishFlush: constants.Z_SYNC_FLUSH,
  });

const BUFFERED = new SharedArrayBuffer(4);
const COMPRESSION = { kernel: 'auto', level: 'fast', thresholdBytes: 100 } as const;

/** A thread that hosts connections, of which each subscribes to `room`; what one sends is published to it. */
class Thread {
  readonly publishing = new ThreadPublishing();
  readonly connections: Connection[] = [];
  readonly #host: Host;
  #ids = 0;

  constructor(options: SendOptions = {}) {
    this.publishing.compressBy(COMPRESSION, new Counters());
    const hostOptions: HostOptions = {
      arenaBytes: 4 * 1024 * 1024,
      kernel: 'auto',
      compression: COMPRESSION,
      thresholds: THRESHOLDS,
      limits: { ...NO_LIMITS, maxPayloadBytes: 1024 * 1024 },
      maxBufferedBytes: 2 ** 40,
      buffered: BUFFERED,
      bus: DEFAULT_BUS_LIMITS,
      maxClosing: 10,
      poison: true,
    };
    this.#host = new Host({
      options: hostOptions,
      handler: {
        open: (connection) => {
          connection.subscribe('room');
          this.connections.push(connection);
        },
        message: (connection, message) => void connection.publish('room', message, options),
      },
      publishing: this.publishing,
      counters: new Counters(),
      log: new ThrottledLog(reportTo({ info: () => {}, warn: () => {}, error: () => {} })),
      onNoLongerOpen: () => {},
      calls: undefined,
    });
    cleanups.push(() => void this.#host.drain(0));
    cleanups.push(() => this.publishing.bus.close());
  }

  connect(deflate?: DeflateAgreement): Client {
    const [stream, end] = duplexPair();
    this.#host.adoptStream({
      stream,
      info: {
        id: ++this.#ids,
        remoteAddress: undefined,
        path: '/',
        query: '',
        subprotocol: '',
        data: undefined,
        ...(deflate !== undefined && { deflate: numberOfAgreement(deflate) }),
      },
      head: new Uint8Array(0),
    });
    return new Client(end, deflate?.own.standaloneBits ?? deflate?.own.windowBits);
  }
}

const json = (i: number) => JSON.stringify(Array.from({ length: 40 }, (_, k) => ({ i, k, name: `user ${k * i}` })));

test('a message that a connection publishes comes to all others as they have agreed', async () => {
  const thread = new Thread();
  const clients = [undefined, agreed(15), agreed(12), agreed(9, true)].map((deflate) => thread.connect(deflate));
  const publisher = thread.connect(agreed(15));
  publisher.end.write(clientFrame(TEXT, json(1)));
  publisher.end.write(clientFrame(BINARY, Buffer.from(json(2))));
  publisher.end.write(clientFrame(TEXT, 'short'));
  for (const [who, client] of clients.entries()) {
    const got = await client.hasGot(3);
    expect(got.map(({ payload }) => payload.toString())).toEqual([json(1), json(2), 'short']);
    const rsv1 = who === 0 ? 0 : RSV1;
    expect(got.map(({ firstByte }) => firstByte)).toEqual([0x80 | TEXT | rsv1, 0x80 | BINARY | rsv1, 0x80 | TEXT]);
  }
  expect(publisher.messages).toEqual([]);
});

test('a large message that a connection publishes comes compressed, with the next ones behind it, and plain in front of what is sent', async () => {
  const thread = new Thread();
  const large = JSON.stringify(Array.from({ length: 8000 }, (_, k) => ({ k, name: `user ${k * 7919}` })));
  const clients = [undefined, agreed(15), agreed(12, true), agreed(15)].map((deflate) => thread.connect(deflate));
  thread.connect(agreed(15)).end.write(Buffer.concat([clientFrame(TEXT, large), clientFrame(TEXT, json(1))]));
  while (thread.publishing.topics.hasPending === false) await new Promise((resolve) => setImmediate(resolve));
  thread.connections[3]?.send('its own');
  const wanted = [large, json(1)];
  for (const [who, rsv1] of [0, RSV1, RSV1].entries()) {
    const got = await (clients[who] as Client).hasGot(2);
    expect(got.map(({ payload }) => payload.toString())).toEqual(wanted);
    expect(got.map(({ firstByte }) => firstByte)).toEqual([0x80 | TEXT | rsv1, 0x80 | TEXT | rsv1]);
  }
  const got = await (clients[3] as Client).hasGot(3);
  const texts = got.map(({ payload }) => payload.toString());
  expect(texts.filter((text) => text !== 'its own')).toEqual(wanted);
  expect(got[0]?.firstByte).toBe(0x80 | TEXT);
  expect(texts.indexOf('its own')).toBeGreaterThan(0);
});

test('a client that was told nothing of a small window gets a publication that reaches back 32 KiB', async () => {
  const thread = new Thread();
  const own = { windowBits: 12, contextTakeover: true };
  const [told, untold] = [own, { ...own, standaloneBits: 15 }].map((one) => thread.connect({ own: one, peer: FULL }));
  while (thread.connections.length < 2) await new Promise((resolve) => setImmediate(resolve));
  const text = randomBytes(4000).toString('hex').repeat(4);
  thread.publishing.publish('room', text);
  const [toTold] = await (told as Client).hasGot(1);
  const [toUntold] = await (untold as Client).hasGot(1);
  expect([toTold?.payload.toString(), toUntold?.payload.toString()]).toEqual([text, text]);
  expect(toUntold?.bytes).toBeLessThan((toTold?.bytes as number) / 3);
});

test('a message that is published with compress: false comes plain to all', async () => {
  const thread = new Thread({ compress: false });
  const client = thread.connect(agreed(15));
  thread.connect().end.write(clientFrame(TEXT, json(1)));
  const unregister = registerPublishing(thread.publishing);
  cleanups.push(unregister);
  publish('room', json(2), { compress: false });
  publish('room', json(3));
  const got = await client.hasGot(3);
  expect(got.map(({ firstByte }) => firstByte & RSV1).sort()).toEqual([0, 0, RSV1]);
  expect(() => publish('room', '', { compress: 0 as unknown as boolean })).toThrow(
    'options.compress must be a boolean',
  );
});

test('a thread that hosts nobody compresses for the connections of another', async () => {
  const [primary, thread] = [new ThreadPublishing(), new Thread()];
  primary.compressBy(COMPRESSION, new Counters());
  cleanups.push(() => primary.bus.close());
  const { port1, port2 } = new MessageChannel();
  primary.bus.connect(port1, thread.publishing.bus.ledger);
  thread.publishing.bus.connect(port2, primary.bus.ledger);
  const [plain, deflated] = [thread.connect(), thread.connect(agreed(15))];
  while (thread.connections.length < 2) await new Promise((resolve) => setImmediate(resolve));
  primary.publish('room', json(1));
  const [toPlain, toDeflated] = [(await plain.hasGot(1))[0], (await deflated.hasGot(1))[0]];
  expect([toPlain?.payload.toString(), toDeflated?.payload.toString()]).toEqual([json(1), json(1)]);
  expect(toDeflated?.bytes).toBeLessThan((toPlain?.bytes as number) / 3);
});

test('publications and messages that are sent come in the order of the calls', async () => {
  const thread = new Thread();
  const clients = [undefined, agreed(15), agreed(12)].map((deflate) => thread.connect(deflate));
  while (thread.connections.length < 3) await new Promise((resolve) => setImmediate(resolve));
  const texts = Array.from({ length: 60 }, (_, i) => `${i} ${randomBytes((i * 997) % 20_000).toString('hex')}`);
  for (const [i, text] of texts.entries()) {
    if (i % 3 === 0) for (const connection of thread.connections) connection.send(text);
    else thread.publishing.publish('room', text, { compress: i % 7 !== 0 });
    if (i % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  for (const client of clients) {
    expect((await client.hasGot(60)).map(({ payload }) => payload.toString())).toEqual(texts);
  }
});
