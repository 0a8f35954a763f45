import type { BackplaneConnection } from './backplane.js';
import { withDeadline } from './deadline.js';

export interface EngineSubscriptionsOptions {
  readonly connection: Pick<BackplaneConnection, 'subscribe' | 'unsubscribe'>;
  /** The topics that are to be subscribed to. It changes, and {@link EngineSubscriptions.change} is told of it. */
  readonly wanted: ReadonlySet<string>;
  /** How many topics go to the engine at once. */
  readonly batch: number;
  /** How long the engine may take for a batch, in ms. */
  readonly timeoutMs: number;
  /** The engine has subscribed to all topics that were wanted at the start. */
  onRenewed(): void;
  /** The engine has failed to subscribe or to unsubscribe. Nothing is done any more. */
  onFailed(error: unknown): void;
}

/**
 * The subscriptions of one connection to an engine. It follows the wanted topics batch by batch, each after the last was answered: so a
 * topic that is wanted, not wanted and wanted again is never asked for twice, and the engine is not flooded.
 */
export class EngineSubscriptions {
  readonly #options: EngineSubscriptionsOptions;
  readonly #subscribed = new Set<string>();
  /** Topics to look at: what is wanted of them may differ from what is subscribed. */
  readonly #changed: Set<string>;
  /** Where the next batch begins in them. A new iterator for each batch would walk over all that batches before it have deleted. */
  #next: SetIterator<string> | undefined;
  #isFollowing = false;
  #isOver = false;

  constructor(options: EngineSubscriptionsOptions) {
    this.#options = options;
    this.#changed = new Set(options.wanted);
  }

  /** How many topics the engine has subscribed to. */
  get size(): number {
    return this.#subscribed.size;
  }

  /** Subscribes to the wanted topics, and follows them from then on. */
  start(): void {
    void this.#follow(Math.ceil(this.#changed.size / this.#options.batch));
  }

  /** Whether these topics are wanted has changed. To be called after {@link start}. */
  change(topics: readonly string[]): void {
    for (const topic of topics) this.#changed.add(topic);
    if (!this.#isFollowing) void this.#follow();
  }

  /** The connection is over. */
  end(): void {
    this.#isOver = true;
    this.#subscribed.clear();
  }

  /** @param renewals how many batches it takes at most until all topics that were wanted at the start are subscribed to. */
  async #follow(renewals?: number): Promise<void> {
    this.#isFollowing = true;
    let isRenewing = renewals !== undefined;
    try {
      for (let batches = 0; !this.#isOver; batches++) {
        if (isRenewing && (batches === renewals || this.#changed.size === 0)) {
          isRenewing = false;
          this.#options.onRenewed();
        }
        if (this.#changed.size === 0) break;
        await this.#step();
      }
    } catch (error) {
      if (!this.#isOver) this.#options.onFailed(error);
      return; // it stays "following": nothing is done any more
    }
    this.#isFollowing = false;
  }

  /** Makes one batch as it is wanted. The changes that came first are the first. */
  async #step(): Promise<void> {
    const { connection, wanted, batch, timeoutMs } = this.#options;
    const added: string[] = [];
    const removed: string[] = [];
    while (added.length + removed.length < batch) {
      const topic = this.#nextChanged();
      if (topic === undefined) break;
      this.#changed.delete(topic);
      if (wanted.has(topic) === this.#subscribed.has(topic)) continue;
      (wanted.has(topic) ? added : removed).push(topic);
    }
    if (removed.length > 0) {
      for (const topic of removed) this.#subscribed.delete(topic);
      await withDeadline(connection.unsubscribe(removed), timeoutMs, 'unsubscribing');
    }
    if (added.length > 0 && !this.#isOver) {
      await withDeadline(connection.subscribe(added), timeoutMs, 'subscribing');
      if (!this.#isOver) for (const topic of added) this.#subscribed.add(topic);
    }
  }
  /** The change that came first. */
  #nextChanged(): string | undefined {
    this.#next ??= this.#changed.values();
    const { value } = this.#next.next();
    if (value === undefined) this.#next = undefined; // an iterator that was at the end stays there
    return value;
  }
}
