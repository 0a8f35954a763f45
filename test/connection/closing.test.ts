import { describe, expect, test } from 'vitest';
import type { Connection } from '../../dist/connection/connection.js';
import type { Handler } from '../../dist/connection/handler.js';
import { CloseArgumentError } from '../../dist/protocol/close-payload.js';
import { Counter } from '../../dist/telemetry/counters.js';
import { BINARY, CLOSE, clientClose, clientFrame, PING, pattern, shown, TEXT } from './frames.js';
import { framesOf, startThread, type ThreadOptions } from './thread.js';

/** A thread that notes what its handler hears; `more` adds to its hooks. */
function listening(more: Handler = {}, options: Omit<ThreadOptions, 'handler'> = {}) {
  const heard: string[] = [];
  const thread = startThread({
    handler: {
      open(connection) {
        heard.push('open');
        return more.open?.(connection);
      },
      message(connection, message) {
        heard.push(message.size > 40 ? `${message.size} bytes` : message.text());
        return more.message?.(connection, message);
      },
      drain(connection) {
        heard.push('drain');
        return more.drain?.(connection);
      },
      close(connection, code, reason) {
        heard.push(reason === '' ? `close ${code}` : `close ${code} ${reason}`);
        return more.close?.(connection, code, reason);
      },
    },
    ...options,
  });
  return { thread, heard };
}

/** All that must not be sent once a Close was. */
function sendEverything(connection: Connection): void {
  expect(connection.send('late')).toBe(false);
  expect(connection.send(pattern(20_000))).toBe(false);
  expect(connection.ping('late')).toBe(false);
  connection.close(4999, 'late');
  connection.subscribe('news');
}

