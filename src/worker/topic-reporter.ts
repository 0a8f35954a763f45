import type { TopicWatcher } from '../pubsub/topic-watcher.js';

/** Takes the topics that have their first subscriber in this thread now, and those that have none any more. */
export type ReportTopics = (joined: readonly string[], left: readonly string[]) => void;

/**
 * Reports to the primary which topics have subscribers in this thread, so that it gets what other processes publish to them. All that has
 * changed in an iteration of the event loop is one report. A topic that comes and goes in one is not reported.
 *
 * The next report waits until the primary has taken the last one: clients decide how often topics come and go, and a primary that is busy
 * would be posted more and more. What waits is no more than the topics whose state has changed.
 */
export class TopicReporter implements TopicWatcher {
  readonly #report: ReportTopics;
  /** The topics that have changed since the last report: whether they have subscribers now. */
  readonly #changed = new Map<string, boolean>();
  /** Whether a report is due at the end of this iteration, or not taken yet. */
  #isBusy = false;

  constructor(report: ReportTopics) {
    this.#report = report;
  }

  join(topic: string): void {
    this.#note(topic, true);
  }

  leave(topic: string): void {
    this.#note(topic, false);
  }

  #note(topic: string, isWanted: boolean): void {
    if (this.#changed.delete(topic)) return; // joins and leaves take turns: it is as it was
    this.#changed.set(topic, isWanted);
    if (this.#isBusy) return;
    this.#isBusy = true;
    setImmediate(() => this.#flush());
  }

  /** The primary has taken the last report. */
  noteTaken(): void {
    this.#flush();
  }

  #flush(): void {
    if (this.#changed.size === 0) {
      this.#isBusy = false; // all is as it was
      return;
    }
    const joined: string[] = [];
    const left: string[] = [];
    for (const [topic, isWanted] of this.#changed) (isWanted ? joined : left).push(topic);
    this.#changed.clear();
    this.#report(joined, left);
  }
}
