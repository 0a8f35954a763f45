/** The subscribers of one topic, by their slots: see {@link SubscriberTable}. */
export class TopicMembers {
  readonly #members = new Set<number>();
  /** The members as a list; undefined when they have changed. */
  #slots: readonly number[] | undefined;

  add(slot: number): void {
    this.#members.add(slot);
    this.#slots = undefined;
  }

  delete(slot: number): void {
    this.#members.delete(slot);
    this.#slots = undefined;
  }

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  /** The slots of the members as of now, in the order in which they came. */
  get slots(): readonly number[] {
    this.#slots ??= [...this.#members];
    return this.#slots;
  }
}
