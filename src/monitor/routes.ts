import type { IncomingMessage, ServerResponse } from 'node:http';
import { renderPage } from './page.js';

/** What `/healthz` says. */
export interface Health {
  readonly status: 'ok' | 'degraded' | 'draining';
  /** Of each worker thread. */
  readonly threads: readonly { readonly connections: number; readonly isTaking: boolean }[];
  readonly connections: number;
  /** Workers that have died, ever and lately. */
  readonly workersLost: number;
  readonly workersLostLastMinute: number;
  readonly uptimeSeconds: number;
}

const PAGE_HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self' ws: wss:; form-action 'none'",
};

/** Ordinary HTTP on the WebSocket port. */
export class Routes {
  readonly #health: () => Health;
  readonly #paths: ReadonlySet<string> | undefined;
  readonly #page: string;

  /** @param paths on which there are WebSockets; undefined for all. */
  constructor(health: () => Health, paths: ReadonlySet<string> | undefined) {
    this.#health = health;
    this.#paths = paths;
    const path = paths === undefined || paths.has('/') ? '/' : [...paths][0];
    this.#page = renderPage(path ?? '/');
  }

  /** Answers a request, in the turn in which it came. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    const { method = '', url = '' } = request;
    const path = url.split('?', 1)[0] as string;
    const route = this.#route(path);
    if (route === undefined) {
      answer(request, response, 404, 'text/plain', 'not found\n');
    } else if (method !== 'GET' && method !== 'HEAD') {
      answer(request, response, 405, 'text/plain', 'only GET and HEAD are possible here\n', { Allow: 'GET, HEAD' });
    } else {
      route(request, response);
    }
  }

  #route(path: string): ((request: IncomingMessage, response: ServerResponse) => void) | undefined {
    if (path === '/healthz') return (request, response) => this.#answerHealth(request, response);
    if (path === '/')
      return (request, response) => answer(request, response, 200, 'text/html', this.#page, PAGE_HEADERS);
    return this.#paths === undefined || this.#paths.has(path) ? answerUpgradeRequired : undefined;
  }

  #answerHealth(request: IncomingMessage, response: ServerResponse): void {
    const health = this.#health();
    const status = health.status === 'draining' ? 503 : 200;
    answer(request, response, status, 'application/json', `${JSON.stringify(health)}\n`, {
      'Cache-Control': 'no-store',
    });
  }
}

function answerUpgradeRequired(request: IncomingMessage, response: ServerResponse): void {
  const body = 'this is a WebSocket path: connect with a WebSocket client\n';
  answer(request, response, 426, 'text/plain', body, { Upgrade: 'websocket', Connection: 'Upgrade' });
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, {
    'Content-Type': `${type}; charset=utf-8`,
    'Content-Length': Buffer.byteLength(body),
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
