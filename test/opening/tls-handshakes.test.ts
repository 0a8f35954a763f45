import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Clients } from '../../dist/opening/clients.js';
import { Encryption } from '../../dist/opening/encryption.js';
import { TlsHandshakes } from '../../dist/opening/tls-handshakes.js';
import { Counters } from '../../dist/telemetry/counters.js';
import { IncidentLog } from '../../dist/telemetry/incident-log.js';
import { ThrottledLog } from '../../dist/telemetry/throttled-log.js';
import type { ClientVerdict, ThreadTls } from '../../dist/tls/thread-tls.js';

const MAX = 2;
const ADMITTED: ClientVerdict = { isAdmitted: true, isAuthorized: false, reason: undefined };

let server: Server;
let sockets: Socket[];
let begun: Socket[];
let lines: string[];
let noted: unknown[];
let verdict: ClientVerdict;
let handshakes: TlsHandshakes;

beforeEach(() => {
  server = createServer();
  // No TLS is spoken here: sockets are not connected, and the tests say what comes of them.
  for (const event of ['connection', 'secureConnection', 'tlsClientError']) server.removeAllListeners(event);
  [sockets, begun, lines, noted, verdict] = [[], [], [], [], ADMITTED];
  server.on('connection', (socket) => begun.push(socket as Socket));
  const encryption = new Encryption();
  encryption.note = (socket) => void noted.push(socket);
  handshakes = new TlsHandshakes({
    server,
    tls: { judge: () => verdict } as unknown as ThreadTls,
    encryption,
    maxTlsHandshakes: MAX,
    calls: undefined,
    clients: new Clients({ trustedProxies: [], proxyHeader: undefined }),
    incidents: new IncidentLog(new Counters(), new ThrottledLog(({ line }) => lines.push(line))),
  });
});

afterEach(() => {
  for (const socket of sockets) socket.destroy();
});

/** A connection that comes now. */
function come(): Socket {
  const socket = new Socket({ allowHalfOpen: true });
  Object.defineProperty(socket, 'remoteAddress', { value: '192.0.2.1' });
  sockets.push(socket);
  handshakes.add(socket);
  return socket;
}

/** Some connections that come one after the other. */
const comeAll = (count: number) => Array.from({ length: count }, () => come());

/** The socket of TLS that Node puts above that of a connection. */
function secured(plain: Socket): TLSSocket {
  const socket = new Socket();
  sockets.push(socket);
  return Object.assign(socket, { _parent: plain, isSessionReused: () => false }) as unknown as TLSSocket;
}

function succeed(plain: Socket): TLSSocket {
  const socket = secured(plain);
  server.emit('secureConnection', socket);
  return socket;
}

function fail(plain: Socket, code: string): void {
  server.emit('tlsClientError', Object.assign(new Error('no handshake'), { code }), secured(plain));
}

describe('TLS handshakes', () => {
  it('are as many at a time as there may be, and the others wait in their order', async () => {
    const [first, second, ...others] = comeAll(5) as [Socket, Socket, Socket, Socket, Socket];
    expect([begun, handshakes.size]).toEqual([[first, second], 5]);
    succeed(second);
    expect([begun.slice(2), handshakes.size]).toEqual([[others[0]], 4]);
    fail(first, 'ERR_SSL_UNSUPPORTED_PROTOCOL');
    expect([begun.slice(3), handshakes.size]).toEqual([[others[1]], 3]);
    others[0].destroy();
    await once(others[0], 'close');
    expect([begun.slice(4), handshakes.size]).toEqual([[others[2]], 2]);
    succeed(others[1]);
    succeed(others[2]);
    expect(handshakes.size).toBe(0);
    expect(begun).toEqual([first, second, ...others]);
    for (const socket of comeAll(MAX)) expect(begun).toContain(socket);
  });

  it('do not begin on a connection that has ended while it waited', async () => {
    const [first, second, ended, endsNow, last] = comeAll(5) as [Socket, Socket, Socket, Socket, Socket];
    ended.destroy();
    await once(ended, 'close');
    expect(handshakes.size).toBe(4);
    endsNow.destroy(); // its 'close' has not come yet
    succeed(first);
    expect([begun, handshakes.size]).toEqual([[first, second, last], 2]);
    await once(endsNow, 'close');
    expect(handshakes.size).toBe(2);
  });

  it('end with the socket when its client ends, and after them a client may end its side only', () => {
    const plain = come();
    expect(plain.allowHalfOpen).toBe(false);
    expect(succeed(plain).allowHalfOpen).toBe(true);
  });

  it('of clients that are not admitted end the connection, with its reason in the log', () => {
    verdict = { isAdmitted: false, isAuthorized: false, reason: 'CERT_HAS_EXPIRED' };
    const socket = succeed(come());
    expect(socket.destroyed).toBe(true);
    expect(noted).toEqual([socket]);
    expect(lines).toEqual([expect.stringMatching(/client certificate: CERT_HAS_EXPIRED$/)]);
    verdict = ADMITTED;
    expect(succeed(come()).destroyed).toBe(false);
  });

  it('that fail are told, but not of clients that leave in the middle', () => {
    const reset = come();
    fail(reset, 'ECONNRESET');
    expect(lines).toEqual([]);
    const wrong = come();
    fail(wrong, 'ERR_SSL_NO_SHARED_CIPHER');
    expect(lines).toEqual([expect.stringMatching(/^192\.0\.2\.1: .*ERR_SSL_NO_SHARED_CIPHER$/)]);
    expect([reset.destroyed, wrong.destroyed]).toEqual([true, true]);
  });

  it('all end together, those that wait too', async () => {
    const all = comeAll(MAX + 2);
    handshakes.destroyAll();
    expect(all.every(({ destroyed }) => destroyed)).toBe(true);
    await Promise.all(all.map((socket) => once(socket, 'close')));
    expect([begun.length, handshakes.size]).toEqual([MAX, 0]);
  });
});
