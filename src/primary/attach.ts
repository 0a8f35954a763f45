import type { Server as NetServer } from 'node:net';
import { ArgumentTypeError } from '../options/argument-error.js';
import { ConfigError } from '../options/option-error.js';
import { resolveOptions } from './options.js';
import { Server } from './server.js';
import type { ServerOptions } from './server-options.js';

/**
 * Options of {@link attach}: those of a server, with other defaults for `page`, `health` and `ready`, and without those that your HTTP server
 * decides itself. Limits of connections count the upgrades of this attachment only.
 */
export interface AttachOptions
  extends Omit<
    ServerOptions,
    'page' | 'health' | 'ready' | 'maxHeaderBytes' | 'tls' | 'maxTlsHandshakes' | 'handshake' | 'proxyProtocol'
  > {
  /**
   * The path of the page that tries the server in a browser. It is answered by {@link AttachedServer.handleRequest}, which your HTTP
   * server has to call. `false` or 'off' turns it off.
   *
   * @default 'off'
   */
  readonly page?: string | false;
  /**
   * The path where load balancers and monitors ask for the health of the server. It is answered by
   * {@link AttachedServer.handleRequest}, which your HTTP server has to call. `false` or 'off' turns it off.
   *
   * @default 'off'
   */
  readonly health?: string | false;
  /**
   * The path where load balancers ask whether to send new clients here. It is answered by {@link AttachedServer.handleRequest}, which
   * your HTTP server has to call. `false` or 'off' turns it off.
   *
   * @default 'off'
   */
  readonly ready?: string | false;
}

/**
 * A WebSocket server for some paths of an HTTP server of yours, made by {@link attach}. It is a {@link Server} that does not listen.
 * Its `close` takes the listeners off your HTTP server, and leaves that server as it is.
 */
export type AttachedServer = Omit<Server, 'listen' | 'start' | 'address'>;

/** The options of a server that an attachment cannot have, and what to do instead. */
const OPTIONS_OF_HTTP: Readonly<Record<string, string>> = {
  maxHeaderBytes: 'set maxHeaderSize of your HTTP server',
  tls: 'give certificates and keys to createServer of node:https',
  maxTlsHandshakes: 'limit the connections of your HTTP server',
  handshake: 'workers get connections when their requests are read',
  proxyProtocol: 'have the proxy set a header, and name it in proxyHeader',
};

/**
 * Accepts WebSockets on paths of an HTTP server that you have: of node:http, node:https, Express, Fastify, Hono, Koa and everything
 * else that uses these. The server may listen already, or later. Plain connections go to worker threads; those of node:https are
 * hosted in this thread, because TLS cannot change threads once it has spoken.
 *
 * Your server may have several attachments on different paths, and other listeners for 'upgrade' that take other paths. An upgrade
 * whose path is nobody's is answered with 404 if there is no other listener, and is left alone otherwise.
 *
 * @param http the HTTP server: what `createServer` of node:http or `app.listen()` of Express and Koa returns, `fastify.server`, what
 * `serve()` of @hono/node-server returns.
 * @returns the attached server, when clients can connect.
 * @throws ArgumentTypeError if `http` is no server of HTTP/1.1, but for instance an Express app, or a server of node:http2 that speaks
 * HTTP/2 only.
 * @throws ConfigError if an option cannot be used, or if a path is attached to this HTTP server already.
 * @throws HandlerModuleError, ArenaError, WorkerStartError or BundledError as {@link Server.listen} does.
 */
export async function attach(http: NetServer, options: AttachOptions): Promise<AttachedServer> {
  if (!isServer(http)) {
    throw new ArgumentTypeError(
      'WSLOOM_HTTP_SERVER',
      'attach(httpServer, options) takes a server of node:http or node:https: of Express and Koa it is what app.listen() returns, of Fastify fastify.server, of Hono what serve() returns',
    );
  }
  if (speaksOnlyHttp2(http)) {
    throw new ArgumentTypeError(
      'WSLOOM_HTTP_SERVER',
      'attach(httpServer, options) needs HTTP/1.1, and this server of node:http2 speaks HTTP/2 only: give createSecureServer allowHTTP1: true, or take a server of node:http or node:https',
    );
  }
  if (typeof options !== 'object' || options === null) {
    throw new ConfigError('options', `attach needs an object of options, got ${String(options)}`);
  }
  for (const [name, remedy] of Object.entries(OPTIONS_OF_HTTP)) {
    if (Reflect.get(options, name) !== undefined) {
      throw new ConfigError(
        name,
        `${name} is not for attach, because your HTTP server accepts the connections and reads the requests: ${remedy}`,
      );
    }
  }
  const { page = false, health = false, ready = false } = options;
  return Server.attach(http, resolveOptions({ ...options, page, health, ready }));
}

/**
 * By what is called, because the server may be of another realm, or of a package that extends Node's. An Express app has no address,
 * and a server of node:net no timeout.
 */
function isServer(http: unknown): http is NetServer {
  if (typeof http !== 'object' || http === null) return false;
  return ['on', 'off', 'emit', 'listenerCount', 'address', 'setTimeout'].every(
    (name) => typeof Reflect.get(http, name) === 'function',
  );
}

/** A server of node:http2 has the times for requests of HTTP/1.1 only if it takes them. */
function speaksOnlyHttp2(http: NetServer): boolean {
  return typeof Reflect.get(http, 'updateSettings') === 'function' && Reflect.get(http, 'headersTimeout') === undefined;
}
