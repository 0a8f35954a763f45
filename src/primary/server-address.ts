import type { AddressInfo, Server as NetServer } from 'node:net';

/** The address of a server that listens on a port. */
export interface TcpAddress {
  /** The IP address that the server listens on, such as `127.0.0.1`. */
  readonly host: string;
  /** The port that the server listens on. */
  readonly port: number;
  readonly path?: undefined;
  /** The URL for clients: `ws://127.0.0.1:8080`; with TLS `wss://…`. */
  readonly url: string;
}

/** The address of a server that listens on a unix socket. */
export interface UnixAddress {
  /**
   * The path of the unix socket. For a descriptor that was given to the server it is empty if the path cannot be found out, and
   * begins with `@` if it is an abstract socket.
   */
  readonly path: string;
  readonly host?: undefined;
  readonly port?: undefined;
  /**
   * The URL for clients, as `wsloom/client` takes it: `ws+unix:/run/chat.sock:/`, or with TLS `wss+unix:/run/chat.sock:/`. The package `ws`
   * takes the first too. Characters that have a meaning in URLs are percent-encoded.
   */
  readonly url: string;
}

/** The address that a server listens on. It has a `path` if that is a unix socket, else `host` and `port`. */
export type ServerAddress = TcpAddress | UnixAddress;

/** The address of an HTTP server that listens on TCP; undefined for any other. */
export function tcpAddressOf(http: NetServer): TcpAddress | undefined {
  const address = http.address() as AddressInfo | string | null;
  if (address === null || typeof address === 'string') return undefined;
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return { host: address.address, port: address.port, url: `ws://${host}:${address.port}` };
}

/** The same address for clients that speak TLS. */
export function secured<Address extends ServerAddress>(address: Address): Address {
  return { ...address, url: address.url.replace(/^ws/, 'wss') };
}

/** The address of a unix socket. */
export function unixAddressOf(path: string): UnixAddress {
  const wellFormed = Buffer.from(path).toString(); // half of a character would throw
  const encoded = encodeURI(wellFormed).replace(/[?#:]/g, encodeURIComponent);
  return { path, url: `ws+unix:${encoded}:/` };
}
