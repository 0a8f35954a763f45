import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { describePeer } from '../host/describe-peer.js';
import { AdminRoutes, type AdminSources } from '../monitor/admin-routes.js';
import { answer } from '../opening/answer.js';
import { Boundary } from '../opening/boundary.js';
import { type HostRule, hostRule, loopbackHosts } from '../opening/origin.js';
import { excerpt } from '../options/shown.js';
import { readOrdinaryRequest } from '../protocol/opening/ordinary-request.js';
import { errorText } from '../telemetry/error-text.js';
import type { ThrottledLog } from '../telemetry/throttled-log.js';
import { type AdminOptions, unguardedAdmin } from './admin-options.js';
import { codeOf, ListenError } from './listen-error.js';
import { listening } from './listening.js';
import { tcpAddressOf } from './server-address.js';

/** The most connections at a time. A newcomer takes the place of the oldest, so that silent ones keep nobody out. */
const MAX_CONNECTIONS = 16;

/**
 * The most requests of one connection that wait for their answers. The answer to the last of them ends the connection: nobody who scrapes
 * sends requests without reading, and thousands of them in one read would each be answered before the thread does anything else.
 */
const MAX_UNANSWERED = 8;

/** How long a request may take to come, and a client may take nothing of its answer, in ms. */
const REQUEST_MS = 5000;
const STALL_MS = 10_000;
/** How long a connection is kept for the next request, in ms: longer than the 15 s between two scrapes that Prometheus is usually set to. */
const KEEP_ALIVE_MS = 20_000;
const MAX_HEAD_BYTES = 8192;

/** The address of the admin port of a server. */
export interface AdminAddress {
  /** The IP address that it listens on, such as `127.0.0.1`. */
  readonly host: string;
  /** The port that it listens on. */
  readonly port: number;
  /** The URL in front of its paths: `http://127.0.0.1:9464`. */
  readonly url: string;
}

export interface AdminEnvironment {
  /** What is shown. */
  readonly sources: AdminSources;
  readonly log: ThrottledLog;
}

/**
 * The HTTP server of the admin port: for those who operate the server, and beside everything that its clients can fill. Its few
 * connections count in no limit of the server.
 */
export class AdminServer {
  readonly #options: AdminOptions;
  readonly #log: ThrottledLog;
  readonly #routes: AdminRoutes;
  readonly #boundary: Boundary;
  readonly #http: HttpServer;
  /** How many requests of each connection are not answered, in the order in which the connections came. */
  readonly #sockets = new Map<Socket, number>();
  #allowsHost: HostRule = () => false;
  #address: AdminAddress | undefined;

