import { describe, expect, test } from 'vitest';
import { DIRECT_WRITE_BYTES } from '../../dist/connection/frame-writer.js';
import { type Arena, OUT_BYTES, OUT_SLACK_BYTES } from '../../dist/memory/arena.js';
import { BINARY, clientFrame, pattern, shown, TEXT } from './frames.js';
import { framesOf, type Peer, startThread } from './thread.js';

/** Sizes that fill the gather buffer in uneven steps, none large enough to be written directly. */
function sizesOver(bytes: number): number[] {
  const sizes: number[] = [];
  for (let total = 0, i = 0; total <= bytes; i++) {
    const size = (i * 997) % DIRECT_WRITE_BYTES;
    sizes.push(size);
    total += size;
  }
  return sizes;
}

/** Runs `act`, and checks that it writes nothing behind the gather buffer, where slabs begin. */
function expectNothingBehind({ bytes, outStart }: Arena, act: () => void): void {
  const from = outStart + OUT_BYTES + OUT_SLACK_BYTES;
  const behind = bytes.subarray(from, from + 64 * 1024);
  behind.fill(0x5a);
  act();
  expect(behind.every((byte) => byte === 0x5a)).toBe(true);
}

/** Bytes that were not offered to the kernel yet. */
function gathered({ connection, wire }: Peer): number {
  return connection.bufferedAmount - wire.queuedBytes;
}

const KERNELS: readonly [string, (offered: number) => number][] = [
  ['takes all', (offered) => offered],
  ['takes nothing', () => 0],
  ['takes a part', (offered) => Math.floor(offered / 3)],
];

