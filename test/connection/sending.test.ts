import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { SendData } from '../../dist/connection/connection.js';
import { DIRECT_WRITE_BYTES } from '../../dist/connection/frame-writer.js';
import { Counter } from '../../dist/telemetry/counters.js';
import { BINARY, clientFrame, letters, PING, pattern, shown, TEXT } from './frames.js';
import type { ScriptedTransport } from './scripted-transport.js';
import { framesOf, type Peer, startThread, type TestThread } from './thread.js';

const echo = { message: (connection: Peer['connection'], message: SendData) => void connection.send(message) };

describe('what can be sent', () => {
  test('a string goes as text, all kinds of bytes as binary', () => {
    const thread = startThread();
    const peer = thread.connect();
    const bytes = Uint8Array.of(1, 2, 3, 4);
    const shared = new SharedArrayBuffer(2);
    new Uint8Array(shared).set([8, 9]);
    thread.inTurn(() => {
      for (const sent of ['text', '', 'Grüße 🧵', bytes, bytes.subarray(1, 3), new DataView(bytes.buffer, 2)]) {
        expect(peer.connection.send(sent)).toBe(true);
      }
      expect(peer.connection.send(bytes.buffer)).toBe(true);
      expect(peer.connection.send(shared)).toBe(true);
      expect(peer.connection.send(new Uint16Array([0x0201]))).toBe(true);
    });
    expect(framesOf(peer)).toEqual([
      shown(TEXT, 'text'),
      shown(TEXT, ''),
      shown(TEXT, 'Grüße 🧵'),
      shown(BINARY, bytes),
      shown(BINARY, Uint8Array.of(2, 3)),
      shown(BINARY, Uint8Array.of(3, 4)),
      shown(BINARY, bytes),
      shown(BINARY, Uint8Array.of(8, 9)),
      shown(BINARY, Uint8Array.of(1, 2)),
    ]);
    expect(thread.counters.get(Counter.MESSAGES_OUT)).toBe(9);
  });

  test.each([
    [undefined, 'undefined'],
    [null, 'null'],
    [42, 'number'],
    [{}, 'object'],
    [[1, 2], 'object'],
  ])('anything else is refused with a TypeError that names it: %o', (data, found) => {
    const thread = startThread();
    const { connection } = thread.connect();
    expect(() => connection.send(data as unknown as SendData)).toThrow(
      `only a string, an ArrayBuffer, a typed array or a Message can be sent, got ${found}`,
    );
    expect(() => connection.publish('topic', data as unknown as SendData)).toThrow(TypeError);
    expect(thread.counters.get(Counter.MESSAGES_OUT)).toBe(0);
  });

  test.each([0, 1, 41, 42, 63, 125, 126, DIRECT_WRITE_BYTES - 1, DIRECT_WRITE_BYTES, 0xffff, 0x1_0000, 300_000])(
    'a text and a binary message of %d bytes arrive as they are',
    (length) => {
      const thread = startThread();
      const peer = thread.connect();
      thread.inTurn(() => {
        peer.connection.send(letters(length));
        peer.connection.send(pattern(length));
      });
      expect(framesOf(peer)).toEqual([shown(TEXT, letters(length)), shown(BINARY, pattern(length))]);
    },
  );

  test('a string of three bytes a character is as long as its UTF-8, around each length of a length', () => {
    const thread = startThread();
    const peer = thread.connect();
    const texts = [40, 41, 42, 43, 2730, 2731, 21845, 21846].map((length) => '€'.repeat(length));
    thread.inTurn(() => texts.forEach((text) => void peer.connection.send(text)));
    expect(framesOf(peer)).toEqual(texts.map((text) => shown(TEXT, text)));
  });

  test('a lone surrogate, which has no UTF-8, is sent as U+FFFD', () => {
    const thread = startThread();
    const peer = thread.connect();
    thread.inTurn(() => {
      peer.connection.send('a\ud800b');
      peer.connection.send(`${'x'.repeat(200)}\udfff`);
    });
    expect(framesOf(peer)).toEqual([shown(TEXT, 'a\ufffdb'), shown(TEXT, `${'x'.repeat(200)}\ufffd`)]);
  });

  test('bytes are the server’s own when send returns, however large', () => {
    const thread = startThread();
    for (const takes of [() => 0, () => 5, (offered: number) => offered]) {
      const peer = thread.connectWith((wire) => (wire.takes = takes));
      const small = pattern(100);
      const large = pattern(DIRECT_WRITE_BYTES + 1);
      thread.inTurn(() => {
        for (const bytes of [small, large, small]) {
          const mine = Buffer.from(bytes);
          peer.connection.send(mine);
          mine.fill(0);
        }
      });
      peer.wire.drain();
      expect(framesOf(peer)).toEqual([shown(BINARY, small), shown(BINARY, large), shown(BINARY, small)]);
    }
  });
});

