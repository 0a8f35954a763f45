import { describe, expect, it } from 'vitest';
import { websocketUnmask } from '../../dist/system/websocket-unmask.js';
import { newMemory } from '../kernels/all-kernels.js';

/** What Node 26.12 has, written plainly, so that every version can run these tests. */
function nodeThatUnmasks() {
  const masks: Uint8Array[] = [];
  const http = {
    websocketUnmask: (buffer: Uint8Array, mask: Uint8Array) => {
      masks.push(mask);
      for (const i of buffer.keys()) buffer[i] = (buffer[i] as number) ^ (mask[i % 4] as number);
    },
  };
  return { masks, http };
}

describe('the unmasking of Node', () => {
  it('is undefined where Node does not have it', () => {
    expect(websocketUnmask(newMemory(1), {})).toBeUndefined();
    expect(websocketUnmask(newMemory(1), { websocketUnmask: true })).toBeUndefined();
  });

  it('gets exactly the range, and the least significant byte of the key first', () => {
    const memory = newMemory(1);
    const unmask = websocketUnmask(memory, nodeThatUnmasks().http);
    unmask?.(100, 5, 0x9d21fa37 | 0);
    expect([...new Uint8Array(memory.buffer, 99, 7)]).toEqual([0, 0x37, 0xfa, 0x21, 0x9d, 0x37, 0]);
  });

  it('unmasks each range with the key of its call', () => {
    const memory = newMemory(1);
    const unmask = websocketUnmask(memory, nodeThatUnmasks().http);
    unmask?.(0, 1, 1);
    unmask?.(1, 1, 2);
    unmask?.(2, 0, 3);
    expect([...new Uint8Array(memory.buffer, 0, 3)]).toEqual([1, 2, 0]);
  });

  it('makes the bytes of the key in the same array for every call', () => {
    const { http, masks } = nodeThatUnmasks();
    const unmask = websocketUnmask(newMemory(1), http);
    unmask?.(0, 4, 1);
    unmask?.(0, 4, 2);
    expect(masks).toHaveLength(2);
    expect(masks[0]).toBe(masks[1]);
  });
});
