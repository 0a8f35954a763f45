import { describe, expect, test } from 'vitest';
import type { Handler } from '../../dist/connection/handler.js';
import { Counter } from '../../dist/telemetry/counters.js';
import { LimitIncident } from '../../dist/telemetry/limit-incident.js';
import { BINARY, clientClose, clientFrame, PING, PONG, pattern, shown, TEXT } from './frames.js';
import { framesOf, type Peer, startThread, type ThreadOptions } from './thread.js';

const KIB = 1024;
/** The clock of a thread of these tests moves by 1 ms: nothing comes later than this after its time. */
const LATE_MS = 2;

/** A thread whose handler notes what comes, and how connections end. */
function noting(options: ThreadOptions = {}) {
  const heard: string[] = [];
  const handler: Handler = {
    message: (_connection, message) => void heard.push(message.text()),
    drain: () => void heard.push('drain'),
    close: (_connection, code) => void heard.push(`close ${code}`),
    ...options.handler,
  };
  return { thread: startThread({ ...options, handler }), heard };
}

/** A peer whose kernel takes nothing. */
const deaf = (wire: Peer['wire']) => {
  wire.takes = () => 0;
};

const CONTINUATION = 0;
const names = (count: number, from = 0) => Array.from({ length: count }, (_, i) => `message ${from + i}`);
const messages = (count: number, from = 0) => names(count, from).map((name) => clientFrame(TEXT, name));

describe('heartbeatIntervalMs', () => {
  test('pings a silent peer, and gives it up (1006) when it does not answer', () => {
    const { thread, heard } = noting({ heartbeatIntervalMs: 100 });
    const peer = thread.connect();
    thread.pass(100);
    expect(framesOf(peer)).toEqual([]);
    thread.pass(LATE_MS);
    expect(framesOf(peer)).toEqual([shown(PING, '')]);
    thread.pass(100);
    expect(peer.wire.isDestroyed).toBe(false);
    thread.pass(LATE_MS);
    expect(peer.wire.isDestroyed).toBe(true);
    expect(heard).toEqual(['close 1006']);
    expect(framesOf(peer)).toEqual([shown(PING, '')]);
    expect(thread.incidents).toEqual([LimitIncident.HEARTBEAT_TIMEOUTS.what]);
  });

  test.each([
    ['a pong', clientFrame(PONG)],
    ['a message', clientFrame(TEXT, 'here')],
    ['one byte of a frame', clientFrame(TEXT, 'here').subarray(0, 1)],
  ])('takes %s for life', (_what, bytes) => {
    const { thread } = noting({ heartbeatIntervalMs: 100 });
    const peer = thread.connect();
    thread.pass(150);
    peer.wire.arrive(bytes);
    thread.pass(100);
    expect(framesOf(peer)).toEqual([shown(PING, '')]);
    thread.pass(LATE_MS);
    expect(framesOf(peer)).toEqual([shown(PING, ''), shown(PING, '')]);
    expect(peer.connection.isOpen).toBe(true);
    expect(thread.incidents).toEqual([]);
  });

  test('spares a peer that writes before it reads, for however long', () => {
    const { thread, heard } = noting({ heartbeatIntervalMs: 100, highWaterMarkBytes: 100 });
    const peer = thread.connectWith(deaf);
    thread.inTurn(() => void peer.connection.send(pattern(200)));
    peer.wire.arrive(...messages(3));
    thread.pass(10_000);
    expect(peer.connection.isOpen).toBe(true);
    peer.wire.takes = (offered) => offered;
    peer.wire.drain();
    expect(heard).toEqual(['drain', ...names(3)]);
    expect(framesOf(peer)).toEqual([shown(BINARY, pattern(200))]);
  });
});

describe('idleTimeoutMs', () => {
  test('closes with 1001 when there was no message either way, whatever else there was', () => {
    const { thread, heard } = noting({ idleTimeoutMs: 100 });
    const peer = thread.connect();
    for (let i = 0; i < 10; i++) {
      thread.pass(10);
      peer.wire.arrive(clientFrame(PING));
    }
    expect(peer.connection.isOpen).toBe(true);
    thread.pass(LATE_MS);
    expect(framesOf(peer).at(-1)).toBe('close 1001 "idle for too long"');
    peer.wire.arrive(clientClose(1001));
    peer.wire.fin();
    expect(heard).toEqual(['close 1001']);
    expect(thread.incidents).toEqual([LimitIncident.IDLE_TIMEOUTS.what]);
  });

  test('begins anew with each message received, sent or published', () => {
    const { thread } = noting({ idleTimeoutMs: 100 });
    const peer = thread.connect();
    peer.connection.subscribe('news');
    const acts = [
      () => peer.wire.arrive(clientFrame(TEXT, 'in')),
      () => thread.inTurn(() => void peer.connection.send('out')),
      () => thread.inTurn(() => thread.topics.publish('news', undefined, 0x81, Buffer.from('news'), 0, 4)),
    ];
    for (const act of [...acts, ...acts]) {
      thread.pass(90);
      act();
    }
    expect(peer.connection.isOpen).toBe(true);
    thread.pass(100 + LATE_MS);
    expect(peer.connection.isOpen).toBe(false);
  });

  test('is followed by the end if the peer does not finish the closing handshake', () => {
    const { thread, heard } = noting({ idleTimeoutMs: 100, closeTimeoutMs: 50 });
    const peer = thread.connect();
    thread.pass(100 + 50 + 2 * LATE_MS);
    expect(peer.wire.isDestroyed).toBe(true);
    expect(heard).toEqual(['close 1006']);
    expect(thread.incidents).toEqual([LimitIncident.IDLE_TIMEOUTS.what, LimitIncident.CLOSE_TIMEOUTS.what]);
  });
});

