import type { Backplane, BackplaneConnection, BackplaneEvents } from '../../dist/fleet/backplane.js';

/** Lets everything run that waits for promises only. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

/** A connection that notes what it is asked, and answers as the test wants. */
export class FakeConnection implements BackplaneConnection {
  maxMessageBytes = 1_000_000;
  /** Whether it takes more after the next messages. */
  hasRoom = true;
  readonly published: { readonly topic: string; readonly bytes: Buffer }[] = [];
  readonly subscribed = new Set<string>();
  /** Calls in their order: `+a,b` and `-a`. */
  readonly calls: string[] = [];
  /** Whether {@link subscribe} and {@link unsubscribe} are answered at once; if not, by {@link answer}. */
  answersAtOnce = true;
  closed = 0;
  /** What {@link close} returns. */
  closing: Promise<void> = Promise.resolve();
  readonly #waiting: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];

  publish(topic: string, bytes: Uint8Array): boolean {
    this.published.push({ topic, bytes: Buffer.from(bytes) });
    return this.hasRoom;
  }

  subscribe(topics: readonly string[]): Promise<void> {
    this.calls.push(`+${topics}`);
    return this.#answered(() => {
      for (const topic of topics) {
        if (this.subscribed.has(topic)) throw new Error(`subscribed twice to ${topic}`);
        this.subscribed.add(topic);
      }
    });
  }

  unsubscribe(topics: readonly string[]): Promise<void> {
    this.calls.push(`-${topics}`);
    return this.#answered(() => {
      for (const topic of topics) if (!this.subscribed.delete(topic)) throw new Error(`was not subscribed to ${topic}`);
    });
  }

  close(): Promise<void> {
    this.closed++;
    return this.closing;
  }

  /** How many calls wait for an answer. */
  get unanswered(): number {
    return this.#waiting.length;
  }

  /** Answers the call that has waited longest. */
  async answer(error?: Error): Promise<void> {
    const call = this.#waiting.shift();
    if (error === undefined) call?.resolve();
    else call?.reject(error);
    await settled();
  }

  async #answered(done: () => void): Promise<void> {
    if (!this.answersAtOnce) await new Promise<void>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    done();
  }
}

/** An attempt to connect, as the test lets it end. */
export class FakeAttempt {
  readonly events: BackplaneEvents;
  readonly signal: AbortSignal;
  readonly connection = new FakeConnection();
  readonly promise: Promise<BackplaneConnection>;
  #resolve: (connection: BackplaneConnection) => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor(events: BackplaneEvents, signal: AbortSignal) {
    this.events = events;
    this.signal = signal;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  async accept(connection: BackplaneConnection = this.connection): Promise<FakeConnection> {
    this.#resolve(connection);
    await settled();
    return this.connection;
  }

  async refuse(error: unknown = new Error('refused')): Promise<void> {
    this.#reject(error);
    await settled();
  }
}

/** An engine whose connections the test makes and breaks. */
export class FakeBackplane implements Backplane {
  readonly name = 'fake';
  readonly attempts: FakeAttempt[] = [];

  /** The last attempt. */
  get last(): FakeAttempt {
    const last = this.attempts.at(-1);
    if (last === undefined) throw new Error('there was no attempt');
    return last;
  }

  connect(events: BackplaneEvents, signal: AbortSignal): Promise<BackplaneConnection> {
    const attempt = new FakeAttempt(events, signal);
    this.attempts.push(attempt);
    return attempt.promise;
  }
}
