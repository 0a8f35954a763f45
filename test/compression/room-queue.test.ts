import { expect, test } from 'vitest';
import { RoomQueue, type RoomSeeker } from '../../dist/compression/room-queue.js';

/** Memory of `free` bytes, and messages that want parts of it. */
class Memory {
  free: number;
  readonly queue = new RoomQueue();
  readonly told: string[] = [];

  constructor(free: number) {
    this.free = free;
  }

  seeker(name: string, wanted: number): RoomSeeker & { end(): void } {
    return {
      takeRoom: () => {
        if (wanted > this.free) return false;
        this.free -= wanted;
        this.queue.took();
        return true;
      },
      onRoom: () => void this.told.push(`${name} has room`),
      onNoRoom: () => void this.told.push(`${name} has none`),
      end: () => {
        this.free += wanted;
        this.queue.gaveBack();
      },
    };
  }
}

test('those who wait get room in order, and a small one does not pass a large one', () => {
  const memory = new Memory(10);
  const { queue, told } = memory;
  const [holder, other] = [memory.seeker('holder', 6), memory.seeker('other', 4)];
  for (const one of [holder, other]) one.takeRoom();
  expect(queue.isWaitedFor).toBe(false);
  expect(queue.wait(memory.seeker('large', 8))).toBe(true);
  expect(queue.wait(memory.seeker('small', 1))).toBe(true);
  expect(queue.isWaitedFor).toBe(true);
  other.end();
  expect(told).toEqual([]);
  holder.end();
  expect(told).toEqual(['large has room', 'small has room']);
  expect(queue.isWaitedFor).toBe(false);
});

test('nobody waits in vain: not at first, and not when the last who holds something is gone', () => {
  const memory = new Memory(4);
  const { queue, told } = memory;
  expect(queue.wait(memory.seeker('alone', 5))).toBe(false);
  expect(queue.isWaitedFor).toBe(false);
  const holder = memory.seeker('holder', 3);
  holder.takeRoom();
  for (const [name, wanted] of [
    ['huge', 5],
    ['fitting', 2],
    ['huger', 6],
    ['last', 2],
  ] as const) {
    expect(queue.wait(memory.seeker(name, wanted))).toBe(true);
  }
  holder.end();
  expect(told).toEqual(['huge has none', 'fitting has room']);
  expect(queue.isWaitedFor).toBe(true);
});

test('whoever leaves lets those behind it go on', () => {
  const memory = new Memory(4);
  const { queue, told } = memory;
  const [holder, first] = [memory.seeker('holder', 2), memory.seeker('first', 4)];
  holder.takeRoom();
  queue.wait(first);
  queue.wait(memory.seeker('second', 2));
  queue.leave(memory.seeker('stranger', 1));
  expect(told).toEqual([]);
  queue.leave(first);
  expect(told).toEqual(['second has room']);
  expect(queue.isWaitedFor).toBe(false);
});
