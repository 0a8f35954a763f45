import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Client } from './client.js';
import { decideHeld, HttpClient, serveInWorkers, statusOf } from './opening-in-workers.js';
import { encodeRequest, Opcode, RawClient } from './raw-client.js';
import { Gate, Reports, type Served, until } from './serving.js';
import { comeAndGo, type Stage, stagesOf } from './stages.js';

/** Descriptors of this process, whose threads share them. */
const descriptors = () => readdirSync('/proc/self/fd').length;

const ORDINARY = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';
const HALF = encodeRequest('/').slice(0, 60);

/** Resolves when no connection is known to the server, of whatever kind. */
async function emptied({ server }: Served): Promise<void> {
  await until(() => {
    const { connections, pendingUpgrades, httpConnections } = server.stats();
    return connections + pendingUpgrades + httpConnections === 0;
  });
}

/** Each way in which a connection can end, and what is needed for it. The end itself is the client's reset if nothing else is said. */
const ENDS: readonly (readonly [string, (client: RawClient, reports: Reports) => Promise<unknown>, boolean?])[] = [
  ['a path that is not there', (client) => sent(client, encodeRequest('/no/such'), /^HTTP\/1\.1 404 /)],
  ['a request that is none', (client) => sent(client, 'nonsense\r\n\r\n', /^HTTP\/1\.1 400 /)],
  ['a name that is not ours', (client) => sent(client, foreign(), /^HTTP\/1\.1 403 /)],
  ['a hook that refuses', (client) => sent(client, encodeRequest('/refused'), /^HTTP\/1\.1 401 /)],
  ['a hook that refuses later', (client) => sent(client, encodeRequest('/later/refused'), /^HTTP\/1\.1 401 /)],
  ['a hook that throws', (client) => sent(client, encodeRequest('/throws'), /^HTTP\/1\.1 500 /)],
  ['a hook that rejects', (client) => sent(client, encodeRequest('/later/throws'), /^HTTP\/1\.1 500 /)],
  ['data that cannot be cloned', (client) => sent(client, encodeRequest('/uncloneable'), /^HTTP\/1\.1 500 /)],
  [
    'a request after which the connection is closed',
    (client) => sent(client, 'GET / HTTP/1.0\r\n\r\n', /^HTTP\/1\.1 200 /),
  ],
  ['a reset before anything was sent', async () => {}],
  ['a reset in the middle of a request', async (client) => client.socket.write(HALF)],
  ['a reset behind a request', async (client) => client.socket.write(encodeRequest('/'))],
  ['a reset of a connection that was kept', (client) => sent(client, ORDINARY, /^HTTP\/1\.1 200 /)],
  ['a reset while the hook decides', (client, reports) => asked(client, '/held', reports)],
  ['an end while the hook decides', (client, reports) => asked(client, '/held', reports), true],
  ['an end before anything was sent', async () => {}, true],
  ['an end in the middle of a request', async (client) => client.socket.write(HALF), true],
  ['a reset of a WebSocket', (client) => sent(client, encodeRequest('/'), /^HTTP\/1\.1 101 /)],
  ['an end of a WebSocket', (client) => sent(client, encodeRequest('/later'), /^HTTP\/1\.1 101 /), true],
  [
    'a WebSocket that is closed',
    async (client) => {
      await sent(client, encodeRequest('/'), /^HTTP\/1\.1 101 /);
      client.frame(Opcode.CLOSE);
      expect((await client.next()).opcode).toBe(Opcode.CLOSE);
    },
  ],
];

async function sent(client: RawClient, request: string, answer: RegExp): Promise<void> {
  client.socket.write(request);
  expect(await client.response).toMatch(answer);
}

async function asked(client: RawClient, path: string, reports: Reports): Promise<void> {
  client.socket.write(encodeRequest(path));
  await reports.of('upgrade');
}

const foreign = () => encodeRequest('/').replace('Host: localhost', 'Host: evil.example');

