import { describe, expect, test } from 'vitest';
import type { Handler } from '../../dist/connection/handler.js';
import { WINDOW_BYTES } from '../../dist/memory/arena.js';
import { Counter } from '../../dist/telemetry/counters.js';
import { BINARY, clientClose, clientFrame, letters, PING, PONG, pattern, shown, TEXT } from './frames.js';
import { framesOf, type Peer, startThread, type ThreadOptions } from './thread.js';

/** A thread that notes what each connection is told: `2 binary of …`. */
function listening(more: Handler = {}, options: Omit<ThreadOptions, 'handler'> = {}) {
  const heard: string[] = [];
  const thread = startThread({
    ...options,
    handler: {
      ...more,
      message(connection, message) {
        heard.push(`${connection.id} ${shown(message.isBinary ? BINARY : TEXT, message.borrow())}`);
        return more.message?.(connection, message);
      },
    },
  });
  return { thread, heard };
}

describe('a connection', () => {
  test('shows its handler what the handshake has found out', () => {
    const thread = startThread({
      handler: {
        open(connection) {
          const { id, remoteAddress, path, query, subprotocol, data, isOpen, bufferedAmount } = connection;
          expect({ id, remoteAddress, path, query, subprotocol, data, isOpen, bufferedAmount }).toEqual({
            id: 1,
            remoteAddress: '192.0.2.1',
            path: '/room',
            query: 'a=b',
            subprotocol: 'chat',
            data: undefined,
            isOpen: true,
            bufferedAmount: 0,
          });
          connection.data = { count: 1 };
        },
      },
    });
    expect(thread.connect().connection.data).toEqual({ count: 1 });
    expect(thread.failures).toEqual([]);
  });

  test('tells of messages as they come, text and binary, however they are cut', () => {
    for (const readBytes of [1, 2, 3, 7, 100, WINDOW_BYTES]) {
      const { thread, heard } = listening();
      const peer = thread.connectWith((wire) => (wire.readBytes = readBytes));
      peer.wire.arrive(
        clientFrame(TEXT, 'Grüße'),
        clientFrame(BINARY, pattern(300)),
        clientFrame(TEXT, 'a', { fin: false }),
        clientFrame(PING, 'between'),
        clientFrame(0, '', { fin: false }),
        clientFrame(0, 'b'),
        clientFrame(PONG, 'unasked'),
        clientFrame(TEXT, ''),
      );
      expect(heard).toEqual([
        `1 ${shown(TEXT, 'Grüße')}`,
        `1 ${shown(BINARY, pattern(300))}`,
        `1 ${shown(TEXT, 'ab')}`,
        `1 ${shown(TEXT, '')}`,
      ]);
      expect(framesOf(peer)).toEqual([shown(PONG, 'between')]);
      expect(thread.counters.get(Counter.MESSAGES_IN)).toBe(4);
    }
  });

  test('keeps its partial messages apart from those of others that are read between', () => {
    const { thread, heard } = listening();
    const peers = Array.from({ length: 5 }, () => thread.connect());
    const streams = peers.map((_, who) =>
      Buffer.concat([10, 200, 9000, 70_000, 130].map((size, i) => clientFrame(BINARY, pattern(size, 5 * who + i)))),
    );
    const longest = Math.max(...streams.map(({ length }) => length));
    for (let at = 0, step = 1; at < longest; at += step, step = (step * 7) % 5003) {
      for (const [who, peer] of peers.entries()) {
        const part = (streams[who] as Buffer).subarray(at, at + step);
        if (part.length > 0) peer.wire.arrive(part);
      }
    }
    for (const who of peers.keys()) {
      const its = heard.filter((line) => line.startsWith(`${who + 1} `));
      expect(its).toEqual(
        [10, 200, 9000, 70_000, 130].map((size, i) => `${who + 1} ${shown(BINARY, pattern(size, 5 * who + i))}`),
      );
    }
    expect(thread.arena.slabs.allocatedSlabs).toBe(0);
  });

  test('lets a large message be read to where it stays', () => {
    const { thread, heard } = listening();
    const peer = thread.connect();
    const bytes = clientFrame(BINARY, pattern(1_000_000));
    peer.wire.arrive(bytes.subarray(0, 300_000));
    const target = peer.wire.target;
    expect(target).toBeDefined();
    peer.wire.arrive(bytes.subarray(300_000), clientFrame(TEXT, 'after'));
    expect(heard).toEqual([`1 ${shown(BINARY, pattern(1_000_000))}`, `1 ${shown(TEXT, 'after')}`]);
    expect(peer.wire.target).toBeUndefined();
    expect(thread.arena.slabs.allocatedSlabs).toBe(0);
  });

  test('that is lost in the middle of a message gives its memory back', () => {
    const { thread, heard } = listening();
    const peers: Peer[] = [thread.connect(), thread.connect()];
    for (const { wire } of peers) wire.arrive(clientFrame(BINARY, pattern(500_000)).subarray(0, 400_000));
    expect(thread.arena.slabs.allocatedSlabs).toBe(2);
    peers[0]?.wire.lose();
    expect(thread.arena.slabs.allocatedSlabs).toBe(1);
    peers[1]?.wire.arrive(clientFrame(BINARY, pattern(500_000)).subarray(400_000));
    expect(heard).toEqual([`2 ${shown(BINARY, pattern(500_000))}`]);
    expect(thread.arena.slabs.allocatedSlabs).toBe(0);
  });

  test('counts the bytes that it reads', () => {
    const { thread } = listening();
    const peer = thread.connect();
    peer.wire.arrive(clientFrame(TEXT, 'abc'), clientFrame(BINARY, pattern(1000)));
    expect(thread.counters.get(Counter.BYTES_IN)).toBe(6 + 3 + 8 + 1000);
  });
});

