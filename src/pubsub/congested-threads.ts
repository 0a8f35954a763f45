import type { ThreadLedger } from './thread-ledger.js';

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

/** What a thread had taken at the last look, and for how long it has taken nothing since then. */
interface Progress {
  taken: number;
  stillMs: number;
}

/**
 * The threads that are owed so much that publishers should wait for them, or that ask for it. A thread is added when it is owed more
 * than the high mark, or is pressed: see {@link ThreadLedger.press}. From then on a timer looks at its ledger, until it is owed no more
 * than the low mark and not pressed any more, or has taken nothing for too long. No timer runs while there is no such thread.
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
    if ((ledger.owedBytes <= this.#options.highBytes && !ledger.isPressed) || this.#threads.has(thread)) return;
    this.#threads.set(thread, { taken: thread.ledger.taken, stillMs: 0 });
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

  /** Whether one of the threads has subscribers of a topic. @param hash of the topic. */
  want(hash: number): boolean {
    for (const { ledger } of this.#threads.keys()) if (ledger.wants(hash)) return true;
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
      const { owedBytes, taken, isPressed } = thread.ledger;
      if (owedBytes <= this.#options.lowBytes) {
        if (isPressed)
          progress.stillMs = 0; // it has taken what there was, and says itself for how long to wait
        else this.remove(thread);
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
