import type { ResourceLimits } from 'node:worker_threads';
import type { Logger } from '../telemetry/logger.js';
import type { KernelChoice } from '../kernels/create-kernel.js';
import type { Thresholds } from '../kernels/thresholds.js';

/**
 * Options of {@link createServer}. Sizes are in bytes, from 1 to 4 GiB less 1; times in ms, from 1 to 2^31 less 1; both from 0 where
 * 0 is said to be no limit; unless something else is said. What is out of range is a {@link ConfigError}.
 */
export interface ServerOptions {
  /** The module with the application's hooks (see {@link defineHandler}): a file URL, or a path from the working directory. It is loaded in each thread. */
  readonly handler: URL | string;
  /**
   * Worker threads that host connections; default: one for each core. With 0 the primary thread hosts them, beside what else
   * it does: for systems where sockets cannot be handed to threads (Windows), for tests, for small machines.
   */
  readonly threads?: number;
  /** What unmasks and validates payloads; default 'auto', which chooses by operation and size. */
  readonly kernel?: KernelChoice;
  /**
   * From which sizes on `auto` takes which implementation, each in bytes, 0 to 4 294 967 295, which is never; default: as
   * the project's study has measured. `npx wsloom kernels` measures what is right for a machine. Only with `auto`.
   */
  readonly thresholds?: Partial<Thresholds>;
  /**
   * Address space that each hosting thread reserves for reading, from 1 MiB to 4 GiB less 64 KiB; default 256 MiB. Only
   * what is used becomes resident, and stays so. Messages that do not fit any more are put on the heap, at the cost of a
   * copy.
   */
  readonly arenaBytes?: number;
  /**
   * Longest message that a client may send, its fragments in sum, without their headers; default 16 MiB. A longer one is refused with 1009 when its
   * header has come. It bounds what a client can make a thread keep: raising it raises that for every connection.
   */
  readonly maxPayloadBytes?: number;
  /**
   * TCP connections that may be open at a time, counted from when they are accepted, whether they are WebSockets or not;
   * default: 8/9 of (the limit of descriptors less 256), or of half the limit if that is at most 512; 1 to 2^31 less 1. Beyond it 503;
   * without an answer when 40 connections above the limit wait for theirs already, or 10 of the same address; those that are silent give
   * way. Those that are closing do not count; there may be an eighth as many of them, and at least 16 in each thread. Each costs some
   * KiB, its socket's buffers in the kernel, and a descriptor.
   */
  readonly maxConnections?: number;
  /**
   * The same for one address of the network, or one /64 for IPv6; default 0: no limit. Leave it off behind a proxy, whose address all
   * have. Beyond it 503, or no answer, as for `maxConnections`. It bounds what one machine can take of those.
   */
  readonly maxConnectionsPerIp?: number;
  /**
   * Above so many bytes that a client has been sent and does not take, it is not read any more and `send` returns false;
   * default 1 MiB. Raising it lets more of a burst be buffered, for every connection.
   */
  readonly highWaterMarkBytes?: number;
  /**
   * What may be queued for a client that does not take it, in all; default 16 MiB. One message is always accepted when
   * nothing is queued. Pings count too. Beyond it: `slowConsumer`. It bounds the memory of a slow reader; raising it raises that for each.
   */
  readonly maxBackpressureBytes?: number;
  /**
   * What happens to a client when a message exceeds `maxBackpressureBytes`: 'close' (default) closes it with 1013, behind
   * what is queued; 'drop' does not send the message, and counts it.
   */
  readonly slowConsumer?: 'close' | 'drop';
  /**
   * What all connections may hold together of queued output and of messages still arriving; default: a quarter of the
   * machine's memory (of its container's); 1 MiB to 1 TiB. Path and query of a connection do not count, which are bounded by
   * `maxHeaderBytes` for each, nor what `upgrade` attaches as `data`, nor what a handler keeps. Beyond it those that have held it for longest are closed with 1013.
   * Raising it risks that the process is ended for want of memory, and with it all connections.
   */
  readonly maxBufferedBytes?: number;
  /**
   * Memory of publications that one thread may be owed by the others: posted to it, and not yet given to its connections; 1 MiB to
   * 1 TiB, default 64 MiB. From a quarter of it on, connections whose messages publish to topics of that thread are not read, and
   * `publish` returns false. Beyond it, publications that no connection can be held back for (of timers, after an `await`, of
   * `server.publish`) are dropped for that thread, and counted. Raising it lets a slower thread fall further behind.
   */
  readonly maxOwedBytes?: number;
  /**
   * How long publishers wait for a thread that takes nothing of what it is owed, in ms; default 10 000; at least 1: 0 is not for
   * ever. Then it is waited for no more. When it goes on, its subscribers of the topics that it has missed are closed with 1013, or with
   * `slowConsumer: 'drop'` only miss them. Raising it makes publishers wait longer for a thread that is blocked. It is measured in the
   * publisher's own time, in which a turn of the event loop counts 40 ms at most: a publisher that is blocked itself waits for longer.
   */
  readonly slowThreadTimeoutMs?: number;
  /**
   * A client that was silent for so long is pinged, and is lost (1006) when it is silent for as long again; default 30 000;
   * 0: never. Any byte received is a sign of life. Raising it keeps dead connections for longer.
   */
  readonly heartbeatIntervalMs?: number;
  /**
   * A connection without a message, either way, for so long is closed with 1001; default 0: never. It bounds how long clients
   * that want nothing hold connections; raising it costs what those cost.
   */
  readonly idleTimeoutMs?: number;
  /**
   * From the first byte of a message to its last; default 300 000, which is 16 MiB at half a megabit a second. Beyond it
   * 1008; 0: no limit. Raising it lets unfinished messages hold memory for longer.
   */
  readonly messageTimeoutMs?: number;
  /**
   * A client that takes nothing of queued output for so long is lost (1006), and so is an HTTP client that takes nothing of its
   * answers; default 30 000; 0: never. It is the only time limit that runs on while an open connection is not read. Raising it holds that output for longer.
   * On Linux a client takes what its system acknowledges; elsewhere that is seen when its socket has room again.
   */
  readonly stallTimeoutMs?: number;
  /**
   * Messages that a client may send per second, on average, and a quarter more in a burst, up to 2^31 less 1; default 0: no limit.
   * Each fragment of a message counts as much as a message, and so does each ping and each pong. Beyond: `rateLimitAction`. It bounds
   * what one client can make a handler, and the thread, do; raising it raises that.
   */
  readonly messagesPerSecond?: number;
  /**
   * The same for bytes, up to 1 TiB; default 0: no limit. All bytes of frames count, with their headers, also those that came together
   * with the opening handshake; the handshake itself does not.
   */
  readonly bytesPerSecond?: number;
  /** What happens to a client that sends too fast: it is not read for a while ('pause', default), or closed with 1008. */
  readonly rateLimitAction?: 'pause' | 'close';
  /**
   * Fragments without payload that may follow each other, 0 to 2^31 less 1; default 100. Beyond it 1008. They cost no memory, but
   * the thread's time: raising it lets a message that never comes to anything take more of it.
   */
  readonly maxConsecutiveEmptyFragments?: number;
  /**
   * How long a client may take to finish the closing handshake, and to take what was sent before; default 5000. Its connection is
   * destroyed then. Raising it lets clients that are being closed hold connections and output for longer.
   */
  readonly closeTimeoutMs?: number;
  /**
   * How long a client may take to send its request, and then an `upgrade` hook to decide about it: each has the whole time; default
   * 10 000. Beyond it 408 for the request, 503 for the hook. A client that does not take its 101 for so long is lost. Raising it lets silent clients hold descriptors for longer.
   */
  readonly handshakeTimeoutMs?: number;
  /**
   * Of a request's head, 512 bytes to 1 MiB; default 16 KiB. Beyond it 431. It bounds the memory that a client can use that is
   * not accepted yet; raising it raises that.
   */
  readonly maxHeaderBytes?: number;
  /** Of a request, 8 to 10 000; default 100. Beyond it 431. Raising it costs the primary time for each upgrade. */
  readonly maxHeaderCount?: number;
  /**
   * Whose pages may connect: origins like 'https://example.org', or '*' for all. Default: pages of the same host and port as
   * the server is asked for, whatever the scheme. Clients that are no browsers send no Origin and are not concerned. Others
   * get 403. 'null' and 'file://' are origins too: pages without one, and embedded clients that send the latter.
   */
  readonly allowedOrigins?: readonly string[];
  /**
   * What the server may be asked for, in Host: names or addresses, with a port or without (then any), or '*' for all. Default:
   * localhost, 127.0.0.1 and [::1] when it listens on a loopback address, so that no name that somebody has pointed there is
   * served (DNS rebinding), else all. Others get 403.
   */
  readonly allowedHosts?: readonly string[];
  /**
   * What V8 may use in each worker thread, as in `node:worker_threads`: a thread that exceeds it dies alone, with its connections,
   * and is replaced. Default: `{ maxYoungGenerationSizeMb: 24 }`, half of V8's own, which saves 2 kB for each of 8000 idle
   * connections; the rest as for the process. With more, handlers that keep thousands of promises waiting collect garbage less
   * often.
   */
  readonly resourceLimits?: ResourceLimits;
  /**
   * A connection that a worker has not taken for so long goes to another worker, and the worker gets no more until it goes on;
   * default 2000. Raising it makes clients of a blocked thread wait for longer; too low, a busy one is taken for blocked.
   */
  readonly handOffTimeoutMs?: number;
  /**
   * How long the handler module may take to load, and a thread to start, in ms, from 1 to 3 600 000; default 60 000. It holds
   * for the start, for a reload and for a thread that takes the place of one that died. Beyond it, `listen` and `reload` throw a
   * {@link HandlerModuleError} or a {@link WorkerStartError} that names the module; a thread is tried again. Raise it for a module
   * that waits for something slow.
   */
  readonly startTimeoutMs?: number;
  /** Paths that WebSockets are accepted on, exactly; default: all. */
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
   * For tests: each message gets an object of its own, and its bytes are overwritten when it is void, so that using a
   * message or a borrowed view too late is found. Default false.
   */
  readonly poison?: boolean;
  /**
   * Where the server reports what happens: an object with the methods `info`, `warn` and `error`, like `console`. They are called in
   * the thread that created the server. What clients can cause is reported of each kind at once, and then once a second with how
   * often. A method that throws or rejects does no harm: its report goes to standard error.
   * @default standard error, without waiting for its reader
   */
  readonly log?: Logger;
}
