import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { StreamTransport } from '../../dist/connection/stream-transport.js';
import { Turn } from '../../dist/connection/turn.js';
import { Arena } from '../../dist/memory/arena.js';
import { descriptorOf } from '../../dist/system/descriptor.js';
import { pattern } from './frames.js';
import { NotingListener } from './noting-listener.js';
import { type TlsSockets, tlsSockets } from './tls-sockets.js';

const DIRECT = 64 * 1024 + 16;

let transport: StreamTransport;
let stream: TLSSocket;
let client: TLSSocket;
/** The TCP socket of the client. */
let plain: Socket;
let held: number;
let sockets: TlsSockets;
/** What the system says of bytes that the client has not acknowledged. */
let unacknowledged: number;

/** The descriptor of the TCP connection under a TLS socket. */
function tcpOf(socket: TLSSocket): number {
  return descriptorOf(Reflect.get(socket, '_parent') as Socket);
}

beforeEach(async () => {
  sockets = await tlsSockets();
  stream = sockets.server;
  client = sockets.client;
  plain = sockets.tcp;
  const arena = new Arena(1024 * 1024);
  held = 0;
  const budget = {
    add(bytes: number) {
      held += bytes;
    },
    addQueued() {},
  };
  unacknowledged = 0;
  const calls = {
    unacknowledgedBytes: (fd: number) => (fd >= 0 && fd === tcpOf(stream) ? unacknowledged : Number.NaN),
  };
  transport = new StreamTransport(
    stream,
    { arena, turn: new Turn(() => {}), budget, calls },
    new NotingListener(arena),
  );
});

afterEach(() => sockets[Symbol.dispose]());

async function read(length: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let got = 0;
  for await (const part of client) {
    parts.push(part as Buffer);
    got += (part as Buffer).length;
    if (got >= length) break;
  }
  return Buffer.concat(parts);
}

it('takes output at once, and does not touch its memory afterwards', async () => {
  const bytes = Buffer.concat([Buffer.from('--'), pattern(1000)]);
  expect(transport.tryWrite(bytes, 2, 1002)).toBe(1000);
  expect(held).toBe(1000);
  expect(transport.queuedBytes).toBe(0);
  bytes.fill(0xdb);
  expect((await read(1000)).equals(pattern(1000))).toBe(true);
  expect(held).toBe(0);
});

it('takes both parts of a frame at once', async () => {
  const [head, body] = [Buffer.from('head'), pattern(5000)];
  expect(transport.tryWriteBoth(head, body)).toBe(5004);
  head.fill(0);
  body.fill(0);
  expect((await read(5004)).equals(Buffer.concat([Buffer.from('head'), pattern(5000)]))).toBe(true);
});

it('takes no more while it is writing; what is queued follows, in order', async () => {
  const first = pattern(100);
  expect(transport.tryWrite(first, 0, 100)).toBe(100);
  expect(transport.tryWrite(first, 0, 100)).toBe(0);
  expect(transport.tryWriteBoth(first, first)).toBe(0);
  transport.enqueueCopy(Buffer.from('second'), 0, 6);
  expect(transport.tryWrite(first, 0, 100)).toBe(0);
  expect((await read(106)).toString('latin1')).toBe(`${pattern(100).toString('latin1')}second`);
  expect(held).toBe(0);
});

it('takes nothing while the stream writes what it was given before, and nothing of that is lost', async () => {
  stream.write('the 101');
  const bytes = pattern(100);
  expect(transport.tryWrite(bytes, 0, 100)).toBe(0);
  expect(transport.tryWriteBoth(bytes, bytes)).toBe(0);
  transport.enqueueCopy(bytes, 0, 100);
  bytes.fill(0xdb);
  expect((await read(107)).toString('latin1')).toBe(`the 101${pattern(100).toString('latin1')}`);
  stream.cork();
  expect(transport.tryWrite(bytes, 0, 100)).toBe(0);
  stream.uncork();
});

it('takes only a part of what is long', async () => {
  const long = pattern(100_000);
  expect(transport.tryWrite(long, 0, long.length)).toBe(DIRECT);
  transport.enqueueCopy(long, DIRECT, long.length);
  expect((await read(long.length)).equals(pattern(100_000))).toBe(true);
  expect(transport.tryWriteBoth(long.subarray(0, 10), long)).toBe(DIRECT);
});

