/** How many topics share a place, and are told apart no more, depends on this: 4 KiB for each thread. */
const PLACES = 1024;

/** Where a topic is counted: FNV-1a, over UTF-16 units. */
export function placeOf(topic: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < topic.length; i++) hash = Math.imul(hash ^ topic.charCodeAt(i), 0x0100_0193);
  return (hash ^ (hash >>> 16)) & (PLACES - 1);
}

/**
 * Which topics a thread has subscribers of, for the threads that publish: in memory that they share, so that they see it as
 * soon as somebody has subscribed. Topics are counted by a hash of their names: a thread may get what it does not want, but
 * gets all that it wants.
 */
export class Interest {
  readonly buffer: SharedArrayBuffer;
  readonly #counts: Int32Array;

  /** @param buffer of another thread's interest; a thread's own is made without. */
  constructor(buffer = new SharedArrayBuffer(PLACES * Int32Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer;
    this.#counts = new Int32Array(buffer);
  }

  add(topic: string): void {
    Atomics.add(this.#counts, placeOf(topic), 1);
  }

  remove(topic: string): void {
    Atomics.sub(this.#counts, placeOf(topic), 1);
  }

  /** Whether there may be a subscriber of a topic with this {@link placeOf}. */
  includes(place: number): boolean {
    return Atomics.load(this.#counts, place) > 0;
  }
}
