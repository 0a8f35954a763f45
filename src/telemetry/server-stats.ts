/** What a server has done since it was created, in all of its threads together: what `server.stats()` returns. */
export interface ServerStats {
  /** WebSocket connections that are open or closing now. */
  readonly connections: number;
  /** WebSocket connections opened since the server was created. */
  readonly opened: number;
  /** Messages received from clients. */
  readonly messagesIn: number;
  /** Messages sent to clients. A publication counts once for each subscriber. */
  readonly messagesOut: number;
  /** Bytes read from WebSocket connections, the headers of frames included. */
  readonly bytesIn: number;
  /**
   * Connections closed because the client violated the protocol or a limit of messages (`maxPayloadBytes`,
   * `maxConsecutiveEmptyFragments`).
   */
  readonly protocolErrors: number;
  /** Hooks of the handler that threw or rejected. The hook `upgrade` does not count. */
  readonly handlerErrors: number;
  /** Messages that did not fit into an arena and were put on the heap (`arenaBytes`). */
  readonly heapMessages: number;
  /** Of the messages received, those that were compressed (`deflate`). */
  readonly inflatedMessages: number;
  /** Bytes of compressed messages from clients, as they arrived, without the headers of frames (`deflate`). */
  readonly inflatedFromBytes: number;
  /** Bytes that compressed messages from clients have become, those that were refused in the middle included (`deflate`). */
  readonly inflatedBytes: number;
  /**
   * Messages that were compressed to be sent, those that did not get smaller not counted (`deflate`). A publication counts once for each
   * window that it was compressed for, whatever the number of subscribers, in the thread that has published it.
   */
  readonly deflatedMessages: number;
  /** Bytes that the messages of `deflatedMessages` had before (`deflate`). */
  readonly deflatedFromBytes: number;
  /** Bytes that the messages of `deflatedMessages` have become, without the headers of frames (`deflate`). */
  readonly deflatedBytes: number;
  /** Bytes of arenas in use, as of the last second. */
  readonly arenaBytes: number;
  /** Bytes held by connections: output that clients have not taken, and messages that are still arriving. */
  readonly bufferedBytes: number;
  /** Of the connections, those that may compress messages (`deflate`). */
  readonly compressed: number;
  /**
   * Bytes that are reserved for the windows of connections, which keep what was sent and received before
   * (`deflate.contextTakeover`).
   */
  readonly windowBytes: number;
  /** How often each limit was met, since the server was created. */
  readonly limits: LimitStats;
  /** TCP connections that are not WebSockets, or not yet: silent ones, HTTP clients, those with half a request. */
  readonly httpConnections: number;
  /**
   * Upgrades that wait for the hook `upgrade` to decide, or for the client's system to take the 101; with `attach` and
   * `handleUpgrade` also those that wait for your HTTP server to answer earlier requests of their sockets.
   */
  readonly pendingUpgrades: number;
  /** The connections of each worker, and whether it takes new ones. Empty with `threads: 0`. */
  readonly threads: readonly { readonly connections: number; readonly isTaking: boolean }[];
  /** How long each certificate of the option `tls` is valid. Empty without it. */
  readonly certificates: readonly CertificateStats[];
  /** Workers that died without being asked to end. */
  readonly workersLost: number;
  /** Connections that died with a worker. */
  readonly connectionsLost: number;
  /**
   * Connections closed because no worker took them. Their clients had been told that they are connected, unless workers do the
   * opening handshake: then they had had no answer.
   */
  readonly connectionsAbandoned: number;
  /** How often the handler module was loaded again. */
  readonly reloads: number;
  /** Messages given to the engine for other servers (`backplane`). */
  readonly backplanePublished: number;
  /**
   * Messages of other servers that came from the engine (`backplane`). Each counts once, whatever the number of its
   * subscribers.
   */
  readonly backplaneReceived: number;
  /**
   * Messages published and not sent to other servers, because the engine was lost (`maxBackplaneBytes`) or did not take them
   * (`backplaneStallMs`).
   */
  readonly backplaneDropped: number;
  /**
   * Messages that came from the engine and were dropped, because they were not what a server of this fleet sends, or above
   * `maxPayloadBytes`. What says nothing of how many they are counts as one.
   */
  readonly backplaneRefused: number;
  /** Bytes given to the engine, without its own protocol (`backplane`). */
  readonly backplaneBytesOut: number;
  /** Bytes that came from the engine, without its own protocol, what was refused included (`backplane`). */
  readonly backplaneBytesIn: number;
  /**
   * The times from the publishing of each message of `backplaneReceived` in the other server to its arrival here, added up,
   * in ms by the clocks of both machines. Divided by `backplaneReceived` it is the mean.
   */
  readonly backplaneLagMs: number;
  /** How often a connection to an engine was made again after it was lost (`backplane`). */
  readonly backplaneReconnects: number;
  /** Topics that are subscribed to at the engine now (`backplane`). */
  readonly backplaneSubscriptions: number;
  /** Time since the server was created, in ms. */
  readonly uptimeMs: number;
}

