import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { describePeer } from '../host/describe-peer.js';
import { type ClientHeader, clientAddress } from './client-address.js';
import { TrustedProxies } from './trusted-proxies.js';

/** Which proxies are believed, and by which header. It can be sent to other threads. */
export interface ClientsOptions {
  /** See {@link TrustedProxies}; empty if no peer is a proxy. */
  readonly trustedProxies: readonly string[];
  /** The header in which these proxies tell their clients; undefined if there is none. */
  readonly proxyHeader: ClientHeader | undefined;
}

/** A peer of which the address is known already. */
export interface KnownPeer {
  readonly remoteAddress: string | undefined;
  /**
   * Whether no header of a request tells another client, whoever the peer is. That is so if the PROXY protocol has told no address:
   * then nobody knows who has sent the header.
   */
  readonly isClient?: boolean;
}

/** Tells the clients of connections: the peers, or, if a peer is a trusted proxy, the one that the proxy speaks for. */
export class Clients {
  readonly #trusted: TrustedProxies | undefined;
  readonly #header: ClientHeader | undefined;
  /** The peers of sockets whose own address is not that of the peer. */
  readonly #peers = new WeakMap<object, KnownPeer>();

  /** @throws Error that says what the list may hold. */
  constructor({ trustedProxies, proxyHeader }: ClientsOptions) {
    this.#trusted = trustedProxies.length === 0 ? undefined : new TrustedProxies(trustedProxies);
    this.#header = proxyHeader;
  }

  /** Whether there are trusted proxies. */
  get hasProxies(): boolean {
    return this.#trusted !== undefined;
  }

  /** Has a socket mean another peer from now on, which the PROXY protocol has told. */
  note(socket: object, peer: KnownPeer): void {
    this.#peers.set(socket, peer);
  }

  /** The peer of a connection: the one that was noted, or the socket itself. To read the address of a socket is a system call. */
  peerOf<Socket extends object>(socket: Socket): Socket | KnownPeer {
    return this.#peers.get(socket) ?? socket;
  }

  /** The address of the peer of a socket, for the log. */
  describe(socket: Socket): string {
    return describePeer(this.peerOf(socket).remoteAddress);
  }

  /** Whether a peer is trusted. @param address undefined for the peer of a unix socket. */
  trusts(address: string | undefined): boolean {
    return this.#trusted?.trusts(address) === true;
  }

  /** Whether the peer of a connection is a trusted proxy. Its connections do not count for its own address. */
  isProxy(peer: Duplex | KnownPeer): boolean {
    if (this.#trusted === undefined) return false; // without reading the address, which is a system call
    const known = this.peerOf(peer);
    // If the PROXY protocol has told an address, and no header tells another one, it is that of a client, though it may be trusted.
    if (this.#header === undefined && !(known instanceof Socket) && !isClient(known)) return false;
    const remoteAddress = addressOf(known);
    return (remoteAddress !== undefined || isUnixSocket(known)) && this.#trusted.trusts(remoteAddress);
  }

  /**
   * The address of the client that has sent a request.
   * @param rawHeaders the names and values of all header lines of the request in turn, as they came.
   * @returns undefined for a unix socket whose client is not told, and for a connection that is lost.
   */
  addressFor(rawHeaders: readonly string[], peer: Duplex | KnownPeer): string | undefined {
    const known = this.peerOf(peer);
    const remoteAddress = addressOf(known);
    if (this.#trusted === undefined || this.#header === undefined || isClient(known)) return remoteAddress;
    if (remoteAddress === undefined && !isUnixSocket(known)) return undefined;
    return clientAddress(rawHeaders, remoteAddress, this.#header, this.#trusted);
  }
}

function addressOf(peer: Duplex | KnownPeer): string | undefined {
  return 'remoteAddress' in peer ? (peer as Socket | KnownPeer).remoteAddress : undefined;
}

function isClient(peer: Duplex | KnownPeer): boolean {
  return 'isClient' in peer && peer.isClient === true;
}

/**
 * Whether a socket that has no remote address is a unix socket. A TCP connection that was reset has none either, but it has a local
 * one: it must not be believed as a unix socket may be.
 */
function isUnixSocket(peer: Duplex | KnownPeer): boolean {
  return peer instanceof Socket && !peer.destroyed && peer.localAddress === undefined;
}
