import { setImmediate as nextPhase } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { CopiedReads } from '../../dist/connection/stream-reads.js';
import { Turn } from '../../dist/connection/turn.js';
import { Arena, WINDOW_BYTES } from '../../dist/memory/arena.js';
import { duplexPair } from '../host/duplex-pair.js';
import { pattern } from './frames.js';
import { NotingListener } from './noting-listener.js';

let stream: ReturnType<typeof duplexPair>[0];
let turn: Turn;
let listener: NotingListener;
let reads: CopiedReads;

beforeEach(() => {
  [stream] = duplexPair();
  const arena = new Arena(1024 * 1024);
  turn = new Turn(() => {});
  listener = new NotingListener(arena);
  reads = new CopiedReads(stream, arena, turn, listener);
});

describe('a stream whose chunks are copied', () => {
  it('tells nothing after close(), and nothing more of a chunk in the middle of which it is closed', () => {
    const { onRead } = listener;
    listener.onRead = (start, end) => {
      reads.close();
      return onRead.call(listener, start, end);
    };
    stream.emit('data', pattern(3 * WINDOW_BYTES));
    expect(listener.read.map(({ length }) => length)).toEqual([WINDOW_BYTES]);
    stream.emit('data', pattern(10));
    stream.emit('end');
    expect([listener.read.length, listener.told]).toEqual([1, []]);
  });

  it('does not tell its end in the middle of a turn', () => {
    turn.begin();
    stream.emit('end');
    expect(listener.told).toEqual([]);
    turn.end();
    expect(listener.told).toEqual(['end']);
  });

  it('that has ended before does not tell so from within resume()', async () => {
    Object.defineProperty(stream, 'readableEnded', { value: true });
    reads.resume();
    expect(listener.told).toEqual([]);
    await nextPhase();
    expect(listener.told).toEqual(['end']);
  });
});
