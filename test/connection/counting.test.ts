import { describe, expect, test } from 'vitest';
import type { SendData } from '../../dist/connection/connection.js';
import type { Connection } from '../../dist/index.js';
import { agreementOf, numberOfAgreement } from '../../dist/protocol/deflate/agreement.js';
import { Counter, type Counters, Distribution } from '../../dist/telemetry/counters.js';
import { closeLabelOf } from '../../dist/telemetry/close-codes.js';
import { sizeRange } from '../../dist/telemetry/distributions.js';
import { BINARY, clientClose, clientFrame, letters, pattern, TEXT } from './frames.js';
import { startThread, type TestThread } from './thread.js';

const LENGTHS = [0, 1, 20, 125, 126, 127, 1000, 8191, 8192, 65_535, 65_536, 300_000];

/** What a distribution must have counted of these sizes: how many in each range, and their sum. */
function expectSizes(counters: Counters, distribution: Distribution, sizes: readonly number[]): void {
  const ranges = new Array<number>(distribution.bounds.length + 1).fill(0);
  for (const size of sizes) ranges[sizeRange(size)] = (ranges[sizeRange(size)] ?? 0) + 1;
  expect([...counters.ranges(distribution)]).toEqual(ranges);
  expect(counters.sum(distribution)).toBe(sizes.reduce((sum, size) => sum + size, 0));
}

/** Each byte that a peer of the thread was sent, or that waits for it. */
const leftFor = ({ peers }: TestThread) =>
  peers.reduce((sum, { wire }) => sum + wire.output.length + wire.queuedBytes, 0);

describe('what is sent', () => {
  test('is counted by its size and type, and with the headers of its frames', () => {
    const thread = startThread();
    const { connection } = thread.connect();
    for (const length of LENGTHS) {
      thread.inTurn(() => {
        connection.send(letters(length));
        connection.send(pattern(length));
        connection.send('€'.repeat(length / 3));
      });
    }
    const texts = [...LENGTHS, ...LENGTHS.map((length) => 3 * Math.floor(length / 3))];
    expectSizes(thread.counters, Distribution.SENT_TEXT_BYTES, texts);
    expectSizes(thread.counters, Distribution.SENT_BINARY_BYTES, LENGTHS);
    expect(thread.counters.get(Counter.BYTES_OUT)).toBe(leftFor(thread));
  });

  test.each([0, 7, 100_000])('counts once, also if the system takes %i bytes of each write', (takes) => {
    const thread = startThread();
    const { connection, wire } = thread.connectWith((made) => (made.takes = () => takes));
    for (const length of LENGTHS) {
      thread.inTurn(() => {
        connection.send(letters(length));
        connection.ping('x');
        connection.send(pattern(length));
      });
    }
    expect(thread.counters.get(Counter.BYTES_OUT)).toBe(leftFor(thread));
    wire.drain();
    expect(thread.counters.get(Counter.BYTES_OUT)).toBe(wire.output.length);
  });

  test('is counted as it was before compression, and its bytes as they leave', async () => {
    const own = { windowBits: 12, contextTakeover: true };
    const deflate = agreementOf(numberOfAgreement({ own, peer: own }));
    const compression = { kernel: 'wasm', level: 'fast', thresholdBytes: 64 } as const;
    const thread = startThread({ compression, deflate });
    const { connection } = thread.connect();
    thread.inTurn(() => {
      for (const length of LENGTHS) {
        connection.send(letters(length));
        connection.send(pattern(length));
        connection.send(letters(length), { compress: false });
      }
    });
    await thread.iterations();
    expectSizes(thread.counters, Distribution.SENT_TEXT_BYTES, [...LENGTHS, ...LENGTHS]);
    expectSizes(thread.counters, Distribution.SENT_BINARY_BYTES, LENGTHS);
    expect(thread.counters.get(Counter.BYTES_OUT)).toBe(leftFor(thread));
  });

  test('is not counted if nothing was sent', () => {
    const thread = startThread();
    const { connection } = thread.connect();
    expect(() => connection.send(5 as unknown as SendData)).toThrow(TypeError);
    thread.inTurn(() => connection.close(1000));
    expect(connection.send('late')).toBe(false);
    expectSizes(thread.counters, Distribution.SENT_TEXT_BYTES, []);
  });
});

