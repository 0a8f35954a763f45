import type { ResourceLimits } from 'node:worker_threads';
import type { BackplaneState } from '../connection/handler.js';
import type { Backplane } from '../fleet/backplane.js';
import type { ModuleHandler } from '../host/define-handler.js';
import type { KernelChoice } from '../kernels/create-kernel.js';
import type { Thresholds } from '../kernels/thresholds.js';
import type { ClientHeader } from '../opening/client-address.js';
import type { Logger } from '../telemetry/logger.js';
import type { TlsOptions } from '../tls/tls-options.js';
import type { ServerDeflateOptions } from './deflate-options.js';

/**
 * Options of {@link createServer}. Sizes are in bytes and times in ms, as their names say. An option that cannot be used, or that
 * there is not, is a {@link ConfigError}. docs/limits.md has all limits in one table.
 */
export interface ServerOptions {
  /**
   * The module with the hooks of the application (see {@link defineHandler}): a file URL, or a path from the working directory. It is
   * loaded in each thread. With `threads: 0` it may be an object of hooks instead. They run in this thread, and see the variables of
   * the program; `reload` cannot load them again.
   */
  readonly handler: URL | string | ModuleHandler;
  /**
   * Worker threads that host connections. With 0 the primary hosts all connections itself: on systems where sockets cannot be
   * handed to threads (Windows, where it is the default), in tests, on small machines. From 0 to 1 024.
   *
   * @default one per core
   */
  readonly threads?: number;
  /**
   * The thread that does the opening handshake, asks the hook `upgrade`, and answers ordinary requests. With 'primary' the primary
   * does all of that, and hands over connections that are WebSockets. With 'worker' the primary only accepts and counts connections;
   * the worker that hosts the connection does the rest. So more cores open connections, and a hook that computes for long stops the
   * connections of its worker only, not those that are about to come. The hook then sees the variables of the module in its worker.
   * `handshakeTimeoutMs` then spans the request and the hook together. 'worker' needs worker threads.
   * With `tls` or `proxyProtocol` the workers do it in any case, and 'primary' is an error unless there are none.
   * {@link Server.handleUpgrade} asks the hook in the primary with either.
   *
   * @default 'primary'
   */
  readonly handshake?: 'primary' | 'worker';
  /**
   * The code that unmasks payloads and validates UTF-8: 'js', 'wasm', 'native', or 'auto', which chooses by operation and size.
   * 'native' is Node's own: `buffer.isUtf8`, and from Node 26.12 on `http.websocketUnmask`; before, WebAssembly unmasks for it.
   *
   * @default 'auto'
   */
  readonly kernel?: KernelChoice;
  /**
   * The sizes at which the kernel `auto` changes from one implementation to the next, in bytes, each from 0 to 4 294 967 295,
   * which is never. Other kernels do not allow this option. `npx wsloom kernels` measures the right sizes for a machine.
   *
   * @default as measured by the study of the project
   */
  readonly thresholds?: Partial<Thresholds>;
  /**
   * Bytes of address space that each hosting thread reserves for reading; what is used becomes resident, and stays so. A message
   * that does not fit any more is put on the heap, at the cost of a copy. A compressed one waits for room, or if that would be in vain
   * closes its connection with 1013. From 1 MiB to 4 GiB less 64 KiB. With `deflate` from 2 MiB.
   *
   * @default 256 MiB
   */
  readonly arenaBytes?: number;
  /**
   * The longest message that a client may send, in bytes: the payloads of its fragments together, without their headers. A longer
   * message closes the connection with 1009, as soon as its header has come. Of a compressed message it bounds the compressed bytes, and
   * also what they become: inflating stops at it. It bounds the memory that one client can make a thread keep. Raising it raises that for
   * every connection. With `backplane` it is also the longest message that other servers may publish: what is longer is dropped here, so it
   * must be the same in all of them, and no less than the longest publication. From 1 byte to 4 GiB less 1 byte.
   *
   * @default 16 MiB
   */
  readonly maxPayloadBytes?: number;
  /**
   * TCP connections that may be open at a time, WebSockets or not, counted from when they are accepted. Beyond it a connection is
   * refused with 503. If 40 connections above the limit, or 10 of the same address, wait for that answer already, it is closed
   * without one; silent connections give way first. Connections that are closing do not count: there may be an eighth as many of
   * them, and at least 16 in each thread. Each connection costs some KiB, the buffers of its socket in the kernel, and a
   * descriptor. From 1 to 2^31 less 1.
   *
   * @default 8/9 of the descriptors above 256, or of half of up to 512
   */
  readonly maxConnections?: number;
  /**
   * TCP connections that one IPv4 address, or one /64 of IPv6, may have open at a time. Beyond it a connection is refused as for
   * `maxConnections`. Behind a proxy all clients have its address, unless `trustProxy` names it. From 1 to 2^31 less 1, or 0: no limit.
   *
   * @default 0: no limit
   */
  readonly maxConnectionsPerIp?: number;
  /**
   * Bytes that may wait for a client before it is held back. Above this it is not read any more, and `send` returns false. Of a message
   * that is compressed its compressed bytes count, and as long as it waits to be compressed, its uncompressed ones.
   * Raising it lets more of a burst be buffered, for every connection. From 1 byte to 4 GiB less 1 byte.
   *
   * @default 1 MiB
   */
  readonly highWaterMarkBytes?: number;
  /**
   * Bytes that may be queued for a client that does not take them, pings included; one message is always accepted when nothing is
   * queued. Compressed messages count as for `highWaterMarkBytes`, and the message that is sent now with its uncompressed bytes. Beyond it
   * `slowConsumer` says what happens. It bounds the memory of one slow client. Raising it raises that for every
   * connection. From 1 byte to 4 GiB less 1 byte.
   *
   * @default 16 MiB
   */
  readonly maxBackpressureBytes?: number;
  /**
   * What happens to a client when a message exceeds `maxBackpressureBytes`. `close` closes it with 1013, behind what is queued;
   * `drop` does not send the message, and counts it.
   *
   * @default 'close'
   */
  readonly slowConsumer?: 'close' | 'drop';
  /**
   * Bytes of queued output and of messages that are still arriving, of all connections together. Beyond it the connections that
   * have held theirs for longest are closed with 1013. Of messages that wait to be compressed or decompressed, the compressed and the
   * uncompressed bytes count, as far as there are both. These do not count: the path and query of a connection (`maxHeaderBytes`
   * bounds them), the `data` that `upgrade` attaches, and what a handler keeps. Raising it risks that the process runs out of
   * memory and ends, and with it all connections. From 1 MiB to 1 TiB.
   *
   * @default a quarter of memory
   */
  readonly maxBufferedBytes?: number;
  /**
   * Bytes of publications that other threads have posted to one thread, and that it has not given to its connections yet: of each, its
   * uncompressed bytes, and its compressed bytes for each window that its subscribers have. From a
   * quarter of this on, `publish` to a topic of that thread returns false, and a connection whose hook publishes to it is not
   * read. Beyond it, publications for which no connection can be held back (in timers, after an `await`, by `server.publish`) are
   * dropped for that thread, and counted. Raising it lets a slower thread fall further behind. From 1 MiB to 1 TiB.
   *
   * @default 64 MiB
   */
  readonly maxOwedBytes?: number;
  /**
   * How long publishers wait for a thread that takes nothing of the publications that it is owed, in ms. Then they wait no more,
   * and publications are dropped for it. When the thread goes on, its subscribers of the topics that it has missed are closed
   * with 1013; with `slowConsumer: 'drop'` they only miss the messages. Raising it makes publishers wait longer for a thread that
   * is blocked. A turn of the publisher's event loop counts as 40 ms at most, so a publisher that is blocked itself waits for
   * longer. From 1 ms to 2^31 less 1 ms (24 days).
   *
   * @default 10 s
   */
  readonly slowThreadTimeoutMs?: number;
  /**
   * How long a client may be silent, in ms; any byte received is a sign of life. Then it is pinged, and after as long again its
   * connection is ended without a Close (1006). Raising it keeps dead connections for longer. From 1 ms to 2^31 less 1 ms (24
   * days), or 0: never.
   *
   * @default 30 s
   */
  readonly heartbeatIntervalMs?: number;
  /**
   * How long a connection may be without a message in either direction, in ms; pings and pongs do not count. Then it is closed
   * with 1001. It bounds how long idle clients hold connections. From 1 ms to 2^31 less 1 ms (24 days), or 0: never.
   *
   * @default 0: never
   */
  readonly idleTimeoutMs?: number;
  /**
   * The longest time from the first byte of a message to its last, in ms. Beyond it the connection is closed with 1008. The
   * default is enough for 16 MiB at half a megabit a second. Raising it lets unfinished messages hold memory for longer. From 1
   * ms to 2^31 less 1 ms (24 days), or 0: no limit.
   *
   * @default 5 min
   */
  readonly messageTimeoutMs?: number;
  /**
   * How long a client may take nothing of its queued output, in ms; HTTP clients too. Then its connection is ended without a Close
   * (1006). It is the only time limit that runs on while an open connection is not read. Raising it holds queued output for
   * longer. On Linux a client takes something when its system acknowledges it; elsewhere, when its socket has room again. From 1
   * ms to 2^31 less 1 ms (24 days), or 0: never.
   *
   * @default 30 s
   */
  readonly stallTimeoutMs?: number;
  /**
   * Messages that a client may send per second, on average, and a quarter more in a burst; each fragment, ping and pong counts as
   * one. Beyond it `rateLimitAction` says what happens. It bounds the work that one client can cause in the handler and in the
   * thread. From 1 to 2^31 less 1, or 0: no limit.
   *
   * @default 0: no limit
   */
  readonly messagesPerSecond?: number;
  /**
   * Bytes of frames that a client may send per second, headers included, on average, and a quarter more in a burst. Frames that
   * come together with the opening handshake count; the handshake itself does not. Of a compressed message its compressed bytes count, and
   * also what they become.
   * Beyond it `rateLimitAction` says what happens. From 1 byte to 1 TiB, or 0: no limit.
   *
   * @default 0: no limit
   */
  readonly bytesPerSecond?: number;
  /**
   * What happens to a client that sends too fast. `pause` does not read it for a while, `close` closes it with 1008.
   *
   * @default 'pause'
   */
  readonly rateLimitAction?: 'pause' | 'close';
  /**
   * Fragments without payload that may follow each other. Beyond it the connection is closed with 1008. They cost the thread
   * time, but no memory. Raising it lets a message that never ends take more of that time. From 0 to 2^31 less 1.
   *
   * @default 100
   */
  readonly maxConsecutiveEmptyFragments?: number;
  /**
   * How long a client may take to finish the closing handshake, and to take what was sent before, in ms. Then it is disconnected.
   * Raising it lets clients that are being closed hold connections and output for longer. From 1 ms to 2^31 less 1 ms (24 days).
   *
   * @default 5 s
   */
  readonly closeTimeoutMs?: number;
  /**
   * The time for each of three steps, in ms: the client sends its request, the hook `upgrade` decides, the client takes its 101.
   * A late request is refused with 408, and a late hook with 503; a client that does not take its 101 is disconnected. Raising it
   * lets silent clients hold descriptors for longer. With `handshake: 'worker'`, `proxyProtocol` or `tls` the first two steps have
   * this time together, with the header of the PROXY protocol and the TLS handshake before them. From 1 ms to 2^31 less 1 ms (24
   * days).
   *
   * @default 10 s
   */
  readonly handshakeTimeoutMs?: number;
  /**
   * The TLS handshakes that each thread does at a time. Connections beyond it wait unread until another handshake is over, and
   * `handshakeTimeoutMs` goes on meanwhile. Each takes about 65 KiB. Raising it lets clients that are slow on purpose take more
   * memory; lowering it lets them keep others out more easily. From 1 to 2^31 less 1.
   *
   * @default 1 000
   */
  readonly maxTlsHandshakes?: number;
  /**
   * The longest head of a request, in bytes: its request line and headers. A longer one is refused with 431. It bounds the memory
   * of a client that is not accepted yet. From 512 bytes to 1 MiB.
   *
   * @default 16 KiB
   */
  readonly maxHeaderBytes?: number;
  /**
   * How many headers a request may have. A request with more is refused with 431. Raising it costs the primary time for each
   * upgrade. From 8 to 10 000.
   *
   * @default 100
   */
  readonly maxHeaderCount?: number;
  /**
   * The proxies that are believed when they tell whose connection they pass on: addresses, networks such as '10.0.0.0/8', and the
   * names 'loopback', 'private' (the networks of RFC 1918, and fc00::/7) and 'unix' (all peers of unix sockets). Then
   * `remoteAddress`, the limits of addresses and the log mean the client, and a proxy's own connections count in `maxConnections`
   * only. Name nothing that clients can connect from: such a client could choose its address. `proxyHeader` or `proxyProtocol` must
   * be given too.
   *
   * @default none
   */
  readonly trustProxy?: readonly string[];
  /**
   * The one header in which the trusted proxies tell their clients. The client is its last entry, over all of its lines, that is no
   * trusted proxy itself. If an entry up to there is no address, the client is the peer. Choose the header that the proxy sets for
   * every request: the other one is ignored, because a client may have sent it.
   *
   * @default none
   */
  readonly proxyHeader?: ClientHeader;
  /**
   * Whether every connection begins with a header of the PROXY protocol, version 1 or 2, which tells the address of the client. It
   * comes before TLS, from a proxy that `trustProxy` names. Everybody else is closed, and so is a proxy that does not send a header
   * within `handshakeTimeoutMs`. With `proxyHeader` too, that header of a request counts only if the address that the PROXY
   * protocol has told is one of `trustProxy`. The opening handshake and the hook `upgrade` then run in the worker threads, of which
   * there must be at least one.
   *
   * @default false
   */
  readonly proxyProtocol?: boolean;
  /**
   * The origins whose pages may connect, such as 'https://example.org', or '*' for all. Pages of other origins get 403. The
   * default compares the host and port of the page with those of the Host header, whatever the scheme. A client that sends no
   * Origin is no browser, and is let in. 'null' and 'file://' can be allowed too: browsers send 'null' for a page without an
   * origin, and some embedded clients send 'file://'.
   *
   * @default pages of the same host and port
   */
  readonly allowedOrigins?: readonly string[];
  /**
   * The names that the server answers to, in the Host header: names or addresses, or '*' for all. A name with a port allows that
   * port only. Other names get 403. The default protects a server on a loopback address from pages of names that somebody has
   * pointed there (DNS rebinding).
   *
   * @default localhost, 127.0.0.1 and [::1] on a loopback address, else all
   */
  readonly allowedHosts?: readonly string[];
  /**
   * The memory that V8 may use in each worker thread, in MiB, as in `node:worker_threads`. A thread that exceeds it dies with its
   * connections and is replaced; the other threads go on. The default is `{ maxYoungGenerationSizeMb: 24 }`, which saves 2 kB for
   * each of 8000 idle connections. With more, a handler that keeps thousands of promises waiting collects garbage less often. All
   * other limits are those of the process.
   *
   * @default V8's, but half of its young generation
   */
  readonly resourceLimits?: ResourceLimits;
  /**
   * How long a worker may take to accept a connection from the primary, in ms. Then the connection goes to another worker, and
   * the late one gets no more until it goes on. Raising it makes clients of a blocked thread wait for longer. Too low a value
   * takes a busy thread for a blocked one. From 1 ms to 2^31 less 1 ms (24 days).
   *
   * @default 2 s
   */
  readonly handOffTimeoutMs?: number;
  /**
   * How long the handler module may take to load, and a thread to start, in ms: at the start, at a reload, and when a thread that
   * died is replaced. Beyond it `listen` and `reload` throw a {@link HandlerModuleError} or a {@link WorkerStartError} that names
   * the module; the replacement of a thread is tried again. Raise it for a module that waits for something slow. From 1 ms to 60
   * min.
   *
   * @default 60 s
   */
  readonly startTimeoutMs?: number;
  /**
   * The path, or the paths, on which WebSockets are accepted: at least one. Each begins with '/', has no query, and is compared exactly
   * as it stands in requests. Patterns such as '/live/*' are refused. An upgrade on another path is refused with 404.
   *
   * @default all paths
   */
  readonly path?: string | readonly string[];
  /**
   * The path of the page that tries the server in a browser. Beside it, at `learn`, is a page that teaches the protocol: `/learn` beside `/`,
   * and `/live/learn` beside `/live/try`. `false` or 'off' turns both off. A request for an upgrade is judged by
   * `path` alone, so the page and WebSockets may share a path. If the page is off, its path is answered like any other: with 426
   * where WebSockets are accepted, else with 404. It must differ from `health`, `ready` and `metrics`.
   *
   * @default '/'
   */
  readonly page?: string | false;
  /**
   * The path where load balancers and monitors ask for the health of the server, a JSON object. The status is 200, or 503 from when
   * {@link Server.close} is called. GET, HEAD and OPTIONS are answered, and HTTP/1.0 without Host. `false` or 'off' turns it off, and
   * then its path is answered like any other.
   *
   * @default '/healthz'
   */
  readonly health?: string | false;
  /**
   * The path where load balancers ask whether to send new clients here. The status is 200, also while the server is degraded, and 503
   * from when {@link Server.close} is called, `shutdownDelayMs` included. It is answered as `health` is. `false` or 'off' turns it off, and
   * then its path is answered like any other. It must differ from `page`, `health` and `metrics`.
   *
   * @default '/readyz'
   */
  readonly ready?: string | false;
  /**
   * The port of an HTTP server of its own for those who operate the server, with `/healthz`, `/readyz` and `/metrics`. Its connections count
   * in no limit, and have descriptors that no other connection gets, so that it answers when the server is full. It listens before the
   * threads are started, and until they have ended. With 0 the system chooses a free port, which {@link Server.adminAddress} names. From 0
   * to 65 535.
   *
   * @default none
   */
  readonly adminPort?: number;
  /**
   * The address or name that the admin port listens on. If other machines can reach it, `adminToken` or `adminOpen` must be given. On a
   * loopback address it answers to localhost, to that address and to `allowedHosts`; on another one to all names, or to `allowedHosts` and
   * to addresses.
   *
   * @default '127.0.0.1'
   */
  readonly adminHost?: string;
  /**
   * What a client must know to see the metrics on the admin port: it sends `Authorization: Bearer` and the token. The health and the
   * readiness need none. It has visible ASCII characters without spaces, and is compared in a time that does not depend on it. Whoever is
   * on the way can read it, because the admin port does not speak TLS.
   *
   * @default none
   */
  readonly adminToken?: string;
  /**
   * Whether everybody who can connect to the admin port may see the metrics, also from other machines. It cannot be given together
   * with `adminToken`.
   *
   * @default false
   */
  readonly adminOpen?: boolean;
  /**
   * The path of the metrics on the port of WebSockets, where everybody who can connect can read them, also through a proxy: they name no
   * client and no topic, but say how the server is used. The admin port has them in any case (`adminPort`). `false` or 'off' turns it off.
   * It must differ from `page`, `health` and `ready`. See docs/observe.md.
   *
   * @default 'off'
   */
  readonly metrics?: string | false;
  /**
   * The certificate and key of the server, by which it speaks TLS on its port (`wss:`, `https:`), in its worker threads. Files that it
   * names are read again when they change: connections stay, and new ones get the new certificate. Without it the server speaks
   * plain TCP.
   */
  readonly tls?: TlsOptions;
  /**
   * Whether messages are compressed, both ways, with clients that offer permessage-deflate (RFC 7692), as browsers do. `true` takes the
   * default of each of its options. It saves bandwidth and costs time for each message: docs/compression.md says when it pays, and
   * docs/security.md when it must not be used. The hook `upgrade` can turn it off for a connection.
   *
   * @default false
   */
  readonly deflate?: boolean | ServerDeflateOptions;
  /**
   * The engine by which this server and others exchange publications: what one publishes reaches the subscribers of all. It is the URL of
   * a NATS or Redis server (`nats:`, `tls:` for NATS with TLS, `redis:`, `rediss:`), whose client has to be installed too (the error at the
   * start names the package), or an engine of your own. `?prefix=NAME` in a URL keeps applications that share an engine apart. Of several
   * engines each carries a part of the topics: all servers must have the same ones in the same order. Only the primary connects. If an
   * engine cannot be reached, the server starts all the same after `backplaneTimeoutMs`, and goes on trying.
   *
   * @default none
   */
  readonly backplane?: string | URL | Backplane | readonly (string | URL | Backplane)[];
  /**
   * Called in the primary with `lost` when the connection to the engine is lost, or when there is none at the start, and with `back` when
   * it is there again. What other servers have published in between did not come. The hook `backplane` of the handler is told the same in
   * each thread. If it throws or rejects, that is logged.
   */
  readonly onBackplane?: (state: BackplaneState) => void | Promise<void>;
  /**
   * Bytes of publications that are kept for other servers while the connection to the engine is lost, of each engine. They are sent when it
   * is back, before anything newer. Beyond it, what is published is dropped for other servers, and counted; the subscribers of this server
   * get it in any case. Raising it takes that memory while an engine is lost, and sends other servers what is no news any more. From 1 byte
   * to 1 TiB, or 0: nothing is kept.
   *
   * @default 0: nothing is kept
   */
  readonly maxBackplaneBytes?: number;
  /**
   * How long publishers wait for an engine that is connected and does not take what is published, in ms: `publish` returns false, and
   * connections whose hooks publish are not read. Up to 8 MiB that are published all the same still go to the engine. Beyond that, and
   * when the time is over, what is published is dropped for other servers, and counted, until the engine goes on. Each time that the
   * engine goes on and is full again is a new time. Of several engines, only publishers to the topics of the slow one wait. Raising it makes
   * them wait longer. From 1 ms to 2^31 less 1 ms (24 days), or 0: nobody waits.
   *
   * @default 1 s
   */
  readonly backplaneStallMs?: number;
  /**
   * How long an attempt to connect to the engine may take, and the end of a connection, in ms. At the start the server waits that long for
   * the first connection, also if the engine refuses it at once: it may be starting too. Raising it lets a server start later while its
   * engine cannot be reached. From 1 ms to 2^31 less 1 ms (24 days).
   *
   * @default 5 s
   */
  readonly backplaneTimeoutMs?: number;
  /**
   * For tests: finds every use of a message, or of a borrowed view, that comes too late. Each message gets an object of its own,
   * which throws when it is void, and its bytes are overwritten.
   *
   * @default false
   */
  readonly poison?: boolean;
  /**
   * Where the server reports what happens: an object with the methods `info`, `warn` and `error`, such as `console` or the
   * logger of pino. They are called as methods, with a text, in the primary. The first report of each kind that clients can cause comes at once, and then one a second, which says how
   * many there were. A method that throws or rejects does no harm: its report goes to standard error.
   *
   * @default standard error, without waiting for its reader
   */
  readonly log?: Logger;
}
