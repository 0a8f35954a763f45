import { isIPv6 } from 'node:net';
import { LimitIncident } from '../telemetry/limit-incident.js';
import { type HostRule, isSameOrigin, type OriginRule } from './origin.js';

/** Who may connect, and how many. */
export interface AdmissionOptions {
  readonly maxConnections: number;
  /** 0: no limit. */
  readonly maxConnectionsPerIp: number;
  /** Undefined: pages of the same origin. */
  readonly allowedOrigins: OriginRule | undefined;
  /** Undefined: depends on where the server listens. */
  readonly allowedHosts: HostRule | undefined;
}

/** Why somebody is not admitted. */
export interface AdmissionRefusal {
  readonly status: 403 | 503;
  readonly body: string;
  readonly incident: LimitIncident;
}

/** What is known of somebody who wants to connect. */
export interface Applicant {
  readonly host: string;
  readonly origin: string | undefined;
  readonly remoteAddress: string | undefined;
  /** Whether its connection counts already: it was accepted within the limits. */
  readonly isCounted: boolean;
}

/** Decides who is let in, before anything of the application is asked; keeps count of addresses. */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #connections: () => number;
  readonly #byAddress = new Map<string, number>();
  /** Of those that count: of WebSockets by id, of others by their sockets. Only while addresses are limited. */
  readonly #addresses = new Map<unknown, string>();
  /** See {@link AdmissionOptions.allowedHosts}. */
  #defaultHosts: HostRule | undefined;
  /** What was allowed last: most clients ask for the same, and to read a URL costs as much as a system call. */
  #allowedHost: string | undefined;

  /** @param connections counts all that are open, in all threads, whether they are WebSockets already or not. */
  constructor(options: AdmissionOptions, connections: () => number) {
    this.#options = options;
    this.#connections = connections;
  }

  /** @param hosts what the server may be asked for if no option says so. */
  set defaultHosts(hosts: HostRule | undefined) {
    this.#defaultHosts = hosts;
    this.#allowedHost = undefined;
  }

  /** Whether somebody may ask the server for anything by this name. */
  allowsHost(host: string): boolean {
    if (host === this.#allowedHost) return true;
    const rule = this.#options.allowedHosts ?? this.#defaultHosts;
    if (rule !== undefined && !rule(host)) return false;
    this.#allowedHost = host;
    return true;
  }

  /** Why somebody is not let in; undefined if he is. */
  judge(applicant: Applicant): AdmissionRefusal | undefined {
    const { host, origin, isCounted } = applicant;
    const { allowedOrigins = isSameOrigin } = this.#options;
    if (!this.allowsHost(host)) return FOREIGN_HOST;
    if (origin !== undefined && !allowedOrigins(origin, host)) return FOREIGN_ORIGIN;
    return isCounted ? undefined : this.refusalFor(applicant);
  }

  /** Why one more connection of this peer is above a limit; undefined if it is not. */
  refusalFor(peer: { readonly remoteAddress?: string | undefined }): AdmissionRefusal | undefined {
    const { maxConnections, maxConnectionsPerIp } = this.#options;
    if (this.#connections() >= maxConnections) return FULL;
    if (maxConnectionsPerIp === 0) return undefined;
    const { remoteAddress } = peer; // to ask a socket is a system call
    if (remoteAddress === undefined) return undefined;
    const taken = this.#byAddress.get(networkOf(remoteAddress)) ?? 0;
    return taken >= maxConnectionsPerIp ? ADDRESS_FULL : undefined;
  }

  /**
   * A connection counts against the limit of its address until {@link leave}.
   * @param key the id of a WebSocket, or the socket of any other connection.
   */
  enter(key: unknown, peer: { readonly remoteAddress?: string | undefined }): void {
    if (this.#options.maxConnectionsPerIp === 0) return;
    const { remoteAddress } = peer;
    if (remoteAddress === undefined) return;
    const network = networkOf(remoteAddress);
    this.#addresses.set(key, network);
    this.#byAddress.set(network, (this.#byAddress.get(network) ?? 0) + 1);
  }

  /** How many addresses have connections that count. */
  get addresses(): number {
    return this.#byAddress.size;
  }

  leave(key: unknown): void {
    const network = this.#addresses.get(key);
    if (network === undefined) return;
    this.#addresses.delete(key);
    const left = (this.#byAddress.get(network) ?? 1) - 1;
    if (left === 0) this.#byAddress.delete(network);
    else this.#byAddress.set(network, left);
  }
}

export const FOREIGN_HOST: AdmissionRefusal = {
  status: 403,
  body: 'this server does not answer to this Host name: allow it with --allow-host (allowedHosts)\n',
  incident: LimitIncident.REFUSED_HOSTS,
};

const FOREIGN_ORIGIN: AdmissionRefusal = {
  status: 403,
  body: 'pages of this Origin may not connect: allow it with --allow-origin (allowedOrigins)\n',
  incident: LimitIncident.REFUSED_ORIGINS,
};

const FULL: AdmissionRefusal = {
  status: 503,
  body: 'the server has as many connections as it may (maxConnections)\n',
  incident: LimitIncident.REFUSED_FULL,
};

const ADDRESS_FULL: AdmissionRefusal = {
  status: 503,
  body: 'there are as many connections from this address as there may be (maxConnectionsPerIp)\n',
  incident: LimitIncident.REFUSED_ADDRESSES,
};

/** What counts as one address: an IPv4 address, or a /64 of IPv6, which is what one customer has. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped !== null) return mapped[1] as string;
  if (!isIPv6(address)) return address;
  const [front = '', back] = (address.split('%', 1)[0] as string).split('::', 2);
  const groups = front === '' ? [] : front.split(':');
  const behind = back === undefined || back === '' ? 0 : back.split(':').length + (back.includes('.') ? 1 : 0);
  while (back !== undefined && groups.length + behind < 8) groups.push('0');
  if (back !== undefined && back !== '') groups.push(...back.split(':'));
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