describe('what was read before the hand-off', () => {
  test('is handled first, after open', () => {
    const order: string[] = [];
    const thread = startThread({
      handler: {
        open: (connection) => {
          order.push('open');
          connection.send('welcome');
        },
        message: (connection, message) => {
          order.push(message.text());
          connection.send(message);
        },
      },
    });
    const head = Buffer.concat([clientFrame(TEXT, 'one'), clientFrame(TEXT, 'two').subarray(0, 4)]);
    const peer = thread.connect(head);
    peer.wire.arrive(clientFrame(TEXT, 'two').subarray(4));
    expect(order).toEqual(['open', 'one', 'two']);
    expect(framesOf(peer)).toEqual([shown(TEXT, 'welcome'), shown(TEXT, 'one'), shown(TEXT, 'two')]);
  });

  test('may be larger than the window', () => {
    const { thread, heard } = listening();
    const sizes = [WINDOW_BYTES - 9, 5, 3 * WINDOW_BYTES, 7];
    thread.connect(Buffer.concat(sizes.map((size, i) => clientFrame(BINARY, pattern(size, i)))));
    expect(heard).toEqual(sizes.map((size, i) => `1 ${shown(BINARY, pattern(size, i))}`));
  });

  test('may be a Close', () => {
    const { thread, heard } = listening();
    const peer = thread.connect(Buffer.concat([clientFrame(TEXT, 'bye'), clientClose(1001)]));
    expect(heard).toEqual([`1 ${shown(TEXT, 'bye')}`]);
    expect(framesOf(peer)).toEqual(['close 1001']);
  });
});

describe('an open hook that waits', () => {
  test('holds reading back until it is settled', async () => {
    let settle = () => {};
    const { thread, heard } = listening({ open: () => new Promise<void>((resolve) => (settle = resolve)) });
    const peer = thread.connect(clientFrame(TEXT, 'head'));
    peer.wire.arrive(clientFrame(TEXT, 'later'));
    expect(peer.wire.isPaused).toBe(true);
    expect(heard).toEqual([]);
    settle();
    await thread.microtasks();
    expect(heard).toEqual([`1 ${shown(TEXT, 'head')}`, `1 ${shown(TEXT, 'later')}`]);
  });

  test('can send, be published to, and drained meanwhile', async () => {
    let settle = () => {};
    let drains = 0;
    const { thread, heard } = listening(
      {
        open(connection) {
          connection.subscribe('news');
          connection.send(pattern(100));
          return new Promise<void>((resolve) => (settle = resolve));
        },
        drain: () => void drains++,
      },
      { highWaterMarkBytes: 50 },
    );
    const peer = thread.connect(clientFrame(TEXT, 'head'));
    thread.inTurn(() => thread.topics.publish('news', undefined, 0x81, Buffer.from('x'), 0, 1));
    peer.wire.takes = () => 0;
    thread.inTurn(() => void peer.connection.send(pattern(100)));
    peer.wire.drain();
    expect(drains).toBe(1);
    expect(peer.wire.isPaused).toBe(true);
    expect(heard).toEqual([]);
    settle();
    await thread.microtasks();
    expect(heard).toEqual([`1 ${shown(TEXT, 'head')}`]);
    expect(framesOf(peer)).toEqual([shown(BINARY, pattern(100)), shown(TEXT, 'x'), shown(BINARY, pattern(100))]);
  });

  test('of one connection does not hold up another', () => {
    const { thread, heard } = listening({
      open: (connection) => (connection.id === 1 ? new Promise<void>(() => {}) : undefined),
    });
    thread.connect(clientFrame(TEXT, 'never'));
    thread.connect(clientFrame(TEXT, 'now'));
    expect(heard).toEqual([`2 ${shown(TEXT, 'now')}`]);
  });
});

test('a connection that fails over memory does not take the thread down', () => {
  const { thread, heard } = listening();
  const good = thread.connect();
  const bad = thread.connect();
  bad.wire.arrive(clientFrame(TEXT, 'fine'));
  const { slabs } = thread.arena;
  const take = slabs.take;
  slabs.take = () => {
    throw new RangeError('Array buffer allocation failed');
  };
  bad.wire.arrive(clientFrame(TEXT, letters(1000)).subarray(0, 500));
  slabs.take = take;
  good.wire.arrive(clientFrame(TEXT, 'fine too'));
  expect(thread.failures.map(({ hook }) => hook)).toEqual(['read']);
  expect(framesOf(bad)).toEqual(['close 1011 "internal error"']);
  expect(heard).toEqual([`2 ${shown(TEXT, 'fine')}`, `1 ${shown(TEXT, 'fine too')}`]);
});

describe('a connection that is opened from within a hook', () => {
  test('handles what came with its handshake after that hook, whose message stays what it is', () => {
    const seen: string[] = [];
    const thread = startThread({
      handler: {
        message({ id }, message) {
          const borrowed = Buffer.from(message.borrow().buffer, message.borrow().byteOffset, message.size);
          if (id === 1) thread.connectInTurn(clientFrame(TEXT, 'of the inner one'));
          seen.push(String(borrowed));
        },
      },
    });
    thread.connect().wire.arrive(clientFrame(TEXT, 'of the outer one'));
    expect(seen).toEqual(['of the outer one', 'of the inner one']);
  });
});
