import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net';
import { connect } from 'node:tls';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { answer } from '../../dist/opening/answer.js';
import { Opening } from '../../dist/opening/opening.js';
import type { EarlyRefusal } from '../../dist/opening/places.js';
import { SecureFront } from '../../dist/primary/secure-front.js';
import { Counter, Counters } from '../../dist/telemetry/counters.js';
import { IncidentLog } from '../../dist/telemetry/incident-log.js';
import { LimitIncident } from '../../dist/telemetry/limit-incident.js';
import { ThrottledLog } from '../../dist/telemetry/throttled-log.js';
import { until } from '../e2e/serving.js';
import { materialOf, pair } from '../tls/certificates.js';

const FULL: EarlyRefusal = { status: 503, body: 'no more of these\n', incident: LimitIncident.REFUSED_FULL };

let front: SecureFront;
let counters: Counters;
/** What connections are told; undefined if they are let in. */
let refusal: EarlyRefusal | undefined;
/** How often that was asked. */
let asked: number;
let entered: Set<unknown>;

beforeEach(async () => {
  [counters, refusal, asked, entered] = [new Counters(), undefined, 0, new Set()];
  const log = new ThrottledLog(() => {});
  const incidents = new IncidentLog(counters, log);
  const nobody = () => expect.fail('nobody asks for a WebSocket');
  const places = {
    room: 1000,
    refusalFor() {
      asked++;
      return refusal;
    },
    refusalOfAddress: () => undefined,
    enter: (key: unknown) => void entered.add(key),
    leave: (key: unknown) => void entered.delete(key),
  };
  const opening = new Opening({
    options: {
      ...{ handshakeTimeoutMs: 10_000, maxHeaderBytes: 4096, maxHeaderCount: 20, stallTimeoutMs: 0 },
      ...{ maxConnections: 100, maxConnectionsPerIp: 0, paths: undefined, trustedProxies: [], proxyHeader: undefined },
      ...{ allowedHosts: undefined, allowedOrigins: undefined },
    },
    destination: {
      ...{ unavailable: undefined, upgrade: undefined, expectOne: nobody, place: nobody },
      ...{ prepareStream: nobody, placeStream: nobody },
    },
    ...{ calls: undefined, places, incidents, log, nextId: () => -1 },
    routes: { has: () => true, handle: (request, response) => answer(request, response, 200, 'text/plain', 'found\n') },
  });
  const tls = { material: await materialOf(pair('default')), maxTlsHandshakes: 10 };
  front = new SecureFront({ opening, tls, places, incidents, log });
  front.server.listen(0, '127.0.0.1');
  await once(front.server, 'listening');
  front.start();
});

afterEach(() => {
  front.server.close();
  front.close();
});

async function tcp(): Promise<Socket> {
  const socket = connectTcp((front.server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => {}); // 'close' follows
  await once(socket, 'connect');
  return socket;
}

it('a connection above a limit is judged again, because its client may come back before its old connection is gone', async () => {
  refusal = FULL;
  const socket = await tcp();
  await until(() => asked > 0);
  refusal = undefined;
  const secure = connect({ socket, rejectUnauthorized: false });
  secure.on('error', () => {});
  await once(secure, 'secureConnect');
  expect(counters.get(Counter.REFUSED_FULL)).toBe(0);
  expect(entered.size).toBe(1);
  secure.destroy();
  await until(() => entered.size === 0 && front.load === 0);
});

it('a connection that stays above a limit is closed without an answer, and counted', async () => {
  refusal = FULL;
  const socket = await tcp();
  await once(socket.resume(), 'close');
  expect([socket.bytesRead, entered.size, front.load]).toEqual([0, 0, 0]);
  expect(counters.get(Counter.REFUSED_FULL)).toBe(1);
  expect(counters.get(Counter.REFUSED_UNANSWERED)).toBe(1);
});

it('a connection that waits to be judged again is closed with the server, and one that is gone takes no place', async () => {
  refusal = FULL;
  const waiting = await tcp();
  await until(() => asked === 1);
  refusal = undefined;
  front.server.close();
  front.close();
  await once(waiting.resume(), 'close');
  expect([entered.size, front.load]).toEqual([0, 0]);
});
