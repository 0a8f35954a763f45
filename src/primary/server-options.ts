import type { ResourceLimits } from 'node:worker_threads';
import type { KernelChoice } from '../kernels/create-kernel.js';
import type { Thresholds } from '../kernels/thresholds.js';
import type { Logger } from '../telemetry/logger.js';

/**
 * Options of {@link createServer}. The name of each says its unit: bytes or ms. An option that cannot be used, or that there is not, is
 * a {@link ConfigError}. docs/limits.md has all limits in one table.
 */
export interface ServerOptions {
  /**
   * The module with the hooks of the application (see {@link defineHandler}): a file URL, or a path from the working directory. It is
   * loaded in each thread.
   */
  readonly handler: URL | string;
  /**
   * Worker threads that host connections. With 0 the primary thread hosts them, beside what else it does: for systems where sockets
   * cannot be handed to threads (Windows), for tests, for small machines. From 0 to 1 024.
   *
   * @default one per core
   */
  readonly threads?: number;
  /**
   * What unmasks and validates payloads. `auto` chooses by operation and size.
   *
   * @default 'auto'
   */
  readonly kernel?: KernelChoice;
  /**
   * The sizes from which on `auto` takes which implementation, each in bytes, from 0 to 4 294 967 295, which is never. Only with the
   * kernel `auto`. `npx wsloom kernels` measures what is right for a machine.
   *
   * @default as measured by the study of the project
   */
  readonly thresholds?: Partial<Thresholds>;
  /**
   * Address space that each hosting thread reserves for reading. Only what is used becomes resident, and stays so. Messages that do not
   * fit any more are put on the heap, at the cost of a copy. From 1 MiB to 4 GiB less 64 KiB.
   *
   * @default 256 MiB
   */
  readonly arenaBytes?: number;
  /**
   * The longest message that a client may send: the payloads of its fragments together, without their headers. A longer message is
   * refused with 1009 when its header has come. It bounds what a client can make a thread keep: raising it raises that for every
   * connection. From 1 byte to 4 GiB less 1 byte.
   *
   * @default 16 MiB
   */
  readonly maxPayloadBytes?: number;
  /**
   * TCP connections that may be open at a time, WebSockets or not, counted from when they are accepted. Beyond it a connection is
   * refused with 503, or is closed without an answer when 40 connections above the limit wait for theirs already, or 10 of the same
   * address; silent ones give way. Connections that are closing do not count; there may be an eighth as many of them, and at least 16 in
   * each thread. Each connection costs some KiB, its socket's buffers in the kernel, and a descriptor. From 1 to 2^31 less 1.
   *
   * @default 8/9 of the descriptors above 256, or of half of up to 512
   */
  readonly maxConnections?: number;
  /**
   * TCP connections that one address of the network may have open at a time, or one /64 for IPv6. Beyond it a connection is refused as
   * for `maxConnections`. Leave it off behind a proxy, whose address all clients have. From 1 to 2^31 less 1, or 0: no limit.
   *
   * @default 0: no limit
   */
  readonly maxConnectionsPerIp?: number;
  /**
   * Above this many bytes that a client was sent and has not taken, it is not read any more, and `send` returns false. Raising it lets
   * more of a burst be buffered, for every connection. From 1 byte to 4 GiB less 1 byte.
   *
   * @default 1 MiB
   */
  readonly highWaterMarkBytes?: number;
  /**
   * The bytes that may be queued for a client that does not take them, pings included. Beyond it `slowConsumer` says what happens. One
   * message is always accepted when nothing is queued. It bounds the memory of a slow reader: raising it raises that for every
   * connection. From 1 byte to 4 GiB less 1 byte.
   *
   * @default 16 MiB
   */
  readonly maxBackpressureBytes?: number;
  /**
   * What happens to a client when a message exceeds `maxBackpressureBytes`: `close` closes it with 1013, behind what is queued; `drop`
   * does not send the message, and counts it.
   *
   * @default 'close'
   */
  readonly slowConsumer?: 'close' | 'drop';
  /**
   * The bytes that all connections may hold together of queued output and of messages still arriving. Beyond it the connections that
   * have held it for longest are closed with 1013. The path and query of a connection do not count, which `maxHeaderBytes` bounds for
   * each, nor what `upgrade` attaches as `data`, nor what a handler keeps. Raising it risks that the process runs out of memory and
   * ends, and with it all connections. From 1 MiB to 1 TiB.
   *
   * @default a quarter of memory
   */
  readonly maxBufferedBytes?: number;
  /**
   * The bytes of publications that one thread may be owed by the others: posted to it, and not yet given to its connections. From a
   * quarter of it on, connections whose messages publish to topics of that thread are not read, and `publish` returns false. Beyond it,
   * publications that no connection can be held back for (of timers, after an `await`, of `server.publish`) are dropped for that thread,
   * and counted. Raising it lets a slower thread fall further behind. From 1 MiB to 1 TiB.
   *
   * @default 64 MiB
   */
  readonly maxOwedBytes?: number;
  /**
   * How long publishers wait for a thread that takes nothing of what it is owed, in ms. Then it is waited for no more: when it goes on,
   * its subscribers of the topics that it has missed are closed with 1013, or only miss them with `slowConsumer: 'drop'`. Raising it
   * makes publishers wait longer for a thread that is blocked. It is measured in the publisher's own time, in which a turn of the event
   * loop counts 40 ms at most: a publisher that is blocked itself waits for longer. From 1 ms to 2^31 less 1 ms (24 days).
   *
   * @default 10 s
   */
  readonly slowThreadTimeoutMs?: number;
  /**
   * A client that was silent for this time, in ms, is pinged, and is lost (1006) when it is silent for as long again. Any byte received
   * is a sign of life. Raising it keeps dead connections for longer. From 1 ms to 2^31 less 1 ms (24 days), or 0: never.
   *
   * @default 30 s
   */
  readonly heartbeatIntervalMs?: number;
  /**
   * A connection without a message for this time, in ms, either way, is closed with 1001. It bounds how long clients that want nothing
   * hold connections. From 1 ms to 2^31 less 1 ms (24 days), or 0: never.
   *
   * @default 0: never
   */
  readonly idleTimeoutMs?: number;
  /**
   * The time from the first byte of a message to its last, in ms; beyond it 1008. The default is 16 MiB at half a megabit a second.
   * Raising it lets unfinished messages hold memory for longer. From 1 ms to 2^31 less 1 ms (24 days), or 0: no limit.
   *
   * @default 5 min
   */
  readonly messageTimeoutMs?: number;
  /**
   * A client that takes nothing of queued output for this time, in ms, is lost (1006), and so is an HTTP client that takes nothing of
   * its answers. It is the only time limit that runs on while an open connection is not read. Raising it holds that output for longer.
   * On Linux a client takes what its system acknowledges; elsewhere that is seen when its socket has room again. From 1 ms to 2^31 less 1
   * ms (24 days), or 0: never.
   *
   * @default 30 s
   */
  readonly stallTimeoutMs?: number;
  /**
   * Messages that a client may send per second, on average, and a quarter more in a burst. Each fragment of a message counts as much as
   * a message, and so does each ping and each pong. Beyond it `rateLimitAction` says what happens. It bounds what one client can make a
   * handler, and the thread, do. From 1 to 2^31 less 1, or 0: no limit.
   *
   * @default 0: no limit
   */
  readonly messagesPerSecond?: number;
  /**
   * Bytes that a client may send per second, on average, and a quarter more in a burst. All bytes of frames count, with their headers,
   * also those that came together with the opening handshake; the handshake itself does not. Beyond it `rateLimitAction` says what
   * happens. From 1 byte to 1 TiB, or 0: no limit.
   *
   * @default 0: no limit
   */
  readonly bytesPerSecond?: number;
  /**
   * What happens to a client that sends too fast: `pause` does not read it for a while, `close` closes it with 1008.
   *
   * @default 'pause'
   */
  readonly rateLimitAction?: 'pause' | 'close';
  /**
   * Fragments without payload that may follow each other; beyond it 1008. They cost no memory, but the thread's time: raising it lets a
   * message that never comes to anything take more of it. From 0 to 2^31 less 1.
   *
   * @default 100
   */
  readonly maxConsecutiveEmptyFragments?: number;
  /**
   * How long a client may take to finish the closing handshake, and to take what was sent before, in ms. Then its connection is
   * destroyed. Raising it lets clients that are being closed hold connections and output for longer. From 1 ms to 2^31 less 1 ms (24 days).
   *
   * @default 5 s
   */
  readonly closeTimeoutMs?: number;
  /**
   * How long a client may take to send its request, then an `upgrade` hook to decide about it, then the client to take its 101, in ms:
   * each has the whole time. Beyond it 408 for the request, 503 for the hook; a client that does not take its 101 is lost. Raising it
   * lets silent clients hold descriptors for longer. From 1 ms to 2^31 less 1 ms (24 days).
   *
   * @default 10 s
   */
  readonly handshakeTimeoutMs?: number;
  /**
   * The longest head of a request: its request line and headers. Beyond it 431. It bounds the memory that a client can use that is not
   * accepted yet. From 512 bytes to 1 MiB.
   *
   * @default 16 KiB
   */
  readonly maxHeaderBytes?: number;
  /**
   * The headers that a request may have; beyond it 431. Raising it costs the primary time for each upgrade. From 8 to 10 000.
   *
   * @default 100
   */
  readonly maxHeaderCount?: number;
  /**
   * Whose pages may connect: origins like 'https://example.org', or '*' for all; others get 403. The default compares the host and port
   * of the page with what the server is asked for, whatever the scheme. Clients that are no browsers send no Origin, and are let in.
   * 'null' and 'file://' are origins too: of pages without one, and of embedded clients that send the latter.
   *
   * @default pages of the same host and port
   */
  readonly allowedOrigins?: readonly string[];
  /**
   * What the server may be asked for, in Host: names or addresses, with a port or without (then any), or '*' for all; others get 403. The
   * default keeps a server on a loopback address from being served under a name that somebody has pointed there (DNS rebinding).
   *
   * @default localhost, 127.0.0.1 and [::1] on a loopback address, else all
   */
  readonly allowedHosts?: readonly string[];
  /**
   * What V8 may use in each worker thread, as in `node:worker_threads`: a thread that exceeds it dies alone, with its connections,
   * and is replaced. The default is `{ maxYoungGenerationSizeMb: 24 }`, which saves 2 kB for each of 8000 idle connections; the rest is
   * as for the process. With more, handlers that keep thousands of promises waiting collect garbage less often.
   *
   * @default V8's, but half of its young generation
   */
  readonly resourceLimits?: ResourceLimits;
  /**
   * A connection that a worker has not taken for this time, in ms, goes to another worker, and the worker gets no more until it goes on.
   * Raising it makes clients of a blocked thread wait for longer; too low, a busy one is taken for blocked. From 1 ms to 2^31 less 1 ms
   * (24 days).
   *
   * @default 2 s
   */
  readonly handOffTimeoutMs?: number;
  /**
   * How long the handler module may take to load, and a thread to start, in ms: at the start, at a reload, and for a thread that takes
   * the place of one that died. Beyond it, `listen` and `reload` throw a {@link HandlerModuleError} or a {@link WorkerStartError} that
   * names the module; a thread is tried again. Raise it for a module that waits for something slow. From 1 ms to 60 min.
   *
   * @default 60 s
   */
  readonly startTimeoutMs?: number;
  /**
   * Path, or paths, on which WebSockets are accepted, each compared as it is, without the query. On others the client gets 404.
   *
   * @default all paths
   */
  readonly path?: string | readonly string[];
  /**
   * Path of the page that tries the server in a browser; `false` or 'off': there is none. A request for it that asks for an upgrade is
   * judged by `path` like any other, so that a page and WebSockets may share a path. Without the page its path is answered like the
   * others: with 426 where WebSockets are accepted, else with 404. It must differ from `health`.
   *
   * @default '/'
   */
  readonly page?: string | false;
  /**
   * Path where load balancers and monitors ask for the server's health, a JSON object: 200, or 503 while it drains. GET, HEAD and
   * OPTIONS are answered, and HTTP/1.0 without Host. `false` or 'off': there is none, and its path is answered like the others.
   *
   * @default '/healthz'
   */
  readonly health?: string | false;
  /**
   * For tests: each message gets an object of its own, and its bytes are overwritten when it is void, so that using a message or a
   * borrowed view too late is found.
   *
   * @default false
   */
  readonly poison?: boolean;
  /**
   * Where the server reports what happens: an object with the methods `info`, `warn` and `error`, like `console`. They are called in
   * the thread that created the server. What clients can cause is reported of each kind at once, and then once a second with how
   * often. A method that throws or rejects does no harm: its report goes to standard error.
   *
   * @default standard error, without waiting for its reader
   */
  readonly log?: Logger;
}
