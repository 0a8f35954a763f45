import type { Backplane, BackplaneConnection, BackplaneEvents } from '../../dist/backplanes/index.js';

/** What an engine in memory does otherwise than it should. */
export interface Faults {
  readonly name?: string;
  readonly maxMessageBytes?: number;
  /** What stands for a topic at the engine. */
  readonly key?: (topic: string) => string;
  /** Whether a subscription to a key gets what is published to another one. */
  readonly matches?: (subscribed: string, published: string) => boolean;
  /** What arrives of a message; undefined: nothing. */
  readonly arrives?: (bytes: Uint8Array) => readonly Uint8Array[];
  /** What is done with the bytes in `publish` instead of a copy. */
  readonly copies?: (bytes: Uint8Array) => Uint8Array;
  /** How many turns of the event loop a message takes. */
  readonly turns?: (bytes: Uint8Array) => number;
  /** Whether `subscribe` resolves before the engine knows. */
  readonly subscribesLate?: boolean;
  readonly neverUnsubscribes?: boolean;
  /** Whether a topic that was left once is never subscribed to again. */
  readonly forgetsForGood?: boolean;
  /** Whether `publish` returns false, and `drained` never comes. */
  readonly neverDrains?: boolean;
  readonly ignoresAbort?: boolean;
  /** Whether `close` drops what is on its way. */
  readonly dropsAtClose?: boolean;
  /** What `publish` does after `close`. */
  readonly afterClose?: 'throws' | 'sends';
  readonly reportsItsClose?: boolean;
  readonly neverCloses?: boolean;
  readonly losesConnections?: boolean;
}

interface Member {
  readonly events: BackplaneEvents;
  /** The topics that are subscribed to, by their keys. */
  readonly topics: Map<string, string>;
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** An engine in the memory of the process: the plainest one that keeps all rules, unless it has faults. */
export class MemoryEngine {
  readonly #members = new Set<Member>();
  readonly #faults: Faults;

  constructor(faults: Faults = {}) {
    this.#faults = faults;
  }

  backplane(): Backplane {
    const { name = 'memory', ignoresAbort = false } = this.#faults;
    return {
      name,
      connect: async (events, signal) => {
        await turn();
        if (signal.aborted && !ignoresAbort) throw new Error('aborted');
        return this.#connection(events);
      },
    };
  }

  #connection(events: BackplaneEvents): BackplaneConnection {
    const faults = this.#faults;
    const { key = (topic) => topic, arrives = (bytes) => [bytes], turns = () => 1 } = faults;
    const { matches = (subscribed, published) => subscribed === published } = faults;
    const member: Member = { events, topics: new Map() };
    this.#members.add(member);
    const left = new Set<string>();
    let isClosed = false;
    let sent = 0;
    const deliver = async (topic: string, bytes: Uint8Array) => {
      for (let i = turns(bytes); i > 0; i--) await turn();
      if (isClosed && faults.dropsAtClose) return;
      for (const { events, topics } of this.#members) {
        for (const [subscribed, original] of topics) {
          if (!matches(subscribed, key(topic))) continue;
          for (const each of arrives(bytes)) events.received(original, each);
        }
      }
    };
    if (faults.losesConnections) setImmediate(() => events.lost(new Error('gone')));
    return {
      maxMessageBytes: faults.maxMessageBytes ?? 256 * 1024,
      publish(topic, bytes) {
        if (isClosed && faults.afterClose === 'throws') throw new Error('closed');
        if (isClosed && faults.afterClose !== 'sends') return true;
        void deliver(topic, faults.copies?.(bytes) ?? new Uint8Array(bytes));
        sent += bytes.length;
        return !faults.neverDrains || sent < 4 * 1024 * 1024;
      },
      async subscribe(topics) {
        if (isClosed) return;
        const subscribe = () => {
          for (const topic of topics)
            if (!faults.forgetsForGood || !left.has(topic)) member.topics.set(key(topic), topic);
        };
        if (faults.subscribesLate) setTimeout(subscribe, 20);
        else subscribe();
      },
      async unsubscribe(topics) {
        if (faults.neverUnsubscribes) return;
        for (const topic of topics) {
          left.add(topic);
          member.topics.delete(key(topic));
        }
      },
      close: async () => {
        if (faults.neverCloses) return new Promise<void>(() => {});
        if (faults.reportsItsClose && !isClosed) setImmediate(() => events.lost(new Error('closed')));
        isClosed = true;
        this.#members.delete(member);
      },
    };
  }
}
