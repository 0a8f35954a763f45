import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { Boundary } from '../../dist/opening/boundary.js';
import { Clients } from '../../dist/opening/clients.js';
import { Encryption } from '../../dist/opening/encryption.js';
import { Gate } from '../../dist/opening/gate.js';
import { HttpConnections } from '../../dist/opening/http-connections.js';
import { wireHttpServer } from '../../dist/opening/http-front.js';
import { LingeringSockets } from '../../dist/opening/lingering-sockets.js';
import { Admission } from '../../dist/primary/admission.js';
import { Counters } from '../../dist/telemetry/counters.js';
import { IncidentLog } from '../../dist/telemetry/incident-log.js';
import { ThrottledLog } from '../../dist/telemetry/throttled-log.js';

const MAX_HEADERS = 20;

/** An HTTP server that is wired, what it hands on (`request`, `upgrade`), and a client of it. */
async function wired() {
  const log = new ThrottledLog(() => {});
  const incidents = new IncidentLog(new Counters(), log);
  const places = new Admission({ maxConnections: 10, maxConnectionsPerIp: 0 });
  const clients = new Clients({ trustedProxies: [], proxyHeader: undefined });
  const connections = new HttpConnections({ stallTimeoutMs: 0, places, clients, incidents, calls: undefined });
  const handed = new EventEmitter();
  const http = createServer({ keepAliveTimeout: 60_000 });
  wireHttpServer(http, {
    connections,
    lingering: new LingeringSockets(),
    upgrader: { onUpgrade: (_: IncomingMessage, socket: Socket) => handed.emit('upgrade', socket) },
    routes: { handle: (_: IncomingMessage, response: ServerResponse) => handed.emit('request', response) },
    boundary: new Boundary(log),
    incidents,
    clients,
    encryption: new Encryption(),
    gate: new Gate({ allowedHosts: undefined, allowedOrigins: undefined }),
    maxHeaderCount: MAX_HEADERS,
  } as never);
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const client = connect((http.address() as AddressInfo).port, '127.0.0.1');
  onTestFinished(() => {
    client.destroy();
    http.closeAllConnections();
    http.close();
  });
  return { client, handed };
}

it('the time that an idle HTTP connection has does not end one that was upgraded behind an answer', async () => {
  const { client, handed } = await wired();
  const requested = once(handed, 'request');
  const upgraded = once(handed, 'upgrade');
  client.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  client.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  const [response] = (await requested) as [ServerResponse];
  response.end('hello');
  const [socket] = (await upgraded) as [Socket];
  onTestFinished(() => void socket.destroy());
  expect(socket).toBe(response.req.socket);
  expect(socket.timeout).toBe(0);
});

it('a request may have as many headers as it says, and not one more', async () => {
  const { client, handed } = await wired();
  handed.on('request', (response: ServerResponse) => void response.end('handed on'));
  const head = (count: number) => `GET / HTTP/1.1\r\nHost: localhost\r\n${'X-More: 1\r\n'.repeat(count - 1)}\r\n`;
  client.write(head(MAX_HEADERS) + head(MAX_HEADERS + 1));
  let read = '';
  for await (const part of client) read += part;
  expect(read).toMatch(/^HTTP\/1\.1 200 [\s\S]*handed on[\s\S]*HTTP\/1\.1 431 [\s\S]*at most 20 headers\n$/);
});