  constructor(options: AdminOptions, { sources, log }: AdminEnvironment) {
    this.#options = options;
    this.#log = log;
    this.#boundary = new Boundary(log);
    this.#routes = new AdminRoutes({
      ...sources,
      token: options.token,
      onRefused: ({ socket }) => {
        const what = 'admin: a client without the right token was refused';
        log.throttled('warn', what, `${what}: ${describePeer(socket.remoteAddress)}`);
      },
    });
    this.#http = createServer(
      {
        noDelay: true,
        requireHostHeader: false, // it is judged as on the port of WebSockets
        maxHeaderSize: MAX_HEAD_BYTES,
        headersTimeout: REQUEST_MS,
        requestTimeout: REQUEST_MS,
        connectionsCheckingInterval: REQUEST_MS / 5,
        keepAliveTimeout: KEEP_ALIVE_MS,
      },
      (request, response) => {
        this.#boundary.guard(request.socket, () => {
          if (this.#take(request.socket, response)) this.#answer(request, response);
        });
      },
    );
    this.#http.timeout = STALL_MS;
    this.#http.on('connection', (socket) => this.#add(socket));
  }

  /** Undefined unless it listens. */
  get address(): AdminAddress | undefined {
    return this.#http.listening ? this.#address : undefined;
  }

  /**
   * Starts to listen.
   * @throws ListenError if the system does not let it; ConfigError if others can reach it and nothing guards it; ServerStateError if it
   * is closed meanwhile.
   */
  async listen(): Promise<void> {
    const { port, host, token, isOpen, allowedHosts } = this.#options;
    try {
      await listening(this.#http, { port, host });
    } catch (error) {
      const { syscall, message } = error as NodeJS.ErrnoException;
      if (syscall === undefined) throw error;
      const remedy = 'choose another adminPort (--admin-port) or adminHost (--admin-host)';
      const what = `admin port: ${message.replace(/^listen /, '')}: ${remedy}`;
      throw new ListenError(codeOf(error), what, { cause: error });
    }
    this.#http.on('error', (error) => this.#log.throttled('error', 'admin', `admin: ${errorText(error)}`));
    const address = tcpAddressOf(this.#http);
    if (address === undefined) return; // it was closed at once
    const own = loopbackHosts(address.host);
    // A name may mean more than its text says.
    if (own === undefined && token === undefined && !isOpen) throw unguardedAdmin(host);
    this.#allowsHost = own === undefined ? hostsOrAddresses(allowedHosts) : hostRule([...own, ...(allowedHosts ?? [])]);
    const url = address.url.replace(/^ws/, 'http');
    this.#address = { host: address.host, port: address.port, url };
    this.#log.info(`admin: listening on ${url}`);
  }

  /** Ends it, with all of its connections. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#http.close(() => resolve())); // an error: it does not listen
    this.#http.closeAllConnections();
    await closed;
  }

  #add(socket: Socket): void {
    this.#sockets.set(socket, 0);
    socket.once('close', () => this.#sockets.delete(socket));
    if (this.#sockets.size <= MAX_CONNECTIONS) return;
    const [oldest] = this.#sockets.keys();
    oldest?.destroy();
  }

  /** Counts a request. @returns false if it is not answered, because an earlier answer is the last one of its connection */
  #take(socket: Socket, response: ServerResponse): boolean {
    const unanswered = (this.#sockets.get(socket) ?? 0) + 1;
    if (unanswered > MAX_UNANSWERED) return false;
    this.#sockets.set(socket, unanswered);
    if (unanswered === MAX_UNANSWERED) {
      response.shouldKeepAlive = false;
      return true;
    }
    // Counted later: Node may have more requests of the same read, each of which would find the one before it answered.
    response.once('close', () => setImmediate(() => this.#noteAnswer(socket)));
    return true;
  }

  #noteAnswer(socket: Socket): void {
    const unanswered = this.#sockets.get(socket);
    if (unanswered !== undefined && unanswered < MAX_UNANSWERED) this.#sockets.set(socket, unanswered - 1);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { rawHeaders, httpVersion, url = '', socket } = request;
    const refuse = (status: number, body: string) =>
      answer(request, response, status, 'text/plain', body, { Connection: 'close' });
    const read = readOrdinaryRequest({ target: url, httpVersion, rawHeaders });
    if ('problem' in read) {
      refuse(400, `${read.problem}\n`);
    } else if (read.host !== undefined && !this.#allowsHost(read.host)) {
      // As on the port of WebSockets: a request without Host comes from no browser.
      const what = 'admin: a request for a foreign Host was refused';
      const who = describePeer(socket.remoteAddress);
      this.#log.throttled('warn', what, `${what}: ${who}, Host ${excerpt(read.host)} (allowedHosts)`);
      refuse(403, 'the admin port does not answer to this Host name: allow it with --allow-host (allowedHosts)\n');
    } else {
      this.#routes.handle(read.path, request, response);
    }
  }
}

/**
 * The rule for Host on an address that other machines reach. Without a list, every name is allowed. Addresses are in any case: a page of
 * a name that somebody has pointed here (DNS rebinding) does not send one.
 */
function hostsOrAddresses(allowedHosts: readonly string[] | undefined): HostRule {
  if (allowedHosts === undefined) return () => true;
  const isListed = hostRule(allowedHosts);
  return (host) => isListed(host) || isIP(host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')) !== 0;
}
