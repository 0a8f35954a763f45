import { describe, expect, test } from 'vitest';
import type { Handler } from '../../dist/connection/handler.js';
import { WINDOW_BYTES } from '../../dist/memory/arena.js';
import { BINARY, clientClose, clientFrame, letters, PING, PONG, pattern, shown, TEXT } from './frames.js';
import { framesOf, startThread, type ThreadOptions } from './thread.js';

const KIB = 1024;

/** A thread whose handler answers each message with 1 KiB, and notes what comes. */
function answering(options: ThreadOptions = {}) {
  const heard: string[] = [];
  const handler: Handler = {
    message(connection, message) {
      heard.push(message.text());
      connection.send(pattern(KIB));
    },
    close(_connection, code) {
      heard.push(`close ${code}`);
    },
  };
  const thread = startThread({ handler, highWaterMarkBytes: 4 * KIB, ...options });
  return { thread, heard };
}

const messages = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => clientFrame(TEXT, `message ${from + i}`));
const names = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `message ${from + i}`);

test('what is sent may reach highWaterMarkBytes, and is above it with one byte more', () => {
  for (const [bytes, isBelow] of [
    [1000 - 4, true],
    [1000 - 3, false],
  ] as const) {
    const thread = startThread({ highWaterMarkBytes: 1000 });
    const peer = thread.connectWith((wire) => {
      wire.takes = () => 0;
    });
    thread.inTurn(() => expect(peer.connection.send(pattern(bytes))).toBe(isBelow));
  }
});