describe('close()', () => {
  test('sends a Close, waits for the peer’s, sends FIN, and is over with the peer’s FIN', () => {
    const { thread, heard } = listening();
    const peer = thread.connect();
    thread.inTurn(() => peer.connection.close(4000, 'enough'));
    expect(framesOf(peer)).toEqual(['close 4000 "enough"']);
    expect(peer.connection.isOpen).toBe(false);
    expect(peer.wire.isEnded).toBe(false);

    peer.wire.arrive(clientClose(4000, 'fine'));
    expect(peer.wire.isEnded).toBe(true);
    expect(heard).toEqual(['open']);
    expect(thread.closed).toEqual([]);

    peer.wire.fin();
    expect(heard).toEqual(['open', 'close 4000 fine']);
    expect(thread.closed).toEqual([peer.connection]);
    expect(framesOf(peer)).toHaveLength(1);
  });

  test('says 1000 without a reason by default', () => {
    const { thread } = listening();
    const peer = thread.connect();
    thread.inTurn(() => peer.connection.close());
    expect(framesOf(peer)).toEqual(['close 1000']);
  });

  test('writes the Close behind what was sent before, at once', () => {
    const { thread } = listening();
    const peer = thread.connect();
    thread.inTurn(() => {
      peer.connection.send('before');
      peer.connection.close();
      expect(framesOf(peer)).toEqual([shown(TEXT, 'before'), 'close 1000']);
    });
    expect(peer.wire.writes).toBe(1);
  });

  test.each([
    [1004, ''],
    [1005, ''],
    [1006, ''],
    [1015, ''],
    [999, ''],
    [5000, ''],
    [1000.5, ''],
    [1000, 'é'.repeat(62)],
  ])('refuses %d with a reason of "%s", and leaves the connection open', (code, reason) => {
    const { thread } = listening();
    const peer = thread.connect();
    thread.inTurn(() => {
      expect(() => peer.connection.close(code, reason)).toThrow(CloseArgumentError);
      expect(peer.connection.isOpen).toBe(true);
      expect(peer.connection.send('still open')).toBe(true);
    });
    expect(framesOf(peer)).toEqual([shown(TEXT, 'still open')]);
  });

  test('sends no data, no ping, no pong and no publication afterwards', () => {
    const { thread } = listening();
    const peer = thread.connect();
    const other = thread.connect();
    peer.connection.subscribe('news');
    thread.inTurn(() => {
      other.connection.publish('news', 'before');
      peer.connection.close(1001);
      other.connection.publish('news', 'after');
      sendEverything(peer.connection);
    });
    peer.wire.arrive(clientFrame(PING, 'anybody?'));
    thread.inTurn(() => {
      sendEverything(peer.connection);
      other.connection.publish('news', 'later');
    });
    expect(framesOf(peer)).toEqual([shown(TEXT, 'before'), 'close 1001']);
  });

  test('may still publish to others', () => {
    const { thread } = listening({ close: (connection) => connection.publish('news', 'gone') });
    const peer = thread.connect();
    const other = thread.connect();
    other.connection.subscribe('news');
    thread.inTurn(() => {
      peer.connection.close();
      peer.connection.publish('news', 'going');
    });
    peer.wire.lose();
    expect(framesOf(other)).toEqual([shown(TEXT, 'going'), shown(TEXT, 'gone')]);
  });

  test('drops the messages that come until the peer’s Close, of one read and of later ones', () => {
    const { thread, heard } = listening({
      message(connection, message) {
        if (message.text() === 'last') connection.close();
      },
    });
    const peer = thread.connect();
    const large = clientFrame(BINARY, pattern(30_000));
    peer.wire.arrive(
      ...['first', 'last', 'dropped'].map((text) => clientFrame(TEXT, text)),
      clientFrame(PING, 'dropped'),
      large.subarray(0, 20_000),
    );
    expect(peer.wire.isPaused).toBe(false);
    peer.wire.arrive(large.subarray(20_000), clientFrame(TEXT, 'dropped'), clientClose(1000), clientFrame(TEXT, 'x'));
    peer.wire.fin();
    expect(heard).toEqual(['open', 'first', 'last', 'close 1000']);
    expect(framesOf(peer)).toEqual(['close 1000']);
    expect(thread.counters.get(Counter.MESSAGES_IN)).toBe(2);
  });

  test('during open drops what was read before', () => {
    const { thread, heard } = listening({ open: (connection) => connection.close(4100) });
    const peer = thread.connect(clientFrame(TEXT, 'dropped'));
    expect(framesOf(peer)).toEqual(['close 4100']);
    expect(peer.wire.isPaused).toBe(false);
    peer.wire.arrive(clientFrame(TEXT, 'dropped too'), clientClose(4100));
    peer.wire.fin();
    expect(heard).toEqual(['open', 'close 4100']);
  });

  test('during an open that waits is answered, at the latest when open is settled', async () => {
    let settle = () => {};
    const { thread, heard } = listening({
      open: (connection) => {
        connection.close(4100);
        return new Promise((resolve) => (settle = resolve));
      },
    });
    const peer = thread.connect(clientFrame(TEXT, 'dropped'));
    expect(framesOf(peer)).toEqual(['close 4100']);
    peer.wire.arrive(clientClose(4100));
    settle();
    await thread.microtasks();
    expect(peer.wire.isEnded).toBe(true);
    peer.wire.fin();
    expect(heard).toEqual(['open', 'close 4100']);
  });

  test('of a connection that is over does nothing, but still checks what it is given', () => {
    const { thread, heard } = listening();
    const peer = thread.connect();
    peer.wire.lose();
    peer.connection.close();
    expect(() => peer.connection.close(1005)).toThrow(CloseArgumentError);
    expect(heard).toEqual(['open', 'close 1006']);
  });

  test('discards a violation of the protocol that comes later, and ends', () => {
    const { thread, heard } = listening();
    const peer = thread.connect();
    thread.inTurn(() => peer.connection.close());
    peer.wire.arrive(Buffer.from([0xff, 0xff]));
    expect(peer.wire.isEnded).toBe(true);
    expect(framesOf(peer)).toEqual(['close 1000']);
    peer.wire.fin();
    expect(heard).toEqual(['open', 'close 1002 reserved bits without an extension (RFC 6455 section 5.2)']);
  });
});

