import { describe, expect, test } from 'vitest';
import { PinnedMemory } from '../../dist/connection/pinned-memory.js';
import { SharedChunk } from '../../dist/pubsub/shared-chunk.js';
import { BINARY, pattern, shown } from './frames.js';
import { framesOf, startThread } from './thread.js';

const KIB = 1024;
const MIB = 1024 * KIB;

function chunkOf(seed: number): SharedChunk {
  const chunk = new SharedChunk(new SharedArrayBuffer(256 * KIB));
  chunk.bytes.set(pattern(200 * KIB, seed), 2 * KIB);
  return chunk;
}

describe('the memory of publications that outputs hold', () => {
  test('is held where it lies, and counts as a whole, once', () => {
    const pinned = new PinnedMemory(MIB);
    const chunk = chunkOf(1);
    const held = [0, 10, 20].map((taken) => pinned.hold(chunk, 2 * KIB, 22 * KIB, taken));
    expect(pinned.bytes).toBe(256 * KIB);
    for (const [i, { bytes }] of held.entries()) {
      expect(bytes.buffer).toBe(chunk.buffer);
      expect(Buffer.from(bytes)).toEqual(pattern(200 * KIB, 1).subarray(10 * i, 20 * KIB));
    }
    for (const { release } of held) {
      expect(chunk.isFree).toBe(false);
      release();
    }
    expect([chunk.isFree, pinned.bytes]).toEqual([true, 0]);
  });

  test('is copied beyond the share, once for each delivery', () => {
    const pinned = new PinnedMemory(MIB);
    const chunks = [1, 2, 3, 4].map(chunkOf);
    for (const chunk of chunks) pinned.hold(chunk, 2 * KIB, 22 * KIB, 0);
    const more = chunkOf(5);
    const [one, other] = [0, 100].map((taken) => pinned.hold(more, 2 * KIB, 22 * KIB, taken));
    expect([pinned.bytes, more.isFree]).toEqual([MIB, true]);
    expect(one?.bytes.buffer).toBe(other?.bytes.buffer);
    expect(one?.bytes.buffer.byteLength).toBe(20 * KIB);
    expect(Buffer.from(other?.bytes ?? [])).toEqual(pattern(200 * KIB, 5).subarray(100, 20 * KIB));
    // Another delivery from the same memory, which was used again.
    more.rewind();
    more.bytes.set(pattern(20 * KIB, 6), 2 * KIB);
    const next = pinned.hold(more, 2 * KIB, 22 * KIB, 0);
    expect(Buffer.from(next.bytes)).toEqual(pattern(20 * KIB, 6));
    expect(Buffer.from(one?.bytes ?? [])).toEqual(pattern(200 * KIB, 5).subarray(0, 20 * KIB));
    const part = pinned.hold(more, 2 * KIB, 12 * KIB, 0);
    expect(part.bytes).toHaveLength(10 * KIB);
    for (const held of [one, other, next, part]) held?.release();
    expect(pinned.bytes).toBe(MIB);
  });

  test('is bounded for slow readers of a rare topic beside a busy one, who get what they are owed', () => {
    const thread = startThread();
    const slow = [0, 1].map(() => thread.connectWith((wire) => (wire.takes = () => 0)));
    const quick = thread.connect();
    for (const { connection } of slow) connection.subscribe('rare');
    quick.connection.subscribe('busy');
    for (let i = 0; i < 40; i++) {
      thread.inTurn(() => {
        thread.topics.publish('rare', undefined, 0x82, pattern(20 * KIB, i), 0, 20 * KIB);
        for (let j = 0; j < 4; j++) thread.topics.publish('busy', undefined, 0x82, pattern(50 * KIB, j), 0, 50 * KIB);
      });
    }
    expect(thread.pinned.bytes).toBe(MIB);
    // What they are counted for is what they have to take.
    expect(thread.budget.bytes).toBeLessThan(2 * 40 * 21 * KIB);
    for (const peer of slow) {
      peer.wire.drain();
      expect(framesOf(peer)).toEqual(Array.from({ length: 40 }, (_, i) => shown(BINARY, pattern(20 * KIB, i))));
    }
    expect([thread.pinned.bytes, thread.budget.bytes]).toEqual([0, 0]);
  });
});