it('takes nothing of a frame whose head is long: both parts together would not fit', async () => {
  const long = pattern(DIRECT + 1);
  expect(transport.tryWriteBoth(long, pattern(10))).toBe(0);
  expect(transport.tryWriteBoth(long.subarray(1), pattern(10))).toBe(DIRECT);
  expect((await read(DIRECT)).equals(Buffer.from(long.subarray(1)))).toBe(true);
});

it.each(['is destroyed', 'is lost'] as const)(
  'holds nothing any more when the stream %s while it writes',
  async (how) => {
    client.on('error', () => {});
    client.pause();
    const part = pattern(DIRECT);
    while (transport.tryWrite(part, 0, DIRECT) > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(held).toBe(DIRECT); // what the kernel does not take
    transport.enqueueCopy(part, 0, DIRECT);
    const closed = new Promise((resolve) => stream.once('close', resolve));
    if (how === 'is destroyed') transport.destroy();
    else plain.resetAndDestroy();
    await closed;
    await new Promise((resolve) => setImmediate(resolve));
    expect([held, transport.queuedBytes]).toEqual([0, 0]);
  },
);

it('holds nothing any more of a write that has failed, and writes nothing behind it', () => {
  const writes: ((error: Error) => void)[] = [];
  stream.write = ((_: Uint8Array, callback: (error: Error) => void) => {
    writes.push(callback);
    return false;
  }) as typeof stream.write;
  expect(transport.tryWrite(pattern(10), 0, 10)).toBe(10);
  expect(held).toBe(10);
  transport.enqueue(pattern(10));
  const { queuedBytes } = transport;
  writes[0]?.(new Error('write EPIPE'));
  expect([writes.length, transport.queuedBytes]).toEqual([1, queuedBytes]);
  stream.emit('close');
  expect(held).toBe(0);
});

it('has no descriptor, so that no publication is sent past it', () => {
  expect(transport.descriptor).toBe(-1);
});

it('takes nothing once it is closed', async () => {
  transport.destroy();
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  expect(transport.tryWrite(pattern(10), 0, 10)).toBe(0);
});

it.each(['one range', 'two ranges'])(
  'lets go of %s that it was writing when it is closed, also if the stream never says so',
  async (what) => {
    // A stream that is destroyed may also never call.
    vi.spyOn(stream, 'write').mockReturnValue(true);
    const bytes = pattern(100);
    expect(
      what === 'one range' ? transport.tryWrite(bytes, 0, 100) : transport.tryWriteBoth(bytes, new Uint8Array()),
    ).toBe(100);
    expect(held).toBe(100);
    transport.destroy();
    await once(stream, 'close');
    expect(held).toBe(0);
  },
);

it('lets go of what it was writing once, if the stream says so only after it was closed', async () => {
  const written: (() => void)[] = [];
  vi.spyOn(stream, 'write').mockImplementation((...args: unknown[]) => {
    written.push(args.at(-1) as () => void);
    return true;
  });
  transport.tryWrite(pattern(100), 0, 100);
  transport.destroy();
  await once(stream, 'close');
  for (const call of written) call();
  expect([written.length, held]).toEqual([1, 0]);
});

it('shows that a slow client takes something, long before the system has room for more', async () => {
  unacknowledged = 4000;
  transport.enqueueCopy(pattern(2000), 0, 2000);
  const before = transport.acknowledgedBytes;
  unacknowledged = 3000;
  expect(transport.acknowledgedBytes).toBe(before + 1000);
  stream.destroy();
  expect(Number.isFinite(transport.acknowledgedBytes)).toBe(true); // the descriptor may be somebody else's now
});

it('shows what waits in TLS for a client that does not read, which is never more than it was given at a time', async () => {
  expect(transport.protocolBytes).toBe(0);
  client.pause();
  const much = Buffer.alloc(16 * 1024 * 1024);
  transport.enqueueCopy(much, 0, much.length);
  let most = 0;
  while (most === 0) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    most = transport.protocolBytes;
  }
  expect(most).toBeLessThan(256 * 1024);
  stream.destroy();
  expect(transport.protocolBytes).toBe(0);
});