describe('the peer’s Close', () => {
  test.each([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999])(
    'with %d is answered with the same code, without its reason, and then with FIN',
    (code) => {
      const { thread, heard } = listening();
      const peer = thread.connect();
      peer.wire.arrive(clientClose(code, 'so'));
      expect(framesOf(peer)).toEqual([`close ${code}`]);
      expect(peer.wire.isEnded).toBe(true);
      expect(peer.connection.isOpen).toBe(false);
      peer.wire.fin();
      expect(heard).toEqual(['open', `close ${code} so`]);
    },
  );

  test('without a code is answered without one, and told as 1005', () => {
    const { thread, heard } = listening();
    const peer = thread.connect();
    peer.wire.arrive(clientClose());
    expect(framesOf(peer)).toEqual([shown(CLOSE, '')]);
    peer.wire.fin();
    expect(heard).toEqual(['open', 'close 1005']);
  });

  test.each([
    ['of one byte', Buffer.from([3]), 1002],
    ['with 1005', Buffer.from([1005 >> 8, 1005 & 0xff]), 1002],
    ['with 0', Buffer.from([0, 0]), 1002],
    ['with 5000', Buffer.from([5000 >> 8, 5000 & 0xff]), 1002],
    ['whose reason is not UTF-8', Buffer.from([1000 >> 8, 1000 & 0xff, 0xc0, 0xaf]), 1007],
  ])('%s fails the connection', (_what, payload, code) => {
    const { thread, heard } = listening();
    const peer = thread.connect();
    peer.wire.arrive(clientFrame(CLOSE, payload));
    expect(framesOf(peer)).toHaveLength(1);
    expect(framesOf(peer)[0]).toContain(`close ${code}`);
    expect(peer.wire.isEnded).toBe(true);
    peer.wire.fin();
    expect(heard.at(-1)).toContain(`close ${code}`);
  });

  test('is the last thing that is listened to', () => {
    const { thread, heard } = listening();
    const peer = thread.connect();
    peer.wire.arrive(
      clientFrame(TEXT, 'first'),
      clientClose(1000),
      clientFrame(TEXT, 'ignored'),
      clientClose(1001),
      Buffer.from([0xff]),
    );
    peer.wire.arrive(clientFrame(PING, 'ignored'), Buffer.alloc(100_000, 0xff));
    expect(peer.wire.unreadBytes).toBe(0);
    expect(framesOf(peer)).toEqual(['close 1000']);
    peer.wire.fin();
    expect(heard).toEqual(['open', 'first', 'close 1000']);
    expect(thread.counters.get(Counter.PROTOCOL_ERRORS)).toBe(0);
  });

  test('is answered behind what was sent, and FIN comes behind that', () => {
    const { thread } = listening();
    const peer = thread.connectWith((wire) => (wire.takes = () => 2));
    thread.inTurn(() => void peer.connection.send(pattern(10_000)));
    peer.wire.arrive(clientClose(3000));
    thread.inTurn(() => sendEverything(peer.connection));
    peer.wire.drain();
    expect(framesOf(peer)).toEqual([shown(BINARY, pattern(10_000)), 'close 3000']);
  });

  test('that crosses ours is not answered', () => {
    const { thread, heard } = listening();
    const peer = thread.connect();
    thread.inTurn(() => peer.connection.close(4000));
    peer.wire.arrive(clientClose(4001));
    peer.wire.fin();
    expect(framesOf(peer)).toEqual(['close 4000']);
    expect(heard.at(-1)).toBe('close 4001');
  });

  test('ends subscriptions, after what was published before', () => {
    const { thread } = listening({
      message(connection) {
        connection.publish('news', 'published');
      },
    });
    const peer = thread.connect();
    const other = thread.connect();
    peer.connection.subscribe('news');
    other.wire.arrive(clientFrame(TEXT, 'publish'));
    peer.wire.arrive(clientClose(1000));
    other.wire.arrive(clientFrame(TEXT, 'publish'));
    expect(framesOf(peer)).toEqual([shown(TEXT, 'published'), 'close 1000']);
  });
});

describe('the peer’s FIN', () => {
  test('without a Close is answered with FIN, behind what is still queued, and is told as 1006', () => {
    const { thread, heard } = listening();
    const peer = thread.connectWith((wire) => (wire.takes = () => 1));
    thread.inTurn(() => void peer.connection.send('take this'));
    peer.wire.fin();
    expect(peer.connection.isOpen).toBe(false);
    expect(peer.wire.isEnded).toBe(true);
    expect(heard).toEqual(['open']);
    thread.inTurn(() => sendEverything(peer.connection));
    peer.wire.drain();
    expect(heard).toEqual(['open', 'close 1006']);
    expect(framesOf(peer)).toEqual([shown(TEXT, 'take this')]);
  });

  test('instead of an answer to our Close ends the connection', () => {
    const { thread, heard } = listening();
    const peer = thread.connect();
    thread.inTurn(() => peer.connection.close());
    peer.wire.fin();
    expect(heard).toEqual(['open', 'close 1006']);
  });

  test('in the middle of a message ends the connection, and the message is not told', () => {
    const { thread, heard } = listening();
    const peer = thread.connect();
    peer.wire.arrive(clientFrame(TEXT, 'x'.repeat(50_000)).subarray(0, 40_000));
    expect(thread.arena.slabs.allocatedSlabs).toBe(1);
    peer.wire.fin();
    expect(heard).toEqual(['open', 'close 1006']);
    expect(thread.arena.slabs.allocatedSlabs).toBe(0);
  });
});

