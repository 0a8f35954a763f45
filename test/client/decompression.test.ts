import { expect, it } from 'vitest';
import { DeflateMemory } from '../../dist/client/deflate-memory.js';
import { Decompression } from '../../dist/client/decompression.js';
import { InflatingMessage, type MemoryLender } from '../../dist/client/inflating-message.js';
import { deflated } from '../kernels/deflated.js';

it.each([100, 600_000])('a message of %i bytes gives its memory back as soon as it is whole', (length) => {
  const memory = new DeflateMemory();
  let lent = 0;
  const lender: MemoryLender = {
    lend: (end) => {
      lent++;
      return memory.lend(end);
    },
    giveBack: (one) => {
      lent--;
      memory.giveBack(one);
    },
  };
  const message = Buffer.alloc(length, 'message ');
  const inflating = new InflatingMessage(lender, deflated(message), new Uint8Array(0), length);
  const decompression = new Decompression(inflating, true, undefined);
  while (!decompression.step()) expect(lent).toBe(1);
  expect(lent).toBe(0);
  expect(message.equals(decompression.message)).toBe(true);
});
