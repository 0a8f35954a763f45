import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { connect, TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StreamReads, StreamReadsListener } from '../../dist/connection/stream-reads.js';
import { Turn } from '../../dist/connection/turn.js';
import { WindowReads } from '../../dist/connection/window-reads.js';
import { Arena, WINDOW_BYTES } from '../../dist/memory/arena.js';
import { duplexPair } from '../host/duplex-pair.js';
import { pair } from '../tls/certificates.js';
import { pattern } from './frames.js';
import { NotingListener } from './noting-listener.js';
import { type TlsSockets, tlsSockets } from './tls-sockets.js';

let sockets: TlsSockets;
let arena: Arena;
let turn: Turn;
let listener: NotingListener;

beforeEach(async () => {
  sockets = await tlsSockets();
  arena = new Arena(1024 * 1024);
  turn = new Turn(() => {});
  listener = new NotingListener(arena);
});

afterEach(() => sockets[Symbol.dispose]());

const takeOver = (to: StreamReadsListener = listener, stream: Duplex = sockets.server) =>
  WindowReads.takeOver(stream, arena, turn, to) as StreamReads;
const told = () => Buffer.concat(listener.read).toString('latin1');

async function aWhile(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Stops reading at each report, the given number of times. */
class Stopping implements StreamReadsListener {
  reads: StreamReads | undefined;
  stops = 0;
  #left: number;

  constructor(times: number) {
    this.#left = times;
  }

  onRead(start: number, end: number): boolean {
    listener.onRead(start, end);
    if (this.#left-- <= 0) return true;
    this.stops++;
    setTimeout(() => this.reads?.resume(), 5);
    return false;
  }

  onEnd(): void {
    listener.onEnd();
  }
}

describe('a TLS socket', () => {
  it('of this Node is read straight into the window, past the queue of its stream', async () => {
    takeOver().resume();
    sockets.client.write(pattern(5000));
    expect((await listener.hasRead(5000)).equals(pattern(5000))).toBe(true);
    expect(new Set(listener.readTo)).toEqual(new Set([arena.windowStart]));
    expect(sockets.server.listenerCount('data')).toBe(0);
    expect(sockets.server.readableLength).toBe(0);
  });

  it('is not read before resume()', async () => {
    const reads = takeOver();
    sockets.client.write('hello');
    await aWhile();
    expect(listener.read).toEqual([]);
    reads.resume();
    expect((await listener.hasRead(5)).toString()).toBe('hello');
  });

  it('that the stream has read from before is told from there on', async () => {
    sockets.client.write('before ');
    await once(sockets.server, 'readable');
    const reads = takeOver();
    sockets.client.write('after');
    await aWhile();
    reads.resume();
    expect((await listener.hasRead(12)).toString()).toBe('before after');
  });

  it('whose stream has read more than a window is told in parts', async () => {
    const bytes = pattern(WINDOW_BYTES + 10);
    sockets.server.unshift(bytes);
    takeOver().resume();
    expect((await listener.hasRead(bytes.length)).equals(bytes)).toBe(true);
    expect(listener.read.map(({ length }) => length)).toEqual([WINDOW_BYTES, 10]);
  });

  it('tells nothing while it is paused, and everything in order afterwards', async () => {
    const reads = takeOver();
    reads.resume();
    reads.pause();
    sockets.client.write(pattern(300_000));
    await aWhile();
    expect(listener.read).toEqual([]);
    reads.resume();
    expect((await listener.hasRead(300_000)).equals(pattern(300_000))).toBe(true);
  });

  it('stops at the record at which the listener says so, though more has been decrypted', async () => {
    const stopping = new Stopping(7);
    stopping.reads = takeOver(stopping);
    stopping.reads.resume();
    sockets.client.write(pattern(300_000));
    expect((await listener.hasRead(300_000)).equals(pattern(300_000))).toBe(true);
    expect(stopping.stops).toBe(7);
    sockets.client.write('more'); // it is read from the connection again, and not only from what was held
    expect((await listener.hasRead(300_004)).subarray(-4).toString()).toBe('more');
  });

  it('holds a bounded part of what a client sends to somebody who does not read', async () => {
    listener.goesOn = false;
    takeOver().resume();
    sockets.client.write(pattern(4 * 1024 * 1024));
    await listener.hasRead(1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(sockets.server.bytesRead).toBeLessThan(256 * 1024);
  });

  it('tells the end behind what is held', async () => {
    const stopping = new Stopping(3);
    stopping.reads = takeOver(stopping);
    stopping.reads.resume();
    sockets.client.end(pattern(60_000));
    await listener.isTold('end');
    expect(Buffer.concat(listener.read).equals(pattern(60_000))).toBe(true);
    expect(stopping.stops).toBe(3);
  });

  it('that has ended before tells so when reading begins', async () => {
    sockets.server.resume();
    sockets.client.end();
    await once(sockets.server, 'end');
    const reads = takeOver();
    await aWhile();
    expect(listener.told).toEqual([]);
    reads.resume();
    reads.resume();
    await listener.isTold('end');
    reads.resume();
    await aWhile();
    expect(listener.told).toEqual(['end']);
  });

  it('tells nothing after close()', async () => {
    listener.goesOn = false;
    const reads = takeOver();
    reads.resume();
    sockets.client.write(pattern(60_000));
    await listener.hasRead(1);
    const { length } = listener.read;
    reads.resume();
    reads.close();
    sockets.client.end();
    await aWhile();
    expect([listener.read.length, listener.told]).toEqual([length, []]);
  });
});

describe('records that Node has decrypted', () => {
  /** Does what Node does with a record: its bytes are in the window. @returns whether Node goes on reading */
  function record(text: string): unknown {
    const { server } = sockets;
    const callback = Object.getOwnPropertySymbols(server).find(({ description }) => description === 'kBufferCb');
    arena.window.set(Buffer.from(text));
    return Reflect.get(server, callback as symbol)(text.length);
  }

  it('are told behind those that are held, also if reading has been resumed meanwhile', async () => {
    listener.goesOn = false;
    const reads = takeOver();
    reads.resume();
    expect([record('one '), record('two ')]).toEqual([false, false]);
    listener.goesOn = true;
    reads.resume();
    expect(record('three ')).toBe(false);
    expect(told()).toBe('one ');
    await aWhile();
    expect([told(), record('four')]).toEqual(['one two three ', true]);
    expect(told()).toBe('one two three four');
  });

  it('are not told any more if the connection is closed at one of those that were held', async () => {
    const reads = takeOver();
    for (const text of ['one ', 'two ', 'three ']) record(text);
    const { onRead } = listener;
    listener.onRead = (start, end) => {
      reads.close();
      return onRead.call(listener, start, end);
    };
    reads.resume();
    await aWhile();
    expect(told()).toBe('one ');
  });

  it('stop coming while the connection wants none, whatever was held', async () => {
    sockets.server.resume(); // as a stream may be that somebody has read from
    const reads = takeOver();
    expect(sockets.server.isPaused()).toBe(true);
    reads.resume();
    expect(sockets.server.isPaused()).toBe(false);
    reads.pause();
    expect(sockets.server.isPaused()).toBe(true);
    record('one ');
    reads.resume();
    reads.pause();
    await aWhile();
    expect([told(), sockets.server.isPaused()]).toEqual(['', true]);
    listener.goesOn = false;
    reads.resume();
    await aWhile();
    expect([told(), sockets.server.isPaused()]).toEqual(['one ', true]);
  });

  it('have their end told only between two turns', () => {
    takeOver().resume();
    turn.begin();
    sockets.server.emit('end');
    expect(listener.told).toEqual([]);
    turn.end();
    expect(listener.told).toEqual(['end']);
  });
});

it('a TLS socket over a stream in memory tells nothing in the middle of a turn: the window may be in use', async () => {
  const [near, far] = duplexPair();
  const server = new TLSSocket(near, { isServer: true, ...pair('default') });
  const client = connect({ socket: far, rejectUnauthorized: false });
  await once(client, 'secureConnect');
  takeOver(listener, server).resume();
  turn.begin();
  client.write('one ');
  await aWhile();
  client.write('two');
  await aWhile();
  expect(listener.read).toEqual([]);
  turn.end();
  await listener.hasRead(7);
  expect(told()).toBe('one two');
});

describe('nothing is taken over', () => {
  it('of a stream that is no TLS socket', () => {
    expect(takeOver(listener, duplexPair()[0])).toBeUndefined();
  });

  it('of a TLS socket that is gone', async () => {
    sockets.server.destroy();
    await once(sockets.server, 'close');
    expect(takeOver()).toBeUndefined();
  });
});