describe('a turn', () => {
  test('makes one write of all that is sent in it', () => {
    const thread = startThread();
    const peer = thread.connect();
    thread.inTurn(() => {
      for (let i = 0; i < 100; i++) peer.connection.send(`message ${i}`);
      peer.connection.ping('p');
      peer.connection.send(pattern(50));
    });
    expect(peer.wire.writes).toBe(1);
    expect(framesOf(peer)).toHaveLength(102);
  });

  test('makes one write of the answers to all messages of a read, for each connection', () => {
    const thread = startThread({ handler: echo });
    const first = thread.connect();
    const second = thread.connect();
    const messages = Array.from({ length: 50 }, (_, i) => `message ${i}`);
    for (const peer of [first, second]) {
      peer.wire.arrive(...messages.map((text) => clientFrame(TEXT, text)));
      expect(framesOf(peer)).toEqual(messages.map((text) => shown(TEXT, text)));
      expect(peer.wire.writes).toBe(1);
    }
  });

  test('writes a large message together with what was sent before it', () => {
    const thread = startThread();
    const peer = thread.connect();
    thread.inTurn(() => {
      peer.connection.send('before');
      peer.connection.send(pattern(20_000));
    });
    expect(peer.wire.writes).toBe(1);
    expect(framesOf(peer)).toEqual([shown(TEXT, 'before'), shown(BINARY, pattern(20_000))]);
  });

  test('writes nothing when nothing was sent', () => {
    const thread = startThread();
    const peer = thread.connect();
    thread.inTurn(() => {});
    peer.wire.arrive(clientFrame(TEXT, 'not answered'));
    expect(peer.wire.writes).toBe(0);
  });

  test('of a message hook goes on after an await, in a turn of its own', async () => {
    const thread = startThread({
      handler: {
        async message(connection, message) {
          const text = message.text();
          connection.send(`${text} now`);
          await Promise.resolve();
          connection.send(`${text} later`);
          connection.send(`${text} too`);
        },
      },
    });
    const peer = thread.connect();
    peer.wire.arrive(clientFrame(TEXT, 'a'), clientFrame(TEXT, 'b'));
    expect(framesOf(peer)).toEqual([shown(TEXT, 'a now'), shown(TEXT, 'b now')]);
    await thread.microtasks();
    expect(framesOf(peer).slice(2).toSorted()).toEqual(
      ['a later', 'a too', 'b later', 'b too'].map((text) => shown(TEXT, text)),
    );
    expect(peer.wire.writes).toBe(2);
  });
});

