import { describe, expect, test } from 'vitest';
import { PinnedMemory } from '../../dist/connection/pinned-memory.js';
import { FrameJoiner } from '../../dist/pubsub/frame-joiner.js';
import type { PublicationRun } from '../../dist/pubsub/publication-run.js';
import { CHUNK_HEADER_BYTES, SharedChunk } from '../../dist/pubsub/shared-chunk.js';

/** Runs that lie apart, each of as many bytes as its text has. */
function runsOf(...texts: string[]): PublicationRun[] {
  const chunk = new SharedChunk(new SharedArrayBuffer(CHUNK_HEADER_BYTES + 1000));
  return texts.map((text, i) => {
    const start = CHUNK_HEADER_BYTES + i * 100;
    const end = start + chunk.bytes.write(text, start);
    const [deflated, isDeflated] = [undefined, false];
    return {
      topic: 'x',
      chunk,
      start,
      end,
      messages: 1,
      except: undefined,
      isHeldBack: false,
      isFromFleet: false,
      mayCompress: true,
      deflated,
      isDeflated,
    };
  });
}

describe('frames that are joined', () => {
  test('go to the same memory each time, unless it is held', () => {
    const joiner = new FrameJoiner();
    const first = joiner.join(runsOf('a', 'bc'));
    expect(first.memory.bytes.toString('latin1', first.start, first.end)).toBe('abc');
    const second = joiner.join(runsOf('d', 'ef'));
    expect(second.memory).toBe(first.memory);
    second.memory.acquire();
    const third = joiner.join(runsOf('g', 'hi'));
    expect(third.memory).not.toBe(second.memory);
    expect(second.memory.bytes.toString('latin1', second.start, second.end)).toBe('def');
    expect(third.memory.bytes.toString('latin1', third.start, third.end)).toBe('ghi');
  });

  test('do not count as the frames that lay in the same place before', () => {
    const joiner = new FrameJoiner();
    const pinned = new PinnedMemory(0); // everything is copied, once for each delivery
    const texts = [runsOf('a', 'bc'), runsOf('d', 'ef')].map((runs) => {
      const { memory, start, end } = joiner.join(runs);
      return Buffer.from(pinned.hold(memory, start, end, 0).bytes).toString();
    });
    expect(texts).toEqual(['abc', 'def']);
  });
});
