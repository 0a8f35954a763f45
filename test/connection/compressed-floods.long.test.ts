/** What a hostile peer can do with compressed messages: it costs bounded memory, and others go on. */
import { expect, test } from 'vitest';
import { Counter } from '../../dist/telemetry/counters.js';
import { deflated } from '../kernels/deflated.js';
import { BINARY, clientFrame, letters, pattern, shown, TEXT } from './frames.js';
import { framesOf, startThread, type TestThread } from './thread.js';

const MIB = 1024 * 1024;
const RSV1 = 0x40;
const TAKEOVER = { windowBits: 15, contextTakeover: true };

async function iteration(thread: TestThread): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  thread.settle();
}

/** Each look at the clock of the thread's slices finds it a millisecond later. */
function letTimePass(thread: TestThread): void {
  let ms = 0;
  Object.defineProperty(thread, 'handledMs', { get: () => ++ms });
}

test('ten thousand compressed fragments of a byte, slowly, take memory for their bytes only', () => {
  const heard: string[] = [];
  const thread = startThread({
    inflates: TAKEOVER,
    handler: { message: (_connection, message) => void heard.push(shown(BINARY, message.borrow())) },
  });
  const peer = thread.connect();
  const message = pattern(10_000);
  const stream = deflated(message, { level: 0 });
  for (let at = 0; at < stream.length; at++) {
    const opcode = at === 0 ? BINARY | RSV1 : 0;
    peer.wire.arrive(clientFrame(opcode, stream.subarray(at, at + 1), { fin: at === stream.length - 1 }));
    expect(peer.connection.heldBytes).toBeLessThanOrEqual(Math.max(64, 2 * at + 2));
  }
  expect(heard).toEqual([shown(BINARY, message)]);
});

test('bombs of 1:1000 below the limit, again and again, are inflated while others are answered', async () => {
  let bombs = 0;
  const thread = startThread({
    inflates: TAKEOVER,
    arenaBytes: 256 * MIB,
    maxPayloadBytes: 8 * MIB,
    poison: true,
    handler: {
      message(connection, message) {
        if (message.size === 8 * MIB) bombs++;
        else connection.send(message);
      },
    },
  });
  letTimePass(thread);
  const bomb = clientFrame(BINARY | RSV1, deflated(Buffer.alloc(8 * MIB), { level: 9 }));
  expect(bomb.length * 1000).toBeLessThan(8 * MIB);
  const peers = Array.from({ length: 5 }, () => thread.connect());
  for (const { wire } of peers) wire.arrive(bomb, bomb, bomb);
  const other = thread.connect();
  let asked = 0;
  for (; bombs < 15; asked++) {
    const text = `question ${asked}`;
    other.wire.arrive(clientFrame(TEXT | RSV1, deflated(Buffer.from(text))));
    await iteration(thread);
    expect(framesOf(other).at(-1)).toBe(shown(TEXT, text));
    expect(thread.budget.bytes).toBeLessThan(5 * 17 * MIB);
  }
  expect(asked).toBeGreaterThan(100);
  expect(thread.budget.bytes).toBe(0);
});

test('bombs above the limit cost no more than the limit', async () => {
  const thread = startThread({ inflates: TAKEOVER, arenaBytes: 64 * MIB, maxPayloadBytes: MIB, poison: true });
  const bomb = clientFrame(BINARY | RSV1, deflated(Buffer.alloc(64 * MIB), { level: 9 }));
  for (let i = 0; i < 200; i++) {
    const peer = thread.connect();
    peer.wire.arrive(bomb);
    expect(framesOf(peer)[0]).toMatch(/^close 1009 /);
    thread.forget(peer);
  }
  expect(thread.counters.get(Counter.INFLATED_BYTES)).toBeLessThanOrEqual(200 * MIB);
  expect(thread.counters.get(Counter.PROTOCOL_ERRORS)).toBe(200);
  expect(thread.allocatedSlabs).toBe(0);
});

test('six hundred connections that are lost within compressed messages leave nothing', async () => {
  const thread = startThread({ inflates: TAKEOVER, arenaBytes: 512 * MIB });
  letTimePass(thread);
  const long = clientFrame(BINARY | RSV1, deflated(Buffer.alloc(400_000)));
  const half = clientFrame(TEXT | RSV1, deflated(pattern(20_000)));
  const peers = Array.from({ length: 600 }, () => thread.connect());
  for (const [i, { wire }] of peers.entries()) {
    wire.arrive(clientFrame(TEXT | RSV1, deflated(Buffer.from(letters(100, i)))));
    wire.arrive(i % 2 === 0 ? long : half.subarray(0, 10_000));
  }
  await iteration(thread);
  expect(thread.allocatedSlabs).toBeGreaterThan(500);
  for (const peer of peers) thread.forget(peer);
  for (let i = 0; i < 5; i++) await iteration(thread);
  expect(thread.allocatedSlabs).toBe(0);
  expect(thread.budget.bytes).toBe(0);
});

test('a hundred thousand cycles of connect, compress and kill leave nothing', () => {
  const thread = startThread({ inflates: TAKEOVER, handler: { message: () => {} } });
  const frame = clientFrame(TEXT | RSV1, deflated(Buffer.from(letters(2000))));
  for (let i = 0; i < 2000; i++) cycle();
  const { slabBytes } = thread.windows;
  for (let i = 0; i < 100_000; i++) cycle();
  expect(thread.counters.get(Counter.INFLATED_MESSAGES)).toBe(102_000);
  expect(thread.windows.takenBytes).toBe(0);
  expect(thread.windows.slabBytes).toBe(slabBytes);
  expect(thread.allocatedSlabs).toBe(0);

  function cycle(): void {
    const peer = thread.connect();
    peer.wire.arrive(frame);
    thread.forget(peer);
  }
});