describe('a phase of the event loop', () => {
  // Nothing takes any time, unless it says so.
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
  afterEach(() => void vi.useRealTimers());

  test('ends with the answers to all of its reads, one write for each connection', () => {
    const thread = startThread({ handler: echo });
    const peers = Array.from({ length: 20 }, () => thread.connect());
    const textsOf = (who: number) => Array.from({ length: (who % 5) + 1 }, (_, i) => `${who}: ${'x'.repeat(who * i)}`);
    thread.inPhase(() => {
      for (const [who, { wire }] of peers.entries())
        wire.arrive(...textsOf(who).map((text) => clientFrame(TEXT, text)));
      for (const { wire, connection } of peers) {
        expect(wire.writes).toBe(0);
        expect(connection.bufferedAmount).toBeGreaterThan(0);
      }
    });
    for (const [who, peer] of peers.entries()) {
      expect(framesOf(peer)).toEqual(textsOf(who).map((text) => shown(TEXT, text)));
      expect(peer.wire.writes).toBe(1);
      expect(peer.connection.bufferedAmount).toBe(0);
    }
  });

  test('ends by itself', async () => {
    const thread = startThread();
    const peer = thread.connect();
    for (const [first, second] of [
      ['a', 'b'],
      ['c', 'd'],
    ] as const) {
      const before = peer.wire.writes;
      for (const text of [first, second]) {
        thread.turn.begin();
        peer.connection.send(text);
        thread.turn.end();
      }
      await Promise.resolve();
      expect(peer.wire.writes).toBe(before);
      expect(peer.connection.bufferedAmount).toBe(6);
      await new Promise((resolve) => setImmediate(resolve));
      expect(peer.wire.writes).toBe(before + 1);
      expect(peer.connection.bufferedAmount).toBe(0);
    }
    expect(framesOf(peer)).toEqual(['a', 'b', 'c', 'd'].map((text) => shown(TEXT, text)));
  });

  test('is not waited for by what is sent outside of a callback: that goes in the next microtask, with all the rest', async () => {
    const thread = startThread();
    const [peer, other] = [thread.connect(), thread.connect()];
    for (const [first, second] of [
      ['a', 'b'],
      ['c', 'd'],
    ] as const) {
      const before = peer.wire.writes;
      thread.turn.begin();
      other.connection.send(`${first} to another`);
      thread.turn.end();
      peer.connection.send(first);
      peer.connection.send(second);
      expect(peer.wire.writes).toBe(before);
      await Promise.resolve();
      expect(peer.wire.writes).toBe(before + 1);
    }
    expect(framesOf(peer)).toEqual(['a', 'b', 'c', 'd'].map((text) => shown(TEXT, text)));
    expect(framesOf(other)).toEqual(['a to another', 'c to another'].map((text) => shown(TEXT, text)));
  });

  test('is not waited for when a handler has taken long', () => {
    const thread = startThread({
      handler: {
        message(connection, message) {
          connection.send(message);
          if (message.text() === 'slow') vi.advanceTimersByTime(1);
        },
      },
    });
    const [quick, slow] = [thread.connect(), thread.connect()];
    thread.inPhase(() => {
      quick.wire.arrive(clientFrame(TEXT, 'quick'));
      slow.wire.arrive(clientFrame(TEXT, 'slow'));
      expect(framesOf(quick)).toEqual([shown(TEXT, 'quick')]);
      expect(framesOf(slow)).toEqual([shown(TEXT, 'slow')]);
    });
  });

  test.each([
    [100, 1],
    [5000, 2],
  ])('has one write of %i bytes and of more, though others have sent in between: %i', (size, writes) => {
    const thread = startThread({ handler: echo });
    const [peer, other] = [thread.connect(), thread.connect()];
    thread.inPhase(() => {
      peer.wire.arrive(clientFrame(BINARY, pattern(size)));
      other.wire.arrive(clientFrame(TEXT, 'of another'));
      peer.wire.arrive(clientFrame(TEXT, 'more'));
      other.wire.arrive(clientFrame(TEXT, 'of another, too'));
    });
    expect(framesOf(peer)).toEqual([shown(BINARY, pattern(size)), shown(TEXT, 'more')]);
    expect(framesOf(other)).toEqual([shown(TEXT, 'of another'), shown(TEXT, 'of another, too')]);
    expect(peer.wire.writes).toBe(writes);
  });

  test('is not waited for by a connection that is terminated', () => {
    const thread = startThread({ handler: echo });
    const [gone, other] = [thread.connect(), thread.connect()];
    thread.inPhase(() => {
      gone.wire.arrive(clientFrame(TEXT, 'sent before'));
      other.wire.arrive(clientFrame(TEXT, 'of another'));
      gone.connection.terminate();
      expect(framesOf(gone)).toEqual([shown(TEXT, 'sent before')]);
      expect(gone.connection.bufferedAmount).toBe(0);
      expect(framesOf(other)).toEqual([]);
    });
    expect(framesOf(other)).toEqual([shown(TEXT, 'of another')]);
  });

  test('sends before a Close what was sent before it', () => {
    const thread = startThread({ handler: echo });
    const [closing, other] = [thread.connect(), thread.connect()];
    thread.inPhase(() => {
      closing.wire.arrive(clientFrame(TEXT, 'before'));
      other.wire.arrive(clientFrame(TEXT, 'of another'));
      closing.connection.close(1000);
      expect(framesOf(closing)).toEqual([shown(TEXT, 'before'), 'close 1000']);
    });
  });
});