describe('above highWaterMarkBytes', () => {
  test('a connection is not read, and what was read already is kept', () => {
    const { thread, heard } = answering();
    const peer = thread.connectWith((wire) => (wire.takes = () => 0));
    peer.wire.arrive(...messages(0, 10));
    // 4 answers of 1028 bytes are more than 4 KiB: the fifth message waits.
    expect(heard).toEqual(names(0, 4));
    expect(peer.wire.isPaused).toBe(true);
    peer.wire.arrive(...messages(10, 12));
    expect(peer.wire.unreadBytes).toBeGreaterThan(0);
    expect(heard).toEqual(names(0, 4));
  });

  test('with a kernel that takes everything a connection is read on', () => {
    const { thread, heard } = answering();
    const peer = thread.connect();
    peer.wire.arrive(...messages(0, 20));
    expect(heard).toEqual(names(0, 20));
    expect(peer.wire.isPaused).toBe(false);
    expect(framesOf(peer)).toHaveLength(20);
  });

  test('what waits is handled in order when half of it is taken, and then the connection is read again', () => {
    const { thread, heard } = answering();
    const peer = thread.connectWith((wire) => (wire.takes = () => 0));
    for (const message of messages(0, 4)) peer.wire.arrive(message);
    peer.wire.arrive(...messages(4, 10));
    expect(heard).toEqual(names(0, 4));
    expect(peer.wire.queuedEntries).toBe(4);

    peer.wire.drainSome(1); // 3 × 1028 are left: more than the half of 4096
    peer.wire.drainSome(1); // 2 × 1028 are
    expect(heard).toEqual(names(0, 4));
    expect(peer.wire.isPaused).toBe(true);

    peer.wire.drainSome(1);
    // One answer was left in the queue: with three more, it is above the mark again.
    expect(heard).toEqual(names(0, 7));
    expect(peer.wire.isPaused).toBe(true);
    peer.wire.arrive(...messages(10, 12));
    peer.wire.drain();
    expect(heard).toEqual(names(0, 12));
    expect(peer.wire.isPaused).toBe(false);
    expect(peer.wire.unreadBytes).toBe(0);
    expect(framesOf(peer)).toEqual(Array(12).fill(shown(BINARY, pattern(KIB))));
  });

  test('a read to the end of a message, larger than a window, is kept, and touches nobody else’s memory', () => {
    const received = new Map<number, Uint8Array>();
    const handler: Handler = { message: ({ id }, message) => void received.set(id, message.bytes()) };
    const thread = startThread({ handler, highWaterMarkBytes: 4 * KIB, arenaBytes: 16 * KIB * KIB });
    const sent = [pattern(4 * KIB * KIB, 1), pattern(4 * KIB * KIB, 2)] as const;
    const frames = sent.map((payload) => clientFrame(BINARY, payload));
    const other = thread.connect();
    other.wire.arrive((frames[1] as Buffer).subarray(0, 3 * KIB * KIB));
    const peer = thread.connect();
    peer.wire.arrive((frames[0] as Buffer).subarray(0, 2.5 * KIB * KIB));
    expect(peer.wire.target?.[1]).toBeGreaterThan(4 * WINDOW_BYTES);

    peer.wire.takes = () => 0;
    thread.inTurn(() => void peer.connection.send(pattern(8 * KIB)));
    peer.wire.readBytes = 4 * KIB * KIB;
    peer.wire.arrive((frames[0] as Buffer).subarray(2.5 * KIB * KIB));
    expect(peer.wire.isPaused).toBe(true);
    peer.wire.drain();
    other.wire.arrive((frames[1] as Buffer).subarray(3 * KIB * KIB));
    expect(sent[0].equals(received.get(peer.connection.id) as Uint8Array)).toBe(true);
    expect(sent[1].equals(received.get(other.connection.id) as Uint8Array)).toBe(true);
  });

  test('reads that are under way come after what waits, and answer false', () => {
    const { thread, heard } = answering();
    const peer = thread.connectWith((wire) => (wire.takes = () => 0));
    peer.wire.arrive(...messages(0, 6));
    const later = Buffer.concat(messages(6, 8));
    // Cut in the middle of a frame: the pieces are joined again.
    expect(peer.wire.readDespitePause(later.subarray(0, 20))).toBe(false);
    expect(peer.wire.readDespitePause(later.subarray(20))).toBe(false);
    expect(heard).toEqual(names(0, 4));
    peer.wire.drain();
    expect(heard).toEqual(names(0, 8));
    expect(framesOf(peer)).toHaveLength(8);
  });

  test.each([
    [1, 30_000],
    [3000, 30_000],
    [30_000, 3000],
  ])('a large message that waits in part is completed (reads of %d and %d bytes)', (first, rest) => {
    const { thread, heard } = answering();
    const peer = thread.connectWith((wire) => (wire.takes = () => 0));
    const large = 'x'.repeat(60_000);
    const bytes = Buffer.concat([...messages(0, 4), clientFrame(TEXT, large), ...messages(5, 6)]);
    peer.wire.arrive(bytes.subarray(0, 100 + first));
    peer.wire.readBytes = rest;
    peer.wire.arrive(bytes.subarray(100 + first));
    expect(heard).toEqual(names(0, 4));
    peer.wire.drain();
    expect(heard).toEqual([...names(0, 4), large, ...names(5, 6)]);
    expect(framesOf(peer)).toHaveLength(6);
  });

  test('what waits stays in front of reads that were under way, also when only a part of it can be handled', () => {
    const { thread, heard } = answering();
    const peer = thread.connectWith((wire) => (wire.takes = () => 0));
    peer.wire.arrive(...messages(0, 20));
    for (let i = 20; i < 23; i++) peer.wire.readDespitePause(Buffer.concat(messages(i, i + 1)));
    peer.wire.drain();
    expect(heard).toEqual(names(0, 23));
  });

  test('a message that pauses half-way is not read to where it lies before what waits of it is handled', () => {
    const { thread, heard } = answering();
    const peer = thread.connectWith((wire) => {
      wire.takes = () => 0;
      wire.readBytes = 50_000;
    });
    const text = letters(200_000);
    const bytes = Buffer.concat([clientFrame(TEXT, text), ...messages(0, 2)]);
    peer.wire.arrive(bytes.subarray(0, 50_000));
    expect(peer.wire.target).toBeDefined();
    thread.inTurn(() => void peer.connection.send(pattern(5 * KIB)));
    peer.wire.arrive(bytes.subarray(50_000, 100_000));
    expect(peer.wire.isPaused).toBe(true);
    expect(peer.wire.target).toBeUndefined();
    peer.wire.arrive(bytes.subarray(100_000));
    peer.wire.drain();
    expect(heard).toEqual([text, ...names(0, 2)]);
  });

  test('a full window waits together with the beginning of a frame that was carried in front of it', () => {
    const { thread, heard } = answering();
    const peer = thread.connectWith((wire) => (wire.takes = () => 0));
    const ping = clientFrame(PING, pattern(125));
    const bytes = Buffer.concat([ping, ...messages(0, 20_000)]).subarray(0, ping.length - 1 + WINDOW_BYTES);
    peer.wire.arrive(bytes.subarray(0, ping.length - 1));
    thread.inTurn(() => void peer.connection.send(pattern(5 * KIB)));
    peer.wire.arrive(bytes.subarray(ping.length - 1));
    expect(peer.wire.unreadBytes).toBe(0);
    expect(heard).toEqual([]);
    peer.wire.takes = (offered) => offered;
    peer.wire.drain();
    expect(heard.length).toBeGreaterThan(10_000);
    expect(heard).toEqual(names(0, heard.length));
    expect(framesOf(peer)[1]).toBe(shown(PONG, pattern(125)));
  });

  test('pausing and resuming many times loses nothing', () => {
    const { thread, heard } = answering();
    const peer = thread.connectWith((wire) => (wire.takes = (offered) => offered >> 1));
    peer.wire.readBytes = 100;
    peer.wire.arrive(...messages(0, 200));
    while (peer.wire.queuedEntries > 0) peer.wire.drainSome(1);
    expect(heard).toEqual(names(0, 200));
    expect(framesOf(peer)).toHaveLength(200);
  });

  test('is judged by what was gathered only after that was offered to the kernel', () => {
    const thread = startThread({ highWaterMarkBytes: 100 });
    const peer = thread.connect();
    thread.inTurn(() => {
      expect(peer.connection.send(pattern(90))).toBe(true);
      expect(peer.connection.send(pattern(90))).toBe(true);
    });
    expect(framesOf(peer)).toHaveLength(2);
  });

  test('is not judged, and nothing is offered, as long as what was gathered only reaches it', () => {
    const thread = startThread({ highWaterMarkBytes: 20 });
    const peer = thread.connect();
    thread.inTurn(() => {
      expect(peer.connection.send('8 bytes.')).toBe(true);
      expect(peer.connection.send('8 bytes.')).toBe(true);
      expect(peer.wire.writes).toBe(0);
      expect(peer.connection.send('')).toBe(true);
      expect(peer.wire.writes).toBe(1);
    });
  });

  test('publications to a connection make it pause, too', () => {
    const { thread, heard } = answering();
    const peer = thread.connectWith((wire) => (wire.takes = () => 0));
    peer.connection.subscribe('news');
    thread.inTurn(() => thread.topics.publish('news', undefined, 0x82, pattern(5000), 0, 5000));
    expect(peer.connection.bufferedAmount).toBe(5004);
    peer.wire.arrive(...messages(0, 1));
    expect(heard).toEqual([]);
    peer.wire.drain();
    expect(heard).toEqual(names(0, 1));
  });
});

