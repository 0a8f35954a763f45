import { LimitIncident } from '../telemetry/limit-incident.js';
import { type HostRule, hostRule, isSameOrigin, type OriginRule, originRule } from './origin.js';
import type { EarlyRefusal } from './places.js';

/** The names that the server may be asked for, and the pages that may ask: lists, which can cross threads. */
export interface GateLists {
  /** Undefined: depends on where the server listens, see {@link Gate.defaultHosts}. */
  readonly allowedHosts: readonly string[] | undefined;
  /** Undefined: pages of the same origin. */
  readonly allowedOrigins: readonly string[] | undefined;
}

/** Judges the Host and the Origin of requests, before anything else is asked. Each thread compiles the lists for itself. */
export class Gate {
  /** Undefined: every Host is allowed. */
  #allowsHost: HostRule | undefined;
  readonly #hasOwnHosts: boolean;
  readonly #allowsOrigin: OriginRule;
  /** What was allowed last: most clients ask for the same, and to read a URL costs as much as a system call. */
  #lastAllowed: string | undefined;

  /** @throws Error that says what a list may hold. */
  constructor({ allowedHosts, allowedOrigins }: GateLists) {
    this.#hasOwnHosts = allowedHosts !== undefined;
    this.#allowsHost = allowedHosts === undefined ? undefined : hostRule(allowedHosts);
    this.#allowsOrigin = allowedOrigins === undefined ? isSameOrigin : originRule(allowedOrigins);
  }

  /** @param hosts the names that the server may be asked for if no list says so; undefined for all. */
  set defaultHosts(hosts: readonly string[] | undefined) {
    if (this.#hasOwnHosts) return;
    this.#allowsHost = hosts === undefined ? undefined : hostRule(hosts);
    this.#lastAllowed = undefined;
  }

  /** Whether the server may be asked for anything by this name. */
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
