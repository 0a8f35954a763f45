/**
 * What a hosting thread counts, in memory that it shares with the primary: the primary can read it at any time, also when
 * the thread is blocked or gone. Only the thread writes. Each is a float64 at this index.
 */
export const Counter = {
  /** Connections open or closing now. */
  CONNECTIONS: 0,
  /** Connections ever taken over. */
  OPENED: 1,
  MESSAGES_IN: 2,
  /** Messages sent, each publication once for every subscriber. */
  MESSAGES_OUT: 3,
  /** Bytes read from sockets. */
  BYTES_IN: 4,
  /** Connections failed for a violation of the protocol or of a limit. */
  PROTOCOL_ERRORS: 5,
  /** Hooks of the handler that threw or rejected. */
  HANDLER_ERRORS: 6,
  /** Messages that did not fit into the arena and were put on the heap. */
  HEAP_MESSAGES: 7,
  /** Bytes in slabs of the arena now. */
  ARENA_BYTES: 8,
  /** What the connections hold of output that peers have not taken, and of messages still arriving, in bytes. */
  BUFFERED_BYTES: 9,
  /** Messages that were not sent because their receiver had too much to take already. */
  DROPPED: 10,
  /** Connections closed because they took too little of what they were sent. */
  SLOW_CONSUMERS: 11,
  /** Connections that were silent after a ping, too. */
  HEARTBEAT_TIMEOUTS: 12,
  IDLE_TIMEOUTS: 13,
  MESSAGE_TIMEOUTS: 14,
  /** Connections that took nothing of what they were sent. */
  STALLS: 15,
  CLOSE_TIMEOUTS: 16,
  /** Connections closed because the server held too much for all of them. */
  SHED: 17,
  /** How often a connection was not read for a while, or was closed, because it sent too fast. */
  RATE_LIMITED: 18,
  /** Upgrades refused, by the primary, for: the Host, the Origin, maxConnections, maxConnectionsPerIp, the handshake. */
  REFUSED_HOSTS: 19,
  REFUSED_ORIGINS: 20,
  REFUSED_FULL: 21,
  REFUSED_ADDRESSES: 22,
  REFUSED_HANDSHAKES: 23,
  /** Counted by the primary: workers that died, and the connections that died with them. */
  WORKERS_LOST: 24,
  CONNECTIONS_LOST: 25,
  /** How often the handler module was loaded again. */
  RELOADS: 26,
  /** Counted by the primary: connections above the limits that were closed without an answer. */
  REFUSED_UNANSWERED: 27,
  /** Of the connections, those that are not open any more. They do not count against limits. */
  CLOSING: 28,
  /** Messages that were not posted to another thread, which was owed too much, or took nothing. */
  DROPPED_PUBLICATIONS: 29,
  /** How often a thread was waited for no more. */
  SLOW_THREADS: 30,
  /** Counted by the primary: upgrades refused because the hook `upgrade` did not decide in time. */
  HOOK_TIMEOUTS: 31,
  /** Connections closed because their thread has missed publications to their topics. */
  MISSED_PUBLICATIONS: 32,
  /** Counted by the primary: connections whose clients were sent the 101, and that were closed because no worker took them. */
  CONNECTIONS_ABANDONED: 33,
  /** Counted by the primary: upgrades refused because no worker takes connections, or the server is closing. */
  REFUSED_UNAVAILABLE: 34,
  /** Counted by the primary: upgrades refused because hooks still run for too many clients that have left. */
  ORPHANED_HOOKS: 35,
} as const;

export type Counter = (typeof Counter)[keyof typeof Counter];

const COUNTERS = Object.keys(Counter).length;

/** The counters of one thread; see {@link Counter}. */
export class Counters {
  /** To be handed to the thread, or to whoever reads. */
  readonly buffer: SharedArrayBuffer;
  readonly values: Float64Array;

  constructor(buffer = new SharedArrayBuffer(COUNTERS * Float64Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer;
    this.values = new Float64Array(buffer);
  }

  get(counter: Counter): number {
    return this.values[counter] as number;
  }

  set(counter: Counter, value: number): void {
    this.values[counter] = value;
  }

  add(counter: Counter, amount: number): void {
    this.values[counter] = (this.values[counter] as number) + amount;
  }

  /** Adds each counter of another thread to ours. */
  addAll(others: Counters): void {
    for (let counter = 0; counter < COUNTERS; counter++) {
      this.values[counter] = (this.values[counter] as number) + (others.values[counter] as number);
    }
  }
}
