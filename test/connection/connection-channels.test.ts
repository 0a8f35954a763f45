import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { expect, onTestFinished, test } from 'vitest';
import type { ConnectionClosed, ConnectionOpened, MessagesReceived } from '../../dist/index.js';
import { uncaughtOf } from '../telemetry/uncaught.js';
import { BINARY, clientClose, clientFrame, PING, pattern, TEXT } from './frames.js';
import { startThread } from './thread.js';

interface Events {
  readonly open: ConnectionOpened;
  readonly messages: MessagesReceived;
  readonly close: ConnectionClosed;
}

/** Subscribes to a channel until the test is over. */
function listen<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): void {
  const listening = (event: unknown) => listener(event as Events[Name]);
  subscribe(`wsloom:${name}`, listening);
  onTestFinished(() => void unsubscribe(`wsloom:${name}`, listening));
}

/** A thread whose hooks note that they are called, and subscribers that do. */
function listening() {
  const heard: string[] = [];
  listen('open', ({ connection }) => heard.push(`${connection.id} is open`));
  listen('messages', ({ connection, messages, bytes }) => {
    heard.push(`${connection.id} has sent ${messages} in ${bytes} bytes`);
  });
  listen('close', ({ connection, code, reason }) => heard.push(`${connection.id} is over: ${code} ${reason}`));
  const thread = startThread({
    handler: {
      open: () => void heard.push('open()'),
      message: () => void heard.push('message()'),
      close: () => void heard.push('close()'),
    },
  });
  return { heard, thread };
}

test('a subscriber is told in front of the hooks open and close, and behind the hook message', () => {
  const { heard, thread } = listening();
  const { wire } = thread.connect();
  const hello = clientFrame(TEXT, 'hello');
  wire.arrive(hello);
  wire.arrive(clientClose(4000, 'enough'));
  wire.lose();
  expect(heard).toEqual([
    '1 is open',
    'open()',
    'message()',
    `1 has sent 1 in ${hello.length} bytes`,
    '1 is over: 4000 enough',
    'close()',
  ]);
});

test('the messages of one read are one event', () => {
  const { heard, thread } = listening();
  const { wire } = thread.connect();
  const three = Buffer.concat([1, 2, 3].map((n) => clientFrame(TEXT, `message ${n}`)));
  wire.arrive(three);
  expect(heard.slice(2)).toEqual(['message()', 'message()', 'message()', `1 has sent 3 in ${three.length} bytes`]);
});

test('the messages of each read are an event, with the bytes of that read only', () => {
  const { heard, thread } = listening();
  const { wire } = thread.connect();
  const frames = ['one', 'two and three', 'four'].map((text) => clientFrame(TEXT, text));
  for (const frame of frames) wire.arrive(frame);
  expect(heard.slice(2)).toEqual(frames.flatMap(({ length }) => ['message()', `1 has sent 1 in ${length} bytes`]));
});

test('the bytes of a message that comes in many reads are told with it', () => {
  const { heard, thread } = listening();
  const { wire } = thread.connect();
  const frame = clientFrame(BINARY, pattern(1000));
  for (let at = 0; at < frame.length; at += 100) wire.arrive(frame.subarray(at, at + 100));
  expect(heard.slice(2)).toEqual(['message()', `1 has sent 1 in ${frame.length} bytes`]);
});

test('a ping is no message, and its bytes are told with the next message', () => {
  const { heard, thread } = listening();
  const { wire } = thread.connect();
  const ping = clientFrame(PING, 'still there?');
  const hello = clientFrame(TEXT, 'hello');
  wire.arrive(ping);
  expect(heard).toEqual(['1 is open', 'open()']);
  wire.arrive(hello);
  expect(heard.slice(2)).toEqual(['message()', `1 has sent 1 in ${ping.length + hello.length} bytes`]);
});

test('what came together with the request counts', () => {
  const { heard, thread } = listening();
  const hello = clientFrame(TEXT, 'hello');
  thread.connect(hello);
  expect(heard.slice(2)).toEqual(['message()', `1 has sent 1 in ${hello.length} bytes`]);
});

test('a connection that is lost is over with 1006', () => {
  const { heard, thread } = listening();
  thread.connect().wire.lose();
  expect(heard.slice(2)).toEqual(['1 is over: 1006 ', 'close()']);
});

test('all events of a connection have the object that the hooks have', () => {
  const seen = new Set<unknown>();
  listen('open', ({ connection }) => seen.add(connection));
  listen('messages', ({ connection }) => seen.add(connection));
  listen('close', ({ connection }) => seen.add(connection));
  const thread = startThread({ handler: { message: (connection) => void seen.add(connection) } });
  const { connection, wire } = thread.connect();
  wire.arrive(clientFrame(TEXT, 'hello'));
  wire.lose();
  expect([...seen]).toEqual([connection]);
});

test('a subscriber that throws cuts nothing short, and Node throws it again in a later tick', async () => {
  const error = new Error('broken');
  const heard: string[] = [];
  for (const name of ['open', 'messages', 'close'] as const) {
    listen(name, () => {
      throw error;
    });
    listen(name, () => heard.push(`next of ${name}`));
  }
  const thread = startThread({
    handler: {
      message: (_, message) => void heard.push(message.text()),
      close: (_, code) => void heard.push(`${code}`),
    },
  });
  const thrown = await uncaughtOf(() => {
    const { connection, wire } = thread.connect();
    wire.arrive(clientFrame(TEXT, 'hello'));
    expect(connection.isOpen).toBe(true);
    wire.lose();
  });
  expect(heard).toEqual(['next of open', 'hello', 'next of messages', 'next of close', '1006']);
  expect(thrown).toEqual([error, error, error]);
});

test('who subscribes later is told of what comes later', () => {
  const thread = startThread();
  const { wire } = thread.connect();
  wire.arrive(clientFrame(TEXT, 'not told'));
  const told: [number, number][] = [];
  listen('messages', ({ messages, bytes }) => told.push([messages, bytes]));
  const hello = clientFrame(TEXT, 'hello');
  wire.arrive(hello);
  expect(told).toEqual([[1, hello.length]]);
});
