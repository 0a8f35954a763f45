import { connect as connectSocket, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Address, isServerName } from './address.js';
import type { Certificates } from './certificates.js';

/** How a socket is opened. */
export interface DialOptions {
  /** Whether a wss server must show a certificate that this machine trusts. */
  readonly rejectUnauthorized: boolean;
  /** Certificates to trust instead of the machine's, in PEM. */
  readonly ca?: Certificates | undefined;
  /** Where the socket reads to, instead of 'data' events. */
  readonly onread?: OnReadOpts | undefined;
}

/**
 * Opens a connection: TCP or a unix socket, for wss with TLS over it. Either side may end its direction first (`allowHalfOpen`), and small writes are not
 * delayed (`noDelay`).
 * @param opened is called when bytes may be exchanged; if that fails, 'error' and 'close' are emitted.
 */
export function dial(address: Address, options: DialOptions, opened: () => void): Socket {
  const { host, port, isSecure, socketPath } = address;
  const { onread, ca, rejectUnauthorized } = options;
  const reading = { allowHalfOpen: true, ...(onread === undefined ? {} : { onread }) };
  const place = socketPath === undefined ? { host, port } : { path: socketPath };
  const isDelaying = socketPath === undefined; // a unix socket never does
  if (!isSecure) return connectSocket({ ...place, ...reading, ...(isDelaying ? { noDelay: true } : {}) }, opened);
  const socket = connectTls(
    {
      ...place,
      ...reading,
      rejectUnauthorized,
      // HTTP/2 has another opening handshake (RFC 8441).
      ALPNProtocols: ['http/1.1'],
      ...(isServerName(address) ? { servername: host } : {}),
      ...(ca === undefined ? {} : { ca: ca as string }),
    },
    opened,
  );
  return isDelaying ? socket.setNoDelay(true) : socket;
}
