/** Compressed messages that find no room in the arena while others are being inflated. */
import { constants, deflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Handler } from '../../dist/connection/handler.js';
import type { DeflateDirection } from '../../dist/protocol/deflate/agreement.js';
import { Counter } from '../../dist/telemetry/counters.js';
import { LimitIncident } from '../../dist/telemetry/limit-incident.js';
import { deflated } from '../kernels/deflated.js';
import { BINARY, clientClose, clientFrame, letters, PING, pattern, shown, TEXT } from './frames.js';
import { framesOf, type Peer, startThread, type TestThread, type ThreadOptions } from './thread.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const RSV1 = 0x40;
const CONTINUATION = 0;
const WITHOUT_TAKEOVER: DeflateDirection = { windowBits: 15, contextTakeover: false };
const WITH_TAKEOVER: DeflateDirection = { windowBits: 15, contextTakeover: true };

/** The largest slab that the arena of these tests has. */
const LARGEST_SLAB_BYTES = 2 * MIB;

/** What each client sends, if nothing else is said: it just fills that slab. */
const ZEROS = Buffer.alloc(LARGEST_SLAB_BYTES);
const BOMB = deflated(ZEROS, { level: 9 });
const SHOWN_ZEROS = shown(BINARY, ZEROS);

/**
 * A thread whose arena has room for one such message at a time, and in which each look at the clock finds that a connection has had its
 * slice: all of them go on in turn.
 */
function crowded(options: ThreadOptions = {}) {
  const heard: string[] = [];
  const { handler } = options;
  const noting: Handler = {
    ...handler,
    message(connection, message) {
      heard.push(`${connection.id}: ${shown(message.isBinary ? BINARY : TEXT, message.borrow())}`);
      return handler?.message?.(connection, message);
    },
    close: (connection, code) => void heard.push(`${connection.id}: closed ${code}`),
  };
  const maxPayloadBytes = LARGEST_SLAB_BYTES;
  const thread = startThread({
    inflates: WITHOUT_TAKEOVER,
    arenaBytes: 4 * MIB,
    maxPayloadBytes,
    ...options,
    handler: noting,
  });
  let ms = 0;
  Object.defineProperty(thread, 'handledMs', { get: () => ++ms });
  return { thread, heard, peers: (count: number) => Array.from({ length: count }, () => thread.connect()) };
}

function compressed(opcode: number, message: Uint8Array, fin = true): Buffer {
  return clientFrame(opcode | RSV1, message, { fin });
}

/** The event loop goes round until `isOver`, for a number of times that is bounded. */
async function untilIt(thread: TestThread, isOver: () => boolean): Promise<void> {
  for (let i = 0; i < 20_000 && !isOver(); i++) {
    await new Promise((resolve) => setImmediate(resolve));
    thread.settle();
  }
  expect(isOver()).toBe(true);
}

/** Whether the message of a client waits: nothing is held for it but what has arrived. */
function isWaiting({ connection }: Peer): boolean {
  return connection.heldBytes >= BOMB.length && connection.heldBytes < 2 * BOMB.length;
}

function heldSlabs(thread: TestThread): number {
  return thread.allocatedSlabs;
}