/** How often each limit of a server was met, since the server was created. The options that each text names set the limit. */
export interface LimitStats {
  /** Connections lost because the client did not answer a ping (`heartbeatIntervalMs`). */
  readonly heartbeatTimeouts: number;
  /** Connections closed because no message was exchanged (`idleTimeoutMs`). */
  readonly idleTimeouts: number;
  /** Connections closed because the client did not finish a message (`messageTimeoutMs`). */
  readonly messageTimeouts: number;
  /**
   * Connections lost because the client took nothing of what it was sent (`stallTimeoutMs`), or did not take the 101
   * (`handshakeTimeoutMs`). HTTP clients count too.
   */
  readonly stalls: number;
  /** Connections destroyed because the client did not finish the closing handshake (`closeTimeoutMs`). */
  readonly closeTimeouts: number;
  /** Connections closed because the client took too little of what it was sent (`maxBackpressureBytes`). */
  readonly slowConsumers: number;
  /** Messages not sent because too much was queued for the client (`maxBackpressureBytes`, with `slowConsumer: 'drop'`). */
  readonly droppedMessages: number;
  /**
   * Messages published and not given to a thread, because it was owed too much (`maxOwedBytes`) or took nothing
   * (`slowThreadTimeoutMs`).
   */
  readonly droppedPublications: number;
  /** How often a thread took nothing of what was published to it (`slowThreadTimeoutMs`). */
  readonly slowThreads: number;
  /**
   * Connections closed because their thread took nothing for so long that it has missed publications to their topics
   * (`slowThreadTimeoutMs`).
   */
  readonly missedPublications: number;
  /** Connections closed to make room, because all connections together held too much (`maxBufferedBytes`). */
  readonly shed: number;
  /** Connections closed with 1013 because an arena had no room to decompress a message in (`arenaBytes`). */
  readonly noRoom: number;
  /**
   * How often a connection was not read for a while, or was closed, because the client sent too fast (`messagesPerSecond`,
   * `bytesPerSecond`).
   */
  readonly rateLimited: number;
  /**
   * Connections that keep no windows, because those of others take all of their memory (`deflate.maxMemoryBytes`). They are
   * compressed without context takeover. Counted by the thread of the opening handshake.
   */
  readonly refusedWindows: number;
  /** Connections refused because the server is full (`maxConnections`), with an answer or without. */
  readonly refusedFull: number;
  /** Connections refused because their address has too many already (`maxConnectionsPerIp`), with an answer or without. */
  readonly refusedAddresses: number;
  /**
   * Connections closed without an answer: above `maxConnections` or `maxConnectionsPerIp` while too many others wait for one; with
   * `tls`, all that are refused before their handshake.
   */
  readonly refusedUnanswered: number;
  /** Upgrades refused because pages of their Origin may not connect (`allowedOrigins`). */
  readonly refusedOrigins: number;
  /** Requests refused because the server does not answer to their Host (`allowedHosts`). Ordinary requests count too. */
  readonly refusedHosts: number;
  /**
   * Connections closed because the peer is no trusted proxy, or has not begun with a header of the PROXY protocol in time
   * (`proxyProtocol`).
   */
  readonly refusedProxies: number;
  /** Connections that spoke no TLS or failed in its handshake, and clients without the certificate that they need (`tls`). */
  readonly refusedTls: number;
  /**
   * Requests refused because they are malformed (`maxHeaderBytes`, `maxHeaderCount`), or not whole in time
   * (`handshakeTimeoutMs`). Ordinary requests count too, and so does what is not HTTP.
   */
  readonly refusedHandshakes: number;
  /**
   * Upgrades refused because the server is closing, because no worker takes connections (each is dead, or blocked for
   * `handOffTimeoutMs`), or because the primary is blocked and does not count the client of a proxy.
   */
  readonly refusedUnavailable: number;
  /**
   * Upgrades refused because the hook `upgrade`, or the promise given to `handleUpgrade`, did not decide in time
   * (`handshakeTimeoutMs`).
   */
  readonly hookTimeouts: number;
  /**
   * Upgrades refused because the hook `upgrade` still runs for as many clients that have left as there may be connections
   * (`maxConnections`, `maxConnectionsPerIp`).
   */
  readonly orphanedHooks: number;
}

/** How long a certificate of the server is valid. */
export interface CertificateStats {
  /** The name of the option `tls.sni` that it is for; undefined for the default. */
  readonly name: string | undefined;
  /** Whole days until it expires; negative once it has. */
  readonly daysLeft: number;
  /** When it begins to be valid, in ms since 1970. */
  readonly validFrom: number;
  /** When it expires, in ms since 1970. */
  readonly validTo: number;
}

/** The part of {@link ServerStats} that no thread counts. */
export type UncountedStats = Pick<
  ServerStats,
  'httpConnections' | 'pendingUpgrades' | 'threads' | 'certificates' | 'uptimeMs'
>;

/** The part of {@link ServerStats} that threads count, without the limits. */
export type CountedStats = Omit<ServerStats, 'limits' | keyof UncountedStats>;
