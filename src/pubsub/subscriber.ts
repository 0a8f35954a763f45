import type { FrameMemory } from './frame-memory.js';
import type { Subscription } from './subscription.js';

/** Who can subscribe to topics: a connection, as far as topics know it. */
export interface Subscriber {
  /** Undefined while it has no topics. Kept by {@link Topics}. */
  subscription: Subscription | undefined;
  /** Its descriptor, if it has one and nothing waits to be sent to it before; else a negative number. */
  readonly clearDescriptor: number;
  /** Sends it `messages` frames, encoded at `[start, end)` of the memory. */
  deliver(memory: FrameMemory, start: number, end: number, messages: number): void;
  /** Its thread was too slow, and has missed publications to one of its topics. */
  onMissed(): void;
}

/** Whose hook publishes: a connection, as far as topics know it. */
export interface Publisher {
  /** A thread that is owed too much has subscribers of a topic that this one publishes to: it is to cause no more of that for now. */
  holdBack(topic: string): void;
}