describe('messageTimeoutMs', () => {
  test.each([
    ['a payload', clientFrame(BINARY, pattern(40 * KIB)).subarray(0, -1)],
    ['the fragments', clientFrame(BINARY, pattern(100), { fin: false })],
    ['the header', clientFrame(BINARY, pattern(40 * KIB)).subarray(0, 3)],
    ['the first byte', clientFrame(TEXT, 'x').subarray(0, 1)],
  ])('closes with 1008 when %s is not all there in time, and gives the memory back', (_what, bytes) => {
    const { thread, heard } = noting({ messageTimeoutMs: 100 });
    const peer = thread.connect();
    peer.wire.arrive(bytes);
    thread.pass(100);
    expect(peer.connection.isOpen).toBe(true);
    thread.pass(LATE_MS);
    expect(framesOf(peer)).toEqual(['close 1008 "the message takes too long"']);
    expect(thread.incidents).toEqual([LimitIncident.MESSAGE_TIMEOUTS.what]);
    expect(thread.budget.bytes).toBe(0);
    expect(peer.wire.isEnded).toBe(true);
    peer.wire.arrive(pattern(10)); // the rest of it, too late
    peer.wire.fin();
    expect(heard).toEqual(['close 1008']);
  });

  test('is from the first byte to the last, however often something comes', () => {
    const { thread } = noting({ messageTimeoutMs: 100, heartbeatIntervalMs: 50 });
    const peer = thread.connect();
    const bytes = clientFrame(BINARY, pattern(200));
    for (let i = 0; i < 20 && peer.connection.isOpen; i++) {
      peer.wire.arrive(bytes.subarray(10 * i, 10 * (i + 1)));
      if (i === 10) expect(peer.connection.isOpen).toBe(true);
      thread.pass(10);
    }
    expect(framesOf(peer)).toEqual(['close 1008 "the message takes too long"']);
  });

  test('begins anew with each message, also when it begins in the read that ends the one before', () => {
    const { thread, heard } = noting({ messageTimeoutMs: 100 });
    const peer = thread.connect();
    const stream = Buffer.concat(messages(10));
    const { length } = clientFrame(TEXT, 'message 0');
    peer.wire.arrive(stream.subarray(0, 3));
    for (let i = 1; i < 10; i++) {
      thread.pass(90);
      peer.wire.arrive(stream.subarray((i - 1) * length + 3, i * length + 3));
    }
    expect(heard).toEqual(names(9));
    thread.pass(100);
    expect(peer.connection.isOpen).toBe(true);
    thread.pass(LATE_MS);
    expect(peer.connection.isOpen).toBe(false);
  });

  test('does not count the time in which we do not read', () => {
    const { thread, heard } = noting({ messageTimeoutMs: 100, highWaterMarkBytes: 100 });
    const peer = thread.connectWith(deaf);
    peer.wire.arrive(clientFrame(TEXT, 'mess', { fin: false }));
    thread.inTurn(() => void peer.connection.send(pattern(200)));
    peer.wire.arrive(clientFrame(CONTINUATION, 'age', { fin: false }), clientFrame(CONTINUATION, '!'));
    thread.pass(10_000);
    expect(peer.connection.isOpen).toBe(true);
    peer.wire.drain();
    expect(heard).toEqual(['drain', 'message!']);
  });
});

