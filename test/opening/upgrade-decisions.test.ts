import { once } from 'node:events';
import { setImmediate as nextPhase } from 'node:timers/promises';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { StreamHandOff } from '../../dist/host/hand-off.js';
import type { Upgrade } from '../../dist/host/upgrade-hook.js';
import { Boundary } from '../../dist/opening/boundary.js';
import { LingeringSockets } from '../../dist/opening/lingering-sockets.js';
import type { EarlyRefusal } from '../../dist/opening/places.js';
import { UpgradeDecisions, type UpgradeDecisionsEnvironment } from '../../dist/opening/upgrade-decisions.js';
import { UpgradeRefusals } from '../../dist/opening/upgrade-refusals.js';
import { ignoreError, StreamUpgradeSocket } from '../../dist/opening/upgrade-socket.js';
import { readHandshake } from '../../dist/protocol/opening/handshake.js';
import { Counter, Counters } from '../../dist/telemetry/counters.js';
import { IncidentLog } from '../../dist/telemetry/incident-log.js';
import { LimitIncident } from '../../dist/telemetry/limit-incident.js';
import { ThrottledLog } from '../../dist/telemetry/throttled-log.js';
import { duplexPair } from '../host/duplex-pair.js';

const PEER = '192.0.2.1';

const HANDSHAKE = readHandshake({
  method: 'GET',
  target: '/room?a=b',
  httpVersion: '1.1',
  rawHeaders: Object.entries({
    Host: 'ours.example',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Protocol': 'one, two',
  }).flat(),
});

let hook: Upgrade | undefined;
let admission: ReturnType<NonNullable<UpgradeDecisionsEnvironment['admit']>>;
let limitMs: number;
let placed: StreamHandOff[];
let lines: string[];
let counters: Counters;
let decisions: UpgradeDecisions;

beforeEach(() => {
  hook = undefined;
  admission = undefined;
  limitMs = 60_000;
  placed = [];
  lines = [];
  counters = new Counters();
  const log = new ThrottledLog(({ line }) => lines.push(line));
  const incidents = new IncidentLog(counters, log);
  decisions = new UpgradeDecisions({
    options: { handshakeTimeoutMs: 60_000, maxConnections: 100, maxConnectionsPerIp: 1 },
    hookLimitMs: () => limitMs,
    admit: () => admission,
    destination: {
      unavailable: undefined,
      get upgrade() {
        return hook;
      },
      expectOne: () => () => {},
      place: () => {},
      prepareStream: () => {},
      placeStream: (handOff) => void placed.push(handOff),
    },
    calls: undefined,
    refusals: new UpgradeRefusals(new LingeringSockets(), incidents),
    incidents,
    log,
    boundary: new Boundary(log),
  });
});

/** Decides about a new client. @param decided what the application has decided already. */
function decide(decided?: unknown) {
  const [ours, theirs] = duplexPair();
  ours.on('error', ignoreError); // as there is one on all that comes from the HTTP server
  const socket = new StreamUpgradeSocket(ours, PEER, new Uint8Array(0));
  let isLost = false;
  socket.whenLost(() => {
    isLost = true;
  });
  decisions.decide({ id: 7, socket, handshake: HANDSHAKE, decided, sinceMs: 0 });
  return {
    ours,
    answer: async () => {
      await nextPhase();
      return String(theirs.read() ?? '');
    },
    get isLost() {
      return isLost;
    },
  };
}

/** A hook that is decided by a test. */
function slowHook() {
  let settle: { resolve(answer: unknown): void; reject(error: unknown): void } | undefined;
  hook = () => new Promise<never>((resolve, reject) => (settle = { resolve: resolve as () => void, reject }));
  return {
    resolve: (answer: unknown) => settle?.resolve(answer),
    reject: (error: unknown) => settle?.reject(error),
  };
}

it('an upgrade is accepted without a hook', async () => {
  expect(await decide().answer()).toMatch(/^HTTP\/1\.1 101 /);
  expect(placed.map(({ info }) => info)).toEqual([
    { id: 7, remoteAddress: PEER, path: '/room', query: 'a=b', subprotocol: '', data: undefined },
  ]);
});

