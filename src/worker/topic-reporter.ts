import type { TopicWatcher } from '../pubsub/topic-watcher.js';

/** Takes the topics that have their first subscriber in this thread now, and those that have none any more. */
export type ReportTopics = (joined: readonly string[], left: readonly string[]) => void;

/**
 * Reports to the primary which topics have subscribers in this thread, so that it gets what other processes publish to them. All that has
 * changed in an iteration of the event loop is one report. A topic that comes and goes in one is not reported.
 */
export class TopicReporter implements TopicWatcher {
  readonly #report: ReportTopics;
  /** The topics that have changed since the last report: whether they have subscribers now. */
  readonly #changed = new Map<string, boolean>();

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
    if (this.#changed.size === 1) setImmediate(() => this.#flush());
  }

  #flush(): void {
    if (this.#changed.size === 0) return; // all is as it was
    const joined: string[] = [];
    const left: string[] = [];
    for (const [topic, isWanted] of this.#changed) (isWanted ? joined : left).push(topic);
    this.#changed.clear();
    this.#report(joined, left);
  }
}
