import type { ThreadLedger } from './thread-ledger.js';
import { hashTopic } from './topic-hash.js';

/** How often the threads are looked at, in ms. */
const TICK_MS = 20;

/** What is needed of a thread to watch it. */
export interface WatchedThread {
  readonly ledger: ThreadLedger;
}

export interface CongestionOptions<Thread extends WatchedThread> {
  /** Publishers should wait for a thread that is owed more than this, in bytes. */
  readonly highBytes: number;
  /** They may go on when it is owed no more than this, in bytes. */
  readonly lowBytes: number;
  /** A thread that takes nothing for this long, in ms, is not waited for any more. */
  readonly timeoutMs: number;
  /** @param isCongested whether there is a thread that publishers should wait for: true and false in turn. */
  onChange(isCongested: boolean): void;
  /** A thread has taken nothing for `timeoutMs`. It does not count as congested any more. */
  onSlow(thread: Thread): void;
}

/** What is known of a thread that publishers should wait for. */
interface Progress {
  /** Whether it was owed more than the high mark, and not yet no more than the low mark. If not, it only holds publishers. */
  isFull: boolean;
  /** What it had taken at the last look. */
  taken: number;
  /** For how long it has taken nothing since then, in ms. */
  stillMs: number;
}

/**
 * The threads that are owed so much that publishers should wait for them, or that ask for it. A thread is added when it is owed more
 * than the high mark, or holds publishers: see {@link ThreadLedger.holdPublishers}. From then on a timer looks at its ledger, until it is owed no more
 * than the low mark and holds none any more, or has taken nothing for too long. Publishers to topics of its subscribers wait in the first
 * case, those to topics of certain engines in the second. No timer runs while there is no such thread.
 */
export class CongestedThreads<Thread extends WatchedThread> {
  readonly #options: CongestionOptions<Thread>;
  readonly #threads = new Map<Thread, Progress>();
  #waiting: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #tickedAtMs = 0;

  constructor(options: CongestionOptions<Thread>) {
    this.#options = options;
  }

  /** Adds a thread if publishers should wait for it. To be called after something was posted to it. */
  check(thread: Thread): void {
    const { ledger } = thread;
    const isFull = ledger.owedBytes > this.#options.highBytes;
    if (!isFull && !ledger.holdsPublishers) return;
    const known = this.#threads.get(thread);
    if (known !== undefined) {
      known.isFull ||= isFull;
      return;
    }
    this.#threads.set(thread, { isFull, taken: ledger.taken, stillMs: 0 });
    if (this.#timer !== undefined) return;
    this.#tickedAtMs = performance.now();
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref();
    this.#options.onChange(true);
  }

  /** The thread is not waited for any more. */
  remove(thread: Thread): void {
    if (!this.#threads.delete(thread) || this.#threads.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#options.onChange(false);
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Whether publishers to a topic should wait for one of the threads. */
  want(topic: string): boolean {
    const hash = hashTopic(topic);
    for (const [{ ledger }, { isFull }] of this.#threads) {
      if ((isFull && ledger.wants(hash)) || ledger.holdsPublishersOf(topic)) return true;
    }
    return false;
  }

  /** Resolves when there is no such thread. */
  whenNone(): Promise<void> {
    if (this.#threads.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #tick(): void {
    const now = performance.now();
    // If this thread was blocked itself, that time says nothing about the others.
    const elapsedMs = Math.min(now - this.#tickedAtMs, 2 * TICK_MS);
    this.#tickedAtMs = now;
    for (const [thread, progress] of [...this.#threads]) {
      const { owedBytes, taken, holdsPublishers } = thread.ledger;
      if (owedBytes <= this.#options.lowBytes) progress.isFull = false;
      if (!progress.isFull && !holdsPublishers) {
        this.remove(thread);
      } else if (owedBytes <= this.#options.lowBytes) {
        progress.stillMs = 0; // it has taken what there was, and says itself for how long to wait
      } else if (taken !== progress.taken) {
        progress.taken = taken;
        progress.stillMs = 0;
      } else {
        progress.stillMs += elapsedMs;
        if (progress.stillMs >= this.#options.timeoutMs) {
          this.remove(thread);
          this.#options.onSlow(thread);
        }
      }
    }
  }
}
