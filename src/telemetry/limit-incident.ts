import { Counter } from './counters.js';

/** What a limit has done to a connection: how it is counted and told. */
export interface Incident {
  readonly counter: Counter;
  /** For the log: what connections it has met have done. */
  readonly what: string;
}

export const Incident = {
  PROTOCOL_ERROR: { counter: Counter.PROTOCOL_ERRORS, what: 'violated the protocol or a limit of messages' },
  DROPPED: {
    counter: Counter.DROPPED,
    what: 'did not get a message: too much was queued for them (maxBackpressureBytes)',
  },
  SLOW_CONSUMER: {
    counter: Counter.SLOW_CONSUMERS,
    what: 'took too little of what they were sent (maxBackpressureBytes)',
  },
  HEARTBEAT_TIMEOUT: { counter: Counter.HEARTBEAT_TIMEOUTS, what: 'did not answer a ping (heartbeatIntervalMs)' },
  IDLE_TIMEOUT: { counter: Counter.IDLE_TIMEOUTS, what: 'exchanged no messages (idleTimeoutMs)' },
  MESSAGE_TIMEOUT: { counter: Counter.MESSAGE_TIMEOUTS, what: 'did not finish a message (messageTimeoutMs)' },
  STALL: { counter: Counter.STALLS, what: 'took nothing of what they were sent (stallTimeoutMs)' },
  CLOSE_TIMEOUT: { counter: Counter.CLOSE_TIMEOUTS, what: 'did not finish the closing handshake (closeTimeoutMs)' },
  SHED: { counter: Counter.SHED, what: 'held too much memory when all together held too much (maxBufferedBytes)' },
  RATE_LIMIT: { counter: Counter.RATE_LIMITED, what: 'sent too fast (messagesPerSecond, bytesPerSecond)' },
  FOREIGN_HOST: {
    counter: Counter.REFUSED_HOSTS,
    what: 'refused: the server does not answer to this Host name (allowedHosts)',
  },
  FOREIGN_ORIGIN: {
    counter: Counter.REFUSED_ORIGINS,
    what: 'refused: pages of their Origin may not connect (allowedOrigins)',
  },
  FULL: { counter: Counter.REFUSED_FULL, what: 'refused: the server is full (maxConnections)' },
  ADDRESS_FULL: {
    counter: Counter.REFUSED_ADDRESSES,
    what: 'refused: too many connections from their address (maxConnectionsPerIp)',
  },
  UNANSWERED: {
    counter: Counter.REFUSED_UNANSWERED,
    what: 'closed without an answer: too many others above maxConnections or maxConnectionsPerIp wait for theirs',
  },
  BAD_HANDSHAKE: {
    counter: Counter.REFUSED_HANDSHAKES,
    what: 'refused: malformed request or opening handshake',
  },
  MISSED: {
    counter: Counter.MISSED_PUBLICATIONS,
    what: 'closed: their thread has missed publications, because it took none for too long (slowThreadTimeoutMs)',
  },
  UNAVAILABLE: { counter: Counter.REFUSED_UNAVAILABLE, what: 'refused: the server takes no connections now' },
  HOOK_TIMEOUT: {
    counter: Counter.HOOK_TIMEOUTS,
    what: 'refused: the hook upgrade did not decide in time (handshakeTimeoutMs)',
  },
  ORPHANED_HOOKS: {
    counter: Counter.ORPHANED_HOOKS,
    what: 'refused: the hook upgrade still runs for too many clients that have left (maxConnections, maxConnectionsPerIp)',
  },
} as const satisfies Readonly<Record<string, Incident>>;