describe('a publication to a connection for which nothing waits', () => {
  /** A connection that echoes, and that was sent a publication; and what publishes another one, in a turn. */
  function subscribed() {
    const thread = startThread({ handler: echo });
    const [peer, other] = [thread.connect(), thread.connect()];
    peer.connection.subscribe('room');
    const publish = (text: string) => {
      thread.topics.publish('room', undefined, 0x81, Buffer.from(text), 0, text.length);
      thread.turn.begin();
      thread.turn.end();
    };
    publish('first');
    return { thread, peer, other, publish };
  }

  const direct = ({ wire }: Peer) => wire.directWrites;

  test('goes past it', () => {
    const { peer, publish, thread } = subscribed();
    publish('second');
    publish('third');
    expect(direct(peer)).toBe(2);
    expect(framesOf(peer)).toEqual(['first', 'second', 'third'].map((text) => shown(TEXT, text)));
    expect(thread.counters.get(Counter.MESSAGES_OUT)).toBe(3);
  });

  test('comes behind what was sent to it in the phase, whoever has sent since', () => {
    const { thread, peer, other, publish } = subscribed();
    for (let phase = 0; phase < 2; phase++) {
      thread.inPhase(() => {
        peer.wire.arrive(clientFrame(TEXT, 'a'));
        publish('b');
        peer.wire.arrive(clientFrame(TEXT, 'c'));
        publish('d');
        publish('e');
        peer.wire.arrive(clientFrame(TEXT, 'f'));
        other.wire.arrive(clientFrame(TEXT, 'of another'));
        publish('g');
        publish('h');
        peer.wire.arrive(clientFrame(TEXT, 'i'));
        peer.wire.arrive(clientFrame(BINARY, pattern(10_000)));
        publish('j');
      });
    }
    const inPhase = [
      ...['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'].map((text) => shown(TEXT, text)),
      shown(BINARY, pattern(10_000)),
      shown(TEXT, 'j'),
    ];
    expect(framesOf(peer)).toEqual([shown(TEXT, 'first'), ...inPhase, ...inPhase]);
    expect(direct(peer)).toBeGreaterThan(0);
  });

  test.each([10, 20_000])('comes behind the rest of an answer of %i bytes that was not taken', (size) => {
    const { peer, publish } = subscribed();
    publish('second');
    peer.wire.takes = () => 3;
    peer.wire.arrive(clientFrame(BINARY, pattern(size)));
    peer.wire.takes = (offered) => offered;
    publish('third');
    peer.wire.drain();
    publish('fourth');
    publish('fifth');
    expect(framesOf(peer)).toEqual([
      ...['first', 'second'].map((text) => shown(TEXT, text)),
      shown(BINARY, pattern(size)),
      ...['third', 'fourth', 'fifth'].map((text) => shown(TEXT, text)),
    ]);
    expect(direct(peer)).toBe(2);
  });

  test('comes in its place though the gather buffer is flushed while publications are pending', async () => {
    const thread = startThread();
    const peers = Array.from({ length: 150 }, () => thread.connect());
    for (const { connection } of peers) connection.subscribe('room');
    const publish = (text: string) => thread.topics.publish('room', undefined, 0x81, Buffer.from(text), 0, text.length);
    publish('first');
    await thread.microtasks();
    for (const [who, { connection }] of peers.entries()) {
      publish(`${who}`);
      connection.send(pattern(3000, who));
      if (who % 10 === 9) await Promise.resolve();
    }
    publish('last');
    await thread.microtasks();
    const published = peers.map((_, who) => shown(TEXT, `${who}`));
    for (const [who, peer] of peers.entries()) {
      expect(framesOf(peer)).toEqual([
        shown(TEXT, 'first'),
        ...published.slice(0, who + 1),
        shown(BINARY, pattern(3000, who)),
        ...published.slice(who + 1),
        shown(TEXT, 'last'),
      ]);
    }
    expect(direct(peers[0] as Peer)).toBeGreaterThan(0);
  });

  test('keeps from being taken for idle also who leaves its last topic', () => {
    const thread = startThread({ idleTimeoutMs: 50 });
    const peer = thread.connect();
    for (let i = 0; i < 20; i++) {
      thread.pass(10);
      peer.connection.subscribe('room');
      for (let k = 0; k < 2; k++) {
        thread.inTurn(() => thread.topics.publish('room', undefined, 0x81, Buffer.from('x'), 0, 1));
      }
      peer.connection.unsubscribe('room');
    }
    expect(direct(peer)).toBe(20);
    expect(peer.connection.isOpen).toBe(true);
  });

  test('does not go to a descriptor that is not its own any more', () => {
    const { thread, peer, publish } = subscribed();
    publish('second');
    peer.wire.loseSoon();
    publish('to nobody');
    thread.settle();
    expect(thread.closed).toEqual([peer.connection]);
    publish('to nobody');
    expect(direct(peer)).toBe(1);
  });

  test('keeps it from being taken for idle', () => {
    const thread = startThread({ handler: echo, idleTimeoutMs: 50 });
    const [peer, idle] = [thread.connect(), thread.connect()];
    peer.connection.subscribe('room');
    for (let i = 0; i < 20; i++) {
      thread.pass(10);
      thread.inTurn(() => thread.topics.publish('room', undefined, 0x81, Buffer.from('x'), 0, 1));
    }
    expect(direct(peer)).toBe(19);
    expect(peer.connection.isOpen).toBe(true);
    expect(idle.connection.isOpen).toBe(false);
  });
});