describe('messages that have no room beside each other', () => {
  test.each([
    ['without takeover', WITHOUT_TAKEOVER, 'wasm'],
    ['with takeover', WITH_TAKEOVER, 'wasm'],
    ['by zlib', WITHOUT_TAKEOVER, 'native'],
  ] as const)('are all inflated, one after the other, %s', async (_how, inflates, deflateKernel) => {
    const { thread, heard, peers } = crowded({ inflates, deflateKernel });
    const all = peers(8);
    for (const { wire } of all) wire.arrive(compressed(BINARY, BOMB), clientFrame(TEXT, 'behind'));
    let inflatedBytes = 0;
    await untilIt(thread, () => {
      const before = inflatedBytes;
      inflatedBytes = thread.counters.get(Counter.INFLATED_BYTES);
      if (inflatedBytes < before) throw new Error('a counter that goes back');
      return heard.length === 16;
    });
    expect([...heard].sort()).toEqual(
      all.flatMap((_, i) => [`${i + 1}: ${SHOWN_ZEROS}`, `${i + 1}: ${shown(TEXT, 'behind')}`]).sort(),
    );
    for (const peer of all) expect(framesOf(peer)).toEqual([]);
    expect(thread.incidents).toEqual([]);
    expect(heldSlabs(thread)).toBe(0);
    expect(thread.budget.bytes).toBe(0);
    // What was inflated anew does not count again.
    expect(thread.counters.get(Counter.INFLATED_BYTES)).toBe(8 * LARGEST_SLAB_BYTES);
    expect(thread.counters.get(Counter.INFLATED_MESSAGES)).toBe(8);
  });

  test('may come in fragments, of a client that is read no further while its message waits', async () => {
    const { thread, heard, peers } = crowded();
    const all = peers(6);
    const middle = BOMB.length >> 1;
    for (const { wire } of all) wire.arrive(compressed(BINARY, BOMB.subarray(0, middle), false));
    for (const { wire } of all)
      wire.arrive(clientFrame(PING, 'between'), clientFrame(CONTINUATION, BOMB.subarray(middle)));
    for (const { wire } of all) wire.arrive(clientFrame(PING, 'behind'));
    const waiting = all[5] as Peer;
    expect(framesOf(waiting)).toEqual(['pong "between"']);
    expect(waiting.wire.isPaused).toBe(true);
    await untilIt(thread, () => heard.length === 6);
    await untilIt(thread, () => all.every((peer) => framesOf(peer).length === 2));
    expect(waiting.wire.isPaused).toBe(false);
  });

  test('are inflated whatever their compressed length, also those that have arrived on the heap', async () => {
    const { thread, heard, peers } = crowded({ poison: false, maxPayloadBytes: MIB });
    // Noise gets no shorter: these take as much room compressed.
    const noise = pattern(900 * KIB);
    const frame = compressed(BINARY, deflated(noise));
    const all = peers(5);
    for (const { wire } of all) wire.arrive(frame.subarray(0, 600 * KIB));
    for (const { wire } of all) wire.arrive(frame.subarray(600 * KIB));
    await untilIt(thread, () => heard.length === 5);
    expect([...heard].sort()).toEqual(all.map((_, i) => `${i + 1}: ${shown(BINARY, noise)}`));
    expect(heldSlabs(thread)).toBe(0);
  });

  test('keep their place: who comes later is inflated later', async () => {
    const { thread, heard, peers } = crowded();
    const [first, second, third, fourth] = peers(4) as [Peer, Peer, Peer, Peer];
    first.wire.arrive(compressed(BINARY, BOMB));
    await untilIt(thread, () => thread.arena.slabs.allocatedBytes > LARGEST_SLAB_BYTES);
    for (const peer of [second, third, fourth]) {
      peer.wire.arrive(compressed(BINARY, BOMB));
      await untilIt(thread, () => isWaiting(peer) || heard.length > 0);
    }
    expect(heard).toEqual([]);
    await untilIt(thread, () => heard.length === 4);
    expect(heard).toEqual([1, 2, 3, 4].map((id) => `${id}: ${SHOWN_ZEROS}`));
  });

  test('do not keep short ones waiting', async () => {
    const { thread, heard, peers } = crowded();
    const all = peers(5);
    for (const { wire } of all) wire.arrive(compressed(BINARY, BOMB));
    await untilIt(thread, () => all.some(isWaiting));
    const other = thread.connect();
    other.wire.arrive(compressed(BINARY, deflated(pattern(90_000))));
    await untilIt(thread, () => heard.length === 1);
    expect(heard).toEqual([`6: ${shown(BINARY, pattern(90_000))}`]);
    await untilIt(thread, () => heard.length === 6);
  });

  test('are still text, and refer to what was sent before', async () => {
    const { thread, heard, peers } = crowded({ inflates: WITH_TAKEOVER });
    const all = peers(5);
    const history = letters(30_000);
    const text = `${history}${'€'.repeat(500_000)}`;
    for (const { wire } of all) {
      wire.arrive(compressed(TEXT, deflated(Buffer.from(history))));
    }
    await untilIt(thread, () => heard.length === 5);
    const stream = deflateRawSync(Buffer.from(text), {
      dictionary: Buffer.from(history),
      finishFlush: constants.Z_SYNC_FLUSH,
    });
    expect(stream.length).toBeLessThan(10_000);
    for (const { wire } of all) wire.arrive(compressed(TEXT, stream.subarray(0, -4)));
    await untilIt(thread, () => heard.length === 10);
    expect(heard.slice(5).sort()).toEqual(all.map((_, i) => `${i + 1}: ${shown(TEXT, text)}`));
    for (const peer of all) expect(framesOf(peer)).toEqual([]);
  });

  test('hold nothing of the arena while they wait, and what they hold elsewhere is counted', async () => {
    const { thread, heard, peers } = crowded();
    const all = peers(3);
    for (const { wire } of all) wire.arrive(compressed(BINARY, BOMB));
    await untilIt(thread, () => all.filter(isWaiting).length === 2);
    const waiting = all.filter(isWaiting);
    for (const { connection } of waiting) {
      expect(connection.heldBytes).toBe(BOMB.length);
      expect(connection.isQuiet).toBe(false);
      expect(connection.heldSinceMs).toBe(Number.NEGATIVE_INFINITY);
    }
    // The third has an input, and an output.
    expect(heldSlabs(thread)).toBe(2);
    await untilIt(thread, () => heard.length === 3);
  });

  test('leave their slabs to the next, also if they are sent to somebody who does not read', async () => {
    const { thread, heard, peers } = crowded({
      handler: { message: (connection, message) => void connection.send(message) },
      highWaterMarkBytes: 100 * MIB,
      poison: false,
    });
    const all = peers(5);
    for (const { wire } of all) {
      wire.takes = () => 0;
      wire.arrive(compressed(BINARY, BOMB));
    }
    await untilIt(thread, () => heard.length === 5);
    for (const { wire } of all) {
      wire.takes = (offered) => offered;
      wire.drain();
    }
    for (const peer of all) expect(framesOf(peer)).toEqual([SHOWN_ZEROS]);
  });

  test.each(['wasm', 'native'] as const)(
    'are judged when they have room: 1009 and 1007 by %s',
    async (deflateKernel) => {
      const { thread, heard, peers } = crowded({ deflateKernel });
      const all = peers(6);
      const tooLong = deflated(Buffer.alloc(LARGEST_SLAB_BYTES + 1), { level: 9 });
      const corrupt = Buffer.concat([BOMB.subarray(0, -1), Buffer.of(0xff)]);
      const streams = [BOMB, tooLong, corrupt, BOMB, tooLong, BOMB];
      for (const [i, stream] of streams.entries()) all[i]?.wire.arrive(compressed(BINARY, stream));
      await untilIt(thread, () =>
        all.every((peer, i) => heard.length >= 3 && (streams[i] === BOMB || framesOf(peer).length > 0)),
      );
      expect([...heard].sort()).toEqual([1, 4, 6].map((id) => `${id}: ${SHOWN_ZEROS}`));
      for (const i of [1, 4]) expect(framesOf(all[i] as Peer)).toEqual([expect.stringMatching(/^close 1009/)]);
      expect(framesOf(all[2] as Peer)).toEqual([expect.stringMatching(/^close 1007/)]);
      expect(heldSlabs(thread)).toBe(0);
    },
  );

  test('wait for nobody who does not read what it is sent', async () => {
    const { thread, heard, peers } = crowded({ highWaterMarkBytes: 10_000 });
    const [deaf, other] = peers(2) as [Peer, Peer];
    deaf.wire.arrive(compressed(BINARY, BOMB), clientFrame(TEXT, 'behind'));
    await untilIt(thread, () => thread.arena.slabs.allocatedBytes > LARGEST_SLAB_BYTES);
    other.wire.arrive(compressed(BINARY, BOMB));
    await untilIt(thread, () => isWaiting(other));
    deaf.wire.takes = () => 0;
    thread.inTurn(() => expect(deaf.connection.send(pattern(20_000))).toBe(false));
    await untilIt(thread, () => heard.length === 2);
    expect(heard).toEqual([`1: ${SHOWN_ZEROS}`, `2: ${SHOWN_ZEROS}`]);
    // What is behind its message is not handled before it reads.
    deaf.wire.takes = (offered) => offered;
    deaf.wire.drain();
    await untilIt(thread, () => heard.length === 3);
    expect(heard[2]).toBe(`1: ${shown(TEXT, 'behind')}`);
  });
});