describe('stallTimeoutMs', () => {
  test('gives a peer up (1006) that takes nothing of what is queued, also one that we do not read', () => {
    for (const highWaterMarkBytes of [100, 10_000]) {
      const { thread, heard } = noting({ stallTimeoutMs: 100, highWaterMarkBytes });
      const peer = thread.connectWith(deaf);
      thread.inTurn(() => void peer.connection.send(pattern(200)));
      peer.wire.arrive(...messages(1));
      thread.pass(100);
      expect(peer.wire.isDestroyed).toBe(false);
      thread.pass(LATE_MS);
      expect(peer.wire.isDestroyed).toBe(true);
      expect(heard.at(-1)).toBe('close 1006');
      expect(thread.incidents).toEqual([LimitIncident.STALLS.what]);
      expect(thread.budget.bytes).toBe(0);
    }
  });

  test('gives a peer up that has TLS answer it for ever, and does not take the answers', () => {
    const { thread, heard } = noting({ stallTimeoutMs: 100_000 });
    const peer = thread.connectWith(deaf);
    peer.wire.protocolBytes = 256 * 1024;
    thread.pass(LATE_MS);
    expect(peer.wire.isDestroyed).toBe(false);
    peer.wire.protocolBytes++;
    thread.pass(LATE_MS);
    expect(peer.wire.isDestroyed).toBe(true);
    expect(heard.at(-1)).toBe('close 1006');
    expect(thread.incidents).toEqual([LimitIncident.STALLS.what]);
  });

  test('spares one that takes something now and then', () => {
    const { thread } = noting({ stallTimeoutMs: 100 });
    const peer = thread.connectWith(deaf);
    for (let i = 0; i < 10; i++) thread.inTurn(() => void peer.connection.send(pattern(200)));
    for (let i = 0; i < 9; i++) {
      thread.pass(90);
      peer.wire.drainSome(1);
    }
    expect(peer.connection.isOpen).toBe(true);
    thread.pass(100 + LATE_MS + 1); // what was taken is seen in the next tick
    expect(peer.wire.isDestroyed).toBe(true);
  });
});

describe('closeTimeoutMs', () => {
  test.each([
    ['our Close', (peer: Peer) => peer.connection.close(4000)],
    ['a violation', (peer: Peer) => peer.wire.arrive(Buffer.from([0xff]))],
    ['its own Close', (peer: Peer) => peer.wire.arrive(clientClose(4000))],
    ['its FIN', (peer: Peer) => peer.wire.fin()],
  ])('destroys the connection of a peer that does not finish after %s', (what, act) => {
    const { thread } = noting({ closeTimeoutMs: 100 });
    const peer = thread.connectWith(deaf);
    thread.inTurn(() => void peer.connection.send('queued'));
    thread.inTurn(() => act(peer));
    thread.pass(100);
    expect(peer.wire.isDestroyed).toBe(false);
    thread.pass(LATE_MS);
    expect(peer.wire.isDestroyed).toBe(true);
    expect(thread.incidents.at(-1)).toBe(LimitIncident.CLOSE_TIMEOUTS.what);
    expect(thread.incidents).toHaveLength(what === 'a violation' ? 2 : 1);
  });
});

