import { once } from 'node:events';
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { beforeEach, describe, expect, test } from 'vitest';
import { StreamTransport } from '../../dist/connection/stream-transport.js';
import { Turn } from '../../dist/connection/turn.js';
import { Arena, WINDOW_BYTES } from '../../dist/memory/arena.js';
import { duplexPair } from '../host/duplex-pair.js';
import { pattern } from './frames.js';
import { NotingListener } from './noting-listener.js';

const MIB = 1024 * 1024;

let arena: Arena;
let turn: Turn;
let listener: NotingListener;

beforeEach(() => {
  arena = new Arena(MIB);
  turn = new Turn(() => {});
  listener = new NotingListener(arena);
});

const over = (stream: Duplex) =>
  new StreamTransport(stream, { arena, turn, budget: { add() {}, addQueued() {} }, calls: undefined }, listener);

describe('reading', () => {
  test('begins with resume()', async () => {
    const [server, client] = duplexPair();
    client.write('hello');
    const transport = over(server);
    await new Promise((resolve) => setImmediate(resolve));
    expect(listener.read).toEqual([]);
    transport.resume();
    expect(await listener.hasRead(5)).toEqual(Buffer.from('hello'));
  });

  test('copies what comes into the window, in parts if it is larger', async () => {
    const [server, client] = duplexPair();
    const bytes = pattern(2 * WINDOW_BYTES + 10);
    client.write(bytes);
    over(server).resume();
    expect((await listener.hasRead(bytes.length)).equals(bytes)).toBe(true);
    for (const part of listener.read) expect(part.length).toBeLessThanOrEqual(WINDOW_BYTES);
  });

  test('stops when the listener says so, with all that has come told', async () => {
    const [server, client] = duplexPair();
    listener.goesOn = false;
    const transport = over(server);
    transport.resume();
    client.write(pattern(2 * WINDOW_BYTES));
    await listener.hasRead(2 * WINDOW_BYTES);
    client.write('more');
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(Buffer.concat(listener.read).equals(pattern(2 * WINDOW_BYTES))).toBe(true);
    listener.goesOn = true;
    transport.resume();
    expect((await listener.hasRead(2 * WINDOW_BYTES + 4)).subarray(-4).toString()).toBe('more');
  });

  test('does not happen in the middle of a turn: the window may be in use', async () => {
    // A stream that answers from within the write.
    const answering = new Duplex({
      read() {},
      write(bytes, _encoding, written) {
        this.push(bytes);
        written();
      },
    });
    const transport = over(answering);
    transport.resume();
    transport.enqueue(Buffer.from('echo'));
    turn.begin();
    await new Promise((resolve) => setImmediate(resolve));
    answering.read();
    expect(listener.read).toEqual([]);
    turn.end();
    expect(Buffer.concat(listener.read).toString()).toBe('echo');
  });
});