it('a connection that is accepted is left to its new owner: its loss is not noticed, and its errors are not ignored', async () => {
  const client = decide();
  const { ours } = client;
  expect(placed[0]?.stream).toBe(ours);
  expect([ours.listenerCount('error'), ours.listenerCount('close')]).toEqual([0, 0]);
  ours.destroy();
  await once(ours, 'close');
  expect(client.isLost).toBe(false);
});

describe('a hook that answers at once', () => {
  it('sees the request, and its decision is carried out', async () => {
    const seen: unknown[] = [];
    hook = (request) => {
      seen.push(request);
      return { subprotocol: 'two', data: 'attached' };
    };
    expect(await decide().answer()).toContain('Sec-WebSocket-Protocol: two\r\n');
    expect(seen).toEqual([
      expect.objectContaining({ path: '/room', subprotocols: ['one', 'two'], remoteAddress: PEER }),
    ]);
    expect(placed[0]?.info).toMatchObject({ subprotocol: 'two', data: 'attached' });
  });

  it('refuses with its own status, and with 500 if it fails', async () => {
    hook = () => ({ status: 418 });
    const refused = decide();
    expect([await refused.answer(), refused.isLost]).toEqual([expect.stringMatching(/^HTTP\/1\.1 418 /), true]);
    hook = () => {
      throw new Error('on purpose');
    };
    expect(await decide().answer()).toMatch(/^HTTP\/1\.1 500 /);
    hook = () => ({ subprotocol: 'three' });
    expect(await decide().answer()).toMatch(/^HTTP\/1\.1 500 /);
    expect(placed).toEqual([]);
    expect(lines).toEqual([
      expect.stringMatching(/^upgrade\(\) of the handler failed, for 192\.0\.2\.1 on \/room: Error: on purpose\n +at /),
      expect.stringMatching(/^upgrade\(\) of the handler failed, for 192\.0\.2\.1 on \/room: .*three.*$/),
    ]);
  });
});

describe('what the application has decided', () => {
  it('is carried out, and the hook is not asked', async () => {
    hook = () => {
      throw new Error('was asked');
    };
    expect(await decide({ data: 'attached' }).answer()).toMatch(/^HTTP\/1\.1 101 /);
    expect(placed[0]?.info.data).toBe('attached');
    expect(await decide({ status: 418 }).answer()).toMatch(/^HTTP\/1\.1 418 /);
    expect(await decide(Promise.resolve({ status: 401 })).answer()).toMatch(/^HTTP\/1\.1 401 /);
    expect(lines).toEqual([]);
  });

  it('lets nobody in by a promise of undefined', async () => {
    expect(await decide(Promise.resolve(undefined)).answer()).toMatch(/^HTTP\/1\.1 500 /);
    expect(placed).toEqual([]);
    expect(lines).toEqual([
      expect.stringMatching(/^the decision given to handleUpgrade\(\) failed, .* got undefined$/),
    ]);
  });
});

describe('a hook that answers later', () => {
  it('is waited for', async () => {
    const { resolve } = slowHook();
    const client = decide();
    expect([await client.answer(), decisions.load]).toEqual(['', 1]);
    resolve({ status: 401 });
    expect([await client.answer(), decisions.load]).toEqual([expect.stringMatching(/^HTTP\/1\.1 401 /), 0]);
  });

  it('is not waited for when the server goes away', async () => {
    const { resolve } = slowHook();
    const client = decide();
    decisions.close();
    expect(await client.answer()).toMatch(/^HTTP\/1\.1 503 [\s\S]*the server is going away/);
    resolve(undefined);
    await nextPhase();
    expect(placed).toEqual([]);
  });

  it('gives the place of a client that leaves back, and counts as orphaned until it settles, also by failing', async () => {
    const leaving = [0, 1].map(() => ({ hook: slowHook(), client: decide() }));
    for (const { client } of leaving) client.ours.destroy();
    await nextPhase();
    expect(leaving.map(({ client }) => client.isLost)).toEqual([true, true]);
    expect(decisions.load).toBe(0);
    expect(await decide().answer()).toMatch(/^HTTP\/1\.1 503 [\s\S]*hooks of clients that have left/);
    expect(counters.get(Counter.ORPHANED_HOOKS)).toBe(1);
    leaving[0]?.hook.reject(new Error('on purpose'));
    await nextPhase();
    expect(lines.at(-1)).toMatch(/on purpose/);
    hook = () => undefined;
    expect(await decide().answer()).toMatch(/^HTTP\/1\.1 101 /);
  });
});

