import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { type Message, MessageVoidError } from '../../dist/connection/message.js';
import { BINARY, clientFrame, letters, pattern, shown, TEXT } from './frames.js';
import { framesOf, type Peer, startThread, type ThreadOptions } from './thread.js';

const POISON = 0xdb;

/** Everything that touches a message. */
const USES: readonly [string, (message: Message, peer: Peer) => unknown][] = [
  ['text()', (message) => message.text()],
  ['bytes()', (message) => message.bytes()],
  ['json()', (message) => message.json()],
  ['borrow()', (message) => message.borrow()],
  ['size', (message) => message.size],
  ['isBinary', (message) => message.isBinary],
  ['send(message)', (message, { connection }) => connection.send(message)],
  ['publish(topic, message)', (message, { connection }) => connection.publish('self', message)],
];

/** A thread that keeps all messages it is given, and what it has borrowed of them. */
function keeping(options: ThreadOptions = {}) {
  const kept: Message[] = [];
  const views: Uint8Array[] = [];
  const thread = startThread({
    ...options,
    handler: {
      message(_connection, message) {
        kept.push(message);
        views.push(message.borrow());
      },
    },
  });
  return { thread, kept, views };
}

describe('a message', () => {
  test('copies its text, its bytes and its JSON out', () => {
    const copies: unknown[] = [];
    const thread = startThread({
      handler: {
        message(_connection, message) {
          copies.push(message.isBinary, message.size, message.text(), message.bytes(), message.json());
        },
      },
    });
    const peer = thread.connect();
    peer.wire.arrive(clientFrame(TEXT, '{"ü":[1]}'), clientFrame(BINARY, '[2]'));
    expect(copies).toEqual([
      false,
      10,
      '{"ü":[1]}',
      new Uint8Array(Buffer.from('{"ü":[1]}')),
      { ü: [1] },
      true,
      3,
      '[2]',
      new Uint8Array(Buffer.from('[2]')),
      [2],
    ]);
  });

  test('is not owned by what it has copied', () => {
    const copies: Uint8Array[] = [];
    const thread = startThread({
      handler: {
        message(_connection, message) {
          const bytes = message.bytes();
          bytes.fill(0);
          copies.push(message.bytes());
        },
      },
    });
    thread.connect().wire.arrive(clientFrame(BINARY, pattern(50)));
    expect(copies).toEqual([new Uint8Array(pattern(50))]);
  });

  test('that is no JSON throws a SyntaxError, which closes with 1011', () => {
    const thread = startThread({ handler: { message: (_connection, message) => void message.json() } });
    const peer = thread.connect();
    peer.wire.arrive(clientFrame(TEXT, '{'));
    expect(thread.failures.map(({ error }) => error)).toEqual([expect.any(SyntaxError)]);
    expect(framesOf(peer)).toEqual(['close 1011 "internal error"']);
  });

  test.each(['hunter2', '{"a":"hunter2" }}', '["hunter2"', '\u001b[31mhunter2'])(
    'that is no JSON is quoted by no error: %j',
    (text) => {
      const thread = startThread({ handler: { message: (_connection, message) => void message.json() } });
      thread.connect().wire.arrive(clientFrame(TEXT, text));
      const [failure] = thread.failures;
      expect(String(failure?.error)).toMatch(/^SyntaxError: the message is not valid JSON( at position \d+)?$/);
      expect(inspect(failure?.error, { depth: null })).not.toContain('hunter2');
    },
  );

  test('of bytes that are no UTF-8 has a text with U+FFFD', () => {
    const texts: string[] = [];
    const thread = startThread({ handler: { message: (_connection, message) => void texts.push(message.text()) } });
    thread.connect().wire.arrive(clientFrame(BINARY, Uint8Array.of(0x61, 0xff, 0x62)));
    expect(texts).toEqual(['a\ufffdb']);
  });

  test('borrowed shows its bytes where they lie, without a copy', () => {
    const { thread, views } = keeping();
    thread.connect().wire.arrive(clientFrame(BINARY, pattern(50)));
    expect(views[0]?.buffer).toBe(thread.arena.memory.buffer);
    expect(views[0]?.length).toBe(50);
  });
});

