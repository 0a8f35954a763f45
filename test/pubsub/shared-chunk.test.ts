import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CHUNK_HEADER_BYTES, ChunkPool, SharedChunk } from '../../dist/pubsub/shared-chunk.js';

const COUNT_BYTES = CHUNK_HEADER_BYTES;
const CHUNK_BYTES = 256 * 1024;
const ROOM = CHUNK_BYTES - COUNT_BYTES;

/** Takes room, as a publication does. */
function fill(pool: ChunkPool, length: number): SharedChunk {
  const chunk = pool.withRoom(length);
  chunk.position += length;
  expect(chunk.position).toBeLessThanOrEqual(chunk.bytes.length);
  return chunk;
}

function endTurn(pool: ChunkPool): void {
  pool.beginDelivery();
  pool.endDelivery();
}

describe('a chunk', () => {
  test('counts its users in the memory itself, for all threads that have it', () => {
    const mine = new SharedChunk(new SharedArrayBuffer(2048));
    const theirs = new SharedChunk(mine.buffer, 5);
    expect(mine.isFree).toBe(true);
    mine.acquire();
    for (let i = 0; i < 3; i++) theirs.acquire();
    expect([mine.isFree, theirs.isFree]).toEqual([false, false]);
    mine.release();
    for (let i = 0; i < 3; i++) {
      expect(mine.isFree).toBe(false);
      theirs.release();
    }
    expect([mine.isFree, theirs.isFree]).toEqual([true, true]);
  });

  test('loses the users of a thread that is gone, and no others', () => {
    const mine = new SharedChunk(new SharedArrayBuffer(COUNT_BYTES));
    const [first, second] = [0, 1].map((peer) => new SharedChunk(mine.buffer, peer));
    for (const peer of [0, 1]) mine.addPending(peer);
    for (const theirs of [first, second]) for (let i = 0; i < 3; i++) theirs?.acquire();
    expect(mine.takePending(0)).toBe(true);
    second?.release();
    mine.forget(1);
    expect([mine.isPending(1), mine.isFree]).toEqual([false, false]);
    for (let i = 0; i < 3; i++) {
      expect(mine.isFree).toBe(false);
      first?.release();
    }
    expect(mine.isFree).toBe(true);
    mine.forget(0);
    expect(mine.isFree).toBe(true);
  });

  test('keeps its contents clear of the count', () => {
    const chunk = new SharedChunk(new SharedArrayBuffer(COUNT_BYTES + 10));
    expect(chunk.position).toBe(COUNT_BYTES);
    expect(chunk.hasRoom(10)).toBe(true);
    expect(chunk.hasRoom(11)).toBe(false);
    chunk.position += 4;
    expect(chunk.hasRoom(6)).toBe(true);
    expect(chunk.hasRoom(7)).toBe(false);
    chunk.rewind();
    expect(chunk.position).toBe(COUNT_BYTES);
  });
});

