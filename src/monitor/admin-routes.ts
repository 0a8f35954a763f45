import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { answer } from '../opening/answer.js';
import { answerHealth, answerReadiness, type Health } from './health.js';

/** The paths of the admin port. They are always the same, wherever the port of WebSockets has them. */
export const ADMIN_PATHS = { health: '/healthz', ready: '/readyz', metrics: '/metrics' } as const;

/** The metrics of a server, in one of their formats. */
export interface RenderedMetrics {
  /** The media type, without the charset. */
  readonly type: string;
  readonly text: string;
}

/** What the admin port shows. */
export interface AdminSources {
  readonly health: () => Health;
  /** The metrics, for a client with this header Accept. Left out where there are none: then their path is answered with 404. */
  readonly metrics?: (accept: string | undefined) => RenderedMetrics;
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
    if (path !== ADMIN_PATHS.metrics || metrics === undefined) return undefined;
    return (request, response) => {
      if (!this.#isAllowed(request)) {
        this.#options.onRefused(request);
        answer(request, response, 401, 'text/plain', UNAUTHORIZED, { 'WWW-Authenticate': 'Bearer realm="wsloom"' });
        return;
      }
      const { type, text } = metrics(request.headers.accept);
      answer(request, response, 200, type, text, { 'Cache-Control': 'no-store' });
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