describe('room is given on', () => {
  const endings: readonly (readonly [what: string, end: (peer: Peer) => void])[] = [
    ['shed', (peer) => peer.connection.shed()],
    ['lost', (peer) => peer.wire.lose()],
    ['terminated', (peer) => peer.connection.terminate()],
    ['closed by the handler', (peer) => peer.connection.close(4001)],
  ];

  test.each(endings)('when a connection is %s, whether it had it or waited for it', async (_what, end) => {
    for (const endsHolder of [true, false]) {
      const { thread, heard, peers } = crowded();
      const all = peers(3);
      for (const { wire } of all) wire.arrive(compressed(BINARY, BOMB));
      await untilIt(thread, () => all.filter(isWaiting).length === 2);
      const ended = all.find((peer) => isWaiting(peer) !== endsHolder) as Peer;
      thread.inTurn(() => end(ended));
      const left = all.filter((peer) => peer !== ended);
      const expected = left.map(({ connection }) => `${connection.id}: ${SHOWN_ZEROS}`);
      await untilIt(thread, () => expected.every((line) => heard.includes(line)));
      for (const peer of left) expect(framesOf(peer)).toEqual([]);
      await untilIt(thread, () => heldSlabs(thread) === 0);
      expect(heard).not.toContain(`${ended.connection.id}: ${SHOWN_ZEROS}`);
    }
  });

  test('when one that waited leaves the queue, to the next for which there is enough', async () => {
    const { thread, heard, peers } = crowded();
    const [holder, large, small] = peers(3) as [Peer, Peer, Peer];
    holder.wire.arrive(compressed(BINARY, BOMB));
    await untilIt(thread, () => thread.arena.slabs.allocatedBytes > LARGEST_SLAB_BYTES);
    large.wire.arrive(compressed(BINARY, BOMB));
    await untilIt(thread, () => isWaiting(large));
    const zeros = Buffer.alloc(200_000);
    small.wire.arrive(compressed(BINARY, deflated(zeros, { level: 9 })));
    await untilIt(thread, () => small.connection.heldSinceMs === Number.NEGATIVE_INFINITY);
    const before = heldSlabs(thread);
    expect(heard).toEqual([]);
    large.wire.lose();
    expect(heldSlabs(thread)).toBe(before + 2);
    await untilIt(thread, () => heard.length === 3);
    expect(heard).toContain(`3: ${shown(BINARY, zeros)}`);
  });

  test('without it: a message that waits is dropped when its connection closes, and the Close behind it is seen', async () => {
    const { thread, heard, peers } = crowded();
    const all = peers(3);
    for (const { wire } of all) wire.arrive(compressed(BINARY, BOMB), clientClose(4000));
    await untilIt(thread, () => all.filter(isWaiting).length === 2);
    const waiting = all.find(isWaiting) as Peer;
    thread.inTurn(() => waiting.connection.close(4001));
    waiting.wire.fin();
    expect(heard).toEqual([`${waiting.connection.id}: closed 4000`]);
    expect(framesOf(waiting)).toEqual(['close 4001']);
    await untilIt(thread, () => heard.filter((line) => line.endsWith(SHOWN_ZEROS)).length === 2);
  });

  test('when a client ends its side while its message waits: the message still comes first', async () => {
    const { thread, heard, peers } = crowded();
    const all = peers(3);
    for (const { wire } of all) {
      wire.arrive(compressed(BINARY, BOMB), clientClose(4000));
      wire.fin();
    }
    await untilIt(thread, () => heard.length === 6);
    for (const id of [1, 2, 3]) {
      expect(heard.filter((line) => line.startsWith(`${id}:`))).toEqual([
        `${id}: ${SHOWN_ZEROS}`,
        `${id}: closed 4000`,
      ]);
    }
    for (const peer of all) expect(framesOf(peer)).toEqual(['close 4000']);
  });
});