test('close() in an open() that goes on reads nothing, not even the answer, until that is settled', async () => {
  let settle = () => {};
  const { thread, heard } = listening({
    open(connection) {
      connection.close(4000, 'not you');
      return new Promise((resolve) => (settle = resolve));
    },
  });
  const peer = thread.connect();
  peer.wire.arrive(clientClose(4000));
  peer.wire.fin();
  expect(framesOf(peer)).toEqual(['close 4000 "not you"']);
  expect(peer.wire.isPaused).toBe(true);
  expect(heard).toEqual(['open']);
  settle();
  await thread.microtasks();
  expect(heard).toEqual(['open', 'close 4000']);
});

describe('closeTimeoutMs', () => {
  test('bounds the wait for the answer to our Close', () => {
    const { thread, heard } = listening({}, { closeTimeoutMs: 1234 });
    const peer = thread.connect();
    thread.inTurn(() => peer.connection.close());
    thread.pass(1234);
    expect(peer.wire.isDestroyed).toBe(false);
    thread.pass(10);
    expect(peer.wire.isDestroyed).toBe(true);
    peer.wire.pump();
    expect(heard).toEqual(['open', 'close 1006']);
  });

  test('bounds the wait for the peer’s FIN', () => {
    const { thread, heard } = listening({}, { closeTimeoutMs: 1234 });
    const peer = thread.connect();
    peer.wire.arrive(clientClose(1001));
    thread.pass(1234);
    expect(peer.wire.isDestroyed).toBe(false);
    thread.pass(10);
    peer.wire.pump();
    expect(heard).toEqual(['open', 'close 1001']);
  });

  test('is one time for all of the closing: the answer to our Close does not begin it anew', () => {
    const { thread } = listening({}, { closeTimeoutMs: 1234 });
    const peer = thread.connect();
    thread.inTurn(() => peer.connection.close());
    thread.pass(1200);
    peer.wire.arrive(clientClose(1000));
    expect(peer.wire.isDestroyed).toBe(false);
    thread.pass(50);
    expect(peer.wire.isDestroyed).toBe(true);
  });

  test('bounds the wait of a peer that has sent FIN and takes nothing', () => {
    const { thread, heard } = listening();
    const peer = thread.connectWith((wire) => (wire.takes = () => 0));
    thread.inTurn(() => void peer.connection.send('never taken'));
    peer.wire.fin();
    thread.pass(5000);
    expect(peer.wire.isDestroyed).toBe(false);
    thread.pass(10);
    peer.wire.pump();
    expect(heard).toEqual(['open', 'close 1006']);
  });
});

describe('a violation of the protocol', () => {
  test.each([
    ['an unmasked frame', Buffer.from([0x81, 0x01, 0x61]), 1002],
    ['a reserved opcode', Buffer.from([0x83, 0x80, 0, 0, 0, 0]), 1002],
    ['a continuation of nothing', clientFrame(0, 'x'), 1002],
    ['text that is not UTF-8', clientFrame(TEXT, Uint8Array.of(0xff)), 1007],
    ['a message over maxPayloadBytes', Buffer.from([0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0]), 1009],
  ])('(%s) is answered with the code, told to the handler, and ends the connection', (_what, bytes, code) => {
    const { thread, heard } = listening();
    const peer = thread.connect();
    peer.connection.subscribe('news');
    peer.wire.arrive(clientFrame(TEXT, 'good'), bytes, clientFrame(TEXT, 'ignored'));
    expect(framesOf(peer)).toHaveLength(1);
    expect(framesOf(peer)[0]).toMatch(new RegExp(`^close ${code} "`));
    expect(peer.wire.isEnded).toBe(true);
    expect(thread.counters.get(Counter.PROTOCOL_ERRORS)).toBe(1);
    thread.inTurn(() => sendEverything(peer.connection));
    peer.wire.arrive(clientFrame(TEXT, 'ignored'), clientClose(1000));
    peer.wire.fin();
    expect(heard).toHaveLength(3);
    expect(heard[1]).toBe('good');
    expect(heard[2]).toContain(`close ${code} `);
    expect(framesOf(peer)).toHaveLength(1);
  });

  test('comes behind the answers to what was right before it', () => {
    const { thread } = listening({ message: (connection, message) => void connection.send(message) });
    const peer = thread.connect();
    peer.wire.arrive(clientFrame(TEXT, 'a'), clientFrame(PING, 'b'), clientFrame(0, 'x'));
    expect(framesOf(peer)).toEqual([
      shown(TEXT, 'a'),
      'pong "b"',
      'close 1002 "continuation of nothing (RFC 6455 section 5.4)"',
    ]);
  });
});

