import { networkOf } from '../opening/network.js';
import type { EarlyRefusal, Peer, Places } from '../opening/places.js';
import { LimitIncident } from '../telemetry/limit-incident.js';

/** The limits of how many connections a server may have. */
export interface AdmissionOptions {
  readonly maxConnections: number;
  /** 0: no limit. */
  readonly maxConnectionsPerIp: number;
}

/** Counts the connections of a server, in all of its threads, and those of each address. */
export class Admission implements Places {
  readonly #options: AdmissionOptions;
  /** The holders whose connections count against {@link AdmissionOptions.maxConnections}. */
  readonly #holders: { readonly load: number }[] = [];
  readonly #byAddress = new Map<string, number>();
  /**
   * The address of each connection that counts, by the id of a WebSocket or by the socket of any other connection. Empty unless
   * addresses are limited.
   */
  readonly #addresses = new Map<unknown, string>();

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Counts the connections of a holder from now on, WebSockets or not. */
  include(holder: { readonly load: number }): void {
    this.#holders.push(holder);
  }

  /** How many connections count. */
  get load(): number {
    let load = 0;
    for (const holder of this.#holders) load += holder.load;
    return load;
  }

  /** How many addresses have connections that count. */
  get addresses(): number {
    return this.#byAddress.size;
  }

  get room(): number {
    return Math.max(0, this.#options.maxConnections - this.load);
  }

  refusalFor(peer: Peer): EarlyRefusal | undefined {
    return this.load >= this.#options.maxConnections ? FULL : this.refusalOfAddress(peer);
  }

  refusalOfAddress(peer: Peer): EarlyRefusal | undefined {
    const { maxConnectionsPerIp } = this.#options;
    if (maxConnectionsPerIp === 0) return undefined;
    const { remoteAddress } = peer; // reading the address of a socket is a system call
    if (remoteAddress === undefined) return undefined;
    const taken = this.#byAddress.get(networkOf(remoteAddress)) ?? 0;
    return taken >= maxConnectionsPerIp ? ADDRESS_FULL : undefined;
  }

  enter(key: unknown, peer: Peer): void {
    if (this.#options.maxConnectionsPerIp === 0) return;
    const { remoteAddress } = peer;
    if (remoteAddress === undefined) return;
    const network = networkOf(remoteAddress);
    this.#addresses.set(key, network);
    this.#byAddress.set(network, (this.#byAddress.get(network) ?? 0) + 1);
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

const FULL: EarlyRefusal = {
  status: 503,
  body: 'the server has as many connections as it may (maxConnections)\n',
  incident: LimitIncident.REFUSED_FULL,
};

const ADDRESS_FULL: EarlyRefusal = {
  status: 503,
  body: 'there are as many connections from this address as there may be (maxConnectionsPerIp)\n',
  incident: LimitIncident.REFUSED_ADDRESSES,
};