describe.runIf(process.platform === 'linux')('a connection that workers open', () => {
  it('gives its place and its descriptor back, however it ends', async () => {
    using reports = new Reports();
    // So that only one connection can count at a time, also of this address.
    const options = { maxConnections: 1, maxConnectionsPerIp: 1, closeTimeoutMs: 100 };
    await using served = await serveInWorkers({ ...options, path: PATHS, handshakeTimeoutMs: 60_000 });
    await admitted(served);
    let before = Number.POSITIVE_INFINITY;
    // Twice, because threads open descriptors of their own when they first do something.
    for (let round = 1; round <= 2; round++) {
      for (const [, reach, ends = false] of ENDS) {
        using client = await RawClient.connect(served.port);
        await reach(client, reports);
        if (ends) client.socket.end();
        else client.reset();
        decideHeld({}); // otherwise the hook of a client that has left goes on to count
        await admitted(served);
        await emptied(served);
      }
      await until(() => descriptors() <= before);
      before = descriptors();
    }
    expect(served.server.stats()).toMatchObject({ workersLost: 0, connectionsAbandoned: 0 });
  });

  it('gives its place back when its worker dies, whatever it was doing', async () => {
    using reports = new Reports();
    await using served = await serveInWorkers({ threads: 1, maxConnections: 6, maxConnectionsPerIp: 6 });
    await admitted(served);
    const before = descriptors();
    for (const path of ['/exits', '/exits/later']) {
      const idle = new HttpClient(served);
      idle.write(ORDINARY);
      await idle.read(/<\/html>\s*$/);
      const silent = await RawClient.connect(served.port);
      const half = await RawClient.connect(served.port);
      half.socket.write(HALF);
      const pending = await RawClient.connect(served.port);
      await asked(pending, '/never', reports);
      const open = await RawClient.open(served.port);
      await until(() => served.server.stats().httpConnections === 3);
      const ending = await RawClient.upgrading(served.port, path);
      await Promise.all([silent, half, pending, open].map(({ ended }) => ended));
      await until(() => idle.socket.destroyed);
      ending.reset();
      await until(async () => (await statusOf(served, '/').catch(() => 0)) === 101);
      await emptied(served);
      // All six places are free again.
      const six = await Promise.all(Array.from({ length: 6 }, () => Client.open(served.url)));
      for (const client of six) client[Symbol.dispose]();
      for (const client of [silent, half, pending, open]) client[Symbol.dispose]();
      await emptied(served);
    }
    await until(() => descriptors() <= before);
    expect(served.server.stats().workersLost).toBe(2);
  });

  it('leaves no descriptor behind, of hundreds that are reset or end at any stage', async () => {
    await using served = await serveInWorkers({ closeTimeoutMs: 100, handshakeTimeoutMs: 500 });
    const stages = ['/', '/later', '/refused', '/later/throws', '/never'].flatMap(stagesOf);
    stages.push([Buffer.from(ORDINARY), false], [Buffer.from(ORDINARY), true], [Buffer.from('x\r\n\r\n'), true]);
    // Nobody answers on '/never'.
    const reachable = stages.filter(([bytes, waits]) => !(waits && bytes.includes('/never')));
    await comeAndGo(served.port, reachable[0] as Stage, true);
    await emptied(served);
    const before = descriptors();
    for (let i = 0; i < 600; i += 100) {
      const batch = Array.from({ length: 100 }, (_, k) => {
        const each = reachable[(i + k) % reachable.length] as Stage; // within its length
        return comeAndGo(served.port, each, (i + k) % 4 !== 0);
      });
      await Promise.all(batch);
    }
    await emptied(served);
    // Each stage came more than ten times. Threads open a few descriptors of their own.
    await until(() => descriptors() <= before + 5);
    expect(await statusOf(served, '/')).toBe(101);
    expect(served.server.stats()).toMatchObject({ workersLost: 0, connectionsAbandoned: 0, protocolErrors: 0 });
  });

  it('gets 408 if its request does not come in time: nothing, half of it, or a byte at a time', async () => {
    await using served = await serveInWorkers({ handshakeTimeoutMs: 150 });
    using silent = await RawClient.connect(served.port);
    using half = await RawClient.connect(served.port);
    half.socket.write(HALF);
    using slow = await RawClient.connect(served.port);
    let at = 0;
    const dripping = setInterval(() => slow.socket.write(encodeRequest('/')[at++] ?? '.'), 20);
    try {
      for (const { response, ended } of [silent, half, slow]) {
        expect(await response).toMatch(/^HTTP\/1\.1 408 /);
        await ended;
      }
    } finally {
      clearInterval(dripping);
    }
    expect(at).toBeLessThan(encodeRequest('/').length);
    await emptied(served);
  });

  it('gets 408 for a later request that does not come in time, too', async () => {
    await using served = await serveInWorkers({ handshakeTimeoutMs: 150 });
    using client = new HttpClient(served);
    client.write(ORDINARY);
    await client.read(/<\/html>\s*$/);
    client.write(HALF);
    expect(await client.read(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 408 /);
    await emptied(served);
  });

  it('gets 503 if the hook does not decide in time', async () => {
    await using served = await serveInWorkers({ handshakeTimeoutMs: 150 });
    expect(await statusOf(served, '/never')).toBe(503);
    expect(served.server.stats().limits.hookTimeouts).toBe(1);
    await emptied(served);
  });
});

const PATHS = ['/', '/later', '/refused', '/later/refused', '/throws', '/later/throws', '/uncloneable', '/held'];

/** A client comes in, and leaves again: there is a place for it, at once or as soon as a place that was given back is known. */
async function admitted(served: Served): Promise<void> {
  await until(async () => {
    using client = await RawClient.upgrading(served.port, '/');
    // Above the limits not everybody is answered.
    const response = await Promise.race([client.response, client.closed.then(() => 'closed')]);
    return response.startsWith('HTTP/1.1 101 ');
  });
}

describe.runIf(process.platform === 'linux')('a connection that a worker opens while its thread goes', () => {
  it.each(['close', 'reload'] as const)('(%s) is refused with 503 if it waits for its hook', async (how) => {
    using reports = new Reports();
    const served = await serveInWorkers({ threads: 1 });
    using waiting = await RawClient.upgrading(served.port, '/held');
    await reports.of('upgrade');
    using idle = new HttpClient(served);
    idle.write(ORDINARY);
    await idle.read(/<\/html>\s*$/);
    const going = served.server[how]();
    expect(await waiting.response).toMatch(/^HTTP\/1\.1 503 /);
    decideHeld({}); // nothing happens any more
    await going;
    await until(() => idle.socket.destroyed);
    if (how === 'reload') expect(await statusOf(served, '/')).toBe(101);
    await served.server.close({ drainMs: 0 });
    await emptied(served);
  });

  it('is told by the health that the server drains, and may not be upgraded any more', async () => {
    const served = await serveInWorkers({ threads: 1 });
    using _slow = await RawClient.open(served.port); // answers no Close
    const [asking, upgrading] = [new HttpClient(served), new HttpClient(served)];
    for (const client of [asking, upgrading]) {
      client.get('/healthz');
      expect(await client.read(/\}\n$/)).toMatch(/^HTTP\/1\.1 200 .*"status":"ok"/s);
    }
    const closed = served.server.close({ drainMs: 60_000 });
    asking.get('/healthz');
    expect(await asking.read(/\}\n$/)).toMatch(/^HTTP\/1\.1 503 .*"status":"draining"/s);
    upgrading.write(encodeRequest('/'));
    expect(await upgrading.read(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 503 /);
    expect(await statusOf(served, '/')).toBe(503); // the primary says so to those that come now
    _slow.reset();
    await closed;
    await until(() => asking.socket.destroyed && upgrading.socket.destroyed);
  });

  it('goes to the new threads if it is on its way at a reload, and to another one if its worker is blocked', async () => {
    for (const rescued of ['reload', 'timeout'] as const) {
      using gate = new Gate();
      using reports = new Reports();
      const threads = rescued === 'reload' ? 1 : 2;
      const handOffTimeoutMs = rescued === 'reload' ? 1_000_000 : 100;
      await using served = await serveInWorkers({ threads, handOffTimeoutMs });
      using blocking = await RawClient.upgrading(served.port, '/blocks');
      await reports.of('upgrade');
      const clients = await Promise.all(Array.from({ length: 10 }, () => RawClient.upgrading(served.port, '/later')));
      const before = performance.now();
      if (rescued === 'reload') await served.server.reload({ drainMs: 1_000_000 });
      for (const client of clients) {
        expect(await client.response).toMatch(/^HTTP\/1\.1 101 /);
        client.text('served');
        expect(String((await client.next()).payload)).toBe('served');
      }
      expect(performance.now() - before).toBeLessThan(19_000); // not by the deadline of a drain
      gate.open();
      expect(await blocking.response).toMatch(/^HTTP\/1\.1 101 /); // decided in one turn
      for (const client of clients) client[Symbol.dispose]();
    }
  });
});
