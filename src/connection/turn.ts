import { type AnyTurn, threadState } from './thread-state.js';

/** What a thread's connections have gathered, and what of it still lies where it was read. */
export interface Gathered {
  /** Copies what still lies where it was read: that is going to be overwritten. */
  gatherRows(): void;
  /** Gives everything to the kernel. */
  flush(): void;
}

/**
 * How long the answer to a read may wait for other reads of the same phase, in ms: some fifty small messages are received and
 * answered in this time. A hook that takes longer delays it until it returns.
 */
const MAX_WAIT_MS = 0.2;

/**
 * A thread's turn, from the beginning of a callback of the event loop to its end, and the one clock by which bytes leave:
 *
 * ```
 *  what                        is sent in a turn: leaves                   outside of one (timer, after an await): leaves
 *  ──────────────────────────  ──────────────────────────────────────────  ──────────────────────────────────────────────
 *  publications                when the turn ends, in one write for        in the next microtask
 *                              each subscriber; with one that takes long
 *                              to compress, when that is done
 *  small frames, gathered      when the event loop has handled all that    in the next microtask
 *                              it found to be read; or, at the end of a
 *                              read, 0.2 ms after the first was gathered
 *  large frames                at once, with what its connection has       at once
 *                              gathered in front
 * ```
 *
 * What is sent to a connection for which something was published before leaves behind that: see `Topics.catchUp`. What the
 * kernel does not take waits in the connection's transport.
 *
 * Small frames of many connections leave together because a reply between two reads wakes a client that has just gone to sleep, and
 * the sender pays for that: 100 connections that echo 20 bytes with a client on another core mostly had 16 to 35 context switches to
 * 100 reads, and have 1 to 3 so.
 */
export class Turn {
  readonly #flushPublications: () => void;
  /** Of each host of this thread: more than one only while an old one drains. */
  #gathered: readonly Gathered[] = [];
  /** What must not be done while a hook runs. */
  readonly #deferred: (() => void)[] = [];
  #depth = 0;
  /** Of another server in this thread, whose hook has begun this one. */
  #outer: AnyTurn | undefined;

  /** When the first frame was gathered of those that have not left; negative if there is none. */
  #gatheredAtMs = -1;
  #isPhaseEndAwaited = false;
  readonly #onPhaseEnd: () => void;
  #isFlushDue = false;
  readonly #onFlushDue: () => void;
  #arePublicationsDue = false;

  constructor(flushPublications: () => void) {
    this.#flushPublications = flushPublications;
    this.#onPhaseEnd = () => {
      this.#isPhaseEndAwaited = false;
      this.flush();
    };
    this.#onFlushDue = () => {
      this.#isFlushDue = false;
      this.flush();
    };
  }

  /** From now on, what a host's connections have gathered leaves by this clock. */
  attach(gathered: Gathered): void {
    this.#gathered = [...this.#gathered, gathered];
  }

  /** A host is over. */
  detach(gathered: Gathered): void {
    gathered.flush();
    this.#gathered = this.#gathered.filter((one) => one !== gathered);
  }

  begin(): void {
    if (this.#depth++ === 0) this.#outer = threadState.runningTurn;
    threadState.runningTurn = this;
  }

  end(): void {
    if (this.#depth > 1) {
      this.#depth--;
      return;
    }
    try {
      this.#flushPublications(); // still in the turn: what a stream answers from within a write waits until all is written
    } finally {
      this.#depth = 0;
      threadState.runningTurn = this.#outer;
      this.#outer = undefined;
    }
    while (this.#deferred.length > 0) (this.#deferred.shift() as () => void)();
  }

  /** Ends a turn in which something was read: the memory that it was read to is going to be overwritten, and time has gone by. */
  endRead(): void {
    try {
      for (const gathered of this.#gathered) gathered.gatherRows();
      if (this.#gatheredAtMs >= 0 && performance.now() - this.#gatheredAtMs > MAX_WAIT_MS) this.flush();
    } finally {
      this.end();
    }
  }

  /** Whether a callback of the event loop is being handled: a hook may be looking at the window. */
  get isRunning(): boolean {
    return this.#depth > 0;
  }

  /** Does something that needs the window: at once, or at the end of this turn, because a hook may be looking at it. */
  afterwards(action: () => void): void {
    if (this.#depth === 0) action();
    else this.#deferred.push(action);
  }

  /** There are publications to be sent. */
  schedule(): void {
    if (this.#depth > 0 || this.#arePublicationsDue) return;
    this.#arePublicationsDue = true;
    queueMicrotask(() => {
      this.#arePublicationsDue = false;
      this.begin();
      this.end();
    });
  }

  /** A connection begins to gather. Hot. */
  noteGathering(): void {
    if (this.#gatheredAtMs < 0) this.#gatheredAtMs = performance.now();
    if (this.#isPhaseEndAwaited) return;
    this.#isPhaseEndAwaited = true;
    setImmediate(this.#onPhaseEnd);
  }

  /** Something is going to be sent: outside of a turn there is no end of a turn, and maybe for long no end of a phase. */
  beforeOutput(): void {
    if (threadState.runningTurn !== undefined || this.#isFlushDue) return;
    this.#isFlushDue = true;
    queueMicrotask(this.#onFlushDue);
  }

  /** Sends now what was gathered. */
  flush(): void {
    this.#gatheredAtMs = -1;
    for (const gathered of this.#gathered) gathered.flush();
  }
}
