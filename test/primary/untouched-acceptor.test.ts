import { once } from 'node:events';
import { closeSync, openSync, readdirSync } from 'node:fs';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { UntouchedHandOff } from '../../dist/host/hand-off.js';
import { answer } from '../../dist/opening/answer.js';
import { Opening, type OpeningOptions } from '../../dist/opening/opening.js';
import type { EarlyRefusal, Peer } from '../../dist/opening/places.js';
import { UntouchedAcceptor } from '../../dist/primary/untouched-acceptor.js';
import { loadSystemCalls, type SystemCalls } from '../../dist/system/system-calls.js';
import { Counter, Counters } from '../../dist/telemetry/counters.js';
import { IncidentLog } from '../../dist/telemetry/incident-log.js';
import { LimitIncident } from '../../dist/telemetry/limit-incident.js';
import { ThrottledLog } from '../../dist/telemetry/throttled-log.js';
import { header1, LOCAL } from '../e2e/proxied.js';
import { encodeRequest } from '../e2e/raw-client.js';
import { until } from '../e2e/serving.js';

const calls = await loadSystemCalls();

const OPTIONS: OpeningOptions = {
  handshakeTimeoutMs: 10_000,
  maxHeaderBytes: 4096,
  maxHeaderCount: 20,
  stallTimeoutMs: 0,
  maxConnections: 100,
  maxConnectionsPerIp: 0,
  paths: undefined,
  allowedHosts: undefined,
  allowedOrigins: undefined,
  trustedProxies: [],
  proxyHeader: undefined,
};

const FULL: EarlyRefusal = { status: 503, body: 'no more of these\n', incident: LimitIncident.REFUSED_ADDRESSES };

const descriptors = () => readdirSync('/proc/self/fd').length;

/** An acceptor that listens, what it does, and what it asks. */
interface Accepting {
  readonly acceptor: UntouchedAcceptor;
  readonly placed: UntouchedHandOff[];
  /** Whose places were taken, by the ids of the connections. */
  readonly entered: Map<unknown, string | undefined>;
  readonly asked: (string | undefined)[];
  readonly counters: Counters;
  /** What the next connections are told; undefined if they are let in. */
  refusal: EarlyRefusal | undefined;
  unavailable: string | undefined;
  connect(first?: string | Buffer): Promise<Socket>;
}

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function accepting(
  more: {
    readonly isEncrypted?: boolean;
    readonly proxyProtocol?: { readonly limitMs: number };
    readonly options?: Partial<OpeningOptions>;
    readonly used?: SystemCalls;
  } = {},
): Promise<Accepting> {
  const { isEncrypted = false, proxyProtocol, options, used = calls } = more;
  const counters = new Counters();
  const log = new ThrottledLog(() => {});
  const incidents = new IncidentLog(counters, log);
  const places = {
    room: 1000,
    refusalFor: ({ remoteAddress }: Peer) => {
      accepted.asked.push(remoteAddress);
      return accepted.refusal;
    },
    refusalOfAddress: () => undefined,
    enter: (key: unknown, { remoteAddress }: Peer) => void accepted.entered.set(key, remoteAddress),
    leave: (key: unknown) => void accepted.entered.delete(key),
  };
  const destination = {
    get unavailable() {
      return accepted.unavailable;
    },
    place: (handOff: UntouchedHandOff) => void accepted.placed.push(handOff),
  };
  const nobody = () => expect.fail('the primary opens no connection');
  const opening = new Opening({
    options: { ...OPTIONS, ...options },
    destination: {
      unavailable: undefined,
      upgrade: undefined,
      expectOne: nobody,
      place: nobody,
      prepareStream: nobody,
      placeStream: nobody,
    },
    ...{ calls, places, incidents, log, nextId: () => -1 },
    routes: { has: () => true, handle: (request, response) => answer(request, response, 200, 'text/plain', 'found\n') },
  });
  const acceptor = new UntouchedAcceptor({
    ...{ calls: used, places, destination, opening, isEncrypted, proxyProtocol, incidents, log },
  });
  const accepted: Accepting = {
    ...{ acceptor, placed: [], entered: new Map(), asked: [], counters, refusal: undefined, unavailable: undefined },
    async connect(first = '') {
      const socket = connect((acceptor.server.address() as AddressInfo).port, '127.0.0.1');
      cleanups.push(() => socket.destroy());
      socket.on('error', () => {}); // 'close' follows
      socket.write(first);
      await once(socket, 'connect');
      return socket;
    },
  };
  acceptor.server.listen(0, '127.0.0.1');
  await once(acceptor.server, 'listening');
  acceptor.start();
  cleanups.push(() => {
    for (const { fd } of accepted.placed) closeSync(fd);
    acceptor.server.close();
    acceptor.close();
  });
  return accepted;
}

/** Everything that a socket gets until it is closed. */
async function allOf(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (bytes) => (text += bytes));
  await new Promise((resolve) => socket.once('close', resolve));
  return text;
}

