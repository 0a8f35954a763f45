import type { Backplane, BackplaneConnection } from '../fleet/backplane.js';
import { missingMethods, saysMissing } from '../fleet/missing-methods.js';

/** A message as a connection has received it. */
export interface Received {
  readonly topic: string;
  readonly bytes: Uint8Array;
}

/** A connection under test, and what it has reported. */
export interface TestedConnection extends BackplaneConnection {
  readonly received: readonly Received[];
  /** How often it takes messages again. */
  readonly drains: number;
}

/** The connections of one rule of {@link testBackplane}, and waiting for what they report. */
export class ConformanceRig {
  readonly timeoutMs: number;
  readonly #make: () => Backplane | Promise<Backplane>;
  readonly #open: BackplaneConnection[] = [];
  readonly #problems: string[] = [];
  /** Those who wait for a report. */
  readonly #waiting = new Set<() => void>();

  constructor(make: () => Backplane | Promise<Backplane>, timeoutMs: number) {
    this.#make = make;
    this.timeoutMs = timeoutMs;
  }

  /** A backplane that nothing was done with. */
  async backplane(): Promise<Backplane> {
    return await this.#make();
  }

  /** A connection of a process of its own. */
  async connect(): Promise<TestedConnection> {
    const backplane = await this.#make();
    const received: Received[] = [];
    let drains = 0;
    let isClosed = false;
    const reported = () => {
      for (const wake of [...this.#waiting]) wake();
    };
    const events = {
      received: (topic: string, bytes: Uint8Array) => {
        if (isClosed) return;
        // `slice` of a Buffer would copy nothing.
        received.push({ topic, bytes: new Uint8Array(bytes) });
        reported();
      },
      drained: () => {
        drains++;
        reported();
      },
      refused: (error: Error) => {
        this.#problems.push(`a topic was refused: ${error.message}`);
        reported();
      },
      lost: (error: Error) => {
        const when = isClosed ? 'lost() was called after close()' : 'the connection was lost';
        this.#problems.push(`${when}: ${error.message}`);
        reported();
      },
    };
    const connection = await this.within('connect()', backplane.connect(events, new AbortController().signal));
    const missing = missingMethods(connection);
    if (!missing.includes('close')) this.#open.push(connection);
    if (missing.length > 0) throw new Error(saysMissing(missing));
    return {
      maxMessageBytes: connection.maxMessageBytes,
      received,
      get drains() {
        return drains;
      },
      publish: (topic, bytes) => connection.publish(topic, bytes),
      subscribe: (topics) => this.within('subscribe()', connection.subscribe(topics)),
      unsubscribe: (topics) => this.within('unsubscribe()', connection.unsubscribe(topics)),
      close: async () => {
        const closing = connection.close();
        await this.within('close()', closing);
        isClosed = true;
      },
    };
  }

  /** Waits until something is so. @param what completes the sentence: `there is no …` */
  async until(what: string, isSo: () => boolean): Promise<void> {
    if (isSo()) return;
    let wake = () => {};
    const reported = new Promise<void>((resolve) => {
      wake = () => {
        if (isSo() || this.#problems.length > 0) resolve();
      };
    });
    this.#waiting.add(wake);
    try {
      await this.within(what, reported);
    } finally {
      this.#waiting.delete(wake);
    }
    // What has gone wrong is reported at the end of the rule.
    if (!isSo()) throw new Error(`${what} did not come`);
  }

  /** The answer, if it comes in time. */
  async within<Answer>(what: string, answer: Promise<Answer>): Promise<Answer> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${what} did not come within ${this.timeoutMs} ms`)), this.timeoutMs);
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Closes all connections. @returns what went wrong beside the rule itself. */
  async end(): Promise<readonly string[]> {
    for (const connection of this.#open) {
      try {
        await this.within('close()', connection.close());
      } catch (error) {
        this.#problems.push((error as Error).message);
      }
    }
    return this.#problems;
  }
}
