import type { NatsConnection, Subscription } from '@nats-io/transport-node';
import type { BackplaneConnection, BackplaneEvents } from '../fleet/backplane.js';
import { guardReading } from './nats-reading.js';
import type { Secrets } from './secrets.js';
import { topicToken } from './topic-names.js';
import { UnconfirmedBytes } from './unconfirmed-bytes.js';

interface Parts {
  readonly client: NatsConnection;
  readonly prefix: string;
  /** The largest message that the server takes. */
  readonly maxPayload: number;
  readonly secrets: Secrets;
  /** What errors call the server. */
  readonly what: string;
  readonly events: BackplaneEvents;
}

/** Larger messages than this bring nothing, and make the others of the connection wait. */
const MOST_MESSAGE_BYTES = 1024 * 1024;
/** After so much, the server is asked to confirm what it has read. NATS confirms no single message. */
const CONFIRM_AFTER = 64 * 1024;
/** How many of these questions may be open: a single one would be open for one round trip, and what comes meanwhile would wait for two. */
const MOST_QUESTIONS = 8;
/** How long what waits may take to be sent when the connection is closed. */
const CLOSE_MS = 2000;

/** One connection to NATS. The subject of a topic is the prefix, a dot, and the token of the topic. */
export class NatsSession implements BackplaneConnection {
  readonly maxMessageBytes: number;
  readonly #client: NatsConnection;
  readonly #prefix: string;
  readonly #secrets: Secrets;
  readonly #what: string;
  readonly #events: BackplaneEvents;
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #unconfirmed: UnconfirmedBytes;
  /** What has been published since the last question. */
  #unasked = 0;
  /** How many questions are open. */
  #questions = 0;
  #isOver = false;
  /**
   * What ends the waiting of those who wait for an answer: when the connection is over, the client leaves them without one. One promise for all of
   * them would keep something of each, as long as the connection lasts: `Promise.race` does not let go of what it has waited for.
   */
  readonly #waiting = new Set<() => void>();

  constructor({ client, prefix, maxPayload, secrets, what, events }: Parts) {
    this.maxMessageBytes = Math.min(maxPayload, MOST_MESSAGE_BYTES);
    this.#client = client;
    this.#prefix = prefix;
    this.#secrets = secrets;
    this.#what = what;
    this.#events = events;
    this.#unconfirmed = new UnconfirmedBytes(() => {
      if (!this.#isOver) events.drained();
    });
    guardReading(client, (error) => this.#lose(error));
    void this.#watch();
    void client.closed().then((error) => this.#lose(error ?? new Error('the server has closed the connection')));
  }

  publish(topic: string, bytes: Uint8Array): boolean {
    if (this.#isOver) return true;
    try {
      // The client keeps what it is given until the end of the turn, and the caller may overwrite it. `slice` of a Buffer would copy nothing.
      this.#client.publish(this.#subjectOf(topic), new Uint8Array(bytes));
    } catch (error) {
      this.#lose(error);
      return true;
    }
    this.#unasked += this.#unconfirmed.add(bytes.length);
    if (this.#unasked >= CONFIRM_AFTER) this.#ask();
    return !this.#unconfirmed.isFull;
  }

  async subscribe(topics: readonly string[]): Promise<void> {
    if (this.#isOver) return;
    let isSubscribing = true;
    for (const topic of topics) {
      if (this.#subscriptions.has(topic)) continue;
      const subscription = this.#client.subscribe(this.#subjectOf(topic), {
        callback: (error, message) => {
          if (error === null) this.#receive(topic, message.data);
          else if (!isSubscribing)
            this.#lose(error); // permissions have changed, and what was published meanwhile is missed
          else {
            this.#subscriptions.delete(topic);
            this.#refuse(error);
          }
        },
      });
      this.#subscriptions.set(topic, subscription);
    }
    // What the server says to the subscriptions comes before its answer to this.
    await this.#answered();
    isSubscribing = false;
  }

  async unsubscribe(topics: readonly string[]): Promise<void> {
    if (this.#isOver) return;
    for (const topic of topics) {
      this.#subscriptions.get(topic)?.unsubscribe();
      this.#subscriptions.delete(topic);
    }
    await this.#answered();
  }

  async close(): Promise<void> {
    if (this.#isOver) return;
    const sent = this.#answered();
    this.#isOver = true;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_MS);
    });
    // A connection that is lost meanwhile has nothing more to send.
    await Promise.race([sent.catch(() => {}), late]);
    clearTimeout(timer);
    this.#tellOver();
    await this.#client.close();
  }

  #subjectOf(topic: string): string {
    return `${this.#prefix}.${topicToken(topic)}`;
  }

  /** An exception would stop the client from reading, without a word. */
  #receive(topic: string, bytes: Uint8Array): void {
    if (this.#isOver) return;
    try {
      this.#events.received(topic, bytes);
    } catch (error) {
      this.#lose(error);
    }
  }

  /** Resolves when the server has done what it was sent, or the connection is over. */
  #answered(): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiting.add(resolve);
      const forget = () => this.#waiting.delete(resolve);
      this.#client.flush().then(resolve, reject).finally(forget);
    });
  }

  #tellOver(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  /** Asks the server to confirm what was published. While enough questions are open, the next one is for all that comes meanwhile. */
  #ask(): void {
    if (this.#questions >= MOST_QUESTIONS || this.#isOver) return;
    const asked = this.#unasked;
    this.#unasked = 0;
    this.#questions++;
    const answered = () => {
      this.#questions--;
      this.#unconfirmed.confirm(asked);
      if (this.#unasked >= CONFIRM_AFTER) this.#ask();
    };
    // It rejects only if the connection is lost, and that is reported elsewhere.
    this.#client.flush().then(answered, () => {});
  }

  /** Errors that the server reports, and a server that does not answer. */
  async #watch(): Promise<void> {
    for await (const status of this.#client.status()) {
      if (status.type === 'staleConnection') this.#lose(new Error('the server does not answer'));
      if (status.type !== 'error') continue;
      const { error } = status;
      const operation: unknown = Reflect.get(error, 'operation'); // of what is not permitted
      if (operation === 'publish') this.#refuse(error);
      else if (operation !== 'subscription') this.#lose(error); // of a subscription, its callback is told
    }
  }

  #refuse(error: unknown): void {
    if (!this.#isOver) this.#events.refused(this.#secrets.error(this.#what, error));
  }

  #lose(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#tellOver();
    void this.#client.close();
    this.#events.lost(this.#secrets.error(this.#what, error));
  }
}