describe('fail()', () => {
  test('cuts a reason that is too long for a Close by its bytes', () => {
    const { thread } = listening();
    const peer = thread.connect();
    thread.inTurn(() => peer.connection.fail(1002, 'ü'.repeat(100)));
    expect(framesOf(peer)).toEqual([`close 1002 "${'ü'.repeat(61)}"`]);
    expect(peer.wire.isEnded).toBe(true);
  });
});

describe('terminate()', () => {
  test('inside message() drops the connection, what was sent that is not taken at once, and the messages that follow', () => {
    const { thread, heard } = listening({
      message(connection) {
        connection.send('as far as the kernel takes it');
        connection.terminate();
        sendEverything(connection);
      },
    });
    const peer = thread.connect();
    peer.wire.takes = () => 12;
    peer.wire.arrive(clientFrame(TEXT, 'last'), clientFrame(TEXT, 'dropped'), clientFrame(PING));
    expect(peer.wire.isDestroyed).toBe(true);
    expect(heard).toEqual(['open', 'last', 'close 1006']);
    expect(peer.wire.output.toString('latin1', 2)).toBe('as far as ');
    expect(thread.counters.get(Counter.MESSAGES_IN)).toBe(1);
  });

  test.each([0, 1])('inside message() of a message in a slab gives the slab back (%d sent on)', (sends) => {
    const { thread, heard } = listening({
      message(connection, message) {
        for (let i = 0; i < sends; i++) connection.send(message);
        connection.terminate();
        expect(message.bytes()).toEqual(new Uint8Array(pattern(30_000)));
      },
    });
    const peer = thread.connectWith((wire) => {
      wire.readBytes = 5000;
      wire.takes = () => 0;
    });
    peer.wire.arrive(clientFrame(BINARY, pattern(30_000)));
    expect(heard).toEqual(['open', '30000 bytes', 'close 1006']);
    expect(thread.failures).toEqual([]);
    expect(thread.arena.slabs.allocatedSlabs).toBe(0);
  });

  test('inside open() tells of the end, and nothing else', () => {
    const { thread, heard } = listening({ open: (connection) => connection.terminate() });
    thread.connect(clientFrame(TEXT, 'dropped'));
    expect(heard).toEqual(['open', 'close 1006']);
  });

  test('inside drain() and close() does no harm', () => {
    const { thread, heard } = listening(
      { drain: (connection) => connection.terminate(), close: (connection) => connection.terminate() },
      { highWaterMarkBytes: 10 },
    );
    const peer = thread.connectWith((wire) => (wire.takes = () => 0));
    thread.inTurn(() => void peer.connection.send('more than ten'));
    peer.wire.drain();
    expect(heard).toEqual(['open', 'drain', 'close 1006']);
  });

  test('ends subscriptions at once', () => {
    const { thread } = listening();
    const peer = thread.connect();
    expect(peer.connection.subscription).toBeUndefined();
    peer.connection.subscribe('news');
    expect(peer.connection.subscription?.topics).toEqual(new Set(['news']));
    thread.inTurn(() => {
      thread.topics.publish('news', undefined, 0x81, Buffer.from('x'), 0, 1);
      peer.connection.terminate();
      thread.topics.publish('news', undefined, 0x81, Buffer.from('y'), 0, 1);
    });
    expect(framesOf(peer)).toEqual([]);
    expect(peer.connection.subscription).toBeUndefined();
  });

  test('from elsewhere keeps the memory that the kernel may still read to until the socket is gone', () => {
    const { thread, heard } = listening();
    const peer = thread.connect();
    const message = clientFrame(BINARY, pattern(300_000));
    peer.wire.arrive(message.subarray(0, 100_000));
    expect(peer.wire.target).toBeDefined();
    expect(thread.arena.slabs.allocatedSlabs).toBe(1);
    thread.turn.begin();
    peer.connection.terminate();
    thread.turn.end();
    expect(thread.arena.slabs.allocatedSlabs).toBe(1);
    peer.wire.pump();
    expect(thread.arena.slabs.allocatedSlabs).toBe(0);
    expect(heard).toEqual(['open', 'close 1006']);
  });
});

