import type { Dialect } from './dialect.js';
import type { FrameMemory } from './frame-memory.js';
import type { Subscription } from './subscription.js';

/** A connection that can subscribe to topics, as far as topics know it. */
export interface Subscriber {
  /**
   * What topics keep about it, from its first topic to its last; undefined while it has none. Only {@link Topics} sets
   * it.
   */
  subscription: Subscription | undefined;
  /** How its frames are encoded. It never changes. */
  readonly dialect: Dialect;
  /** Its descriptor, if it has one and nothing waits to be sent to it; else a negative number. */
  readonly clearDescriptor: number;
  /**
   * Sends it `messages` frames, encoded at `[start, end)` of the memory.
   * @param areDeflated whether there are compressed ones among them, which enter the window of the receiver. They refer to nothing in it.
   */
  deliver(memory: FrameMemory, start: number, end: number, messages: number, areDeflated: boolean): void;
  /** Its thread was too slow, and has missed publications to one of its topics. */
  onMissed(): void;
}

/** A connection whose hook publishes, as far as topics know it. */
export interface Publisher {
  /** A thread that is owed too much has subscribers of this topic: the publisher should publish no more for now. */
  holdBack(topic: string): void;
}