describe.runIf(process.platform === 'linux')('a primary that hands connections over unread', () => {
  it('counts each by its address, and reads nothing of it', async () => {
    const accepted = await accepting();
    await Promise.all(['one', 'two', 'six'].map((text) => accepted.connect(text)));
    await until(() => accepted.placed.length === 3);
    expect([...accepted.entered]).toEqual(accepted.placed.map(({ info: { id } }) => [id, '127.0.0.1']));
    const bytes = Buffer.alloc(100);
    for (const { fd, info, head } of accepted.placed) {
      expect([info.remoteAddress, head]).toEqual(['127.0.0.1', undefined]);
      await until(() => calls.peek(fd, bytes) === 3);
    }
    expect(accepted.acceptor.load).toBe(0); // they count where they are now
  });

  it('counts that of a trusted proxy for no address', async () => {
    const options = { trustedProxies: ['loopback'], proxyHeader: 'forwarded' } as const;
    const accepted = await accepting({ options });
    await accepted.connect();
    await until(() => accepted.placed.length === 1);
    expect(accepted.asked).toEqual([undefined]);
    expect([...accepted.entered.values()]).toEqual([undefined]);
    expect(accepted.placed[0]?.info.remoteAddress).toBe('127.0.0.1');
  });

  it.each([false, true])('judges one above a limit again, until there is room (encrypted: %s)', async (isEncrypted) => {
    const accepted = await accepting({ isEncrypted });
    accepted.refusal = FULL;
    await accepted.connect();
    await until(() => accepted.asked.length === 2);
    expect(accepted.placed).toEqual([]);
    accepted.refusal = undefined;
    await until(() => accepted.placed.length === 1);
    expect(accepted.counters.get(Counter.REFUSED_ADDRESSES)).toBe(0);
  });

  it('answers one that stays above a limit, and opens no connection, though there may be room by then', async () => {
    const accepted = await accepting();
    accepted.refusal = FULL;
    const socket = await accepted.connect();
    await until(() => accepted.asked.length === 6); // five times here, and then by the HTTP server
    accepted.refusal = undefined;
    socket.write(encodeRequest('/'));
    socket.end();
    expect(await allOf(socket)).toMatch(/^HTTP\/1\.1 503 /);
    expect(accepted.placed).toEqual([]);
  });

  it('closes one that stays above a limit without an answer, if it is encrypted', async () => {
    const before = descriptors();
    const accepted = await accepting({ isEncrypted: true });
    accepted.refusal = FULL;
    const socket = await accepted.connect('hello');
    expect(await allOf(socket)).toBe('');
    expect(accepted.counters.get(Counter.REFUSED_ADDRESSES)).toBe(1);
    expect(accepted.counters.get(Counter.REFUSED_UNANSWERED)).toBe(1);
    await until(() => descriptors() <= before + 1); // the listening socket
  });

  it.each([false, true])('refuses all at once while no worker takes any (encrypted: %s)', async (isEncrypted) => {
    const accepted = await accepting({ isEncrypted });
    accepted.unavailable = 'no worker takes connections';
    const socket = await accepted.connect(encodeRequest('/'));
    socket.end();
    expect(await allOf(socket)).toMatch(isEncrypted ? /^$/ : /^HTTP\/1\.1 503 /);
    expect(accepted.placed).toEqual([]);
    expect(accepted.counters.get(Counter.REFUSED_UNAVAILABLE)).toBe(1);
  });

  it('counts whom the PROXY protocol has told, and nobody if it has told nobody', async () => {
    const accepted = await accepting({
      proxyProtocol: { limitMs: 10_000 },
      options: { trustedProxies: ['127.0.0.1'] },
    });
    const late = await accepted.connect();
    await until(() => accepted.acceptor.load === 1);
    await accepted.connect(Buffer.concat([header1('192.0.2.1'), Buffer.from('hello')]));
    await until(() => accepted.placed.length === 1);
    late.write(LOCAL);
    await until(() => accepted.placed.length === 2);
    expect([...accepted.entered.values()]).toEqual(['192.0.2.1', undefined]);
    expect(accepted.placed).toMatchObject([
      { info: { remoteAddress: '192.0.2.1', proxied: { isTold: true } } },
      { info: { remoteAddress: '127.0.0.1', proxied: { isTold: false } } },
    ]);
    expect(accepted.acceptor.load).toBe(0);
  });

  it('leaves nothing behind when it closes, of those that wait or are being refused', async () => {
    const before = descriptors();
    const accepted = await accepting();
    accepted.refusal = FULL;
    const refused = await accepted.connect();
    await until(() => accepted.asked.length === 6);
    const waiting = await accepted.connect();
    await until(() => accepted.asked.length === 7);
    accepted.unavailable = 'the server is going away';
    accepted.acceptor.server.close();
    accepted.acceptor.close();
    expect(await Promise.all([refused, waiting].map(allOf))).toEqual(['', '']);
    await until(() => descriptors() <= before);
  });

  it('closes a descriptor that Node makes no socket of, and goes on', async () => {
    let opened = 0;
    const duplicate = (fd: number) => (opened++ === 0 ? openSync('/dev/null', 'r') : calls.duplicate(fd));
    const used = new Proxy(calls, {
      get(target, name) {
        if (name === 'duplicate') return duplicate;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const accepted = await accepting({ used });
    accepted.unavailable = 'no worker takes connections';
    const before = descriptors();
    const lost = await accepted.connect();
    await allOf(lost);
    await until(() => descriptors() <= before);
    accepted.unavailable = undefined;
    await accepted.connect();
    await until(() => accepted.placed.length === 1);
  });
});