describe('a hook that fails', () => {
  const boom = new Error('boom');
  const fails = {
    throws: () => {
      throw boom;
    },
    rejects: () => Promise.reject(boom),
  };

  for (const [how, fail] of Object.entries(fails)) {
    test(`(open ${how}) closes the connection with 1011`, async () => {
      const { thread, heard } = listening({ open: fail });
      const peer = thread.connect(clientFrame(TEXT, 'dropped'));
      await thread.microtasks();
      expect(thread.failures).toEqual([{ hook: 'open', error: boom }]);
      expect(framesOf(peer)).toEqual(['close 1011 "internal error"']);
      expect(peer.wire.isEnded).toBe(true);
      expect(peer.wire.isPaused).toBe(false);
      peer.wire.arrive(clientClose(1011));
      peer.wire.fin();
      expect(heard).toEqual(['open', 'close 1011 internal error']);
    });

    test(`(message ${how}) closes the connection with 1011, behind what was sent`, async () => {
      const { thread, heard } = listening({
        message(connection, message) {
          connection.send('sent');
          return message.text() === 'bad' ? fail() : undefined;
        },
      });
      const peer = thread.connect();
      peer.wire.arrive(clientFrame(TEXT, 'good'), clientFrame(TEXT, 'bad'));
      await thread.microtasks();
      peer.wire.arrive(clientFrame(TEXT, 'ignored'));
      expect(thread.failures).toEqual([{ hook: 'message', error: boom }]);
      expect(framesOf(peer)).toEqual([shown(TEXT, 'sent'), shown(TEXT, 'sent'), 'close 1011 "internal error"']);
      peer.wire.fin();
      expect(heard).toEqual(['open', 'good', 'bad', 'close 1011 internal error']);
    });

    test(`(drain ${how}) closes the connection with 1011`, async () => {
      const { thread, heard } = listening({ drain: fail }, { highWaterMarkBytes: 10 });
      const peer = thread.connectWith((wire) => (wire.takes = () => 0));
      thread.inTurn(() => void peer.connection.send('more than ten'));
      peer.wire.drain();
      await thread.microtasks();
      peer.wire.drain();
      expect(thread.failures).toEqual([{ hook: 'drain', error: boom }]);
      expect(framesOf(peer)).toEqual([shown(TEXT, 'more than ten'), 'close 1011 "internal error"']);
      peer.wire.fin();
      expect(heard).toEqual(['open', 'drain', 'close 1011 internal error']);
    });

    test(`(close ${how}) is reported, and the connection is over`, async () => {
      const { thread, heard } = listening({ close: fail });
      const peer = thread.connect();
      peer.wire.arrive(clientClose(1000));
      peer.wire.fin();
      await thread.microtasks();
      expect(thread.failures).toEqual([{ hook: 'close', error: boom }]);
      expect(heard).toEqual(['open', 'close 1000']);
      expect(thread.closed).toEqual([peer.connection]);
    });
  }

  test.each([
    ['at once', (answer: unknown) => answer],
    ['later', (answer: unknown) => Promise.resolve(answer)],
  ])('has not failed if open() has refused the connection, whatever it returns %s', async (_, given) => {
    const { thread, heard } = listening({
      open(connection) {
        connection.close(1008, 'not you');
        return given(false) as void;
      },
    });
    const peer = thread.connect();
    await thread.microtasks();
    expect(thread.failures).toEqual([]);
    expect(framesOf(peer)).toEqual(['close 1008 "not you"']);
    peer.wire.arrive(clientClose(1008));
    peer.wire.fin();
    expect(heard).toEqual(['open', 'close 1008']);
  });

  test('in message() drops the messages that follow it in the same read', () => {
    const { thread, heard } = listening({ message: fails.throws });
    const peer = thread.connect();
    peer.wire.arrive(clientFrame(TEXT, 'bad'), clientFrame(TEXT, 'dropped'), clientFrame(PING));
    expect(framesOf(peer)).toEqual(['close 1011 "internal error"']);
    expect(heard).toEqual(['open', 'bad']);
  });

  test('after its connection is over is reported, and nothing more', async () => {
    let reject = (_: Error) => {};
    const { thread, heard } = listening({ message: () => new Promise((_, no) => (reject = no)) });
    const peer = thread.connect();
    peer.wire.arrive(clientFrame(TEXT, 'wait'));
    peer.wire.lose();
    reject(boom);
    await thread.microtasks();
    expect(thread.failures).toEqual([{ hook: 'message', error: boom }]);
    expect(heard).toEqual(['open', 'wait', 'close 1006']);
    expect(framesOf(peer)).toEqual([]);
  });

  test('in the middle of a message gives the memory back with what comes next', async () => {
    const { thread } = listening({ message: () => Promise.reject(boom) });
    const peer = thread.connect();
    const large = clientFrame(BINARY, pattern(500_000));
    peer.wire.arrive(clientFrame(TEXT, 'fails later'), large.subarray(0, 200_000));
    await thread.microtasks();
    expect(framesOf(peer)).toEqual(['close 1011 "internal error"']);
    peer.wire.arrive(large.subarray(200_000, 300_000));
    expect(thread.arena.slabs.allocatedSlabs).toBe(0);
    expect(peer.wire.target).toBeUndefined();
  });

  test('costs other connections nothing', () => {
    const { thread } = listening({
      message(connection, message) {
        if (connection.id === 1) throw boom;
        connection.send(message);
      },
    });
    const bad = thread.connect();
    const good = thread.connect();
    bad.wire.arrive(clientFrame(TEXT, 'x'));
    good.wire.arrive(clientFrame(TEXT, 'y'));
    expect(framesOf(good)).toEqual([shown(TEXT, 'y')]);
    expect(good.connection.isOpen).toBe(true);
  });
});