describe('maxBackpressureBytes', () => {
  const CLOSED = 'close 1013 "too slow a consumer"';

  test('may be reached, and not exceeded by a byte', () => {
    for (const [bytes, isOpen] of [
      [500, true],
      [501, false],
    ] as const) {
      const { thread } = noting({ maxBackpressureBytes: 1000 });
      const peer = thread.connectWith(deaf);
      thread.inTurn(() => void peer.connection.send(pattern(496))); // 500 with its header
      thread.inTurn(() => void peer.connection.send(pattern(bytes)));
      expect(peer.connection.isOpen).toBe(isOpen);
    }
  });

  test('closes with 1013 behind what is queued', () => {
    const { thread, heard } = noting({ maxBackpressureBytes: 1000 });
    const peer = thread.connectWith(deaf);
    thread.inTurn(() => {
      expect(peer.connection.send(pattern(496))).toBe(true); // 500 with its header
    });
    thread.inTurn(() => {
      expect(peer.connection.send(pattern(490))).toBe(true);
      expect(peer.connection.send(pattern(100))).toBe(false);
      expect(peer.connection.isOpen).toBe(false);
      expect(peer.connection.send('small')).toBe(false);
    });
    expect(thread.incidents).toEqual([LimitIncident.SLOW_CONSUMERS.what]);
    peer.wire.drain();
    peer.wire.fin();
    expect(framesOf(peer)).toEqual([shown(BINARY, pattern(496)), shown(BINARY, pattern(490)), CLOSED]);
    expect(heard).toEqual(['close 1013']);
  });

  test('is not exceeded by exactly as much', () => {
    const { thread } = noting({ maxBackpressureBytes: 1000 });
    const peer = thread.connectWith(deaf);
    thread.inTurn(() => void peer.connection.send(pattern(496)));
    thread.inTurn(() => void peer.connection.send(pattern(496)));
    expect(peer.connection.isOpen).toBe(true);
    thread.inTurn(() => void peer.connection.send('x'));
    expect(peer.connection.isOpen).toBe(false);
  });

  test.each(['close', 'drop'] as const)(
    'accepts one message of any size when nothing is queued (%s)',
    (slowConsumer) => {
      const { thread } = noting({ maxBackpressureBytes: 1000, slowConsumer });
      const peer = thread.connectWith(deaf);
      thread.inTurn(() => void peer.connection.send(pattern(100 * KIB)));
      expect(peer.connection.isOpen).toBe(true);
      expect(thread.incidents).toEqual([]);
      peer.wire.drain();
      thread.inTurn(() => void peer.connection.send(pattern(100 * KIB)));
      peer.wire.drain();
      expect(framesOf(peer)).toHaveLength(2);
    },
  );

  test('is not concerned with a kernel that takes everything', () => {
    const { thread } = noting({ maxBackpressureBytes: 1000 });
    const peer = thread.connect();
    thread.inTurn(() => {
      for (let i = 0; i < 200; i++) peer.connection.send(pattern(900));
    });
    expect(framesOf(peer)).toHaveLength(200);
    expect(thread.incidents).toEqual([]);
  });

  test('closes a subscriber that takes too little, and no other', () => {
    const { thread } = noting({ maxBackpressureBytes: 1000 });
    const slow = thread.connectWith(deaf);
    const quick = thread.connect();
    for (const { connection } of [slow, quick]) connection.subscribe('news');
    for (let i = 0; i < 5; i++) {
      thread.inTurn(() => thread.topics.publish('news', undefined, 0x82, pattern(396, i), 0, 396));
    }
    expect(thread.incidents).toEqual([LimitIncident.SLOW_CONSUMERS.what]);
    slow.wire.drain();
    expect(framesOf(slow)).toEqual([shown(BINARY, pattern(396, 0)), shown(BINARY, pattern(396, 1)), CLOSED]);
    expect(framesOf(quick)).toEqual(Array.from({ length: 5 }, (_, i) => shown(BINARY, pattern(396, i))));
  });

  test.each(['close', 'drop'] as const)(
    'can be exceeded in the middle of a delivery of several topics to several subscribers (%s)',
    (slowConsumer) => {
      const { thread } = noting({ maxBackpressureBytes: 1000, slowConsumer });
      const peers = Array.from({ length: 6 }, (_, i) => (i % 2 === 0 ? thread.connectWith(deaf) : thread.connect()));
      const topics = ['a', 'b', 'c'];
      for (const [i, { connection }] of peers.entries()) {
        // Some have one of the topics, some two, some all, in different orders.
        for (let j = 0; j <= i >> 1; j++) connection.subscribe(topics[(i + j) % 3] as string);
      }
      for (const peer of peers) thread.inTurn(() => void peer.connection.send('first'));
      thread.inTurn(() => {
        for (let i = 0; i < 6; i++) {
          thread.topics.publish(topics[i % 3] as string, undefined, 0x82, pattern(396, i), 0, 396);
        }
      });
      for (const [i, peer] of peers.entries()) {
        peer.wire.drain();
        const subscribed = Array.from({ length: (i >> 1) + 1 }, (_, j) => (i + j) % 3);
        const all = Array.from({ length: 6 }, (_, k) => k).filter((k) => subscribed.includes(k % 3));
        const expected = all.map((k) => shown(BINARY, pattern(396, k)));
        const isSlow = i % 2 === 0;
        if (!isSlow) expect(framesOf(peer)).toEqual([shown(TEXT, 'first'), ...expected]);
        // One topic's two messages are 800 bytes, and fit; more, which come in one write, do not.
        else if (subscribed.length === 1) expect(framesOf(peer)).toEqual([shown(TEXT, 'first'), ...expected]);
        else if (slowConsumer === 'close') {
          expect(framesOf(peer)).toEqual([shown(TEXT, 'first'), CLOSED]);
        } else expect(framesOf(peer)).toEqual([shown(TEXT, 'first')]);
      }
      const tooMuch = slowConsumer === 'close' ? LimitIncident.SLOW_CONSUMERS : LimitIncident.DROPPED;
      expect(new Set(thread.incidents)).toEqual(new Set([tooMuch.what]));
      expect(thread.counters.get(Counter.DROPPED)).toBe(slowConsumer === 'close' ? 0 : 4 + 6);
    },
  );

  describe('exceeded by a publication that what is sent must come behind', () => {
    const acts: readonly [string, (peer: Peer) => void][] = [
      ['send', ({ connection }) => void connection.send('behind')],
      ['a large send', ({ connection }) => void connection.send(pattern(20 * KIB))],
      ['ping', ({ connection }) => void connection.ping('behind')],
      ['close', ({ connection }) => connection.close(4000)],
      ['unsubscribe', ({ connection }) => connection.unsubscribe('news')],
      ['subscribe', ({ connection }) => connection.subscribe('more')],
      ['the peer’s Close', ({ wire }) => wire.readDespitePause(clientClose(4001))],
      ['a violation', ({ wire }) => wire.readDespitePause(Buffer.from([0xff]))],
    ];

    test.each(acts)('closes once, with 1013, in front of %s', (what, act) => {
      const { thread } = noting({ maxBackpressureBytes: 1000 });
      const peer = thread.connectWith(deaf);
      peer.connection.subscribe('news');
      thread.inTurn(() => void peer.connection.send(pattern(900)));
      thread.inTurn(() => {
        thread.topics.publish('news', undefined, 0x82, pattern(396), 0, 396);
        act(peer);
      });
      expect(peer.connection.isOpen, what).toBe(false);
      expect(peer.wire.isEnded).toBe(true);
      for (const topic of ['news', 'more']) {
        thread.inTurn(() => thread.topics.publish(topic, undefined, 0x82, pattern(10), 0, 10));
      }
      peer.wire.drain();
      peer.wire.fin();
      expect(framesOf(peer)).toEqual([shown(BINARY, pattern(900)), CLOSED]);
      expect(thread.counters.get(Counter.SLOW_CONSUMERS)).toBe(1);
    });

    test('drops that publication, and then judges what is sent by itself', () => {
      const { thread } = noting({ maxBackpressureBytes: 1000, slowConsumer: 'drop' });
      const peer = thread.connectWith(deaf);
      peer.connection.subscribe('news');
      thread.inTurn(() => void peer.connection.send(pattern(900)));
      thread.inTurn(() => {
        thread.topics.publish('news', undefined, 0x82, pattern(396), 0, 396);
        peer.connection.send('behind');
      });
      peer.wire.drain();
      expect(framesOf(peer)).toEqual([shown(BINARY, pattern(900)), shown(TEXT, 'behind')]);
      expect(thread.counters.get(Counter.DROPPED)).toBe(1);
    });

    test('is not exceeded further by what is sent behind one that fits', () => {
      const { thread } = noting({ maxBackpressureBytes: 1000, slowConsumer: 'drop' });
      const peer = thread.connectWith(deaf);
      peer.connection.subscribe('news');
      thread.inTurn(() => void peer.connection.send(pattern(500)));
      thread.inTurn(() => {
        thread.topics.publish('news', undefined, 0x82, pattern(396), 0, 396);
        expect(peer.connection.send(pattern(300))).toBe(false);
      });
      expect(peer.connection.bufferedAmount).toBeLessThanOrEqual(1000);
      peer.wire.drain();
      expect(framesOf(peer)).toEqual([shown(BINARY, pattern(500)), shown(BINARY, pattern(396))]);
    });
  });

  test('with drop makes send return false, counts, keeps what is queued, and is followed by drain', () => {
    const { thread, heard } = noting({ maxBackpressureBytes: 1000, slowConsumer: 'drop' });
    const peer = thread.connectWith(deaf);
    thread.inTurn(() => void peer.connection.send(pattern(900)));
    thread.inTurn(() => {
      expect(peer.connection.send(pattern(200))).toBe(false);
      expect(peer.connection.send(pattern(200))).toBe(false);
      expect(peer.connection.ping(pattern(120))).toBe(false);
      expect(peer.connection.send('fits')).toBe(true);
    });
    expect(peer.connection.isOpen).toBe(true);
    expect(thread.counters.get(Counter.DROPPED)).toBe(2); // a ping is no message
    expect(thread.counters.get(Counter.MESSAGES_OUT)).toBe(2);
    expect(new Set(thread.incidents)).toEqual(new Set([LimitIncident.DROPPED.what]));
    peer.wire.drain();
    expect(heard).toEqual(['drain']);
    expect(framesOf(peer)).toEqual([shown(BINARY, pattern(900)), shown(TEXT, 'fits')]);
    thread.inTurn(() => {
      expect(peer.connection.send(pattern(200))).toBe(true);
    });
  });

  test('counts each message of a delivery that is dropped', () => {
    const { thread } = noting({ maxBackpressureBytes: 1000, slowConsumer: 'drop' });
    const peer = thread.connectWith(deaf);
    peer.connection.subscribe('news');
    thread.inTurn(() => void peer.connection.send(pattern(900)));
    thread.inTurn(() => {
      for (let i = 0; i < 5; i++) thread.topics.publish('news', undefined, 0x82, pattern(100), 0, 100);
    });
    expect(thread.counters.get(Counter.DROPPED)).toBe(5);
  });
});