describe('a message that does not fit', () => {
  test('even alone closes with 1013, and those who wait behind it go on', async () => {
    const { thread, heard, peers } = crowded({ maxPayloadBytes: 4 * LARGEST_SLAB_BYTES });
    const all = peers(5);
    const huge = deflated(Buffer.alloc(LARGEST_SLAB_BYTES + 1), { level: 9 });
    const streams = [BOMB, huge, BOMB, huge, BOMB];
    for (const [i, stream] of streams.entries()) all[i]?.wire.arrive(compressed(BINARY, stream));
    await untilIt(thread, () => heard.length === 3 && thread.incidents.length === 2);
    expect([...heard].sort()).toEqual([1, 3, 5].map((id) => `${id}: ${SHOWN_ZEROS}`));
    for (const i of [1, 3]) expect(framesOf(all[i] as Peer)).toEqual(['close 1013 "no room for a compressed message"']);
    expect(thread.incidents).toEqual([LimitIncident.NO_ROOM.what, LimitIncident.NO_ROOM.what]);
    expect(heldSlabs(thread)).toBe(0);
  });
});

describe('a message takes no more than it needs', () => {
  test.each([8, 12, 15])('with a window of 2^%i bytes in front of it too', async (windowBits) => {
    const inflates = { windowBits, contextTakeover: true };
    const { thread, heard, peers } = crowded({ inflates, poison: false });
    const [peer] = peers(1) as [Peer];
    peer.wire.arrive(compressed(BINARY, deflated(pattern(40_000))));
    peer.wire.arrive(compressed(BINARY, BOMB));
    await untilIt(thread, () => heard.length === 2);
    expect(heard[1]).toBe(`1: ${SHOWN_ZEROS}`);
  });
});