test.each<keyof Handler>(['open', 'message', 'drain', 'close'])('a promise of %s() is waited for', async (hook) => {
  let settle = () => {};
  const { thread } = listening(
    { [hook]: () => new Promise<void>((resolve) => (settle = resolve)) },
    { highWaterMarkBytes: 10 },
  );
  const peer = thread.connect();
  peer.wire.takes = () => 0;
  peer.wire.arrive(clientFrame(TEXT, 'x'));
  thread.inTurn(() => void peer.connection.send('more than ten'));
  peer.wire.drain();
  peer.wire.lose();
  expect(thread.tracked).toHaveLength(1);
  const outcome = Promise.race([thread.tracked[0], Promise.resolve('it is pending')]);
  expect(await outcome).toBe('it is pending');
  settle();
  expect(await thread.tracked[0]).toBeUndefined();
});

describe('a connection that is lost', () => {
  test('is told as 1006, once, as the last thing', () => {
    const { thread, heard } = listening();
    const peer = thread.connect();
    peer.wire.lose();
    peer.connection.terminate();
    peer.connection.onClose();
    thread.inTurn(() => sendEverything(peer.connection));
    expect(heard).toEqual(['open', 'close 1006']);
    expect(thread.closed).toEqual([peer.connection]);
  });

  test('while open() waits is told before open is settled, and nothing is read afterwards', async () => {
    let settle = () => {};
    const { thread, heard } = listening({ open: () => new Promise((resolve) => (settle = resolve)) });
    const peer = thread.connect(clientFrame(TEXT, 'never told'));
    peer.wire.lose();
    expect(heard).toEqual(['open', 'close 1006']);
    settle();
    await thread.microtasks();
    expect(heard).toEqual(['open', 'close 1006']);
  });

  test('may be subscribed to nothing afterwards', () => {
    const { thread } = listening({ close: (connection) => connection.subscribe('news') });
    const peer = thread.connect();
    peer.connection.subscribe('other');
    peer.wire.lose();
    expect(peer.connection.subscription).toBeUndefined();
  });

  test('without any hook closes all the same', () => {
    const thread = startThread({ handler: {} });
    const peer = thread.connect();
    peer.wire.arrive(clientFrame(TEXT, 'to nobody'), clientClose(1000));
    peer.wire.fin();
    expect(thread.closed).toEqual([peer.connection]);
    expect(thread.counters.get(Counter.MESSAGES_IN)).toBe(1);
  });
});