describe('a client that another thread counts', () => {
  /** An answer of that thread that a test gives. */
  function slowAdmission() {
    let settle: (refusal?: EarlyRefusal) => void = () => {};
    admission = new Promise((resolve) => (settle = resolve));
    return (refusal?: EarlyRefusal) => settle(refusal);
  }

  it('is accepted, or its hook is asked, once it is counted', async () => {
    let admit = slowAdmission();
    const client = decide();
    expect([await client.answer(), decisions.load]).toEqual(['', 1]);
    admit();
    expect(await client.answer()).toMatch(/^HTTP\/1\.1 101 /);
    admit = slowAdmission();
    hook = vi.fn<Upgrade>(() => ({ status: 418 }));
    const refused = decide();
    await nextPhase();
    expect(hook).not.toHaveBeenCalled();
    admit();
    expect([await refused.answer(), decisions.load]).toEqual([expect.stringMatching(/^HTTP\/1\.1 418 /), 0]);
  });

  it('above the limit of its address is refused for now, and that is said, without asking the hook', async () => {
    hook = () => expect.fail('was asked');
    admission = Promise.resolve({ status: 503, body: 'too many\n', incident: LimitIncident.REFUSED_ADDRESSES });
    const client = decide();
    const answer = await client.answer();
    expect(answer).toMatch(/^HTTP\/1\.1 503 [\s\S]*\r\n\r\ntoo many\n$/);
    expect(answer).toContain('\r\nRetry-After: 1\r\n');
    expect([lines, placed]).toEqual([[expect.stringMatching(/^192\.0\.2\.1: .*maxConnectionsPerIp/)], []]);
    expect(counters.get(LimitIncident.REFUSED_ADDRESSES.counter)).toBe(1);
  });

  it('that is lost before it is counted is not told to the hook', async () => {
    const admit = slowAdmission();
    hook = vi.fn<Upgrade>();
    const client = decide();
    client.ours.destroy();
    await once(client.ours, 'close');
    admit();
    await nextPhase();
    expect(hook).not.toHaveBeenCalled();
    expect([placed, lines, decisions.load]).toEqual([[], [], 0]);
  });
});

describe('what is late is said', () => {
  const lateLine = async () => {
    limitMs = 1;
    const client = decide();
    await vi.waitFor(async () => expect(await client.answer()).toMatch(/^HTTP\/1\.1 503 /), { timeout: 10_000 });
    return lines;
  };

  it('if it is the hook, also after the primary has counted the client', async () => {
    admission = Promise.resolve(undefined);
    slowHook();
    expect(await lateLine()).toEqual([
      `${PEER} on /room: refused: the hook upgrade, or the promise of the application in its place, did not decide in time (handshakeTimeoutMs)`,
    ]);
    expect(counters.get(Counter.HOOK_TIMEOUTS)).toBe(1);
  });

  it('if it is the primary, which counts the clients of proxies: the hook was not asked', async () => {
    admission = new Promise(() => {});
    hook = () => expect.fail('was asked');
    expect(await lateLine()).toEqual([
      `${PEER} on /room: refused: the server takes no connections now: the primary did not count the client of a proxy in time (maxConnectionsPerIp, handshakeTimeoutMs)`,
    ]);
    expect([counters.get(Counter.HOOK_TIMEOUTS), counters.get(Counter.REFUSED_UNAVAILABLE)]).toEqual([0, 1]);
  });
});