describe('messagesPerSecond', () => {
  test('with pause handles so many at once, then the rest in order as it is refilled, and loses none', () => {
    const { thread, heard } = noting({ messagesPerSecond: 10 });
    const peer = thread.connect();
    peer.wire.arrive(...messages(25));
    expect(heard).toEqual(names(10));
    expect(peer.wire.isPaused).toBe(true);
    peer.wire.arrive(...messages(5, 25));
    expect(peer.wire.unreadBytes).toBeGreaterThan(0);
    for (let i = 11; i <= 30; i++) {
      thread.pass(101);
      expect(heard.length).toBeGreaterThanOrEqual(i);
      expect(heard.length).toBeLessThanOrEqual(i + 1);
    }
    thread.pass(200);
    expect(heard).toEqual(names(30));
    expect(peer.wire.isPaused).toBe(false);
    expect(peer.wire.unreadBytes).toBe(0);
    expect(thread.budget.bytes).toBe(0);
    expect(new Set(thread.incidents)).toEqual(new Set([LimitIncident.RATE_LIMITED.what]));
  });

  test('leaves a peer alone that sends as many as it may', () => {
    const { thread, heard } = noting({ messagesPerSecond: 10, rateLimitAction: 'close' });
    const peer = thread.connect();
    for (let i = 0; i < 50; i++) {
      peer.wire.arrive(...messages(1, i));
      thread.pass(100);
    }
    expect(heard).toEqual(names(50));
    expect(thread.incidents).toEqual([]);
  });

  test('with close closes with 1008 for the message that is too much, which is not delivered', () => {
    for (const messagesPerSecond of [1, 10]) {
      const { thread, heard } = noting({ messagesPerSecond, rateLimitAction: 'close' });
      const peer = thread.connect();
      peer.wire.arrive(...messages(messagesPerSecond));
      expect(peer.connection.isOpen).toBe(true);
      peer.wire.arrive(...messages(20, messagesPerSecond));
      expect(framesOf(peer)).toEqual(['close 1008 "sent too fast"']);
      peer.wire.fin();
      expect(heard).toEqual([...names(messagesPerSecond), 'close 1008']);
      expect(thread.incidents).toEqual([LimitIncident.RATE_LIMITED.what]);
    }
  });

  test.each([
    [5, 4, 3],
    [100, 24, 90],
  ])('of %i lets a peer that has sent %i slowly, and was silent, send %i at once', (messagesPerSecond, slow, burst) => {
    const { thread, heard } = noting({ messagesPerSecond, rateLimitAction: 'close' });
    const peer = thread.connect();
    for (let i = 0; i < slow; i++) {
      peer.wire.arrive(...messages(1, i));
      thread.pass(1000);
    }
    thread.pass(5000);
    peer.wire.arrive(...messages(burst, slow));
    expect(heard).toEqual(names(slow + burst));
    expect(thread.incidents).toEqual([]);
  });

  test('lets at most a second’s worth and a quarter through at once, whatever came before', () => {
    for (const before of [0, 1, 7, 24, 25, 26, 60]) {
      const { thread, heard } = noting({ messagesPerSecond: 100 });
      const peer = thread.connect();
      peer.wire.arrive(...messages(before));
      thread.pass(5000);
      peer.wire.arrive(...messages(500, before));
      expect(heard.length - before).toBeGreaterThanOrEqual(100);
      expect(heard.length - before).toBeLessThanOrEqual(125);
    }
  });

  test.each([
    ['pings', clientFrame(PING, 'x')],
    ['pongs', clientFrame(PONG)],
  ])(
    'counts %s as messages: with pause the peer is answered so many, and the rest as it is refilled',
    (_what, frame) => {
      const { thread } = noting({ messagesPerSecond: 10, heartbeatIntervalMs: 0 });
      const peer = thread.connect();
      for (let i = 0; i < 100; i++) peer.wire.arrive(...Array(10).fill(frame));
      expect(peer.wire.isPaused).toBe(true);
      const isPing = frame[0] === 0x89;
      expect(framesOf(peer)).toHaveLength(isPing ? 10 : 0);
      thread.pass(1000);
      expect(framesOf(peer).length).toBeLessThanOrEqual(isPing ? 22 : 0);
      expect(framesOf(peer).length).toBeGreaterThanOrEqual(isPing ? 19 : 0);
      expect(thread.incidents[0]).toBe(LimitIncident.RATE_LIMITED.what);
    },
  );

  test('counts pings, pongs and messages together: with close the one too many is 1008, and a Close is answered', () => {
    const three = [clientFrame(PING), clientFrame(PONG), clientFrame(TEXT, 'hello')];
    const { thread, heard } = noting({ messagesPerSecond: 3, rateLimitAction: 'close' });
    for (const more of [clientFrame(PING), clientFrame(PONG), clientFrame(TEXT, 'x')]) {
      const peer = thread.connect();
      peer.wire.arrive(...three);
      expect(framesOf(peer)).toEqual([shown(PONG, '')]);
      peer.wire.arrive(more);
      expect(framesOf(peer)).toEqual([shown(PONG, ''), 'close 1008 "sent too fast"']);
      const other = thread.connect();
      other.wire.arrive(...three, clientClose(1000));
      expect(framesOf(other)).toEqual([shown(PONG, ''), 'close 1000']);
    }
    expect(heard.filter((one) => one === 'hello')).toHaveLength(6);
  });

  test.each([
    ['pause', 10],
    ['close', 9],
  ] as const)('counts each fragment of a message: with %s', (rateLimitAction, messagesPerSecond) => {
    const { thread, heard } = noting({ messagesPerSecond, rateLimitAction });
    const peer = thread.connect();
    const fragments = (count: number) => [
      clientFrame(TEXT, 'a', { fin: false }),
      ...Array(count - 2).fill(clientFrame(CONTINUATION, 'b', { fin: false })),
      clientFrame(CONTINUATION, 'c'),
    ];
    peer.wire.arrive(Buffer.concat(fragments(9)));
    expect(heard).toEqual(['abbbbbbbc']);
    thread.pass(2000);
    // A hundred in one read: they are owed, and for ten seconds nothing more is taken.
    peer.wire.arrive(Buffer.concat(fragments(100).slice(0, -1)));
    if (rateLimitAction === 'close') {
      expect(framesOf(peer)).toEqual(['close 1008 "sent too fast"']);
      return;
    }
    peer.wire.arrive(clientFrame(CONTINUATION, 'c'));
    thread.pass(8000);
    expect(heard).toHaveLength(1);
    thread.pass(2500);
    expect(heard[1]).toHaveLength(100);
    expect(framesOf(peer)).toEqual([]);
  });

  test('does not lose the peer’s Close and FIN behind what waits', () => {
    const { thread, heard } = noting({ messagesPerSecond: 10 });
    const peer = thread.connect();
    peer.wire.arrive(...messages(15), clientClose(4000));
    peer.wire.fin();
    thread.pass(600);
    expect(heard).toEqual([...names(15), 'close 4000']);
  });
});