describe('order', () => {
  test('is that of the calls, whatever is sent', () => {
    const thread = startThread({
      handler: {
        message(connection, message) {
          connection.send('one');
          connection.send(message);
          connection.send(pattern(10_000));
          connection.ping('two');
          connection.send(message);
          connection.send(letters(9000));
          connection.send('three');
          if (message.size === 5) connection.close(4000, 'four');
        },
      },
    });
    for (const kernelTakes of [Number.POSITIVE_INFINITY, 0, 1, 9999]) {
      const peer = thread.connectWith((wire) => (wire.takes = () => kernelTakes));
      const large = pattern(30_000);
      peer.wire.arrive(clientFrame(BINARY, large), clientFrame(TEXT, 'small'));
      peer.wire.drain();
      const around = (message: string) => [
        shown(TEXT, 'one'),
        message,
        shown(BINARY, pattern(10_000)),
        shown(PING, 'two'),
        message,
        shown(TEXT, letters(9000)),
        shown(TEXT, 'three'),
      ];
      expect(framesOf(peer)).toEqual([
        ...around(shown(BINARY, large)),
        ...around(shown(TEXT, 'small')),
        'close 4000 "four"',
      ]);
    }
  });

  test('is kept between publications and messages of the same turn', () => {
    const thread = startThread();
    const peer = thread.connect();
    const other = thread.connect();
    peer.connection.subscribe('news');
    thread.inTurn(() => {
      peer.connection.send('1');
      other.connection.publish('news', '2');
      other.connection.publish('news', '3');
      peer.connection.send('4');
      other.connection.publish('news', pattern(20_000));
      peer.connection.send(pattern(9000));
      other.connection.publish('news', '7');
      peer.connection.ping('8');
      other.connection.publish('news', '9');
      peer.connection.close();
    });
    expect(framesOf(peer)).toEqual([
      shown(TEXT, '1'),
      shown(TEXT, '2'),
      shown(TEXT, '3'),
      shown(TEXT, '4'),
      shown(BINARY, pattern(20_000)),
      shown(BINARY, pattern(9000)),
      shown(TEXT, '7'),
      shown(PING, '8'),
      shown(TEXT, '9'),
      'close 1000',
    ]);
    expect(framesOf(other)).toEqual([]);
  });

  test('a publication does not go to its publisher', () => {
    const thread = startThread();
    const peers = [thread.connect(), thread.connect()] as const;
    for (const { connection } of peers) connection.subscribe('news');
    thread.inTurn(() => peers[0].connection.publish('news', 'hello'));
    expect(peers.map(framesOf)).toEqual([[], [shown(TEXT, 'hello')]]);
    expect(thread.counters.get(Counter.MESSAGES_OUT)).toBe(1);
  });

  test('a publication of a message is copied before the read is over', () => {
    const thread = startThread({ handler: { message: (connection, message) => connection.publish('news', message) } });
    const publisher = thread.connect();
    const subscriber = thread.connectWith((wire) => (wire.takes = () => 3));
    subscriber.connection.subscribe('news');
    publisher.wire.arrive(clientFrame(TEXT, 'first'), clientFrame(BINARY, pattern(20_000)), clientFrame(TEXT, 'last'));
    thread.settle();
    subscriber.wire.drain();
    expect(framesOf(subscriber)).toEqual([shown(TEXT, 'first'), shown(BINARY, pattern(20_000)), shown(TEXT, 'last')]);
  });
});

