import { Dialect } from './dialect.js';
import type { Subscriber } from './subscriber.js';
import { Subscription } from './subscription.js';

/** Sends to descriptors directly, without the connection object. A host has it: its system calls. */
export interface DescriptorSender {
  /** Gives `[start, end)` of `bytes` to a socket. @returns how many bytes it has taken; 0 or less if none. */
  send(fd: number, bytes: Uint8Array, start: number, end: number): number;
  /** Counts messages that {@link send} has sent whole, and all bytes that it has sent. */
  count(messages: number, bytes: number): void;
  /** Gives memory that nobody reads any more back to the system. */
  discard(bytes: Uint8Array): void;
}

/** In place of a descriptor: the subscriber has to be asked. */
const BLOCKED = -1;

/** Bits of what was sent to a descriptor. */
const Sent = { ANY: 1, DEFLATED: 2 } as const;

const FIRST_SLOTS = 64;

/**
 * The subscribers of a thread. Each has a slot: a small number, under which tables hold all that a publication has to
 * know of most subscribers. Their connections are objects of some hundred bytes, spread over the heap, and while
 * messages are sent to hundreds of others the system leaves nothing of them in the processor's caches: to look at one
 * costs 0.5 us of the 6 us that it takes to send it 100 bytes.
 *
 * A subscriber is *clear* if nothing waits to be sent to it: then a direct send to its descriptor overtakes nothing. A
 * delivery finds out whether a subscriber is clear; whatever may change that blocks its slot.
 */
export class SubscriberTable {
  /** By slot: the descriptor of a clear subscriber, else a negative number. */
  fds = new Int32Array(FIRST_SLOTS).fill(BLOCKED);
  /** By slot: what was sent to the descriptor since the last {@link takeSent} and {@link takeDeflated}. */
  #wasSent = new Uint8Array(FIRST_SLOTS);
  readonly #subscribers: (Subscriber | undefined)[] = [];
  readonly #free: number[] = [];
  /** By dialect: how many subscribers have it. */
  readonly #countOf = [0, 0, 0, 0];
  /** How many subscribers have one that is compressed. */
  #deflated = 0;

  /** Gives a subscriber a subscription, whose slot is blocked. */
  enter(subscriber: Subscriber): void {
    const slot = this.#free.pop() ?? this.#subscribers.length;
    if (slot === this.fds.length) this.#grow();
    this.#subscribers[slot] = subscriber;
    this.#wasSent[slot] = 0;
    this.#count(subscriber.dialect, 1);
    subscriber.subscription = new Subscription(slot);
  }

  /** Ends the subscription of a subscriber. */
  leave(subscriber: Subscriber, { slot }: Subscription): void {
    this.fds[slot] = BLOCKED;
    this.#subscribers[slot] = undefined;
    this.#free.push(slot);
    this.#count(subscriber.dialect, -1);
    subscriber.subscription = undefined;
  }

  #count(dialect: Dialect, change: 1 | -1): void {
    if (dialect !== Dialect.PLAIN) this.#deflated += change;
    this.#countOf[dialect] = (this.#countOf[dialect] as number) + change; // there is a count for each
  }

  /** Whether there are subscribers of a dialect. */
  has(dialect: Dialect): boolean {
    return this.#countOf[dialect] !== 0;
  }

  /** Whether there are subscribers of a dialect that is compressed. */
  get hasDeflated(): boolean {
    return this.#deflated > 0;
  }

  /** The subscriber in a slot. */
  at(slot: number): Subscriber | undefined {
    return this.#subscribers[slot];
  }

  /** Notes whether a subscriber is clear now. */
  update({ subscription, clearDescriptor }: Subscriber): void {
    if (subscription !== undefined) this.fds[subscription.slot] = clearDescriptor;
  }

  /** Notes that something waits to be sent to a subscriber, or may soon. */
  block({ subscription }: Subscriber): void {
    if (subscription !== undefined) this.fds[subscription.slot] = BLOCKED;
  }

  /** Notes that something was sent to the descriptor in a slot. @param areDeflated whether compressed frames were among it. */
  noteSent(slot: number, areDeflated: boolean): void {
    this.#wasSent[slot] = (this.#wasSent[slot] as number) | (areDeflated ? Sent.ANY | Sent.DEFLATED : Sent.ANY);
  }

  /** Whether something was sent to the descriptor of a subscriber since the last call. */
  takeSent(subscriber: Subscriber): boolean {
    return this.#take(subscriber, Sent.ANY);
  }

  /** Whether compressed frames were sent to the descriptor of a subscriber since the last call. */
  takeDeflated(subscriber: Subscriber): boolean {
    return this.#take(subscriber, Sent.DEFLATED);
  }

  #take({ subscription }: Subscriber, bit: number): boolean {
    if (subscription === undefined) return false;
    const sent = this.#wasSent[subscription.slot] as number; // it has a slot
    this.#wasSent[subscription.slot] = sent & ~bit;
    return (sent & bit) !== 0;
  }

  #grow(): void {
    const { fds } = this;
    this.fds = new Int32Array(2 * fds.length).fill(BLOCKED);
    this.fds.set(fds);
    const wasSent = this.#wasSent;
    this.#wasSent = new Uint8Array(2 * wasSent.length);
    this.#wasSent.set(wasSent);
  }
}