describe('what is received', () => {
  const echo = { message: (connection: Connection, message: SendData) => void connection.send(message) };

  test.each([false, true])('and echoed is counted by its size and type, with poison: %s', (poison) => {
    const thread = startThread({ handler: echo, poison });
    const { wire } = thread.connect();
    const lengths = LENGTHS.filter((length) => length < 10_000);
    const frames = lengths.flatMap((length) => [
      clientFrame(TEXT, letters(length)),
      clientFrame(BINARY, pattern(length)),
      clientFrame(TEXT, letters(length)),
    ]);
    wire.arrive(...frames);
    wire.arrive(clientFrame(BINARY, pattern(300_000)));
    for (const [text, binary] of [
      [Distribution.RECEIVED_TEXT_BYTES, Distribution.RECEIVED_BINARY_BYTES],
      [Distribution.SENT_TEXT_BYTES, Distribution.SENT_BINARY_BYTES],
    ] as const) {
      expectSizes(thread.counters, text, [...lengths, ...lengths]);
      expectSizes(thread.counters, binary, [...lengths, 300_000]);
    }
    expect(thread.counters.get(Counter.BYTES_OUT)).toBe(leftFor(thread));
    expect(thread.counters.get(Counter.MESSAGES_IN)).toBe(3 * lengths.length + 1);
  });

  test('says how many messages were found by a scan, each once, also if the connection was held meanwhile', () => {
    let isFull = true;
    const thread = startThread({
      highWaterMarkBytes: 1,
      handler: { message: (connection) => void (isFull && connection.send('more than the mark')) },
    });
    const { wire } = thread.connectWith((made) => (made.takes = () => 0));
    wire.arrive(...Array.from({ length: 10 }, () => clientFrame(TEXT, 'small')));
    expect(thread.counters.get(Counter.MESSAGES_IN)).toBe(1);
    isFull = false;
    wire.drain();
    expect(thread.counters.get(Counter.MESSAGES_IN)).toBe(10);
    expect(thread.counters.get(Counter.SCANNED_MESSAGES)).toBe(10);
    wire.arrive(clientFrame(TEXT, 'in two ', { fin: false }), clientFrame(0, 'frames'));
    expect(thread.counters.get(Counter.MESSAGES_IN)).toBe(11);
    expect(thread.counters.get(Counter.SCANNED_MESSAGES)).toBe(10);
  });

  test('is timed in one batch of 64', () => {
    const thread = startThread({ handler: echo });
    const { wire } = thread.connect();
    const timed = () => thread.counters.ranges(Distribution.HOOK_SECONDS).reduce((sum, count) => sum + count, 0);
    for (let i = 0; i < 63; i++) wire.arrive(clientFrame(TEXT, 'a'), clientFrame(TEXT, 'b'));
    expect(timed()).toBe(0);
    wire.arrive(clientFrame(TEXT, 'a'), clientFrame(TEXT, 'b'));
    expect(timed()).toBe(1);
    for (let i = 0; i < 64; i++) wire.arrive(clientFrame(TEXT, 'a'));
    expect(timed()).toBe(2);
  });

  test('is timed, too, if the hook throws', () => {
    const thread = startThread({
      handler: {
        message() {
          throw new Error('the hook');
        },
      },
    });
    for (let i = 0; i < 64; i++) thread.connect().wire.arrive(clientFrame(TEXT, 'a'));
    expect(thread.failures).toHaveLength(64);
    expect(thread.counters.ranges(Distribution.HOOK_SECONDS).reduce((sum, count) => sum + count, 0)).toBe(1);
  });
});

describe('what is published', () => {
  test.each([0, 5, 10_000])('is counted for each subscriber, if the system takes %i bytes', (takes) => {
    const thread = startThread();
    const peers = [thread.connect(), thread.connect(), thread.connectWith((wire) => (wire.takes = () => takes))];
    for (const { connection } of peers) connection.subscribe('room');
    for (const length of [5, 1000, 20_000]) {
      thread.inTurn(() => thread.topics.publish('room', undefined, 0x81, Buffer.from(letters(length)), 0, length));
    }
    const { counters } = thread;
    expect(counters.get(Counter.DELIVERIES)).toBe(9);
    expect(counters.get(Counter.MESSAGES_OUT)).toBe(9);
    expect(counters.get(Counter.BYTES_OUT)).toBe(leftFor(thread));
    expectSizes(counters, Distribution.SENT_TEXT_BYTES, []);
  });
});

describe('a connection that is over', () => {
  test.each([
    ['the code of the client', 4001, (thread: TestThread) => thread.connect().wire.arrive(clientClose(4001))],
    ['1005 for none', 1005, (thread: TestThread) => thread.connect().wire.arrive(clientClose())],
    ['1006 without a Close', 1006, (thread: TestThread) => thread.connect().wire.lose()],
    [
      'the code of what it has violated',
      1002,
      (thread: TestThread) => thread.connect().wire.arrive(Buffer.of(0x81, 1)),
    ],
  ])('is counted once, with %s', (_, code, end) => {
    const thread = startThread();
    end(thread);
    for (const { wire } of thread.peers) {
      wire.fin();
      wire.lose();
    }
    const { closed } = thread.counters;
    expect(closed[closeLabelOf(code)]).toBe(1);
    expect(closed.reduce((sum, count) => sum + count, 0)).toBe(1);
  });
});
