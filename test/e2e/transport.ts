import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { pair, pem } from '../tls/certificates.js';

const { WSLOOM_TEST_TRANSPORT } = process.env;

/**
 * Whether servers of tests speak TLS, and their clients too. A file that runs the suite of another one over TLS sets the variable and
 * then imports that suite.
 */
export const isOverTls = WSLOOM_TEST_TRANSPORT === 'tls';

/** The threads that a suite is tried with, which over TLS are one worker: without workers it is the same code in another thread. */
export const THREADS: readonly number[] = isOverTls ? [1] : [0, 1];

/** What a server of a test is created with. */
export const TRANSPORT_OPTIONS = isOverTls ? { tls: pair('default') } : {};

/** What a client trusts. */
export const TRUST = { ca: pem('servers-ca.crt'), servername: 'localhost' } as const;

/** A stream to a server of a test, and the TCP connection under it: without TLS they are the same. */
export interface Connected {
  readonly socket: Socket;
  readonly tcp: Socket;
}

/** Connects, and speaks TLS if the server does. Neither side ends because the other one has. */
export async function connectTo(port: number): Promise<Connected> {
  const tcp = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  await once(tcp, 'connect');
  if (!isOverTls) return { socket: tcp, tcp };
  tcp.on('error', () => {}); // the TLS socket reports it, too
  const socket = connectTls({ ...TRUST, socket: tcp });
  await once(socket, 'secureConnect');
  return { socket, tcp };
}
