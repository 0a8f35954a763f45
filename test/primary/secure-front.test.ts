import { once } from 'node:events';
import { createServer, type Server as HttpsServer } from 'node:https';
import { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Clients } from '../../dist/opening/clients.js';
import type { Opening } from '../../dist/opening/opening.js';
import { OpeningDeadlines } from '../../dist/opening/opening-deadlines.js';
import type { EarlyRefusal } from '../../dist/opening/places.js';
import { SecureFront } from '../../dist/primary/secure-front.js';
import { Counter, Counters } from '../../dist/telemetry/counters.js';
import { IncidentLog } from '../../dist/telemetry/incident-log.js';
import { LimitIncident } from '../../dist/telemetry/limit-incident.js';
import { ThrottledLog } from '../../dist/telemetry/throttled-log.js';
import { materialOf, pair } from '../tls/certificates.js';

const LIMIT_MS = 10_000;
const FULL: EarlyRefusal = { status: 503, body: 'full\n', incident: LimitIncident.REFUSED_FULL };
const PROXY = '192.0.2.7';
const material = await materialOf(pair('default'));

let https: HttpsServer;
let steps: string[];
/** The addresses of the connections that count, by their sockets; undefined for a proxy. */
let entered: Map<unknown, string | undefined>;
let refusal: EarlyRefusal | undefined;
let counters: Counters;
let began: Socket[];
let sockets: Socket[];
let front: SecureFront;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  [steps, entered, began, sockets, refusal] = [[], new Map(), [], [], undefined];
  counters = new Counters();
  https = createServer();
  https.removeAllListeners('secureConnection'); // those of Node need a connection
  https.on('listening', () => steps.push('listening'));
  https.on('secureConnection', () => steps.push(`HTTP, while ${entered.size} count`));
  const handshakes = {
    add: (socket: Socket) => began.push(socket),
    size: 3,
    destroyAll: () => steps.push('all destroyed'),
  };
  const incidents = new IncidentLog(counters, new ThrottledLog(() => {}));
  const clients = new Clients({ trustedProxies: [PROXY], proxyHeader: 'forwarded' });
  const opening = {
    clients,
    deadlines: new OpeningDeadlines({ limitMs: LIMIT_MS, clients, incidents }),
    createTlsServer: () => ({ server: https, handshakes }),
  };
  front = new SecureFront({
    opening: opening as unknown as Opening,
    tls: { material, maxTlsHandshakes: 1 },
    places: {
      room: 1000,
      refusalFor: () => refusal,
      refusalOfAddress: () => undefined,
      enter: (key, { remoteAddress }) => void entered.set(key, remoteAddress),
      leave: (key) => void entered.delete(key),
    },
    incidents,
    log: new ThrottledLog(() => {}),
  });
});

afterEach(() => {
  vi.useRealTimers();
  for (const socket of sockets) socket.destroy();
});

/** A connection that is accepted now. */
function come(remoteAddress = '192.0.2.1'): Socket {
  const socket = new Socket();
  Object.defineProperty(socket, 'remoteAddress', { value: remoteAddress });
  sockets.push(socket);
  front.server.emit('connection', socket);
  return socket;
}

/** The TLS handshake of a connection is over. */
function succeed(plain: Socket): void {
  const socket = new Socket();
  sockets.push(socket);
  https.emit('secureConnection', Object.assign(socket, { _parent: plain }));
}

const figures = () =>
  [Counter.REFUSED_FULL, Counter.REFUSED_UNANSWERED, Counter.REFUSED_TLS].map((one) => counters.get(one));

describe('a connection that is to be encrypted', () => {
  it('counts until HTTP counts it, and never twice', () => {
    const socket = come();
    expect([began, [...entered]]).toEqual([[socket], [[socket, '192.0.2.1']]]);
    succeed(socket);
    expect(steps.at(-1)).toBe('HTTP, while 0 count');
  });

  it('counts until it is closed, if that is earlier', async () => {
    const socket = come();
    socket.destroy();
    await once(socket, 'close');
    expect(entered.size).toBe(0);
  });

  it('of a proxy does not count for the address of the proxy', () => {
    const socket = come(PROXY);
    expect([...entered]).toEqual([[socket, undefined]]);
  });

  it('is closed unanswered above a limit, before its handshake', () => {
    refusal = FULL;
    const socket = come();
    vi.advanceTimersByTime(100); // it has been judged again by then
    expect(socket.destroyed).toBe(true);
    expect([began, entered.size]).toEqual([[], 0]);
    expect(figures()).toEqual([1, 1, 0]);
  });

  it('has one deadline for its handshake and its request', async () => {
    const [late, early] = [come(), come()];
    const errors: unknown[] = [];
    https.on('clientError', (error) => errors.push((error as NodeJS.ErrnoException).code));
    vi.advanceTimersByTime(LIMIT_MS - 1);
    expect(late.destroyed).toBe(false);
    succeed(early);
    vi.advanceTimersByTime(1);
    await once(late, 'close');
    expect([errors, early.destroyed, entered.size]).toEqual([['ERR_HTTP_REQUEST_TIMEOUT'], false, 0]);
    expect(figures()).toEqual([0, 0, 1]);
  });
});

describe('the front', () => {
  it('counts the connections that are in their handshake, or wait for it', () => {
    expect(front.load).toBe(3);
  });

  it('has Node check the times of requests', () => {
    expect(steps).toEqual(['listening']);
  });

  it('ends all handshakes when it closes', () => {
    front.close();
    expect(steps).toContain('all destroyed');
  });
});
