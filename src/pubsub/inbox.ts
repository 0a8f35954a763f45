import type { ThreadLedger } from './thread-ledger.js';

/**
 * How long messages may wait for connections that clients may know of and this thread does not, in ms. They wait while the primary has
 * written a 101 and not yet posted the connection: for microseconds, unless the primary is blocked or has to wait for a core.
 */
const MAX_HOLD_MS = 1000;

/** A message that waits for connections that clients know of and this thread does not. */
interface HeldMessage<Message> {
  readonly message: Message;
  /**
   * How many connections had been handed to this thread when no 101 was on its way any more: all its connections that clients
   * knew of when the message came are among them. Undefined before that.
   */
  offered: number | undefined;
  readonly untilMs: number;
}

/**
 * The messages from other threads, in their order. As soon as a client has its 101, it counts on the first subscriptions
 * of its connection. But the 101 may reach the client before the connection reaches this thread. So a message waits until
 * the connections that were on their way when it came are open.
 */
export class Inbox<Message> {
  readonly #ledger: ThreadLedger;
  readonly #take: (message: Message) => void;
  readonly #takeHandOffs: () => void;
  readonly #held: HeldMessage<Message>[] = [];
  #isScheduled = false;

  /**
   * @param ledger the ledger of this thread.
   * @param take is called with each message when it does not wait any more.
   * @param takeHandOffs opens the connections that were handed to this thread already.
   */
  constructor(ledger: ThreadLedger, take: (message: Message) => void, takeHandOffs: () => void) {
    this.#ledger = ledger;
    this.#take = take;
    this.#takeHandOffs = takeHandOffs;
  }

  receive(message: Message): void {
    if (this.#held.length === 0 && !this.#ledger.isExpecting) {
      this.#take(message);
      return;
    }
    this.#held.push({ message, offered: undefined, untilMs: performance.now() + MAX_HOLD_MS });
    this.#release();
  }

  #releaseSoon(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#release();
    });
  }

  #release(): void {
    this.#takeHandOffs();
    try {
      for (let first = this.#held[0]; first !== undefined; first = this.#held[0]) {
        if (this.#isAwaiting(first) && performance.now() < first.untilMs) return;
        this.#held.shift();
        this.#take(first.message);
      }
    } finally {
      if (this.#held.length > 0) this.#releaseSoon();
    }
  }

  /** Whether connections that clients knew of when a message came are still on their way. */
  #isAwaiting(held: HeldMessage<Message>): boolean {
    const ledger = this.#ledger;
    if (held.offered === undefined) {
      if (ledger.isAwaiting101) return true; // the connection may not have been handed to any thread yet
      held.offered = ledger.offered;
      this.#takeHandOffs();
    }
    return !ledger.haveSettled(held.offered);
  }
}
