import { expect, test } from 'vitest';
import type { Handler } from '../../dist/connection/handler.js';
import { clientFrame, shown, TEXT } from './frames.js';
import { framesOf, NO_OUTLET, startThread, type ThreadOptions } from './thread.js';

/** A thread, and another one that is owed too much of what is published to `busy`. */
function besideSlowThread(handler: Handler, options: ThreadOptions = {}) {
  const outlet = { ...NO_OUTLET, isCongested: true, wants: () => true, owes: (topic: string) => topic === 'busy' };
  return { outlet, thread: startThread({ handler, outlet, ...options }) };
}

/** Publishes each message, and answers it. */
const publishing: Handler = {
  message(connection, message) {
    connection.publish('busy', message);
    connection.send(message);
  },
};

const echoes = (count: number) => Array.from({ length: count }, (_, i) => shown(TEXT, `${i}`));

test.each([1024, 1024 * 1024])(
  'a connection that answers what it publishes is held back all the same (highWaterMarkBytes %i)',
  (highWaterMarkBytes) => {
    const { outlet, thread } = besideSlowThread(publishing, { highWaterMarkBytes });
    const peer = thread.connect();
    peer.wire.arrive(...Array.from({ length: 5 }, (_, i) => clientFrame(TEXT, `${i}`)));
    expect(framesOf(peer)).toEqual(echoes(1));
    thread.pass(10);
    expect(framesOf(peer)).toEqual(echoes(1));
    outlet.isCongested = false;
    thread.pass(1);
    expect(framesOf(peer)).toEqual(echoes(5));
  },
);

test('a connection that has missed publications gets nothing newer in front of its Close', () => {
  const thread = startThread();
  const [peer, other] = [thread.connect(), thread.connect()];
  peer.connection.subscribe('x');
  thread.inTurn(() => {
    other.connection.publish('x', 'newer');
    peer.connection.onMissed();
  });
  expect(framesOf(peer)).toEqual(['close 1013 "missed publications"']);
  expect(thread.incidents).toHaveLength(1);
});

test('a hook that makes another connection’s drain run is held back for what it publishes afterwards', () => {
  const publishers: unknown[] = [];
  const { thread } = besideSlowThread(
    {
      message(connection) {
        slow.wire.drain();
        publishers.push(thread.topics.publisher);
        connection.publish('busy', 'after the drain');
      },
      drain: () => void publishers.push(thread.topics.publisher),
    },
    { highWaterMarkBytes: 1000 },
  );
  const [slow, peer] = [thread.connect(), thread.connect()];
  slow.wire.takes = () => 0;
  expect(slow.connection.send(Buffer.alloc(2000))).toBe(false);
  slow.wire.takes = (offered) => offered;
  peer.wire.arrive(clientFrame(TEXT, '1'), clientFrame(TEXT, '2'));
  expect(publishers).toEqual([slow.connection, peer.connection]);
  expect(thread.throttled.has(peer.connection)).toBe(true);
});

test('a hook that opens another connection is held back for what it publishes afterwards', () => {
  let messages = 0;
  const { thread } = besideSlowThread({
    message(connection) {
      if (messages++ === 0) thread.connectInTurn(new Uint8Array(0));
      connection.publish('busy', 'after that');
    },
  });
  const peer = thread.connect();
  peer.wire.arrive(clientFrame(TEXT, '1'), clientFrame(TEXT, '2'));
  expect(thread.throttled.has(peer.connection)).toBe(true);
  expect(messages).toBe(1);
});