describe('a message that is sent on', () => {
  const sizes = [0, 1, 64, 65, 125, 126, DIRECT_WRITE_BYTES - 1, DIRECT_WRITE_BYTES, 0xffff, 0x1_0000, 200_000];

  test.each(sizes)('of %d bytes is written from where it lies, in one write', (size) => {
    const thread = startThread({ handler: echo });
    const peer = thread.connect();
    peer.wire.arrive(clientFrame(BINARY, pattern(size)));
    expect(framesOf(peer)).toEqual([shown(BINARY, pattern(size))]);
    expect(peer.wire.writes).toBe(1);
  });

  test.each(sizes)('of %d bytes in fragments and small reads keeps its bytes', (size) => {
    const thread = startThread({ handler: echo });
    for (const takes of [0, 7, Number.POSITIVE_INFINITY]) {
      const peer = thread.connectWith((wire) => {
        wire.takes = () => takes;
        wire.readBytes = Math.max(1, Math.ceil(size / 5));
      });
      const bytes = Buffer.from(letters(size));
      const third = Math.floor(size / 3);
      peer.wire.arrive(
        clientFrame(TEXT, bytes.subarray(0, third), { fin: false }),
        clientFrame(PING, 'between'),
        clientFrame(0, bytes.subarray(third, 2 * third), { fin: false, key: [0, 0, 0, 1] }),
        clientFrame(0, bytes.subarray(2 * third)),
      );
      peer.wire.drain();
      expect(framesOf(peer)).toEqual(['pong "between"', shown(TEXT, bytes)]);
      expect(thread.arena.slabs.allocatedSlabs).toBe(0);
    }
  });

  test('of every small length, gathered with others, keeps its bytes', () => {
    const thread = startThread({ handler: echo });
    for (const kernelTakes of [Number.POSITIVE_INFINITY, 0]) {
      const peer = thread.connectWith((wire) => (wire.takes = () => kernelTakes));
      const messages = Array.from({ length: 300 }, (_, length) => pattern(length, length));
      peer.wire.arrive(...messages.map((bytes) => clientFrame(BINARY, bytes)));
      peer.wire.drain();
      expect(framesOf(peer)).toEqual(messages.map((bytes) => shown(BINARY, bytes)));
    }
  });

  test('twice is sent twice, and to others too', () => {
    const bytes = pattern(50_000);
    const thread = startThread({
      handler: {
        message(connection, message) {
          connection.send(message);
          for (const { connection: other } of thread.peers) other.send(message);
          connection.send(message);
        },
      },
    });
    for (const readBytes of [1000, 256 * 1024]) {
      for (const takes of [Number.POSITIVE_INFINITY, 10, 0]) {
        const to = thread.connectWith((wire) => (wire.takes = () => takes));
        const from = thread.connectWith((wire) => (wire.takes = () => takes));
        from.wire.readBytes = readBytes;
        from.wire.arrive(clientFrame(BINARY, bytes));
        for (const peer of [from, to]) peer.wire.drain();
        expect(framesOf(from)).toEqual(Array(3).fill(shown(BINARY, bytes)));
        expect(framesOf(to)).toEqual([shown(BINARY, bytes)]);
        for (const peer of [from, to]) thread.forget(peer);
      }
    }
  });

  test('can still be read after it was sent', () => {
    const texts: string[] = [];
    const thread = startThread({
      handler: {
        message(connection, message) {
          connection.send(message);
          texts.push(message.text());
          connection.publish('news', message);
        },
      },
    });
    const other = thread.connect();
    other.connection.subscribe('news');
    const peer = thread.connectWith((wire) => {
      wire.takes = () => 100;
      wire.readBytes = 3000;
    });
    const text = letters(40_000);
    peer.wire.arrive(clientFrame(TEXT, text));
    expect(texts).toEqual([text]);
    peer.wire.drain();
    expect(framesOf(peer)).toEqual([shown(TEXT, text)]);
    expect(framesOf(other)).toEqual([shown(TEXT, text)]);
  });

  test('from the heap, when the arena is full, keeps its bytes', () => {
    const thread = startThread({ handler: echo, arenaBytes: 1024 * 1024 });
    const peer = thread.connectWith((wire) => {
      wire.takes = () => 1000;
      wire.readBytes = 50_000;
    });
    peer.wire.arrive(clientFrame(BINARY, pattern(900_000)));
    peer.wire.drain();
    expect(framesOf(peer)).toEqual([shown(BINARY, pattern(900_000))]);
    expect(thread.counters.get(Counter.HEAP_MESSAGES)).toBe(1);
  });

  test('in a slab holds the slab until the kernel has taken it', () => {
    const thread = startThread({ handler: echo });
    const peer = thread.connectWith((wire) => {
      wire.takes = () => 10;
      wire.readBytes = 4096;
    });
    const bytes = pattern(30_000);
    peer.wire.arrive(clientFrame(BINARY, bytes));
    expect(peer.wire.queuedEntries).toBe(1);
    expect(thread.arena.slabs.allocatedSlabs).toBe(1);
    peer.wire.arrive(clientFrame(BINARY, bytes));
    expect(thread.arena.slabs.allocatedSlabs).toBe(2);
    peer.wire.drainSome(1);
    expect(thread.arena.slabs.allocatedSlabs).toBe(1);
    peer.wire.drain();
    expect(thread.arena.slabs.allocatedSlabs).toBe(0);
    expect(framesOf(peer)).toEqual([shown(BINARY, bytes), shown(BINARY, bytes)]);
  });

  test('in a slab gives the slab back when its connection is lost before the kernel took it', () => {
    const thread = startThread({ handler: echo });
    const peer = thread.connectWith((wire) => {
      wire.takes = () => 0;
      wire.readBytes = 4096;
    });
    peer.wire.arrive(clientFrame(BINARY, pattern(30_000)), clientFrame(BINARY, pattern(30_000)).subarray(0, 20_000));
    expect(thread.arena.slabs.allocatedSlabs).toBe(2);
    peer.wire.lose();
    expect(thread.arena.slabs.allocatedSlabs).toBe(0);
  });
});

