import { once } from 'node:events';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SocketTransport } from '../../dist/connection/socket-transport.js';
import { Arena, WINDOW_BYTES } from '../../dist/memory/arena.js';
import { descriptorOf, hasDescriptors } from '../../dist/system/descriptor.js';
import { loadSystemCalls } from '../../dist/system/system-calls.js';
import { pattern } from './frames.js';
import { NotingListener } from './noting-listener.js';

const calls = await loadSystemCalls();
const MIB = 1024 * 1024;

/** More than the buffers of a connection on the loopback take. */
const MUCH_BYTES = 32 * MIB;

describe.skipIf(!hasDescriptors)('a transport on a TCP socket', () => {
  let arena: Arena;
  let listener: NotingListener;
  let client: Socket;
  let transport: SocketTransport;
  let server: Server;

  beforeEach(async () => {
    arena = new Arena(2 * MIB);
    listener = new NotingListener(arena);
    server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'connection');
    client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
    client.on('error', () => {});
    const [theirs] = (await accepted) as [Socket];
    const fd = calls.duplicate(descriptorOf(theirs));
    theirs.destroy();
    transport = new SocketTransport(fd, calls, arena, { add() {}, addQueued() {} }, listener);
  });

  afterEach(() => {
    transport.destroy();
    client.destroy();
    server.close();
  });

  /** All that the client gets, when it is so much. */
  async function clientGets(bytes: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    let length = 0;
    for await (const part of client.iterator({ destroyOnReturn: false })) {
      parts.push(part);
      length += part.length;
      if (length >= bytes) break;
    }
    return Buffer.concat(parts);
  }

  test('reads into the window, from resume() on', async () => {
    client.write('hello');
    await new Promise((resolve) => setImmediate(resolve));
    expect(listener.read).toEqual([]);
    transport.resume();
    expect((await listener.hasRead(5)).toString()).toBe('hello');
    expect(new Set(listener.readTo)).toEqual(new Set([arena.windowStart]));
    client.write(pattern(3 * WINDOW_BYTES));
    const read = await listener.hasRead(5 + 3 * WINDOW_BYTES);
    expect(read.subarray(5).equals(pattern(3 * WINDOW_BYTES))).toBe(true);
  });

  test('reads to where the listener says, from the read after the next on', async () => {
    // libuv has been given the window for the first.
    listener.target = [arena.bytes.length - 1000, 1000];
    transport.resume();
    client.write('first');
    await listener.hasRead(5);
    client.write(pattern(2500));
    expect((await listener.hasRead(2505)).subarray(5)).toEqual(pattern(2500));
    expect(listener.readTo[0]).toBe(arena.windowStart);
    for (const at of listener.readTo.slice(1)) expect(at).toBe(arena.bytes.length - 1000);
    for (const part of listener.read) expect(part.length).toBeLessThanOrEqual(1000);
  });

  test('stops reading when the listener says so, and goes on with resume()', async () => {
    listener.goesOn = false;
    transport.resume();
    client.write(pattern(4 * MIB));
    await listener.hasRead(1);
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(listener.read).toHaveLength(1);
    listener.goesOn = true;
    transport.resume();
    expect((await listener.hasRead(4 * MIB)).equals(pattern(4 * MIB))).toBe(true);
  });

  test('writes at once what the kernel takes, and refers to nothing of it afterwards', async () => {
    const bytes = Buffer.from('before: hello');
    expect(transport.tryWrite(bytes, 8, 13)).toBe(5);
    expect(transport.tryWriteBoth(bytes.subarray(8), bytes.subarray(0, 6))).toBe(11);
    bytes.fill(0);
    expect((await clientGets(16)).toString()).toBe('hellohellobefore');
    expect(transport.queuedBytes).toBe(0);
    expect(listener.told).toEqual([]);
  });

  test('takes a part of what the kernel has no room for, and nothing at all while something is queued', async () => {
    const bytes = pattern(MUCH_BYTES);
    const taken = transport.tryWrite(bytes, 0, bytes.length);
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThan(bytes.length);
    let written = 0;
    transport.enqueue(bytes.subarray(taken), () => written++);
    expect(transport.queuedBytes).toBe(bytes.length - taken);
    let refused = 0;
    // While the kernel gets room again, everything has to wait for its turn.
    const getting = clientGets(bytes.length + 3);
    while (transport.queuedBytes > 0) {
      refused += transport.tryWrite(bytes, 0, 3) + transport.tryWriteBoth(bytes.subarray(0, 3), bytes.subarray(3, 6));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(refused).toBe(0);
    expect(written).toBe(1);
    await listener.isTold('written');
    expect(transport.tryWrite(Buffer.from('end'), 0, 3)).toBe(3);
    const got = await getting;
    expect(got.length).toBe(bytes.length + 3);
    expect(got.subarray(0, -3).equals(bytes)).toBe(true);
    expect(got.subarray(-3).toString()).toBe('end');
  });

  test('a full kernel is no error', async () => {
    const bytes = Buffer.alloc(MUCH_BYTES);
    // Both ways of writing are tried until both are refused: the kernel may make room between two calls.
    let taken = 0;
    for (let now = -1; now !== 0; taken += now) {
      now = transport.tryWrite(bytes, 0, bytes.length) + transport.tryWriteBoth(bytes, bytes);
    }
    expect((await clientGets(taken)).length).toBe(taken);
    expect(listener.told).toEqual([]);
  });

  test('ends with FIN behind what is queued, and goes on reading', async () => {
    const bytes = pattern(MUCH_BYTES / 2);
    transport.resume();
    transport.enqueue(bytes);
    transport.end();
    const got = clientGets(Number.POSITIVE_INFINITY); // until FIN
    client.write('still read');
    expect((await listener.hasRead(10)).toString()).toBe('still read');
    expect((await got).equals(bytes)).toBe(true);
    client.end();
    await listener.isTold('close');
    expect(listener.told.slice(-2)).toEqual(['end', 'close']);
  });

  test('tells of the peer’s FIN, and can still write', async () => {
    transport.resume();
    client.end('last');
    await listener.isTold('end');
    expect((await listener.hasRead(4)).toString()).toBe('last');
    expect(transport.tryWrite(Buffer.from('answer'), 0, 6)).toBe(6);
    transport.enqueue(Buffer.from(' and more'));
    expect((await clientGets(15)).toString()).toBe('answer and more');
    expect(listener.told).not.toContain('close');
  });

  test('that is destroyed lets go of what was queued, and tells of the end', async () => {
    let written = 0;
    transport.enqueue(pattern(MUCH_BYTES), () => written++);
    transport.enqueue(Buffer.from('x'), () => written++);
    expect(transport.descriptor).toBeGreaterThanOrEqual(0);
    expect(listener.isDescriptorLost).toBe(false);
    transport.destroy();
    // At once: the number may soon be somebody else's.
    expect(listener.isDescriptorLost).toBe(true);
    expect(transport.descriptor).toBe(-1);
    expect(transport.tryWrite(Buffer.from('x'), 0, 1)).toBe(0);
    expect(transport.tryWriteBoth(Buffer.from('x'), Buffer.from('y'))).toBe(0);
    await listener.isTold('close');
    expect(written).toBe(2);
    expect(transport.queuedBytes).toBe(0);
    expect(listener.told).toEqual(['close']);
  });

  test('whose peer resets is over', async () => {
    transport.resume();
    client.resetAndDestroy();
    await listener.isTold('close');
    expect(listener.isDescriptorLost).toBe(true);
    expect(transport.tryWrite(Buffer.from('x'), 0, 1)).toBe(0);
  });

  test('that finds out by a write that its peer is gone is over', async () => {
    // Paused: it is not told of the reset by reading.
    client.resetAndDestroy();
    await once(client, 'close');
    while (transport.tryWrite(Buffer.from('x'), 0, 1) > 0) await new Promise((resolve) => setImmediate(resolve));
    transport.enqueueCopy(Buffer.from('x'), 0, 1);
    await listener.isTold('close');
  });

  test('is refused a descriptor that is no socket, which stays the caller’s', () => {
    const fd = openSync(fileURLToPath(import.meta.url), 'r');
    expect(() => new SocketTransport(fd, calls, arena, { add() {}, addQueued() {} }, listener)).toThrow();
    expect(fstatSync(fd).isFile()).toBe(true);
    closeSync(fd);
  });
});
