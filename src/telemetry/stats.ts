import { Counter, type Counters } from './counters.js';

/** What a server has done since it was created, in all of its threads. */
export interface ServerStats {
  /** Connections open or closing now. */
  readonly connections: number;
  /** Connections ever opened. */
  readonly opened: number;
  readonly messagesIn: number;
  /** Messages sent; a publication counts once for each subscriber. */
  readonly messagesOut: number;
  /** Bytes read from WebSocket connections. */
  readonly bytesIn: number;
  /** Connections failed because of what the client sent. */
  readonly protocolErrors: number;
  /** Hooks of the handler that threw or rejected, `upgrade` not counted. */
  readonly handlerErrors: number;
  /** Messages that did not fit into an arena and were put on the heap. */
  readonly heapMessages: number;
  /** Bytes of arenas in use, as of the last second. */
  readonly arenaBytes: number;
  /** What connections hold of output that clients have not taken, and of messages still arriving, in bytes. */
  readonly bufferedBytes: number;
  /** What the limits have done: how many connections each has closed, unless its text says otherwise. */
  readonly limits: LimitStats;
  /** TCP connections that are no WebSockets, or none yet: silent ones, HTTP clients, those with half a request. */
  readonly httpConnections: number;
  /** Upgrades that wait: for the hook `upgrade` to decide, or for the client's system to take the 101. */
  readonly pendingUpgrades: number;
  /** Of each worker: its connections, and whether it takes new ones. Empty with `threads: 0`. */
  readonly threads: readonly { readonly connections: number; readonly isTaking: boolean }[];
  /** Workers that died unasked. */
  readonly workersLost: number;
  /** Connections that died with them. */
  readonly connectionsLost: number;
  /** Connections whose clients were told that they are connected, and that were closed because no worker took them. */
  readonly connectionsAbandoned: number;
  /** How often the handler module was loaded again. */
  readonly reloads: number;
  readonly uptimeMs: number;
}

/** How often each limit was met. */
export interface LimitStats {
  /** Not answering a ping (`heartbeatIntervalMs`). */
  readonly heartbeatTimeouts: number;
  /** Without a message either way (`idleTimeoutMs`). */
  readonly idleTimeouts: number;
  /** Not finishing a message (`messageTimeoutMs`). */
  readonly messageTimeouts: number;
  /** Taking nothing of what they were sent (`stallTimeoutMs`), or not the 101 (`handshakeTimeoutMs`). HTTP clients count, too. */
  readonly stalls: number;
  /** Not finishing the closing handshake (`closeTimeoutMs`). */
  readonly closeTimeouts: number;
  /** Taking too little of what they were sent (`maxBackpressureBytes`). */
  readonly slowConsumers: number;
  /** Messages that were not sent (`slowConsumer: 'drop'`). */
  readonly droppedMessages: number;
  /** Messages published that a thread was not given, because it was owed too much (`maxOwedBytes`) or took nothing. */
  readonly droppedPublications: number;
  /** How often a thread took nothing of what was published to it (`slowThreadTimeoutMs`). */
  readonly slowThreads: number;
  /** Closed because their thread was such a one, and has missed publications to their topics (`slowThreadTimeoutMs`). */
  readonly missedPublications: number;
  /** Closed to make room (`maxBufferedBytes`). */
  readonly shed: number;
  /** Not read for a while, or closed, for sending too fast (`messagesPerSecond`, `bytesPerSecond`). */
  readonly rateLimited: number;
  /** Connections refused for `maxConnections`: upgrades, and those that were closed without an answer. */
  readonly refusedFull: number;
  /** Connections refused for `maxConnectionsPerIp`, likewise. */
  readonly refusedAddresses: number;
  /** Upgrades refused for their Origin (`allowedOrigins`). */
  readonly refusedOrigins: number;
  /** Requests refused for their Host, ordinary ones too (`allowedHosts`). */
  readonly refusedHosts: number;
  /** Requests refused because they are malformed, or not whole in time: opening handshakes, ordinary requests, and what is no HTTP. */
  readonly refusedHandshakes: number;
  /** Connections above `maxConnections` or `maxConnectionsPerIp` that were closed without an answer: too many others waited for one. */
  readonly refusedUnanswered: number;
  /** Upgrades refused because no worker takes connections (each is dead, or blocked for `handOffTimeoutMs`), or the server is closing. */
  readonly refusedUnavailable: number;
  /** Upgrades refused because the hook `upgrade` did not decide in time (`handshakeTimeoutMs`). */
  readonly hookTimeouts: number;
  /**
   * Upgrades refused because the hook `upgrade` still runs for as many clients that have left as there may be connections
   * (`maxConnections`, `maxConnectionsPerIp`).
   */
  readonly orphanedHooks: number;
}

/** What the counters do not know. */
export type Uncounted = Pick<ServerStats, 'httpConnections' | 'pendingUpgrades' | 'threads' | 'uptimeMs'>;

/** Adds up the counters of all threads. */
export function readStats(counters: readonly Counters[], uncounted: Uncounted): ServerStats {
  const sum = (counter: Counter) => counters.reduce((total, thread) => total + thread.get(counter), 0);
  return {
    connections: sum(Counter.CONNECTIONS),
    opened: sum(Counter.OPENED),
    messagesIn: sum(Counter.MESSAGES_IN),
    messagesOut: sum(Counter.MESSAGES_OUT),
    bytesIn: sum(Counter.BYTES_IN),
    protocolErrors: sum(Counter.PROTOCOL_ERRORS),
    handlerErrors: sum(Counter.HANDLER_ERRORS),
    heapMessages: sum(Counter.HEAP_MESSAGES),
    arenaBytes: sum(Counter.ARENA_BYTES),
    bufferedBytes: sum(Counter.BUFFERED_BYTES),
    limits: {
      heartbeatTimeouts: sum(Counter.HEARTBEAT_TIMEOUTS),
      idleTimeouts: sum(Counter.IDLE_TIMEOUTS),
      messageTimeouts: sum(Counter.MESSAGE_TIMEOUTS),
      stalls: sum(Counter.STALLS),
      closeTimeouts: sum(Counter.CLOSE_TIMEOUTS),
      slowConsumers: sum(Counter.SLOW_CONSUMERS),
      droppedMessages: sum(Counter.DROPPED),
      droppedPublications: sum(Counter.DROPPED_PUBLICATIONS),
      slowThreads: sum(Counter.SLOW_THREADS),
      missedPublications: sum(Counter.MISSED_PUBLICATIONS),
      shed: sum(Counter.SHED),
      rateLimited: sum(Counter.RATE_LIMITED),
      refusedFull: sum(Counter.REFUSED_FULL),
      refusedAddresses: sum(Counter.REFUSED_ADDRESSES),
      refusedOrigins: sum(Counter.REFUSED_ORIGINS),
      refusedHosts: sum(Counter.REFUSED_HOSTS),
      refusedHandshakes: sum(Counter.REFUSED_HANDSHAKES),
      refusedUnanswered: sum(Counter.REFUSED_UNANSWERED),
      refusedUnavailable: sum(Counter.REFUSED_UNAVAILABLE),
      hookTimeouts: sum(Counter.HOOK_TIMEOUTS),
      orphanedHooks: sum(Counter.ORPHANED_HOOKS),
    },
    workersLost: sum(Counter.WORKERS_LOST),
    connectionsLost: sum(Counter.CONNECTIONS_LOST),
    connectionsAbandoned: sum(Counter.CONNECTIONS_ABANDONED),
    reloads: sum(Counter.RELOADS),
    ...uncounted,
  };
}