describe('bytesPerSecond', () => {
  test('counts what came with the opening handshake', () => {
    const { thread, heard } = noting({ bytesPerSecond: 1000 });
    const peer = thread.connect(clientFrame(TEXT, 'x'.repeat(3000)));
    peer.wire.arrive(clientFrame(TEXT, 'next'));
    thread.pass(1900);
    expect(heard).toEqual([]);
    thread.pass(250);
    expect(heard).toEqual(['x'.repeat(3000), 'next']);
  });

  test('with pause reads on when what was too much is paid off', () => {
    const { thread, heard } = noting({ bytesPerSecond: 1000 });
    const peer = thread.connect();
    peer.wire.arrive(clientFrame(TEXT, 'x'.repeat(1492))); // 1500 with its header
    expect(peer.wire.isPaused).toBe(true);
    expect(heard).toEqual([]);
    thread.pass(500);
    expect(heard).toEqual([]);
    thread.pass(LATE_MS);
    expect(heard).toEqual(['x'.repeat(1492)]);
    expect(peer.wire.isPaused).toBe(false);
    expect(thread.incidents).toEqual([LimitIncident.RATE_LIMITED.what]);
  });

  test('is not confused by large messages in many reads: all of it comes, at the rate', () => {
    const { thread, heard } = noting({ bytesPerSecond: 100_000 });
    const peer = thread.connect();
    const text = 'y'.repeat(300_000);
    peer.wire.arrive(clientFrame(TEXT, text), ...messages(3));
    thread.pass(1900);
    expect(heard).toEqual([]);
    thread.pass(2000);
    expect(heard).toEqual([text, ...names(3)]);
  });

  test('with close closes with 1008', () => {
    const { thread, heard } = noting({ bytesPerSecond: 1000, rateLimitAction: 'close' });
    const peer = thread.connect();
    peer.wire.arrive(clientFrame(TEXT, 'x'.repeat(992))); // 1000 with its header
    peer.wire.arrive(clientFrame(TEXT, 'y'));
    expect(framesOf(peer)).toEqual(['close 1008 "sent too fast"']);
    peer.wire.fin();
    expect(heard).toEqual(['x'.repeat(992), 'close 1008']);
  });

  test('leaves heartbeat and idle time standing still while we do not read', () => {
    const { thread, heard } = noting({ bytesPerSecond: 1000, heartbeatIntervalMs: 100, idleTimeoutMs: 200 });
    const peer = thread.connect();
    peer.wire.arrive(clientFrame(TEXT, 'x'.repeat(5000)));
    thread.pass(4000);
    expect(peer.connection.isOpen).toBe(true);
    expect(framesOf(peer)).toEqual([]);
    thread.pass(50);
    expect(heard).toEqual(['x'.repeat(5000)]);
  });
});

