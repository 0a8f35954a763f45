/** What the topics of a thread keep about one subscriber, from its first topic to its last. */
export class Subscription {
  /** The topics that it has. */
  readonly topics = new Set<string>();
  /** Its place in the {@link SubscriberTable}. */
  readonly slot: number;
  /** The batch of which it was last given runs out of turn, and how many runs: see {@link Delivery}. */
  batch = 0;
  runsTaken = 0;

  constructor(slot: number) {
    this.slot = slot;
  }
}
