import { randomBytes } from 'node:crypto';
import { constants, deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { DeflateMemory } from '../../dist/client/deflate-memory.js';
import type { KernelMemory } from '../../dist/client/kernel-memory.js';
import { bytesOf, ODD_STREAMS } from '../deflate/odd-streams.js';
import { RECORDS, ZlibPeer } from './zlib-peer.js';

const NOTHING = new Uint8Array(0);
const MIB = 1024 * 1024;

const compress = (message: Uint8Array | string, options = {}) =>
  deflateRawSync(message, { finishFlush: constants.Z_SYNC_FLUSH, ...options }).subarray(0, -4);

/** Letters that compress to about a half where they come first, and recur after 10 000 bytes. */
function text(length: number): Buffer {
  return Buffer.alloc(length, randomBytes(5000).toString('hex'));
}

/** 4096 bytes in which nothing recurs that would be worth a match, the same in every run: xorshift (Marsaglia, 2003). */
const NOISE = Buffer.alloc(4096);
for (let i = 0, x = 1; i < NOISE.length; i++) {
  x ^= x << 13;
  x ^= x >>> 17;
  x ^= x << 5;
  NOISE[i] = x >>> 24;
}

describe('the memory of compressing clients', () => {
  it('grows for messages that need more, in both directions, and handles small ones as before', () => {
    const memory = new DeflateMemory();
    for (const length of [100, 3 * MIB, 100, 9 * MIB, 20 * MIB, 100]) {
      const message = text(length);
      const deflated = memory.deflate(message, NOTHING, 15, 'fast');
      expect(deflated?.input).toHaveLength(message.length);
      const output = Buffer.from(deflated?.output ?? NOTHING);
      expect(new ZlibPeer().decompress(output).equals(message)).toBe(true);
      expect(Buffer.from(memory.inflate(output, NOTHING, message.length)).equals(message)).toBe(true);
    }
  });

  it('keeps the larger one of two that are given back, in whatever order', () => {
    const memory = new DeflateMemory();
    const [small, large] = [memory.lend(MIB), memory.lend(9 * MIB)] as [KernelMemory, KernelMemory];
    expect(large.end).toBeGreaterThan(small.end);
    for (const order of [
      [small, large],
      [large, small],
    ]) {
      for (const each of order) memory.giveBack(each);
      expect(memory.lend(MIB)).toBe(large);
    }
  });

  it('inflates up to the limit exactly, and refuses one byte more with 1009, wherever the memory ends', () => {
    const memory = new DeflateMemory();
    for (const length of [1, 2, 257, 258, 259, 65_536, 3 * MIB, 5 * MIB, 17 * MIB]) {
      const message = Buffer.alloc(length, 'ab');
      const compressed = compress(message);
      expect(Buffer.from(memory.inflate(compressed, NOTHING, length)).equals(message)).toBe(true);
      const refused = expect.objectContaining({ rule: 'too-big', closeCode: 1009 });
      expect(() => memory.inflate(compressed, NOTHING, length - 1)).toThrow(refused);
    }
  });

  it('refuses a bomb before it takes memory for what it would become', () => {
    const memory = new DeflateMemory();
    const bomb = compress(Buffer.alloc(64 * MIB));
    expect(() => memory.inflate(bomb, NOTHING, 1000)).toThrow('decompress to more than the 1000 that are allowed');
    expect(Buffer.from(memory.inflate(compress('after'), NOTHING, 5)).toString()).toBe('after');
  });

  it('refuses with 1009 what no memory can hold, and sends such a message as it is', () => {
    const memory = new DeflateMemory();
    const huge = { length: 2 ** 31 } as Uint8Array;
    expect(memory.deflate(huge, NOTHING, 15, 'fast')).toBeUndefined();
    const tooBig = expect.objectContaining({ closeCode: 1009, message: expect.stringContaining('memory') });
    expect(() => memory.inflate({ length: 2 ** 32 - 1 } as Uint8Array, NOTHING, 2 ** 32 - 1)).toThrow(tooBig);
  });

  it('says of a message that does not get smaller that it goes as it is', () => {
    expect(new DeflateMemory().deflate(randomBytes(1000), NOTHING, 15, 'small')).toBeUndefined();
  });

  it('lets each direction refer to its history, and to no more than that', () => {
    const memory = new DeflateMemory();
    const history = NOISE;
    for (const level of ['fast', 'small'] as const) {
      const { output } = memory.deflate(history, history, 12, level) ?? {};
      expect(output?.length).toBeLessThan(100);
      const sent = Buffer.from(output ?? NOTHING);
      expect(Buffer.from(memory.inflate(sent, history, 4096)).equals(history)).toBe(true);
      const corrupt = expect.objectContaining({
        rule: 'deflate',
        closeCode: 1007,
        message: expect.stringContaining('too far'),
      });
      // `fast` may begin with some literals.
      expect(() => memory.inflate(sent, history.subarray(8), 4096)).toThrow(corrupt);
    }
  });

  it('uses the level that is asked for', () => {
    const memory = new DeflateMemory();
    const message = Buffer.from(RECORDS);
    const fast = memory.deflate(message, NOTHING, 15, 'fast')?.output.length ?? 0;
    expect(memory.deflate(message, NOTHING, 15, 'small')?.output.length).toBeLessThan(fast);
  });

  it.each(ODD_STREAMS)('judges $name', ({ message, history, verdict, output }) => {
    const memory = new DeflateMemory();
    const before = history === undefined ? NOTHING : bytesOf(history);
    const inflate = () => Buffer.from(memory.inflate(message, before, MIB));
    if (output === undefined) expect(inflate, verdict).toThrow(expect.objectContaining({ closeCode: 1007 }));
    else expect(inflate().equals(bytesOf(output))).toBe(true);
  });
});