describe('shed()', () => {
  test('destroys a slow consumer at once: 1013 for the handler, nothing for the peer', () => {
    const { thread, heard } = noting();
    const peer = thread.connectWith(deaf);
    thread.inTurn(() => void peer.connection.send(pattern(100 * KIB)));
    expect(peer.connection.heldBytes).toBe(thread.budget.bytes);
    expect(peer.connection.heldBytes).toBeGreaterThan(100 * KIB);
    thread.inTurn(() => peer.connection.shed());
    expect(peer.wire.isDestroyed).toBe(true);
    expect(heard).toEqual(['close 1013']);
    expect(thread.budget.bytes).toBe(0);
    expect(thread.incidents).toEqual([LimitIncident.SHED.what]);
  });

  test('closes the sender of an unfinished message with 1013, and gives its memory back at once', () => {
    const { thread, heard } = noting();
    const peer = thread.connect();
    peer.wire.arrive(clientFrame(BINARY, pattern(50 * KIB), { fin: false }));
    expect(peer.connection.heldBytes).toBeGreaterThanOrEqual(50 * KIB);
    expect(thread.budget.bytes).toBe(peer.connection.heldBytes);
    thread.inTurn(() => peer.connection.shed());
    expect(peer.connection.heldBytes).toBe(0);
    expect(thread.budget.bytes).toBe(0);
    expect(framesOf(peer)).toEqual(['close 1013 "the server holds too much"']);
    peer.wire.fin();
    expect(heard).toEqual(['close 1013']);
    expect(thread.incidents).toEqual([LimitIncident.SHED.what]);
  });

  test('of a message that libuv reads into leaves its memory alone until the next read', () => {
    const { thread } = noting();
    const peer = thread.connect();
    const bytes = clientFrame(BINARY, pattern(500 * KIB));
    peer.wire.arrive(bytes.subarray(0, 300 * KIB));
    expect(peer.wire.target).toBeDefined();
    thread.inTurn(() => peer.connection.shed());
    expect(thread.budget.bytes).toBe(0);
    expect(thread.arena.slabs.allocatedSlabs).toBe(1);
    peer.wire.arrive(bytes.subarray(300 * KIB, 310 * KIB));
    expect(thread.arena.slabs.allocatedSlabs).toBe(0);
  });

  test('of a connection that is closing already ends it', () => {
    const { thread } = noting();
    const peer = thread.connectWith(deaf);
    thread.inTurn(() => {
      peer.connection.send(pattern(100 * KIB));
      peer.connection.close(4000);
    });
    thread.inTurn(() => peer.connection.shed());
    expect(peer.wire.isDestroyed).toBe(true);
  });

  test('the time that something is held for is that since the message began, or since the peer took something', () => {
    const { thread } = noting();
    const sender = thread.connect();
    const consumer = thread.connectWith(deaf);
    thread.pass(10);
    sender.wire.arrive(clientFrame(BINARY, pattern(50 * KIB), { fin: false }));
    thread.pass(10);
    thread.inTurn(() => void consumer.connection.send(pattern(100)));
    thread.inTurn(() => void consumer.connection.send(pattern(100)));
    thread.pass(10);
    expect(sender.connection.heldSinceMs).toBe(10);
    expect(consumer.connection.heldSinceMs).toBe(20);
    consumer.wire.drainSome(1);
    thread.pass(1);
    expect(consumer.connection.heldSinceMs).toBe(31);
    // Of both, the earlier.
    thread.pass(5);
    consumer.wire.arrive(clientFrame(BINARY, pattern(50 * KIB), { fin: false }));
    thread.pass(5);
    expect(consumer.connection.heldSinceMs).toBe(31);
  });

  test('what waits only because it is not read is held since now: its sender is not the first to pay', () => {
    const { thread } = noting({ messagesPerSecond: 10 });
    const sender = thread.connect();
    sender.wire.arrive(...messages(50));
    expect(sender.wire.isPaused).toBe(true);
    expect(sender.connection.heldBytes).toBeGreaterThan(0);
    for (let i = 0; i < 2; i++) {
      thread.pass(5);
      expect(sender.connection.heldSinceMs).toBe(thread.clock.nowMs);
    }
  });
});

