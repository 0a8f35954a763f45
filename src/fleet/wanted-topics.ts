export interface WantedTopicsOptions {
  /** For how long a topic without subscribers stays wanted, in ms, or up to a tenth longer: somebody may come back. @default 1000 */
  readonly lingerMs?: number;
  /** Called with the changes of a turn of the event loop; no topic is in both lists. */
  onChange(added: string[], removed: string[]): void;
}

const DEFAULT_LINGER_MS = 1000;

/**
 * The topics that a thread of this process has subscribers of, and that the engines have to be subscribed to. Each thread reports the first
 * and the last subscriber of a topic. Changes of a turn of the event loop are told together, after it.
 */
export class WantedTopics {
  readonly #lingerMs: number;
  readonly #onChange: WantedTopicsOptions['onChange'];
  readonly #topicsOf = new Map<object, Set<string>>();
  /** How many threads have subscribers of a topic. */
  readonly #threads = new Map<string, number>();
  /** Topics whose subscription has not been told yet. */
  readonly #added = new Set<string>();
  /** Topics without subscribers whose end has not been told yet, and since when, in ms. The first is the oldest. */
  readonly #lingering = new Map<string, number>();
  #telling: NodeJS.Immediate | undefined;
  #ending: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor({ lingerMs = DEFAULT_LINGER_MS, onChange }: WantedTopicsOptions) {
    this.#lingerMs = lingerMs;
    this.#onChange = onChange;
  }

  /** A thread has its first subscriber of a topic. */
  join(thread: object, topic: string): void {
    if (this.#isClosed) return;
    let topics = this.#topicsOf.get(thread);
    if (topics === undefined) {
      topics = new Set();
      this.#topicsOf.set(thread, topics);
    }
    if (topics.has(topic)) return;
    topics.add(topic);
    const threads = this.#threads.get(topic) ?? 0;
    this.#threads.set(topic, threads + 1);
    if (threads > 0 || this.#lingering.delete(topic)) return;
    this.#added.add(topic);
    this.#telling ??= setImmediate(() => this.#tell());
  }

  /** A thread has no subscriber of a topic any more. */
  leave(thread: object, topic: string): void {
    const topics = this.#topicsOf.get(thread);
    if (!topics?.delete(topic)) return;
    if (topics.size === 0) this.#topicsOf.delete(thread);
    this.#release(topic);
  }

  /** A thread is gone, with all its subscribers. */
  forgetThread(thread: object): void {
    const topics = this.#topicsOf.get(thread);
    if (topics === undefined) return;
    this.#topicsOf.delete(thread);
    for (const topic of topics) this.#release(topic);
  }

  /** Forgets all, and tells nothing any more, whatever is reported. */
  close(): void {
    this.#isClosed = true;
    clearImmediate(this.#telling);
    clearTimeout(this.#ending);
    this.#telling = undefined;
    this.#ending = undefined;
    this.#topicsOf.clear();
    this.#threads.clear();
    this.#added.clear();
    this.#lingering.clear();
  }

  #release(topic: string): void {
    const threads = (this.#threads.get(topic) as number) - 1; // the thread that leaves is counted
    if (threads > 0) {
      this.#threads.set(topic, threads);
      return;
    }
    this.#threads.delete(topic);
    if (this.#added.delete(topic)) return; // nobody was told of it
    this.#lingering.set(topic, performance.now());
    this.#ending ??= setTimeout(() => this.#end(), this.#lingerMs).unref();
  }

  #tell(): void {
    this.#telling = undefined;
    if (this.#added.size === 0) return;
    const added = [...this.#added];
    this.#added.clear();
    this.#onChange(added, []);
  }

  /** Ends the topics that have lingered long enough, and comes back for the next. */
  #end(): void {
    this.#ending = undefined;
    const now = performance.now();
    const removed: string[] = [];
    for (const [topic, since] of this.#lingering) {
      // A timer may come a fraction of a millisecond early.
      const leftMs = since + this.#lingerMs - now;
      if (leftMs >= 1) {
        const delayMs = Math.max(leftMs, this.#lingerMs / 10); // so that topics end together
        this.#ending = setTimeout(() => this.#end(), delayMs).unref();
        break;
      }
      this.#lingering.delete(topic);
      removed.push(topic);
    }
    if (removed.length > 0) this.#onChange([], removed);
  }
}