describe('a kernel that takes a part of a write', () => {
  /** Runs a scenario, with a kernel that takes `n` bytes of all that it is offered, then nothing until everything was sent. */
  function run(
    thread: TestThread,
    n: number,
    prepare: (wire: ScriptedTransport) => void,
    act: (peer: Peer) => void,
  ): Peer {
    let left = n;
    const peer = thread.connectWith((wire) => {
      prepare(wire);
      wire.takes = (offered) => {
        const taken = Math.min(left, offered);
        left -= taken;
        return taken;
      };
    });
    act(peer);
    thread.settle();
    return peer;
  }

  /** Tries `act` with a cut at every `step`th position of what it sends. */
  function cutEverywhere(
    step: number,
    expected: readonly string[],
    act: (peer: Peer, thread: TestThread) => void,
    prepare: (wire: ScriptedTransport) => void = () => {},
  ): void {
    const thread = startThread({ handler: echo });
    const go = (n: number) => {
      const peer = run(thread, n, prepare, (one) => act(one, thread));
      peer.wire.drain();
      expect(framesOf(peer), `with ${n} bytes taken at once`).toEqual(expected);
      expect(thread.arena.slabs.allocatedSlabs).toBe(0);
      thread.forget(peer);
      return peer.wire.output.length;
    };
    const total = go(Number.POSITIVE_INFINITY);
    for (let n = 0; n < total; n += step) go(n);
  }

  test('of small frames, a publication and a Close, at every position, loses nothing', () => {
    cutEverywhere(
      1,
      [
        shown(TEXT, 'one'),
        shown(PING, 'two'),
        shown(BINARY, pattern(5)),
        shown(TEXT, 'four'),
        shown(TEXT, 'five'),
        'close 1001 "six"',
      ],
      ({ connection }, thread) => {
        connection.subscribe('news');
        thread.inTurn(() => {
          connection.send('one');
          connection.ping('two');
          connection.send(pattern(5));
          thread.topics.publish('news', undefined, 0x81, Buffer.from('four'), 0, 4);
          connection.send('five');
          connection.close(1001, 'six');
        });
      },
    );
  });

  test('of a large message between small ones, at every position, loses nothing', () => {
    const large = pattern(DIRECT_WRITE_BYTES);
    cutEverywhere(13, [shown(TEXT, 'one'), shown(BINARY, large), shown(TEXT, 'three')], ({ connection }, thread) => {
      thread.inTurn(() => {
        connection.send('one');
        connection.send(large);
        connection.send('three');
      });
    });
  });

  test('of a message written from the window, at every position, loses nothing', () => {
    const large = pattern(DIRECT_WRITE_BYTES + 1, 2);
    cutEverywhere(13, [shown(BINARY, large), shown(TEXT, 'after')], ({ wire }) => {
      wire.arrive(clientFrame(BINARY, large), clientFrame(TEXT, 'after'));
    });
  });

  test('of a message written from a slab, at every position, loses nothing', () => {
    const large = pattern(DIRECT_WRITE_BYTES + 1, 3);
    cutEverywhere(
      13,
      [shown(TEXT, 'before'), shown(BINARY, large), shown(TEXT, 'after')],
      ({ wire }) => wire.arrive(clientFrame(TEXT, 'before'), clientFrame(BINARY, large), clientFrame(TEXT, 'after')),
      (wire) => (wire.readBytes = 3000),
    );
  });

  test('around a cut frame, every position of the headers of large frames is tried too', () => {
    // The steps of 13 above go past most header bytes: these are all of the positions near them.
    const large = pattern(DIRECT_WRITE_BYTES, 4);
    const thread = startThread({ handler: echo });
    for (const readBytes of [3000, 256 * 1024]) {
      for (let n = 0; n <= 40; n++) {
        for (const from of [0, large.length]) {
          const peer = run(
            thread,
            from + n,
            (wire) => (wire.readBytes = readBytes),
            ({ wire }) => wire.arrive(clientFrame(TEXT, 'a'), clientFrame(BINARY, large), clientFrame(BINARY, large)),
          );
          peer.wire.drain();
          expect(framesOf(peer)).toEqual([shown(TEXT, 'a'), shown(BINARY, large), shown(BINARY, large)]);
        }
      }
    }
  });

  test('leaves bufferedAmount at what it has not taken', () => {
    const thread = startThread();
    const peer = thread.connectWith((wire) => (wire.takes = () => 4));
    thread.inTurn(() => {
      peer.connection.send('hello');
      expect(peer.connection.bufferedAmount).toBe(7);
    });
    expect(peer.connection.bufferedAmount).toBe(3);
    thread.inTurn(() => void peer.connection.send(pattern(10_000)));
    expect(peer.connection.bufferedAmount).toBe(3 + 4 + 10_000);
    peer.wire.drain();
    expect(peer.connection.bufferedAmount).toBe(0);
  });
});

describe('a ping of ours', () => {
  test('carries up to 125 bytes', () => {
    const thread = startThread();
    const peer = thread.connect();
    thread.inTurn(() => {
      expect(peer.connection.ping()).toBe(true);
      expect(peer.connection.ping('é')).toBe(true);
      expect(peer.connection.ping(pattern(125))).toBe(true);
    });
    expect(framesOf(peer)).toEqual([shown(PING, ''), shown(PING, 'é'), shown(PING, pattern(125))]);
    expect(thread.counters.get(Counter.MESSAGES_OUT)).toBe(0);
  });

  test('of more is refused with a RangeError', () => {
    const thread = startThread();
    const { connection } = thread.connect();
    expect(() => connection.ping(pattern(126))).toThrow(RangeError);
    expect(() => connection.ping('é'.repeat(63))).toThrow('must be at most 125 bytes, got 126');
  });
});
