import type { Subscriber } from './subscriber.js';

/** The subscribers of one topic. */
export class TopicMembers {
  readonly #members = new Set<Subscriber>();
  /** Of the members; undefined when they have changed. */
  #slots: readonly number[] | undefined;

  add(subscriber: Subscriber): void {
    this.#members.add(subscriber);
    this.#slots = undefined;
  }

  delete(subscriber: Subscriber): void {
    this.#members.delete(subscriber);
    this.#slots = undefined;
  }

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  /** The slots of the members, as of now. Members have slots, and keep them. */
  get slots(): readonly number[] {
    this.#slots ??= Array.from(this.#members, ({ slot }) => slot);
    return this.#slots;
  }
}