describe.each([
  ['without poison', false],
  ['with poison', true],
])('a message outside its callback, %s,', (_name, poison) => {
  test.each(USES)('throws a MessageVoidError when touched by %s', (_use, use) => {
    const { thread, kept } = keeping({ poison });
    const peer = thread.connect();
    peer.connection.subscribe('self');
    peer.wire.arrive(clientFrame(TEXT, '{}'));
    thread.inTurn(() => {
      expect(() => use(kept[0] as Message, peer)).toThrow(MessageVoidError);
      expect(() => use(kept[0] as Message, peer)).toThrow(/\.bytes\(\)/);
    });
    expect(framesOf(peer)).toEqual([]);
  });

  test.each(USES)('throws in an async hook after its first await (%s), which closes with 1011', async (_use, use) => {
    const thread = startThread({
      poison,
      handler: {
        async message(connection, message) {
          expect(message.size).toBe(2);
          await Promise.resolve();
          use(message, { connection: connection as Peer['connection'], wire: peer.wire });
        },
      },
    });
    const peer = thread.connect();
    peer.connection.subscribe('self');
    peer.wire.arrive(clientFrame(TEXT, '{}'));
    await thread.microtasks();
    expect(thread.failures).toEqual([{ hook: 'message', error: expect.any(MessageVoidError) }]);
    expect(framesOf(peer)).toEqual(['close 1011 "internal error"']);
  });

  test('is void too after a hook that has thrown', () => {
    let kept: Message | undefined;
    const thread = startThread({
      poison,
      handler: {
        message(_connection, message) {
          kept = message;
          throw new Error('boom');
        },
      },
    });
    thread.connect().wire.arrive(clientFrame(TEXT, 'x'));
    expect(() => kept?.text()).toThrow(MessageVoidError);
  });
});

describe('poison', () => {
  test('makes each message an object of its own, so that a stale one throws also during a later callback', () => {
    for (const poison of [false, true]) {
      let first: Message | undefined;
      const outcomes: string[] = [];
      const thread = startThread({
        poison,
        handler: {
          message(_connection, message) {
            if (first === undefined) {
              first = message;
              return;
            }
            try {
              outcomes.push(first.text());
            } catch (error) {
              outcomes.push((error as Error).name);
            }
          },
        },
      });
      thread.connect().wire.arrive(clientFrame(TEXT, 'first'), clientFrame(TEXT, 'second'));
      expect(outcomes).toEqual([poison ? 'MessageVoidError' : 'second']);
    }
  });

  test.each([
    ['in the window', 50, 256 * 1024],
    ['in a slab', 30_000, 5000],
    ['on the heap', 900_000, 50_000],
  ])('overwrites the bytes of a message %s when its callback has returned', (_where, size, readBytes) => {
    const seen: Uint8Array[] = [];
    const borrowed: Uint8Array[] = [];
    const thread = startThread({
      poison: true,
      arenaBytes: 1024 * 1024,
      handler: {
        message(_connection, message) {
          for (const view of borrowed) seen.push(view.slice());
          borrowed.push(message.borrow());
        },
      },
    });
    const peer = thread.connectWith((wire) => (wire.readBytes = readBytes));
    peer.wire.arrive(clientFrame(BINARY, pattern(size)), clientFrame(TEXT, 'next'));
    expect(seen).toHaveLength(1);
    expect(seen[0]?.length).toBe(size);
    expect(seen[0]?.every((byte) => byte === POISON)).toBe(true);
  });

  test('overwrites nothing that is still to be sent', () => {
    const thread = startThread({
      poison: true,
      handler: {
        message(connection, message) {
          connection.send(message);
          connection.publish('news', message);
          connection.send(message);
        },
      },
    });
    for (const takes of [0, 1000, Number.POSITIVE_INFINITY]) {
      for (const readBytes of [5000, 256 * 1024]) {
        const subscriber = thread.connectWith((wire) => (wire.takes = () => takes));
        subscriber.connection.subscribe('news');
        const peer = thread.connectWith((wire) => {
          wire.takes = () => takes;
          wire.readBytes = readBytes;
        });
        const texts = [letters(30), letters(30_000), letters(20)];
        peer.wire.arrive(...texts.map((text) => clientFrame(TEXT, text)));
        for (const one of [peer, subscriber]) one.wire.drain();
        const frames = texts.map((text) => shown(TEXT, text));
        expect(framesOf(peer)).toEqual(frames.flatMap((frame) => [frame, frame]));
        expect(framesOf(subscriber)).toEqual(frames);
        for (const one of [peer, subscriber]) thread.forget(one);
      }
    }
  });

  test('does not overwrite what comes after the message in the same read', () => {
    const { thread, kept } = keeping({ poison: true });
    const texts: string[] = [];
    const other = startThread({
      poison: true,
      handler: { message: (_connection, message) => void texts.push(message.text()) },
    });
    const lines = Array.from({ length: 100 }, (_, i) => 'x'.repeat(i));
    for (const one of [thread, other]) one.connect().wire.arrive(...lines.map((line) => clientFrame(TEXT, line)));
    expect(texts).toEqual(lines);
    expect(new Set(kept).size).toBe(100);
  });
});
