import { EventEmitter, once } from 'node:events';
import { closeSync } from 'node:fs';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { UntouchedHandOff } from '../../dist/host/hand-off.js';
import { Clients } from '../../dist/opening/clients.js';
import type { Opening } from '../../dist/opening/opening.js';
import type { EarlyRefusal } from '../../dist/opening/places.js';
import { UntouchedAcceptor } from '../../dist/primary/untouched-acceptor.js';
import { loadSystemCalls } from '../../dist/system/system-calls.js';
import { Counter, Counters } from '../../dist/telemetry/counters.js';
import { IncidentLog } from '../../dist/telemetry/incident-log.js';
import { LimitIncident } from '../../dist/telemetry/limit-incident.js';
import { ThrottledLog } from '../../dist/telemetry/throttled-log.js';
import { header1, UNKNOWN } from '../e2e/proxied.js';

const calls = await loadSystemCalls();
const LIMIT_MS = 10_000;
const FULL: EarlyRefusal = { status: 503, body: 'full\n', incident: LimitIncident.REFUSED_FULL };
/** A connection above a limit is judged again so often, each time after so long. */
const [TRIES, AGAIN_MS] = [4, 25];

let counters: Counters;
let unavailable: string | undefined;
let refusal: EarlyRefusal | undefined;
/** How often a connection was judged. */
let judged: number;
let entered: Map<unknown, string | undefined>;
let placed: UntouchedHandOff[];
/** The sockets that are refused with an answer. */
let answered: Socket[];
let clients: Clients;
let ours: Socket[];
let acceptors: UntouchedAcceptor[];

beforeEach(() => {
  counters = new Counters();
  [placed, answered, ours, acceptors, entered, judged] = [[], [], [], [], new Map(), 0];
  [unavailable, refusal] = [undefined, undefined];
});

afterEach(() => {
  vi.useRealTimers();
  for (const acceptor of acceptors) {
    acceptor.close();
    acceptor.server.close();
  }
  for (const { fd } of placed) closeSync(fd);
  for (const socket of [...ours, ...answered]) socket.destroy();
});

interface Settings {
  readonly isEncrypted?: boolean;
  readonly trustedProxies?: readonly string[];
  readonly isProxied?: boolean;
}

async function open({ isEncrypted = false, trustedProxies = [], isProxied = false }: Settings = {}) {
  const http = Object.assign(new EventEmitter(), { closeAllConnections: () => {}, close: () => {} });
  http.on('connection', (socket) => answered.push(socket));
  clients = new Clients({ trustedProxies, proxyHeader: trustedProxies.length > 0 ? 'forwarded' : undefined });
  const incidents = new IncidentLog(counters, new ThrottledLog(() => {}));
  const acceptor = new UntouchedAcceptor({
    calls,
    places: {
      refusalFor: () => {
        judged++;
        return refusal;
      },
      refusalOfAddress: () => undefined,
      enter: (key, { remoteAddress }) => void entered.set(key, remoteAddress),
      leave: () => {},
    },
    destination: {
      get unavailable() {
        return unavailable;
      },
      place: (handOff) => placed.push(handOff),
    },
    opening: { clients, createRefusingServer: () => http } as unknown as Opening,
    isEncrypted,
    proxyProtocol: isProxied ? { limitMs: LIMIT_MS } : undefined,
    incidents,
    log: new ThrottledLog(() => {}),
  });
  acceptors.push(acceptor);
  await once(acceptor.server.listen(0, '127.0.0.1'), 'listening');
  return acceptor;
}

/** A client that has been accepted, and what it has sent has arrived. */
async function come({ server }: UntouchedAcceptor, sent: Uint8Array = new Uint8Array(0)): Promise<Socket> {
  const accepted = once(server, 'connection');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => {});
  ours.push(client);
  client.write(sent);
  await Promise.all([accepted, once(client, 'connect')]);
  return client;
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Waits by turns, because timers are not real everywhere here. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await turn();
}

const fakeTimers = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });

