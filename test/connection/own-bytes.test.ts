/** What is sent is what the message said, whatever else happens in the thread: its bytes may wait in the window. */
import { describe, expect, test } from 'vitest';
import { BINARY, clientFrame, TEXT } from './frames.js';
import { framesOf, type Peer, startThread, TestThread } from './thread.js';

describe('a message that is sent to a connection of another host of the thread', () => {
  test.each([18, 9000])('carries its own %i bytes', (size) => {
    const payload = Buffer.alloc(size, 'x');
    const other = startThread({ handler: {} });
    const target = other.connect();
    const thread = startThread({ handler: { message: (_, message) => void target.connection.send(message) } });
    const sender = thread.connect();
    other.arena.window.fill(0x73);
    other.turn.begin();
    sender.wire.arrive(clientFrame(BINARY, payload));
    other.turn.end();
    other.settle();
    expect(target.wire.output.subarray(-size).equals(payload)).toBe(true);
  });
});

test('an output that fails keeps no other one from being sent, before the window changes', () => {
  let failing: Peer | undefined;
  const thread = new TestThread({
    handler: {
      message(connection, message) {
        if (connection.id === 3) return;
        failing?.connection.send('x');
        connection.send(message);
      },
    },
  });
  failing = thread.connect();
  const { wire } = failing;
  const [sender, next] = [thread.connect(), thread.connect()];
  wire.takes = () => {
    wire.takes = (offered) => offered;
    throw new Error('of a stream of the user');
  };
  expect(() => sender.wire.arrive(clientFrame(TEXT, 'from b'))).toThrow('of a stream of the user');
  sender.wire.isPaused = false;
  next.wire.arrive(clientFrame(TEXT, 'SECRET'));
  thread.inTurn(() => {});
  expect(framesOf(sender)).toEqual(['text "from b"']);
});

test('what a scan has found is forgotten when an exception leaves the loop', () => {
  const got: string[] = [];
  const thread = new TestThread({
    handler: {
      message(connection, message) {
        got.push(`${connection.id} ${message.text()}`);
        if (got.length === 1) throw new Error('of the handler');
      },
    },
  });
  const [first, second] = [thread.connect(), thread.connect()];
  Object.defineProperty(thread.failures, 'push', {
    value: () => {
      throw new Error('of the log');
    },
  });
  const texts = (...all: string[]) => all.map((text) => clientFrame(TEXT, text));
  expect(() => first.wire.arrive(...texts('a1', 'a2', 'a3'))).toThrow('of the log');
  second.wire.arrive(...texts('b1', 'b2', 'SECRET'));
  first.wire.isPaused = false;
  first.wire.arrive(...texts('a4'));
  expect(got.filter((line) => line.startsWith('1 '))).toEqual(['1 a1', '1 a4']);
});