describe('writing', () => {
  test('takes nothing at once, and queues everything in order', async () => {
    const [server, client] = duplexPair();
    const transport = over(server);
    expect(transport.tryWrite(arena.bytes, 0, 1)).toBe(0);
    expect(transport.tryWriteBoth(arena.bytes, arena.bytes)).toBe(0);
    const written: string[] = [];
    for (const text of ['one', 'two', 'three']) transport.enqueue(Buffer.from(text), () => written.push(text));
    expect(transport.queuedBytes).toBe(11);
    expect(written).toEqual([]);
    let got = '';
    client.on('data', (bytes) => (got += bytes));
    await listener.isTold('written', 3);
    expect(got).toBe('onetwothree');
    expect(written).toEqual(['one', 'two', 'three']);
    expect(transport.queuedBytes).toBe(0);
  });

  test('never happens from within a call of the connection', async () => {
    const log: string[] = [];
    const stream = new Duplex({
      read() {},
      write(bytes, _encoding, written) {
        log.push(`write ${bytes}`);
        transport.enqueue(Buffer.from(log.length < 3 ? 'more' : ''));
        written();
      },
    });
    const transport: StreamTransport = over(stream);
    transport.enqueue(Buffer.from('x'));
    transport.enqueueCopy(Buffer.from('y'), 0, 1);
    log.push('returned');
    await listener.isTold('written', 2);
    expect(log[0]).toBe('returned');
    expect(log[1]).toMatch(/^write x/);
  });

  test('that throws is the end of the stream, and of nothing else', async () => {
    const stream = new Duplex({
      read() {},
      write() {
        throw new Error('of a stream of the user');
      },
    });
    let written = 0;
    const transport = over(stream);
    transport.enqueue(Buffer.from('x'), () => written++);
    await listener.isTold('close');
    expect(written).toBe(1);
    expect(stream.destroyed).toBe(true);
  });

  test('of what will never go is told as written, without a call of the listener after the end', async () => {
    const [server] = duplexPair();
    server.stick();
    const transport = over(server);
    let written = 0;
    for (let i = 0; i < 3; i++) transport.enqueue(Buffer.from('x'), () => written++);
    transport.destroy();
    await once(server, 'close');
    await new Promise((resolve) => setImmediate(resolve));
    expect(written).toBe(3);
    expect(transport.queuedBytes).toBe(0);
    expect(listener.told.at(-1)).toBe('close');
  });

  test('is told to be taken only between two turns', async () => {
    const called: (() => void)[] = [];
    const stream = new Duplex({ read() {}, write: (_bytes, _encoding, callback) => void called.push(callback) });
    const transport = over(stream);
    transport.enqueue(Buffer.from('x'));
    await new Promise((resolve) => setImmediate(resolve)); // now a callback is not taken to be synchronous
    turn.begin();
    called[0]?.();
    expect(listener.told).toEqual([]);
    turn.end();
    expect(listener.told).toEqual(['written']);
  });

  test('ends with FIN, behind what is queued', async () => {
    const [server, client] = duplexPair();
    const transport = over(server);
    transport.enqueue(Buffer.from('last'));
    transport.end();
    let got = '';
    client.on('data', (bytes) => (got += bytes));
    await once(client, 'end');
    expect(got).toBe('last');
  });
});

describe('the end', () => {
  test('of the peer is told behind what it has sent', async () => {
    const [server, client] = duplexPair();
    client.end('bye');
    over(server).resume();
    await listener.isTold('end');
    expect(Buffer.concat(listener.read).toString()).toBe('bye');
  });

  test('of a stream that has ended before is told when reading begins, once', async () => {
    const [server, client] = duplexPair();
    server.resume();
    client.end();
    await once(server, 'end');
    const transport = over(server);
    transport.resume();
    transport.resume();
    await listener.isTold('end');
    await new Promise((resolve) => setImmediate(resolve));
    expect(listener.told).toEqual(['end']);
  });

  test('is told once, as the last thing, also after an error', async () => {
    const [server] = duplexPair();
    const transport = over(server);
    transport.resume();
    server.destroy(new Error('reset'));
    await listener.isTold('close');
    server.emit('close');
    expect(listener.told).toEqual(['close']);
  });

  test('is the last thing that is told, also if it comes while something is written, or before what was read', async () => {
    const stream = new Duplex({ read() {}, write: (_bytes, _encoding, written) => written() });
    const transport = over(stream);
    transport.resume();
    transport.enqueue(Buffer.from('x'), () => stream.emit('close'));
    await listener.isTold('close');
    await new Promise((resolve) => setImmediate(resolve));
    stream.emit('data', Buffer.from('late'));
    stream.emit('end');
    expect([listener.told, listener.read]).toEqual([['close'], []]);
  });

  test('is not told in the middle of a turn', async () => {
    const [server] = duplexPair();
    over(server).resume();
    turn.begin();
    server.destroy();
    await once(server, 'close');
    expect(listener.told).toEqual([]);
    turn.end();
    expect(listener.told).toEqual(['close']);
  });
});

describe('a descriptor', () => {
  test('that others could write to is never there, whatever the stream is: it would be of its encrypted bytes', () => {
    const [server] = duplexPair();
    expect(over(server).descriptor).toBe(-1);
    expect(over(new TLSSocket(new Socket())).descriptor).toBe(-1);
  });
});