const unanswered = () =>
  [Counter.REFUSED_FULL, Counter.REFUSED_UNAVAILABLE, Counter.REFUSED_UNANSWERED].map((one) => counters.get(one));

describe.runIf(process.platform === 'linux')('a connection that is handed over untouched', () => {
  it('counts for its address from then on', async () => {
    await come(await open());
    const [{ info }] = placed as [UntouchedHandOff];
    expect(info.remoteAddress).toBe('127.0.0.1');
    expect([...entered]).toEqual([[info.id, '127.0.0.1']]);
  });

  it('does not count for the address of a proxy', async () => {
    await come(await open({ trustedProxies: ['loopback'] }));
    expect([placed.length, ...entered.values()]).toEqual([1, undefined]);
  });

  it('is judged again a few times if it is above a limit, and has its place when there is room', async () => {
    const acceptor = await open();
    fakeTimers();
    refusal = FULL;
    await come(acceptor);
    for (let i = 1; i <= TRIES; i++) {
      expect([judged, placed.length, answered.length]).toEqual([i, 0, 0]);
      if (i === TRIES) refusal = undefined;
      vi.advanceTimersByTime(AGAIN_MS);
    }
    expect([judged, placed.length, answered.length]).toEqual([TRIES + 1, 1, 0]);
  });

  it.each([false, true])('is refused then, if there is none, and encrypted: %s', async (isEncrypted) => {
    const acceptor = await open({ isEncrypted });
    fakeTimers();
    refusal = FULL;
    const client = await come(acceptor);
    vi.advanceTimersByTime(TRIES * AGAIN_MS - 1);
    expect([judged, answered.length, ...unanswered()]).toEqual([TRIES, 0, 0, 0, 0]);
    vi.advanceTimersByTime(1);
    expect([judged, answered.length]).toEqual([TRIES + 1, isEncrypted ? 0 : 1]);
    expect(unanswered()).toEqual(isEncrypted ? [1, 0, 1] : [0, 0, 0]);
    if (isEncrypted) await once(client.resume(), 'close');
  });

  it.each([false, true])('is refused at once if nobody takes it, and encrypted: %s', async (isEncrypted) => {
    const acceptor = await open({ isEncrypted });
    unavailable = 'no worker takes connections';
    await come(acceptor);
    expect([placed.length, entered.size, answered.length]).toEqual([0, 0, isEncrypted ? 0 : 1]);
    expect(unanswered()).toEqual(isEncrypted ? [0, 1, 1] : [0, 0, 0]);
  });

  it('does not wait for room when the server closes', async () => {
    const acceptor = await open({ isEncrypted: true });
    fakeTimers();
    refusal = FULL;
    const client = await come(acceptor);
    unavailable = 'the server is going away';
    acceptor.close();
    expect(unanswered()).toEqual([1, 0, 1]);
    await once(client.resume(), 'close');
  });

  it('is of the client that the PROXY protocol has told, for whoever refuses it', async () => {
    const acceptor = await open({ trustedProxies: ['loopback'], isProxied: true });
    unavailable = 'no worker takes connections';
    await come(acceptor, header1('127.0.0.9'));
    await come(acceptor, UNKNOWN);
    await until(() => answered.length === 2);
    const [told, untold] = answered as [Socket, Socket];
    const header = ['Forwarded', 'for=192.0.2.9'];
    expect(clients.addressFor(header, told)).toBe('192.0.2.9'); // the client is a trusted proxy itself
    expect(clients.addressFor(header, untold)).toBe('127.0.0.1'); // nobody knows who has sent the header
    expect(acceptor.load).toBe(0);
  });

  it('counts while it waits for its header, and is closed with the server', async () => {
    const acceptor = await open({ trustedProxies: ['loopback'], isProxied: true });
    const client = await come(acceptor);
    expect(acceptor.load).toBe(1);
    acceptor.close();
    await once(client.resume(), 'close');
    expect([acceptor.load, placed.length]).toEqual([0, 0]);
  });
});