describe('maxBufferedBytes', () => {
  test('is told when output and messages that are still arriving are more together', () => {
    const { thread } = noting({ maxBufferedBytes: 256 * KIB });
    const consumer = thread.connectWith(deaf);
    thread.inTurn(() => void consumer.connection.send(pattern(150 * KIB)));
    expect(thread.exceeded).toBe(0);
    const sender = thread.connect();
    sender.wire.arrive(clientFrame(BINARY, pattern(150 * KIB), { fin: false }));
    expect(thread.exceeded).toBeGreaterThan(0);
  });

  test('counts what waits because we do not read, until it is handled', () => {
    const { thread } = noting({ highWaterMarkBytes: 100 });
    const peer = thread.connectWith(deaf);
    thread.inTurn(() => void peer.connection.send(pattern(200)));
    peer.wire.arrive(clientFrame(TEXT, 'x'.repeat(5000)));
    expect(thread.budget.bytes).toBeGreaterThan(5000);
    peer.wire.drain();
    expect(thread.budget.bytes).toBe(0);
  });
});

describe('maxBufferedBytes that is exceeded by a quarter, before room could be made,', () => {
  test('ends whoever holds something and is sent more; who holds nothing is sent what comes', () => {
    const codes = new Map<number, number>();
    const thread = startThread({
      handler: { close: ({ id }, code) => void codes.set(id, code) },
      maxBufferedBytes: 1024 * 1024,
    });
    const [one, other] = [0, 1].map(() => thread.connectWith((wire) => (wire.takes = () => 0)));
    if (one === undefined || other === undefined) throw new Error('there are two');
    const idle = thread.connect();
    thread.inTurn(() => {
      for (let i = 0; i < 7; i++) expect(one.connection.send(pattern(64 * 1024))).toBe(true);
      for (let i = 0; i < 7; i++) expect(other.connection.send(pattern(64 * 1024))).toBe(true);
      expect(thread.budget.isExceeded).toBe(false);
      for (let i = 0; !thread.budget.isOverrun; i++) other.connection.send(pattern(64 * 1024, i));
      expect(one.connection.send('more')).toBe(false);
      expect(idle.connection.send('hello')).toBe(true);
    });
    expect(codes.get(one.connection.id)).toBe(1013);
    expect(other.connection.isOpen).toBe(true);
    expect(framesOf(idle)).toEqual([shown(TEXT, 'hello')]);
    expect(thread.incidents).toEqual([LimitIncident.SHED.what]);
  });
});
