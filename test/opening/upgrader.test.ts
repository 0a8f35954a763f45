import { expect, it } from 'vitest';
import type { StreamHandOff } from '../../dist/host/hand-off.js';
import { Boundary } from '../../dist/opening/boundary.js';
import { Clients } from '../../dist/opening/clients.js';
import { Encryption } from '../../dist/opening/encryption.js';
import { Gate } from '../../dist/opening/gate.js';
import { LingeringSockets } from '../../dist/opening/lingering-sockets.js';
import { StreamUpgradeSocket } from '../../dist/opening/upgrade-socket.js';
import { Upgrader } from '../../dist/opening/upgrader.js';
import { Admission } from '../../dist/primary/admission.js';
import { Counters } from '../../dist/telemetry/counters.js';
import { IncidentLog } from '../../dist/telemetry/incident-log.js';
import { ThrottledLog } from '../../dist/telemetry/throttled-log.js';
import { duplexPair } from '../host/duplex-pair.js';

const PEER = '192.0.2.1';
const OPTIONS = {
  handshakeTimeoutMs: 60_000,
  maxHeaderCount: 20,
  maxConnections: 1,
  maxConnectionsPerIp: 1,
  paths: new Set(['/room']),
};

/** An upgrader of a server that has as many connections as it may, one of them from PEER. */
function full() {
  const log = new ThrottledLog(() => {});
  const places = new Admission(OPTIONS);
  places.include({ load: 1 });
  places.enter('a connection', { remoteAddress: PEER });
  const placed: StreamHandOff[] = [];
  /** Sockets that count already, as connections of an HTTP server. */
  const counted = new Set<object>();
  const upgrader = new Upgrader({
    options: OPTIONS,
    destination: {
      unavailable: undefined,
      upgrade: undefined,
      expectOne: () => () => {},
      place: () => {},
      prepareStream: () => {},
      placeStream: (handOff) => void placed.push(handOff),
    },
    calls: undefined,
    places,
    nextId: () => 7,
    hookLimitMs: () => 60_000,
    encryption: new Encryption(),
    clients: new Clients({ trustedProxies: [], proxyHeader: undefined }),
    gate: new Gate({ allowedHosts: ['ours.example'], allowedOrigins: undefined }),
    connections: {
      isCounted: (socket) => counted.has(socket),
      release: (socket) => {
        if (counted.delete(socket)) places.leave('a connection');
      },
    },
    lingering: new LingeringSockets(),
    incidents: new IncidentLog(new Counters(), log),
    log,
    boundary: new Boundary(log),
  });
  return { upgrader, counted, placed, places };
}

type Full = ReturnType<typeof full>;

/** What a handshake is answered. */
async function answer(
  { upgrader, counted }: Full,
  headers: Readonly<Record<string, string>>,
  target = '/room',
  isCounted = false,
) {
  const [ours, theirs] = duplexPair();
  if (isCounted) counted.add(ours);
  const all = {
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
  };
  upgrader.onRequest(
    { method: 'GET', target, httpVersion: '1.1', rawHeaders: Object.entries(all).flat() },
    new StreamUpgradeSocket(ours, PEER, new Uint8Array(0)),
  );
  for await (const read of theirs) return String(read);
  return '';
}

it('a handshake is judged by its host first, then by its origin, then by the room that is left, then by its path', async () => {
  const server = full();
  const judge = (host: string, origin: string | undefined, target?: string, isCounted = false) =>
    answer(server, { Host: host, ...(origin === undefined ? {} : { Origin: origin }) }, target, isCounted);
  expect(await judge('foreign.example', 'http://evil.example')).toMatch(/^HTTP\/1\.1 403 [\s\S]*--allow-host/);
  expect(await judge('ours.example', 'http://evil.example')).toMatch(/^HTTP\/1\.1 403 [\s\S]*--allow-origin/);
  expect(await judge('ours.example', 'http://ours.example')).toMatch(/^HTTP\/1\.1 503 [\s\S]*maxConnections/);
  expect(await judge('ours.example', undefined, '/elsewhere')).toMatch(/^HTTP\/1\.1 503 [\s\S]*maxConnections/);
  expect(await judge('ours.example', undefined, '/elsewhere', true)).toMatch(/^HTTP\/1\.1 404 /);
  expect(server.placed).toEqual([]);
});

it('a connection that counts already is not counted again, and takes its place along', async () => {
  const server = full();
  const foreign = await answer(server, { Host: 'ours.example', Origin: 'http://evil.example' }, '/room', true);
  expect(foreign).toMatch(/^HTTP\/1\.1 403 /);
  expect(await answer(server, { Host: 'ours.example' }, '/room', true)).toMatch(/^HTTP\/1\.1 101 /);
  expect(server.placed.map(({ info }) => info.id)).toEqual([7]);
  expect(server.places.addresses).toBe(1);
  server.places.leave('a connection');
  expect(server.places.addresses).toBe(1);
  server.places.leave(7);
  expect(server.places.addresses).toBe(0);
});
