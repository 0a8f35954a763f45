import { LimitIncident } from '../telemetry/limit-incident.js';
import { type HostRule, hostRule, isSameOrigin, type OriginRule, originRule } from './origin.js';
import type { EarlyRefusal } from './places.js';

/** The lists of allowed Hosts and Origins. They can be sent to other threads. */
export interface GateLists {
  /** The names that the server answers to, in Host; undefined: see {@link Gate.defaultHosts}. */
  readonly allowedHosts: readonly string[] | undefined;
  /** The origins whose pages may connect; undefined: pages of the same origin. */
  readonly allowedOrigins: readonly string[] | undefined;
}

/** Judges the Host and the Origin of requests, before anything else is judged. Each thread makes its own rules from the lists. */
export class Gate {
  /** Undefined: every Host is allowed. */
  #allowsHost: HostRule | undefined;
  readonly #hasOwnHosts: boolean;
  readonly #allowsOrigin: OriginRule;
  /** The Host that was allowed last. Most clients send the same one, and to parse a URL costs as much as a system call. */
  #lastAllowed: string | undefined;

  /** @throws Error that says what a list may hold. */
  constructor({ allowedHosts, allowedOrigins }: GateLists) {
    this.#hasOwnHosts = allowedHosts !== undefined;
    this.#allowsHost = allowedHosts === undefined ? undefined : hostRule(allowedHosts);
    this.#allowsOrigin = allowedOrigins === undefined ? isSameOrigin : originRule(allowedOrigins);
  }

  /** Sets the names that the server answers to if there is no list. @param hosts undefined for all names. */
  set defaultHosts(hosts: readonly string[] | undefined) {
    if (this.#hasOwnHosts) return;
    this.#allowsHost = hosts === undefined ? undefined : hostRule(hosts);
    this.#lastAllowed = undefined;
  }

  /** Whether the server answers to this Host. */
  allowsHost(host: string): boolean {
    if (host === this.#lastAllowed) return true;
    if (this.#allowsHost?.(host) === false) return false;
    this.#lastAllowed = host;
    return true;
  }

  /** Why an opening handshake is refused for its Host or its Origin; undefined if it is not. */
  refusalFor(host: string, origin: string | undefined): EarlyRefusal | undefined {
    if (!this.allowsHost(host)) return FOREIGN_HOST;
    if (origin !== undefined && !this.#allowsOrigin(origin, host)) return FOREIGN_ORIGIN;
    return undefined;
  }
}

export const FOREIGN_HOST: EarlyRefusal = {
  status: 403,
  body: 'this server does not answer to this Host name: allow it with --allow-host (allowedHosts)\n',
  incident: LimitIncident.REFUSED_HOSTS,
};

const FOREIGN_ORIGIN: EarlyRefusal = {
  status: 403,
  body: 'pages of this Origin may not connect: allow it with --allow-origin (allowedOrigins)\n',
  incident: LimitIncident.REFUSED_ORIGINS,
};
