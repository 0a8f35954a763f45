import type { Turn } from '../connection/turn.js';
import { CloseCode } from '../protocol/close.js';

/** The interval at which it is checked whether what is waited for has happened, in ms. */
const CHECK_MS = 20;

/** How long to wait for the 'close' events of connections that were destroyed, in ms. */
const DESTROYED_MS = 100;

/** A connection, as far as draining concerns it. */
export interface DrainedConnection {
  readonly isOpen: boolean;
  /** Whether there is nothing left to handle or to send. */
  readonly isQuiet: boolean;
  /** Reads nothing more. What has arrived is still handled. */
  stopReading(): void;
  close(code: number, reason: string): void;
  terminate(): void;
}

/**
 * Ends the connections of a host without losing what their clients have sent: messages that have arrived are answered, then each
 * connection is closed with 1001, and at last destroyed.
 */
export class Draining {
  readonly #connections: ReadonlySet<DrainedConnection>;
  readonly #turn: Pick<Turn, 'begin' | 'end'>;
  #hasBegun = false;
  /** Promises of hooks that are not settled yet. */
  #unsettled = 0;
  /** Checks whether what is waited for has happened. */
  #check: () => void = () => {};

  /**
   * @param connections those that are open or closing; the set may change at any time.
   * @param turn the turn of the thread, in which connections are closed.
   */
  constructor(connections: ReadonlySet<DrainedConnection>, turn: Pick<Turn, 'begin' | 'end'>) {
    this.#connections = connections;
    this.#turn = turn;
  }

  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Waits for the promise of a hook, which may still send to any connection. */
  track(promise: PromiseLike<unknown>): void {
    this.#unsettled++;
    const settled = () => {
      this.#unsettled--;
      this.#check();
    };
    promise.then(settled, settled);
  }

  /** Call this when a connection was added. Closes it if it was handed off before the draining has begun. */
  noteAdded(connection: DrainedConnection): void {
    if (this.#hasBegun) this.#close([connection]);
  }

  /** Call this when a connection was removed. */
  noteRemoved(): void {
    this.#check();
  }

  /**
   * The turn of each connection to leave comes within `spreadMs`, at even distances; until then it is served. For at most half of the
   * time that is left of `limitMs` after that, its messages that have arrived are handled and answered. Then it is closed. After `limitMs`
   * the connections that are left are destroyed. Resolves when no connection is left.
   */
  async run(limitMs: number, spreadMs = 0): Promise<void> {
    this.#hasBegun = true;
    const connections = this.#connections;
    const end = performance.now() + limitMs;
    // Only half of the time, so that a connection that never comes to rest still gets a Close.
    const patienceMs = (limitMs - spreadMs) / 2;
    if (spreadMs > 0) await this.#spread(spreadMs, patienceMs);
    await everythingRead();
    for (const connection of connections) connection.stopReading();
    await this.#until(() => this.#closeQuiet(connections), end - patienceMs);
    this.#close(connections);
    await this.#until(() => connections.size === 0, end);
    for (const connection of connections) connection.terminate();
    // Wait for their 'close' events, which call the hook `close`.
    if (connections.size > 0) await this.#until(() => connections.size === 0, performance.now() + DESTROYED_MS);
  }

  /** Has connections leave one after the other, those that came first at first. At its end, each has had its turn. */
  async #spread(spreadMs: number, patienceMs: number): Promise<void> {
    const order = [...this.#connections];
    const start = performance.now();
    // Each thread has a phase of its own, so that threads with few connections do not close them at the same moments.
    const phase = Math.random();
    /** When each of those whose turn has come is closed at the latest. */
    const leaving = new Map<DrainedConnection, number>();
    for (let begun = 0; begun < order.length && this.#connections.size > 0; ) {
      await this.#until(() => this.#connections.size === 0, performance.now() + CHECK_MS);
      const share = Math.min(1, (performance.now() - start) / spreadMs);
      const due = share === 1 ? order.length : Math.floor(order.length * share + phase);
      const turn = order.slice(begun, due).filter((one) => this.#connections.has(one));
      begun = Math.max(begun, due);
      if (turn.length > 0) await everythingRead();
      for (const connection of turn) {
        connection.stopReading();
        leaving.set(connection, performance.now() + patienceMs);
      }
      this.#closeQuiet(leaving.keys());
      const now = performance.now();
      this.#close([...leaving].filter(([, latest]) => latest <= now).map(([connection]) => connection));
      for (const connection of [...leaving.keys()]) if (!connection.isOpen) leaving.delete(connection);
    }
  }

  /** Closes those of some connections that have nothing left to handle or to send. @returns whether these were all open ones. */
  #closeQuiet(connections: Iterable<DrainedConnection>): boolean {
    // A hook whose promise is not settled may still send to any connection.
    if (this.#unsettled > 0) return false;
    const open = [...connections].filter(({ isOpen }) => isOpen);
    const quiet = open.filter(({ isQuiet }) => isQuiet);
    this.#close(quiet);
    return quiet.length === open.length;
  }

  #close(connections: Iterable<DrainedConnection>): void {
    this.#turn.begin();
    try {
      for (const connection of connections) connection.close(CloseCode.GOING_AWAY, 'server is going away');
    } finally {
      this.#turn.end();
    }
  }

  /** Resolves when `isDone` is true, or at `end`. It is checked after each change, and by a timer. */
  async #until(isDone: () => boolean, end: number): Promise<void> {
    if (isDone()) return;
    await new Promise<void>((resolve) => {
      const check = () => {
        if (performance.now() < end && !isDone()) return;
        clearInterval(timer);
        this.#check = () => {};
        resolve();
      };
      const timer = setInterval(check, Math.min(CHECK_MS, Math.max(1, end - performance.now())));
      this.#check = check;
    });
  }
}

/** Resolves when every socket that had something to read was read: a whole round of the event loop does that. */
async function everythingRead(): Promise<void> {
  for (let phase = 0; phase < 3; phase++) await new Promise((resolve) => setImmediate(resolve));
}