describe('send', () => {
  test('returns false above highWaterMarkBytes, and sends all the same', () => {
    const thread = startThread({ highWaterMarkBytes: 1000 });
    const peer = thread.connectWith((wire) => (wire.takes = () => 0));
    thread.inTurn(() => {
      expect(peer.connection.send(pattern(500))).toBe(true);
      expect(peer.connection.send(pattern(492))).toBe(true); // 504 + 496: exactly at the mark
      expect(peer.connection.send('')).toBe(false);
      expect(peer.connection.ping()).toBe(false);
      expect(peer.connection.send('still sent')).toBe(false);
    });
    peer.wire.drain();
    expect(framesOf(peer)).toEqual([
      shown(BINARY, pattern(500)),
      shown(BINARY, pattern(492)),
      shown(TEXT, ''),
      shown(PING, ''),
      shown(TEXT, 'still sent'),
    ]);
  });

  test('is followed by a drain, whose publications are its connection’s: it can be held back for them', () => {
    let publisher: unknown = 'none';
    const thread = startThread({
      handler: {
        drain() {
          publisher = thread.topics.publisher;
        },
      },
      highWaterMarkBytes: 1000,
    });
    const peer = thread.connectWith((wire) => (wire.takes = () => 0));
    while (peer.connection.send(Buffer.alloc(500)));
    peer.wire.drain();
    expect(publisher).toBe(peer.connection);
    expect(thread.topics.publisher).toBeUndefined();
  });

  test('that has returned false is followed by one drain, when half is taken', () => {
    let drains = 0;
    const thread = startThread({ handler: { drain: () => void drains++ }, highWaterMarkBytes: 1000 });
    const peer = thread.connectWith((wire) => (wire.takes = () => 0));
    for (let i = 0; i < 6; i++) thread.inTurn(() => void peer.connection.send(pattern(396)));
    peer.wire.drainSome(3);
    expect(peer.connection.bufferedAmount).toBe(1200);
    expect(drains).toBe(0);
    peer.wire.drainSome(1);
    expect(peer.connection.bufferedAmount).toBe(800);
    expect(drains).toBe(0);
    peer.wire.drainSome(1);
    expect(drains).toBe(1);
    peer.wire.drain();
    expect(drains).toBe(1);
    thread.inTurn(() => void peer.connection.send(pattern(396)));
    peer.wire.drain();
    expect(drains).toBe(1);
  });

  test('in drain continues a stream to its end', () => {
    let left = 50;
    const sendOn = (connection: { send(bytes: Uint8Array): boolean }) => {
      while (left > 0) {
        left--;
        if (!connection.send(pattern(300, left))) return;
      }
    };
    const thread = startThread({ handler: { open: sendOn, drain: sendOn }, highWaterMarkBytes: 1000 });
    const peer = thread.connectWith((wire) => (wire.takes = () => 10));
    expect(left).toBe(46);
    peer.wire.drain();
    expect(left).toBe(0);
    expect(framesOf(peer)).toEqual(Array.from({ length: 50 }, (_, i) => shown(BINARY, pattern(300, 49 - i))));
  });

  test('returns false on a connection that is not open, and sends nothing', () => {
    const thread = startThread();
    const peer = thread.connect();
    thread.inTurn(() => {
      peer.connection.close();
      expect(peer.connection.send('late')).toBe(false);
      expect(peer.connection.ping('late')).toBe(false);
    });
    peer.wire.lose();
    expect(peer.connection.send('later')).toBe(false);
    expect(framesOf(peer)).toEqual(['close 1000']);
  });

  test('from a callback between the kernel’s taking and the next microtask loses no drain', () => {
    // Write callbacks are process.nextTick's: several of them run before the microtasks of the first.
    let drains = 0;
    const thread = startThread({ handler: { drain: () => void drains++ }, highWaterMarkBytes: 1000 });
    const peer = thread.connectWith((wire) => (wire.takes = () => 0));
    thread.inTurn(() => void peer.connection.send(pattern(2000)));
    peer.wire.takes = (offered) => offered;
    peer.connection.send(pattern(900));
    peer.wire.drain();
    expect(peer.connection.bufferedAmount).toBe(0);
    expect(drains).toBe(1);
  });
});