describe('the pool', () => {
  test('gives the same chunk until it is full, and then the next', () => {
    const pool = new ChunkPool();
    const first = fill(pool, 100_000);
    expect(fill(pool, 100_000)).toBe(first);
    const second = fill(pool, 100_000);
    expect(second).not.toBe(first);
    expect(fill(pool, 100_000)).toBe(second);
  });

  test('lets a chunk be filled to its last byte', () => {
    const pool = new ChunkPool();
    const chunk = fill(pool, ROOM);
    expect(chunk.bytes.length).toBe(CHUNK_BYTES);
    expect(fill(pool, 1)).not.toBe(chunk);
  });

  test('gives a message that is larger than a chunk a chunk of its own, and goes on filling the ordinary one', () => {
    const pool = new ChunkPool();
    const ordinary = fill(pool, 100);
    const large = fill(pool, ROOM + 1);
    expect(large.bytes.length).toBe(CHUNK_BYTES + 1);
    expect(fill(pool, 100)).toBe(ordinary);
    endTurn(pool);
    expect([ordinary.isFree, large.isFree]).toEqual([true, true]);
  });

  test('holds every chunk of a turn until it ends, however often it goes back and forth', () => {
    const pool = new ChunkPool();
    const chunks = new Set([10, ROOM + 1, 10, ROOM + 1, ROOM - 10, ROOM, 5].map((length) => fill(pool, length)));
    for (const chunk of chunks) expect(chunk.isFree).toBe(false);
    endTurn(pool);
    for (const chunk of chunks) expect(chunk.isFree).toBe(true);
    endTurn(pool);
    for (const chunk of chunks) expect(chunk.isFree).toBe(true);
  });

  test('fills a free chunk from its start in the next turn', () => {
    const pool = new ChunkPool();
    const chunk = fill(pool, 200_000);
    endTurn(pool);
    expect(pool.withRoom(200_000)).toBe(chunk);
    expect(chunk.position).toBe(COUNT_BYTES);
  });

  test('does not fill a held chunk from its start, but behind its contents', () => {
    const pool = new ChunkPool();
    const held = fill(pool, 100_000);
    held.acquire();
    endTurn(pool);
    expect(pool.withRoom(1)).toBe(held);
    expect(held.position).toBe(COUNT_BYTES + 100_000);
    endTurn(pool);
    const other = fill(pool, 200_000);
    expect(other).not.toBe(held);
    endTurn(pool);
    held.release();
    // Free again: it comes after the one that is being filled.
    expect(fill(pool, 200_000)).toBe(other);
    expect(fill(pool, 200_000)).toBe(held);
  });

  test('does not fill a chunk from its start within the turn that has filled it', () => {
    const pool = new ChunkPool();
    const chunks = Array.from({ length: 30 }, () => fill(pool, 200_000));
    expect(new Set(chunks).size).toBe(30);
    endTurn(pool);
    const again = Array.from({ length: 30 }, () => fill(pool, 200_000));
    expect(new Set(again).size).toBe(30);
  });

  describe('after a burst', () => {
    beforeEach(() => {
      vi.useFakeTimers();
    });
    afterEach(() => {
      vi.useRealTimers();
    });

    /** Fills this many chunks, which stay held. */
    function burst(pool: ChunkPool, count: number, length = 200_000): SharedChunk[] {
      return Array.from({ length: count }, () => {
        const chunk = fill(pool, length);
        chunk.acquire();
        endTurn(pool);
        return chunk;
      });
    }

    test('gives the memory of most chunks back after a second, and uses all chunks again', () => {
      const pool = new ChunkPool();
      const discarded: Uint8Array[] = [];
      pool.discard = (bytes) => void discarded.push(bytes);
      const held = burst(pool, 40);
      expect(new Set(held).size).toBe(40);
      vi.advanceTimersByTime(5000);
      expect(discarded).toEqual([]);
      for (const chunk of held) chunk.release();
      vi.advanceTimersByTime(1000);
      // The chunk that it fills, and 16 more.
      expect(new Set(discarded).size).toBe(40 - 17);
      vi.advanceTimersByTime(5000);
      expect(discarded).toHaveLength(40 - 17);
      const again = burst(pool, 40);
      for (const chunk of again) expect(held).toContain(chunk);
      for (const chunk of again) chunk.release();
      vi.advanceTimersByTime(1000);
      expect(discarded).toHaveLength(2 * (40 - 17));
    });

    test('knows a limited number of chunks, also if they are never released', () => {
      const pool = new ChunkPool();
      const discarded: Uint8Array[] = [];
      pool.discard = (bytes) => void discarded.push(bytes);
      const held = new Set(burst(pool, 1025));
      const long = burst(pool, 1025, ROOM + 1);
      for (const chunk of [...held, ...long]) chunk.release();
      vi.advanceTimersByTime(1000);
      expect(discarded.filter(({ length }) => length > CHUNK_BYTES)).toHaveLength(1024);
      expect(burst(pool, 1025).filter((chunk) => !held.has(chunk))).toHaveLength(1);
    });

    test('gives the memory of long messages back when they are free, and does not use it again', () => {
      const pool = new ChunkPool();
      const discarded: Uint8Array[] = [];
      pool.discard = (bytes) => void discarded.push(bytes);
      const held = burst(pool, 3, 1_000_000);
      held[1]?.release();
      vi.advanceTimersByTime(1000);
      expect([discarded.length, discarded[0] === held[1]?.bytes]).toEqual([1, true]); // not byte by byte
      for (const chunk of [held[0], held[2]]) chunk?.release();
      vi.advanceTimersByTime(1000);
      expect(discarded).toHaveLength(3);
      expect(held).not.toContain(burst(pool, 1, 1_000_000)[0]);
      expect(vi.getTimerCount()).toBe(1);
    });
  });
});
