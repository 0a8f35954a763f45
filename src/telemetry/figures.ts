import type { CountedStats, LimitStats } from './server-stats.js';

/** One figure that a server counts. */
interface Figure {
  /** A counter only grows. A gauge is a value of now: a thread that has ended has none. */
  readonly kind: 'counter' | 'gauge';
  /** Its name in `server.stats()`. A figure without `stat` and `limit` is for the metrics, or for the server itself. */
  readonly stat?: keyof CountedStats;
  /** Its name in `server.stats().limits`. */
  readonly limit?: keyof LimitStats;
  /** What it says, as in the docs of that member. */
  readonly help: string;
  /** The options by which a user raises or lowers it. */
  readonly options?: readonly string[];
  /** For what a limit does: the line of the log, behind the name of the connection, or of several. */
  readonly line?: string;
}

/**
 * Every figure of a server, one row each. From the rows derive the places in shared memory (`Counter`), `server.stats()`, the lines
 * of the log about limits (`LimitIncident`), and the column "counter" of docs/limits.md. Rows without a note are counted by the
 * thread that hosts the connection.
 */
export const FIGURES = {
  CONNECTIONS: { kind: 'gauge', stat: 'connections', help: 'WebSocket connections that are open or closing now.' },
  CLOSING: { kind: 'gauge', help: 'Of these, the ones that are closing. They do not count against limits.' },
  UNHOSTED: {
    kind: 'counter',
    help: 'Connections that were handed over and could not be hosted: they are over, and were never opened.',
  },
  UNOPENED: {
    kind: 'counter',
    help: 'Connections that were handed over before their opening handshake, and have ended without becoming WebSockets.',
  },
  HTTP_CONNECTIONS: {
    kind: 'gauge',
    help: 'Connections of worker threads that are neither WebSockets nor over. Brought up to date once a second.',
  },
  PENDING_UPGRADES: {
    kind: 'gauge',
    help: 'Opening handshakes of worker threads that wait for the hook `upgrade`. Brought up to date once a second.',
  },
  OPENED: { kind: 'counter', stat: 'opened', help: 'WebSocket connections opened since the server was created.' },
  MESSAGES_IN: { kind: 'counter', stat: 'messagesIn', help: 'Messages received from clients.' },
  MESSAGES_OUT: {
    kind: 'counter',
    stat: 'messagesOut',
    help: 'Messages sent to clients. A publication counts once for each subscriber.',
  },
  BYTES_IN: {
    kind: 'counter',
    stat: 'bytesIn',
    help: 'Bytes read from WebSocket connections, the headers of frames included.',
  },
  PROTOCOL_ERRORS: {
    kind: 'counter',
    stat: 'protocolErrors',
    help: 'Connections closed because the client violated the protocol or a limit of messages (`maxPayloadBytes`, `maxConsecutiveEmptyFragments`).',
    options: ['maxPayloadBytes', 'maxConsecutiveEmptyFragments'],
    line: 'violated the protocol or a limit of messages',
  },
  HANDLER_ERRORS: {
    kind: 'counter',
    stat: 'handlerErrors',
    help: 'Hooks of the handler that threw or rejected. The hook `upgrade` does not count.',
  },
  HEAP_MESSAGES: {
    kind: 'counter',
    stat: 'heapMessages',
    help: 'Messages that did not fit into an arena and were put on the heap (`arenaBytes`).',
    options: ['arenaBytes'],
  },
  INFLATED_MESSAGES: {
    kind: 'counter',
    stat: 'inflatedMessages',
    help: 'Of the messages received, those that were compressed (`deflate`).',
  },
  INFLATED_FROM_BYTES: {
    kind: 'counter',
    stat: 'inflatedFromBytes',
    help: 'Bytes of compressed messages from clients, as they arrived, without the headers of frames (`deflate`).',
  },
  INFLATED_BYTES: {
    kind: 'counter',
    stat: 'inflatedBytes',
    help: 'Bytes that compressed messages from clients have become, those that were refused in the middle included (`deflate`).',
  },
  DEFLATED_MESSAGES: {
    kind: 'counter',
    stat: 'deflatedMessages',
    help: 'Messages that were compressed to be sent, those that did not get smaller not counted (`deflate`). A publication counts once for each window that it was compressed for, whatever the number of subscribers, in the thread that has published it.',
  },
  DEFLATED_FROM_BYTES: {
    kind: 'counter',
    stat: 'deflatedFromBytes',
    help: 'Bytes that the messages of `deflatedMessages` had before (`deflate`).',
  },
  DEFLATED_BYTES: {
    kind: 'counter',
    stat: 'deflatedBytes',
    help: 'Bytes that the messages of `deflatedMessages` have become, without the headers of frames (`deflate`).',
  },
  ARENA_BYTES: { kind: 'gauge', stat: 'arenaBytes', help: 'Bytes of arenas in use, as of the last second.' },
  BUFFERED_BYTES: {
    kind: 'gauge',
    stat: 'bufferedBytes',
    help: 'Bytes held by connections: output that clients have not taken, and messages that are still arriving.',
  },
  COMPRESSED: {
    kind: 'gauge',
    stat: 'compressed',
    help: 'Of the connections, those that may compress messages (`deflate`).',
  },
  WINDOW_BYTES: {
    kind: 'gauge',
    stat: 'windowBytes',
    help: 'Bytes that are reserved for the windows of connections, which keep what was sent and received before (`deflate.contextTakeover`).',
  },

  // Limits of connections.
  HEARTBEAT_TIMEOUTS: {
    kind: 'counter',
    limit: 'heartbeatTimeouts',
    help: 'Connections lost because the client did not answer a ping (`heartbeatIntervalMs`).',
    options: ['heartbeatIntervalMs'],
    line: 'did not answer a ping (heartbeatIntervalMs)',
  },
  IDLE_TIMEOUTS: {
    kind: 'counter',
    limit: 'idleTimeouts',
    help: 'Connections closed because no message was exchanged (`idleTimeoutMs`).',
    options: ['idleTimeoutMs'],
    line: 'exchanged no messages (idleTimeoutMs)',
  },
  MESSAGE_TIMEOUTS: {
    kind: 'counter',
    limit: 'messageTimeouts',
    help: 'Connections closed because the client did not finish a message (`messageTimeoutMs`).',
    options: ['messageTimeoutMs'],
    line: 'did not finish a message (messageTimeoutMs)',
  },
  STALLS: {
    kind: 'counter',
    limit: 'stalls',
    help: 'Connections lost because the client took nothing of what it was sent (`stallTimeoutMs`), or did not take the 101 (`handshakeTimeoutMs`). HTTP clients count too.',
    options: ['stallTimeoutMs', 'handshakeTimeoutMs'],
    line: 'took nothing of what they were sent (stallTimeoutMs)',
  },
  CLOSE_TIMEOUTS: {
    kind: 'counter',
    limit: 'closeTimeouts',
    help: 'Connections destroyed because the client did not finish the closing handshake (`closeTimeoutMs`).',
    options: ['closeTimeoutMs'],
    line: 'did not finish the closing handshake (closeTimeoutMs)',
  },
  SLOW_CONSUMERS: {
    kind: 'counter',
    limit: 'slowConsumers',
    help: 'Connections closed because the client took too little of what it was sent (`maxBackpressureBytes`).',
    options: ['maxBackpressureBytes', 'slowConsumer'],
    line: 'took too little of what they were sent (maxBackpressureBytes)',
  },
  DROPPED: {
    kind: 'counter',
    limit: 'droppedMessages',
    help: "Messages not sent because too much was queued for the client (`maxBackpressureBytes`, with `slowConsumer: 'drop'`).",
    options: ['maxBackpressureBytes', 'slowConsumer'],
    line: 'did not get a message: too much was queued for them (maxBackpressureBytes)',
  },
  DROPPED_PUBLICATIONS: {
    kind: 'counter',
    limit: 'droppedPublications',
    help: 'Messages published and not given to a thread, because it was owed too much (`maxOwedBytes`) or took nothing (`slowThreadTimeoutMs`).',
    options: ['maxOwedBytes', 'slowThreadTimeoutMs'],
    line: 'publications were dropped for a thread that is owed too much or takes nothing (maxOwedBytes, slowThreadTimeoutMs)',
  },
  SLOW_THREADS: {
    kind: 'counter',
    limit: 'slowThreads',
    help: 'How often a thread took nothing of what was published to it (`slowThreadTimeoutMs`).',
    options: ['slowThreadTimeoutMs'],
    line: 'a thread takes nothing of what is published, and is waited for no more (slowThreadTimeoutMs)',
  },
  MISSED_PUBLICATIONS: {
    kind: 'counter',
    limit: 'missedPublications',
    help: 'Connections closed because their thread took nothing for so long that it has missed publications to their topics (`slowThreadTimeoutMs`).',
    options: ['slowThreadTimeoutMs', 'slowConsumer'],
    line: 'closed: their thread has missed publications, because it took none for too long (slowThreadTimeoutMs)',
  },
  SHED: {
    kind: 'counter',
    limit: 'shed',
    help: 'Connections closed to make room, because all connections together held too much (`maxBufferedBytes`).',
    options: ['maxBufferedBytes'],
    line: 'held too much memory when all together held too much (maxBufferedBytes)',
  },
  NO_ROOM: {
    kind: 'counter',
    limit: 'noRoom',
    help: 'Connections closed with 1013 because an arena had no room to decompress a message in (`arenaBytes`).',
    options: ['arenaBytes'],
    line: 'sent a compressed message that the arena had no room for (arenaBytes)',
  },
  RATE_LIMITED: {
    kind: 'counter',
    limit: 'rateLimited',
    help: 'How often a connection was not read for a while, or was closed, because the client sent too fast (`messagesPerSecond`, `bytesPerSecond`).',
    options: ['messagesPerSecond', 'bytesPerSecond', 'rateLimitAction'],
    line: 'sent too fast (messagesPerSecond, bytesPerSecond)',
  },
  WINDOWS_REFUSED: {
    kind: 'counter',
    limit: 'refusedWindows',
    help: 'Connections that keep no windows, because those of others take all of their memory (`deflate.maxMemoryBytes`). They are compressed without context takeover. Counted by the thread of the opening handshake.',
    options: ['deflate.maxMemoryBytes'],
    line: 'keep no windows: those of others take all memory for them (deflate.maxMemoryBytes)',
  },

  // Limits of what is no WebSocket yet: counted by the primary.
  REFUSED_FULL: {
    kind: 'counter',
    limit: 'refusedFull',
    help: 'Connections refused because the server is full (`maxConnections`), with an answer or without.',
    options: ['maxConnections'],
    line: 'refused: the server is full (maxConnections)',
  },
  REFUSED_ADDRESSES: {
    kind: 'counter',
    limit: 'refusedAddresses',
    help: 'Connections refused because their address has too many already (`maxConnectionsPerIp`), with an answer or without.',
    options: ['maxConnectionsPerIp'],
    line: 'refused: too many connections from their address (maxConnectionsPerIp)',
  },
  REFUSED_UNANSWERED: {
    kind: 'counter',
    limit: 'refusedUnanswered',
    help: 'Connections closed without an answer: above `maxConnections` or `maxConnectionsPerIp` while too many others wait for one; with `tls`, all that are refused before their handshake.',
    options: ['maxConnections', 'maxConnectionsPerIp'],
    line: 'closed without an answer: too many others wait for theirs, or it would cost a TLS handshake (maxConnections, maxConnectionsPerIp)',
  },
  REFUSED_ORIGINS: {
    kind: 'counter',
    limit: 'refusedOrigins',
    help: 'Upgrades refused because pages of their Origin may not connect (`allowedOrigins`).',
    options: ['allowedOrigins'],
    line: 'refused: pages of their Origin may not connect (allowedOrigins)',
  },
  REFUSED_HOSTS: {
    kind: 'counter',
    limit: 'refusedHosts',
    help: 'Requests refused because the server does not answer to their Host (`allowedHosts`). Ordinary requests count too.',
    options: ['allowedHosts'],
    line: 'refused: the server does not answer to this Host name (allowedHosts)',
  },
  REFUSED_PROXIES: {
    kind: 'counter',
    limit: 'refusedProxies',
    help: 'Connections closed because the peer is no trusted proxy, or has not begun with a header of the PROXY protocol in time (`proxyProtocol`).',
    options: ['proxyProtocol', 'trustProxy', 'handshakeTimeoutMs'],
    line: 'refused: no header of the PROXY protocol from a trusted proxy (proxyProtocol, trustProxy)',
  },
  REFUSED_TLS: {
    kind: 'counter',
    limit: 'refusedTls',
    help: 'Connections that spoke no TLS or failed in its handshake, and clients without the certificate that they need (`tls`).',
    options: ['tls', 'maxTlsHandshakes'],
    line: 'refused: no TLS, or not the TLS that is needed (tls)',
  },
  REFUSED_HANDSHAKES: {
    kind: 'counter',
    limit: 'refusedHandshakes',
    help: 'Requests refused because they are malformed (`maxHeaderBytes`, `maxHeaderCount`), or not whole in time (`handshakeTimeoutMs`). Ordinary requests count too, and so does what is not HTTP.',
    options: ['maxHeaderBytes', 'maxHeaderCount', 'handshakeTimeoutMs'],
    line: 'refused: malformed request or opening handshake',
  },
  REFUSED_UNAVAILABLE: {
    kind: 'counter',
    limit: 'refusedUnavailable',
    help: 'Upgrades refused because the server is closing, because no worker takes connections (each is dead, or blocked for `handOffTimeoutMs`), or because the primary is blocked and does not count the client of a proxy.',
    options: ['handOffTimeoutMs'],
    line: 'refused: the server takes no connections now',
  },
  HOOK_TIMEOUTS: {
    kind: 'counter',
    limit: 'hookTimeouts',
    help: 'Upgrades refused because the hook `upgrade`, or the promise given to `handleUpgrade`, did not decide in time (`handshakeTimeoutMs`).',
    options: ['handshakeTimeoutMs'],
    line: 'refused: the hook upgrade, or the promise of the application in its place, did not decide in time (handshakeTimeoutMs)',
  },
  ORPHANED_HOOKS: {
    kind: 'counter',
    limit: 'orphanedHooks',
    help: 'Upgrades refused because the hook `upgrade` still runs for as many clients that have left as there may be connections (`maxConnections`, `maxConnectionsPerIp`).',
    options: ['maxConnections', 'maxConnectionsPerIp'],
    line: 'refused: the hook upgrade still runs for too many clients that have left (maxConnections, maxConnectionsPerIp)',
  },

  // Workers: counted by the primary.
  WORKERS_LOST: { kind: 'counter', stat: 'workersLost', help: 'Workers that died without being asked to end.' },
  CONNECTIONS_LOST: { kind: 'counter', stat: 'connectionsLost', help: 'Connections that died with a worker.' },
  CONNECTIONS_ABANDONED: {
    kind: 'counter',
    stat: 'connectionsAbandoned',
    help: 'Connections closed because no worker took them. Their clients had been told that they are connected, unless workers do the opening handshake: then they had had no answer.',
  },
  RELOADS: { kind: 'counter', stat: 'reloads', help: 'How often the handler module was loaded again.' },

  // The fleet: counted by the primary.
  BACKPLANE_PUBLISHED: {
    kind: 'counter',
    stat: 'backplanePublished',
    help: 'Messages given to the engine for other servers (`backplane`).',
    options: ['backplane'],
  },
  BACKPLANE_RECEIVED: {
    kind: 'counter',
    stat: 'backplaneReceived',
    help: 'Messages of other servers that came from the engine (`backplane`). Each counts once, whatever the number of its subscribers.',
    options: ['backplane'],
  },
  BACKPLANE_DROPPED: {
    kind: 'counter',
    stat: 'backplaneDropped',
    help: 'Messages published and not sent to other servers, because an engine was lost (`maxBackplaneBytes`) or took too little (`backplaneStallMs`), or because the primary took too little (`maxOwedBytes`, `slowThreadTimeoutMs`); then `droppedPublications` counts them too. The log says which engine it was.',
    options: ['maxBackplaneBytes', 'backplaneStallMs', 'maxOwedBytes', 'slowThreadTimeoutMs'],
    line: 'publications are dropped for other servers: the engine takes too little (backplaneStallMs)',
  },
  BACKPLANE_REFUSED: {
    kind: 'counter',
    stat: 'backplaneRefused',
    help: 'Messages that came from the engine and were dropped, because they were not what a server of this fleet sends, or above `maxPayloadBytes` of this server. What says nothing of how many they are counts as one.',
    options: ['maxPayloadBytes'],
    line: 'messages from the engine were refused (backplane, maxPayloadBytes)',
  },
  BACKPLANE_BYTES_OUT: {
    kind: 'counter',
    stat: 'backplaneBytesOut',
    help: 'Bytes given to the engine, without its own protocol (`backplane`).',
  },
  BACKPLANE_BYTES_IN: {
    kind: 'counter',
    stat: 'backplaneBytesIn',
    help: 'Bytes that came from the engine, without its own protocol, what was refused included (`backplane`).',
  },
  BACKPLANE_LAG_MS: {
    kind: 'counter',
    stat: 'backplaneLagMs',
    help: 'For each message of `backplaneReceived` the time from the primary of the other server to this one, in whole ms by the clocks of both machines, added up. Divided by `backplaneReceived` it is the mean, which is 0 in a fast network. The ways between threads are not in it.',
  },
  BACKPLANE_RECONNECTS: {
    kind: 'counter',
    stat: 'backplaneReconnects',
    help: 'How often a connection to an engine was made again after it was lost (`backplane`).',
  },
  BACKPLANE_SUBSCRIPTIONS: {
    kind: 'gauge',
    stat: 'backplaneSubscriptions',
    help: 'Topics that are subscribed to at the engine now (`backplane`).',
  },

  // For the metrics only.
  BYTES_OUT: {
    kind: 'counter',
    help: 'Bytes sent to WebSocket connections, or queued for them, the headers of frames included.',
  },
  DELIVERIES: { kind: 'counter', help: 'Of the messages sent, those that were published: one for each subscriber.' },
  SCANNED_MESSAGES: {
    kind: 'counter',
    help: 'Of the messages received, those that were found by a scan of a whole read.',
  },
  QUEUED_BYTES: { kind: 'gauge', help: 'Bytes that wait because the system takes no more of them for their clients.' },
  BACKPRESSURED: { kind: 'gauge', help: 'Connections for which such bytes wait.' },
  ARENA_SIZE_BYTES: { kind: 'gauge', help: 'Bytes of address space that arenas have reserved (`arenaBytes`).' },
  TLS_RESUMED: {
    kind: 'counter',
    help: 'Of the TLS handshakes that have succeeded, those that resumed an earlier session.',
  },
  // Brought up to date once a second by each thread, hosting or not.
  HEAP_USED_BYTES: { kind: 'gauge', help: 'Bytes of the JavaScript heap in use.' },
  HEAP_LIMIT_BYTES: { kind: 'gauge', help: 'Bytes that the JavaScript heap may have (`resourceLimits`).' },
  LOOP_ACTIVE_SECONDS: { kind: 'counter', help: 'Time that the event loop was busy.' },
  LOOP_IDLE_SECONDS: { kind: 'counter', help: 'Time that the event loop has waited for something to do.' },
  LOOP_DELAY_SECONDS: { kind: 'gauge', help: 'How late timers were in the last second, on average.' },
  SAMPLED_AT_MS: { kind: 'gauge', help: 'When these were brought up to date, by a clock that all threads share.' },
} as const satisfies Readonly<Record<string, Figure>>;

export type FigureName = keyof typeof FIGURES;

/** The names of all figures, in the order of their places in memory. */
export const FIGURE_NAMES = Object.keys(FIGURES) as readonly FigureName[];

/** The row of a figure, whatever it has. */
export function figureOf(name: FigureName): Figure {
  return FIGURES[name];
}