describe.each(KERNELS)('the gather buffer, while the kernel %s,', (_name, takes) => {
  test('is flushed when it overflows in a turn, and gathers on', () => {
    const thread = startThread({ highWaterMarkBytes: 16 * OUT_BYTES });
    const peer = thread.connectWith((wire) => (wire.takes = takes));
    const sizes = sizesOver(3 * OUT_BYTES);
    expectNothingBehind(thread.arena, () => {
      thread.inTurn(() => sizes.forEach((size, i) => void peer.connection.send(pattern(size, i))));
    });
    peer.wire.drain();
    expect(framesOf(peer)).toEqual(sizes.map((size, i) => shown(BINARY, pattern(size, i))));
  });

  test.each([
    [20, 600],
    [1000, 250],
    [DIRECT_WRITE_BYTES - 1, 20],
  ])('has every answer, when each message of %i bytes is answered three times and its rows run out', (size, count) => {
    const thread = startThread({
      highWaterMarkBytes: 16 * OUT_BYTES,
      handler: {
        message(connection, message) {
          for (let i = 0; i < 3; i++) connection.send(message);
        },
      },
    });
    const peer = thread.connectWith((wire) => (wire.takes = takes));
    const payloads = Array.from({ length: count }, (_, i) => pattern(size, i));
    peer.wire.arrive(...payloads.map((payload) => clientFrame(BINARY, payload)));
    peer.wire.drain();
    expect(framesOf(peer)).toEqual(payloads.flatMap((payload) => Array(3).fill(shown(BINARY, payload))));
  });

  test('keeps nothing of a connection that is dropped, and what others gather behind it is theirs', () => {
    const thread = startThread();
    const [gone, other] = [thread.connectWith((wire) => (wire.takes = takes)), thread.connect()];
    thread.inTurn(() => {
      gone.connection.send(pattern(DIRECT_WRITE_BYTES * 2)); // directly: some may wait in the transport from now on
      gone.connection.send('gathered');
      gone.connection.terminate();
      expect(thread.out.owner).toBeUndefined();
      other.connection.send('mine');
    });
    expect(framesOf(other)).toEqual([shown(TEXT, 'mine')]);
  });

  test('is flushed when strings overflow it', () => {
    const thread = startThread({ highWaterMarkBytes: 16 * OUT_BYTES });
    const peer = thread.connectWith((wire) => (wire.takes = takes));
    const texts = [...sizesOver(OUT_BYTES).map((size) => 'x'.repeat(size)), ...Array(9000).fill('€'.repeat(41))];
    expectNothingBehind(thread.arena, () => {
      thread.inTurn(() => texts.forEach((text) => void peer.connection.send(text)));
    });
    peer.wire.drain();
    expect(framesOf(peer)).toEqual(texts.map((text) => shown(TEXT, text)));
  });

  test('is flushed before a frame that might not fit, to the byte', () => {
    const thread = startThread({ highWaterMarkBytes: 16 * OUT_BYTES });
    const filler = pattern(8000);
    const fillers = Math.floor(OUT_BYTES / (filler.length + 4)) - 1;
    const shownFiller = shown(BINARY, filler);
    // Six bytes are never used: they would be needed by a longer header.
    for (const left of [6, 7, 10, 11, 12, 41, 42, 43, 44, 123, 124, 125, 126, 127, 133, 134, 135, 136]) {
      const peer = thread.connectWith((wire) => (wire.takes = takes));
      const rest = pattern(OUT_BYTES - fillers * (filler.length + 4) - (6000 + 4) - 4 - left);
      const last = left % 2 === 0 ? 'x'.repeat(41) : '€'.repeat(41);
      expectNothingBehind(thread.arena, () => {
        thread.inTurn(() => {
          for (let i = 0; i < fillers; i++) peer.connection.send(filler);
          for (const sent of [pattern(6000), rest]) peer.connection.send(sent);
          expect(gathered(peer)).toBe(OUT_BYTES - left);
          peer.connection.send(last);
        });
      });
      peer.wire.drain();
      expect(framesOf(peer)).toEqual([
        ...Array(fillers).fill(shownFiller),
        shown(BINARY, pattern(6000)),
        shown(BINARY, rest),
        shown(TEXT, last),
      ]);
      thread.forget(peer);
    }
  });

  test('keeps the bytes of two connections apart that send in turn', () => {
    const thread = startThread();
    const peers = [0, 1].map(() => thread.connectWith((wire) => (wire.takes = takes))) as [Peer, Peer];
    const sizes = [0, 1, 10, 100, 511, 512, 513, 1000, 4000, 125, 126, 3];
    thread.inTurn(() => {
      sizes.forEach((size, i) => {
        for (const [who, { connection }] of peers.entries()) connection.send(pattern(size, 2 * i + who));
      });
    });
    for (const [who, peer] of peers.entries()) {
      peer.wire.drain();
      expect(framesOf(peer)).toEqual(sizes.map((size, i) => shown(BINARY, pattern(size, 2 * i + who))));
    }
  });

  test('lets more wait than its own size without mixing anything up', () => {
    const thread = startThread({ highWaterMarkBytes: 16 * OUT_BYTES });
    const peers = [0, 1, 2].map(() => thread.connectWith((wire) => (wire.takes = takes)));
    const sizes = sizesOver(2 * OUT_BYTES);
    thread.inTurn(() => {
      sizes.forEach((size, i) => {
        for (const [who, { connection }] of peers.entries()) {
          // Not always in turn: so that there is something in the gather buffer behind what waits.
          if (who !== 2 || i % 3 === 0) connection.send(pattern(size, 3 * i + who));
          // What waits is offered to the kernel when there is so much of it, not at the end of the phase only.
          expect(gathered(peers[who] as Peer)).toBeLessThanOrEqual(OUT_BYTES);
        }
      });
    });
    for (const [who, peer] of peers.entries()) {
      peer.wire.drain();
      const its = sizes.map((size, i) => [size, i] as const).filter(([, i]) => who !== 2 || i % 3 === 0);
      expect(framesOf(peer)).toEqual(its.map(([size, i]) => shown(BINARY, pattern(size, 3 * i + who))));
    }
  });

  test('keeps the order of what waits, a large message, and what comes after', () => {
    const thread = startThread();
    const peers = [0, 1].map(() => thread.connectWith((wire) => (wire.takes = takes))) as [Peer, Peer];
    const sizes = [5, 6, 20_000, 7, 9000, 8, 300, 70_000];
    thread.inTurn(() => {
      sizes.forEach((size, i) => {
        for (const [who, { connection }] of peers.entries()) connection.send(pattern(size, 2 * i + who));
      });
      for (const { connection } of peers) connection.close();
    });
    for (const [who, peer] of peers.entries()) {
      peer.wire.drain();
      expect(framesOf(peer)).toEqual([
        ...sizes.map((size, i) => shown(BINARY, pattern(size, 2 * i + who))),
        'close 1000',
      ]);
    }
  });

  test('keeps the order when everybody answers everybody', () => {
    const thread = startThread({
      handler: {
        message(_connection, message) {
          for (const { connection } of thread.peers) connection.send(message);
        },
      },
    });
    const peers = [0, 1, 2].map(() => thread.connectWith((wire) => (wire.takes = takes)));
    const expected: string[] = [];
    for (const [who, peer] of peers.entries()) {
      const messages = [10, 9000, 0, 200, 30_000, 126].map((size, i) => pattern(size, 10 * who + i));
      peer.wire.arrive(...messages.map((bytes) => clientFrame(BINARY, bytes)));
      thread.settle();
      expected.push(...messages.map((bytes) => shown(BINARY, bytes)));
    }
    for (const peer of peers) {
      peer.wire.drain();
      expect(framesOf(peer)).toEqual(expected);
    }
  });
});

test('a connection that is terminated while it owns the gather buffer leaves nothing in it', () => {
  const thread = startThread();
  const gone = thread.connect();
  const other = thread.connect();
  thread.inTurn(() => {
    gone.connection.send('before');
    gone.connection.terminate();
    other.connection.send('kept');
  });
  expect(framesOf(gone)).toEqual([shown(TEXT, 'before')]);
  expect(framesOf(other)).toEqual([shown(TEXT, 'kept')]);
});

test('a connection that is lost while its frames wait for others sends nothing of them', () => {
  const thread = startThread();
  const gone = thread.connect();
  const other = thread.connect();
  thread.inTurn(() => {
    gone.connection.send('lost');
    other.connection.send('kept');
    gone.wire.lose();
    expect(gone.connection.bufferedAmount).toBe(0);
  });
  expect(framesOf(gone)).toEqual([]);
  expect(framesOf(other)).toEqual([shown(TEXT, 'kept')]);
});
