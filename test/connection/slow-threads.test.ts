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
