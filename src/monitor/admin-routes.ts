import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { answer } from '../opening/answer.js';
import { answerMetrics } from './answer-metrics.js';
import { answerHealth, answerReadiness, type Health } from './health.js';
import type { MetricsFormat } from './metrics-format.js';

/** The paths of the admin port. They are always the same, wherever the port of WebSockets has them. */
export const ADMIN_PATHS = { health: '/healthz', ready: '/readyz', metrics: '/metrics' } as const;

/** What the admin port shows. The primary knows all of it. */
export interface AdminSources {
  readonly health: () => Health;
  readonly metrics: (format: MetricsFormat) => string;
}

export interface AdminRoutesOptions extends AdminSources {
  /** What a client must know to see the metrics; undefined: nothing. */
  readonly token: string | undefined;
  /** Called when a client is refused because it has no token, or a wrong one. */
  readonly onRefused: (request: IncomingMessage) => void;
}

const METHODS = 'GET, HEAD, OPTIONS';

/** What the admin port answers. Whoever can connect may ask for the health; for all else a token may be needed. */
export class AdminRoutes {
  readonly #options: AdminRoutesOptions;
  /** The digest of the token: of the same length, whatever a client sends. */
  readonly #digest: Buffer | undefined;

  constructor(options: AdminRoutesOptions) {
    this.#options = options;
    this.#digest = options.token === undefined ? undefined : digestOf(options.token);
  }

  /** Answers a request before it returns. @param path of its target, without the query */
  handle(path: string, request: IncomingMessage, response: ServerResponse): void {
    const { method = '' } = request;
    const route = this.#route(path);
    if (route === undefined) {
      answer(request, response, 404, 'text/plain', 'not found\n');
    } else if (method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS') {
      answer(request, response, 405, 'text/plain', 'only GET and HEAD are possible here\n', { Allow: METHODS });
    } else {
      route(request, response);
    }
  }

  #route(path: string): ((request: IncomingMessage, response: ServerResponse) => void) | undefined {
    const { health, metrics } = this.#options;
    // HAProxy checks with OPTIONS by default. Its checks look at the status only, so they get the answer to GET.
    if (path === ADMIN_PATHS.health) return (request, response) => answerHealth(request, response, health());
    if (path === ADMIN_PATHS.ready) return (request, response) => answerReadiness(request, response, health());
    if (path !== ADMIN_PATHS.metrics) return undefined;
    return (request, response) => {
      if (!this.#isAllowed(request)) {
        this.#options.onRefused(request);
        answer(request, response, 401, 'text/plain', UNAUTHORIZED, { 'WWW-Authenticate': 'Bearer realm="wsloom"' });
        return;
      }
      answerMetrics(request, response, metrics);
    };
  }

  /** Whether a request has the token (RFC 6750 section 2.1). The time that this takes does not depend on what is right of it. */
  #isAllowed({ headers }: IncomingMessage): boolean {
    if (this.#digest === undefined) return true;
    const [, token = ''] = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '') ?? [];
    return timingSafeEqual(digestOf(token), this.#digest);
  }
}

const UNAUTHORIZED = 'this needs the header Authorization: Bearer, with the token of the admin port\n';

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
