import { Slabs } from '../../dist/memory/slabs.js';

/** Notes each slab that is taken from now on, as its offset and capacity, in what it returns. */
export function noteTakenSlabs(slabs: Slabs): (readonly [offset: number, capacity: number])[] {
  const taken: (readonly [offset: number, capacity: number])[] = [];
  const take = slabs.take.bind(slabs);
  slabs.take = (lengthBytes) => {
    const offset = take(lengthBytes);
    if (offset >= 0) taken.push([offset, Slabs.capacity(lengthBytes)]);
    return offset;
  };
  const takeForGood = slabs.takeForGood.bind(slabs);
  slabs.takeForGood = (lengthBytes) => {
    const offset = takeForGood(lengthBytes);
    if (offset >= 0) taken.push([offset, Slabs.capacity(lengthBytes)]);
    return offset;
  };
  const grow = slabs.grow.bind(slabs);
  slabs.grow = (offset, lengthBytes) => {
    const hasGrown = grow(offset, lengthBytes);
    if (hasGrown) taken.push([offset, Slabs.capacity(lengthBytes) * 2]);
    return hasGrown;
  };
  return taken;
}