describe('a paused connection', () => {
  test('whose Close of ours is sent is read on, and its messages are dropped', async () => {
    const { thread, heard } = answering();
    const peer = thread.connectWith((wire) => (wire.takes = () => 0));
    peer.wire.arrive(...messages(0, 10));
    expect(peer.wire.isPaused).toBe(true);
    thread.inTurn(() => peer.connection.close(4001));
    await thread.microtasks();
    expect(peer.wire.isPaused).toBe(false);
    peer.wire.arrive(...messages(10, 12), clientClose(4001));
    expect(peer.wire.isEnded).toBe(true);
    expect(heard).toEqual(names(0, 4));
    peer.wire.drain();
    peer.wire.fin();
    expect(heard).toEqual([...names(0, 4), 'close 4001']);
    expect(framesOf(peer)).toEqual([...Array(4).fill(shown(BINARY, pattern(KIB))), 'close 4001']);
  });

  test('finds the peer’s Close behind what waits when it is closed', async () => {
    const { thread, heard } = answering();
    const peer = thread.connectWith((wire) => (wire.takes = () => 0));
    peer.wire.arrive(...messages(0, 10), clientClose(4002, 'bye'));
    expect(peer.wire.isEnded).toBe(false);
    thread.inTurn(() => peer.connection.close());
    await thread.microtasks();
    expect(peer.wire.isEnded).toBe(true);
    peer.wire.drain();
    peer.wire.fin();
    expect(heard).toEqual([...names(0, 4), 'close 4002']);
  });

  test('answers the Close that waits behind messages when it goes on', () => {
    const { thread, heard } = answering();
    const peer = thread.connectWith((wire) => (wire.takes = () => 0));
    peer.wire.arrive(...messages(0, 6), clientClose(1000));
    expect(peer.wire.isEnded).toBe(false);
    peer.wire.drain();
    expect(heard).toEqual(names(0, 6));
    expect(framesOf(peer).at(-1)).toBe('close 1000');
    expect(peer.wire.isEnded).toBe(true);
  });

  test('handles what waits before it takes note of the peer’s FIN', () => {
    const { thread, heard } = answering();
    const peer = thread.connectWith((wire) => (wire.takes = () => 0));
    peer.wire.arrive(...messages(0, 6));
    peer.connection.subscribe('news');
    // A socket reads no FIN while it is paused; another stream may have had it already.
    thread.inTurn(() => peer.connection.onEnd());
    expect(peer.wire.isEnded).toBe(false);
    peer.wire.drain();
    expect(heard).toEqual(names(0, 6));
    expect(framesOf(peer)).toHaveLength(6);
    expect(peer.wire.isEnded).toBe(true);
    expect(peer.connection.isOpen).toBe(false);
  });

  test('that is lost drops what waits', () => {
    const { thread, heard } = answering();
    const peer = thread.connectWith((wire) => (wire.takes = () => 0));
    peer.wire.arrive(...messages(0, 6));
    peer.wire.lose();
    expect(heard).toEqual([...names(0, 4), 'close 1006']);
  });

  test('that is closed from the hook of another connection leaves that one’s message alone', () => {
    const heard: string[] = [];
    const thread = startThread({
      handler: {
        message(connection, message) {
          if (message.size === 5) paused.connection.close();
          heard.push(message.text());
          connection.send(pattern(KIB));
        },
      },
      highWaterMarkBytes: 4 * KIB,
    });
    const paused = thread.connectWith((wire) => (wire.takes = () => 0));
    paused.wire.arrive(...Array.from({ length: 10 }, () => clientFrame(TEXT, 'of the paused one')));
    heard.length = 0;
    const other = thread.connect();
    other.wire.arrive(clientFrame(TEXT, 'close'), clientFrame(TEXT, 'my own'), clientFrame(TEXT, 'mine too'));
    expect(heard).toEqual(['close', 'my own', 'mine too']);
    expect(framesOf(other)).toHaveLength(3);
  });
});

