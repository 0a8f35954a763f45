import { type Channel, channel } from 'node:diagnostics_channel';
import { types } from 'node:util';
import type { ThrottledLog } from './throttled-log.js';

/** Where it is reported that a subscriber has failed. */
export type SubscriberLog = Pick<ThrottledLog, 'throttledError'>;

type Subscriber = (event: unknown, name: string) => unknown;

/**
 * A channel of `node:diagnostics_channel`, on which this thread tells whoever has subscribed what happens. Ask {@link hasSubscribers}
 * before an event is made, so that nothing is made for nobody.
 */
export class EventChannel<Event extends object> {
  readonly #name: string;
  readonly #channel: Channel;

  constructor(name: string) {
    this.#name = name;
    this.#channel = channel(name);
  }

  get hasSubscribers(): boolean {
    return this.#channel.hasSubscribers;
  }

  /**
   * Calls the subscribers. Node would make what one of them throws an uncaught exception, which ends the thread with all of its
   * connections, so they are called here, and a failure is a line in the log. Of a Node that keeps its subscribers elsewhere, `publish` is
   * called.
   */
  publish(event: Event, log: SubscriberLog): void {
    const { _subscribers: subscribers } = this.#channel as { readonly _subscribers?: unknown };
    if (!Array.isArray(subscribers)) {
      this.#channel.publish(event);
      return;
    }
    for (const subscriber of subscribers as readonly Subscriber[]) {
      try {
        const result = subscriber(event, this.#name);
        if (types.isPromise(result)) result.catch((error: unknown) => this.#report(error, log));
      } catch (error) {
        this.#report(error, log);
      }
    }
  }

  #report(error: unknown, log: SubscriberLog): void {
    const what = `a subscriber of ${this.#name} failed`;
    log.throttledError(what, what, error);
  }
}
