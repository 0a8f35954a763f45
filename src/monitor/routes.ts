import type { IncomingMessage, ServerResponse } from 'node:http';
import { answer } from '../opening/answer.js';
import { readTarget } from '../protocol/opening/request-target.js';
import { answerMetrics } from './answer-metrics.js';
import { answerHealth, answerReadiness, type Health, isHealthy, isReady } from './health.js';
import { type LearnFile, readLearnFiles } from './learn-files.js';
import type { MetricsFormat } from './metrics-format.js';
import { renderPage } from './render-page.js';

export type { BackplaneHealth, Health } from './health.js';

const PAGE_HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self' ws: wss:; form-action 'none'",
};

const LEARN_HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  'Referrer-Policy': 'no-referrer',
};

/** Where ordinary HTTP is answered on the WebSocket port. */
export interface RouteOptions {
  /** Paths on which WebSockets are accepted; undefined: all. */
  readonly paths: ReadonlySet<string> | undefined;
  /** Path of the page that tries the server; undefined: there is none. The page that teaches the protocol is beside it, at `learn`. */
  readonly page: string | undefined;
  /** Path where load balancers ask for the health; undefined: there is none. */
  readonly health: string | undefined;
  /** Path where load balancers ask whether the server is ready; undefined: there is none. */
  readonly ready?: string | undefined;
  /** Path of the metrics; undefined: there are none. */
  readonly metrics?: string | undefined;
}

/** What routes ask the server for: a promise where another thread has to be asked. */
export interface RouteSources {
  readonly health: () => Health | Promise<Health>;
  readonly metrics: (format: MetricsFormat) => string | Promise<string>;
}

type Route = (request: IncomingMessage, response: ServerResponse) => void;

const METHODS = 'GET, HEAD, OPTIONS';

/** Ordinary HTTP on the WebSocket port. */
export class Routes {
  readonly #sources: RouteSources;
  readonly #options: RouteOptions;
  readonly #page: string;
  /** Path of the page that teaches the protocol; undefined: there is none. */
  readonly #learnPath: string | undefined;
  #learn: ReadonlyMap<string, LearnFile> | undefined;

  constructor(sources: RouteSources, options: RouteOptions) {
    this.#sources = sources;
    this.#options = options;
    this.#page = renderPage(socketPath(options));
    this.#learnPath = learnPath(options);
  }

  /** Whether one of the routes has this path. */
  has(path: string): boolean {
    const { page, health, ready, metrics } = this.#options;
    return (
      path === health || path === ready || path === page || path === metrics || this.#learnFile(path) !== undefined
    );
  }

  /** Answers a request, before it returns unless another thread has to be asked. {@link readOrdinaryRequest} has accepted the target. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    const { method = '', url = '' } = request;
    const route = url === '*' ? answerUpgradeRequired : this.#route(readTarget(url)?.path ?? '');
    if (route === undefined) {
      answer(request, response, 404, 'text/plain', 'not found\n');
    } else if (method === 'OPTIONS') {
      // By default HAProxy checks the health with OPTIONS.
      const answerAllowed = (status: number) => {
        response.writeHead(status, { Allow: METHODS, 'X-Content-Type-Options': 'nosniff' });
        response.end();
      };
      const isWell = route === this.#answerHealth ? isHealthy : route === this.#answerReadiness ? isReady : undefined;
      if (isWell === undefined) answerAllowed(204);
      else this.#withHealth((health) => answerAllowed(isWell(health) ? 204 : 503));
    } else if (method !== 'GET' && method !== 'HEAD') {
      answer(request, response, 405, 'text/plain', 'only GET and HEAD are possible here\n', { Allow: METHODS });
    } else {
      route(request, response);
    }
  }

  #route(path: string): Route | undefined {
    const { paths, page, health, ready, metrics } = this.#options;
    if (path === health) return this.#answerHealth;
    if (path === ready) return this.#answerReadiness;
    if (path === metrics) return this.#answerMetrics;
    if (path === page) return this.#answerPage;
    const file = this.#learnFile(path);
    if (file !== undefined) {
      return (request, response) => answer(request, response, 200, file.type, file.body, LEARN_HEADERS);
    }
    return paths === undefined || paths.has(path) ? answerUpgradeRequired : undefined;
  }

  /** A file of the page that teaches the protocol. The files are read when the first of them is asked for. */
  #learnFile(path: string): LearnFile | undefined {
    const learn = this.#learnPath;
    if (learn === undefined || (path !== learn && !path.startsWith(`${learn}/`))) return undefined;
    this.#learn ??= readLearnFiles(learn, socketPath(this.#options));
    return this.#learn.get(path);
  }

  readonly #answerPage: Route = (request, response) =>
    answer(request, response, 200, 'text/html', this.#page, PAGE_HEADERS);

  readonly #answerHealth: Route = (request, response) =>
    this.#withHealth((health) => answerHealth(request, response, health));

  readonly #answerReadiness: Route = (request, response) =>
    this.#withHealth((health) => answerReadiness(request, response, health));

  readonly #answerMetrics: Route = (request, response) => answerMetrics(request, response, this.#sources.metrics);

  #withHealth(then: (health: Health) => void): void {
    const health = this.#sources.health();
    if (health instanceof Promise) void health.then(then);
    else then(health);
  }
}

/** The path of the WebSocket that the page opens: the page's own path if WebSockets are accepted on it. */
function socketPath({ paths, page = '/' }: RouteOptions): string {
  if (paths === undefined || paths.has(page)) return page;
  return paths.has('/') ? '/' : ([...paths][0] ?? '/');
}

/** The path beside the page, so that an attachment whose page has a path of its own takes no other path from its application. */
function learnPath({ page }: RouteOptions): string | undefined {
  const path = page && `${page.slice(0, page.lastIndexOf('/'))}/learn`;
  return path === page ? undefined : path;
}

const answerUpgradeRequired: Route = (request, response) => {
  const body = 'this is a WebSocket path: connect with a WebSocket client\n';
  // A client of HTTP/1.0 reads until the connection is closed, unless an answer says that it stays open.
  const connection = response.shouldKeepAlive ? 'Upgrade' : 'close, Upgrade';
  answer(request, response, 426, 'text/plain', body, { Upgrade: 'websocket', Connection: connection });
};