describe('a ping', () => {
  test('is answered at once, in order, with its own bytes', () => {
    const thread = startThread();
    const peer = thread.connect();
    peer.wire.arrive(...['', 'a', 'bb'].map((payload) => clientFrame(PING, payload)), clientFrame(PING, pattern(125)));
    expect(framesOf(peer)).toEqual([shown(PONG, ''), shown(PONG, 'a'), shown(PONG, 'bb'), shown(PONG, pattern(125))]);
    expect(peer.wire.writes).toBe(1);
  });

  test('is answered between the answers to the messages around it', () => {
    const thread = startThread({ handler: { message: (connection, message) => void connection.send(message) } });
    const peer = thread.connect();
    peer.wire.arrive(clientFrame(TEXT, 'a'), clientFrame(PING, 'p'), clientFrame(TEXT, 'b'));
    expect(framesOf(peer)).toEqual([shown(TEXT, 'a'), shown(PONG, 'p'), shown(TEXT, 'b')]);
  });

  test('that waits for its answer gets it in front of our Close', () => {
    const thread = startThread();
    const peer = thread.connectWith((wire) => (wire.takes = () => 0));
    thread.inTurn(() => void peer.connection.send('queued'));
    peer.wire.arrive(clientFrame(PING, 'hello?'));
    thread.inTurn(() => peer.connection.close(1000));
    peer.wire.drain();
    expect(framesOf(peer)).toEqual([shown(TEXT, 'queued'), shown(PONG, 'hello?'), 'close 1000']);
  });

  test('of several that come while output is queued only the latest is answered, when the queue is empty', () => {
    const thread = startThread();
    const peer = thread.connectWith((wire) => (wire.takes = () => 0));
    thread.inTurn(() => void peer.connection.send('queued'));
    thread.inTurn(() => void peer.connection.send('too'));
    for (let i = 0; i < 100; i++) peer.wire.arrive(clientFrame(PING, `ping ${i}`));
    expect(peer.wire.queuedEntries).toBe(2);
    peer.wire.drainSome(1);
    expect(framesOf(peer)).toEqual([shown(TEXT, 'queued')]);
    peer.wire.arrive(clientFrame(PING, 'ping 100'));
    peer.wire.drain();
    expect(framesOf(peer)).toEqual([shown(TEXT, 'queued'), shown(TEXT, 'too'), shown(PONG, 'ping 100')]);
    peer.wire.arrive(clientFrame(PING, 'again'));
    peer.wire.drain();
    expect(framesOf(peer).at(-1)).toBe(shown(PONG, 'again'));
  });

  test('that was not answered yet is not answered after a Close', () => {
    const thread = startThread();
    const peer = thread.connectWith((wire) => (wire.takes = () => 0));
    thread.inTurn(() => void peer.connection.send('queued'));
    peer.wire.arrive(clientFrame(PING, 'p'), clientClose(1000));
    peer.wire.drain();
    expect(framesOf(peer)).toEqual([shown(TEXT, 'queued'), 'close 1000']);
  });

  test('whose answer fills the little that highWaterMarkBytes allows does not stop reading for ever', () => {
    const heard: string[] = [];
    const thread = startThread({
      handler: {
        message(connection, message) {
          heard.push(message.text());
          connection.send(pattern(90));
        },
        drain: () => void heard.push('drain'),
      },
      highWaterMarkBytes: 100,
    });
    const peer = thread.connectWith((wire) => (wire.takes = () => 0));
    peer.wire.arrive(clientFrame(TEXT, 'first'));
    peer.wire.arrive(clientFrame(PING, pattern(125)), clientFrame(TEXT, 'second'), clientFrame(TEXT, 'third'));
    expect(peer.wire.isPaused).toBe(true);
    peer.wire.takes = (offered) => offered;
    peer.wire.drain();
    expect(peer.connection.bufferedAmount).toBe(0);
    expect(heard.filter((line) => line !== 'drain')).toEqual(['first', 'second', 'third']);
    expect(heard).toContain('drain');
    expect(peer.wire.isPaused).toBe(false);
  });

  test('of ours is not answered by the server itself, and a pong says nothing', () => {
    const thread = startThread();
    const peer = thread.connect();
    peer.wire.arrive(clientFrame(PONG, 'unasked'));
    expect(framesOf(peer)).toEqual([]);
    expect(peer.connection.isOpen).toBe(true);
  });
});
