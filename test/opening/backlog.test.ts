import { once } from 'node:events';
import { closeSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Backlog } from '../../dist/opening/backlog.js';
import { loadSystemCalls, type SystemCalls } from '../../dist/system/system-calls.js';
import { until } from '../e2e/serving.js';

const calls = await loadSystemCalls();

const descriptors = () => readdirSync('/proc/self/fd').length;

/** System calls of which some are others. */
function callsBut(others: Partial<Record<keyof SystemCalls, unknown>>): SystemCalls {
  return new Proxy(calls, {
    get(target, name) {
      if (name in others) return Reflect.get(others, name);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

const cleanups: (() => unknown)[] = [];

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** A server whose connections are taken by a backlog, and closed at once. */
async function listen({
  used = calls,
  prepare = (_: Server) => {},
  host = '127.0.0.1',
  path,
  reservedFrom,
}: {
  readonly used?: SystemCalls;
  readonly prepare?: (server: Server) => void;
  readonly host?: string;
  readonly path?: string;
  readonly reservedFrom?: number;
} = {}) {
  const taken: (string | undefined)[] = [];
  let outOfDescriptors = 0;
  let sockets = 0;
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets++;
    backlog.takeSocket(socket);
  });
  const onTaken = { call: () => {} };
  const backlog = new Backlog({
    server,
    calls: used,
    take(fd, address) {
      taken.push(address);
      closeSync(fd);
      onTaken.call();
    },
    reservedFrom,
    onOutOfDescriptors: () => outOfDescriptors++,
  });
  server.listen(path === undefined ? { port: 0, host } : { path });
  cleanups.push(() => server.close());
  await once(server, 'listening');
  prepare(server);
  backlog.start();
  const { port } = server.address() as AddressInfo;
  const counts = () => ({ taken: taken.length, sockets, outOfDescriptors });
  return { server, port, taken, counts, onTaken, backlog };
}

/** Connects clients at once. Resolves when all are closed. */
async function come(port: number, count: number, host = '127.0.0.1'): Promise<void> {
  const clients = Array.from({ length: count }, () => connect(port, host).resume());
  for (const client of clients) client.on('error', () => {});
  await Promise.all(clients.map((client: Socket) => once(client, 'close')));
}

/** Nothing can be accepted by system calls, as on other systems than Linux. */
const WITHOUT_ACCEPT = callsBut({ prepareToAccept: () => false });

/** The listening handle reports to something that is no function, and so nothing can be put before it. */
function hideDescriptor(server: Server): void {
  const handle = Reflect.get(server, '_handle') as { onconnection: unknown };
  const report = handle.onconnection;
  // The engine calls what is there; whoever looks at it sees something else once.
  let isHidden = true;
  Object.defineProperty(handle, 'onconnection', {
    get() {
      const seen = isHidden ? undefined : report;
      isHidden = false;
      return seen;
    },
  });
}

describe.runIf(process.platform === 'linux')('connections that wait at a listening socket', () => {
  it('are taken by their descriptors, and Node makes a socket of none', async () => {
    const { port, taken, counts } = await listen();
    const before = descriptors();
    await come(port, 300);
    expect(counts()).toEqual({ taken: 300, sockets: 0, outOfDescriptors: 0 });
    expect(new Set(taken)).toEqual(new Set(['127.0.0.1']));
    await until(() => descriptors() <= before);
  });

  it('are taken one by one where system calls accept none', async () => {
    const { port, taken, counts } = await listen({ used: WITHOUT_ACCEPT });
    const before = descriptors();
    await come(port, 50);
    expect(counts()).toEqual({ taken: 50, sockets: 0, outOfDescriptors: 0 });
    expect(new Set(taken)).toEqual(new Set(['127.0.0.1']));
    await until(() => descriptors() <= before);
  });

  it('are taken from sockets where Node’s handles are not as expected', async () => {
    const before = descriptors();
    for (const used of [calls, WITHOUT_ACCEPT]) {
      const { server, port, taken, counts } = await listen({ used, prepare: hideDescriptor });
      await come(port, 50);
      expect(counts()).toMatchObject({ taken: 50, outOfDescriptors: 0 });
      expect(counts().sockets).toBeGreaterThan(0);
      expect(new Set(taken)).toEqual(new Set(['127.0.0.1']));
      server.close();
    }
    await until(() => descriptors() <= before);
  });

  it('are told to Node if accepting has failed', async () => {
    const { server, port, counts } = await listen();
    const failed = once(server, 'error');
    const handle = Reflect.get(server, '_handle') as { onconnection: (status: number, connection?: unknown) => void };
    handle.onconnection(-24);
    expect((await failed)[0]).toMatchObject({ code: 'EMFILE', syscall: 'accept' });
    await come(port, 3);
    expect(counts().taken).toBe(3);
  });

  it('are closed if no descriptor is left for them, and that is told', async () => {
    const used = callsBut({ duplicate: () => -1, prepareToAccept: () => false });
    const { port, counts } = await listen({ used });
    const before = descriptors();
    await come(port, 5);
    expect(counts()).toEqual({ taken: 0, sockets: 5, outOfDescriptors: 5 }); // sockets of Node, which need no other descriptor
    await until(() => descriptors() <= before);
  });

  it('are closed if their descriptors are reserved for others, and that is told', async () => {
    for (const used of [calls, WITHOUT_ACCEPT]) {
      const { port, counts } = await listen({ used, reservedFrom: 0 });
      const before = descriptors();
      await come(port, 5);
      expect(counts()).toEqual({ taken: 0, sockets: 0, outOfDescriptors: 5 });
      await until(() => descriptors() <= before);
      const { port: ample, counts: taken } = await listen({ used, reservedFrom: 100_000 });
      await come(ample, 5);
      expect(taken()).toEqual({ taken: 5, sockets: 0, outOfDescriptors: 0 });
    }
  });

  it('are accepted no more when the server is closed by the one before', async () => {
    let accepts = 0;
    const used = callsBut({
      accept(fd: number) {
        accepts++;
        return calls.accept(fd);
      },
    });
    const { server, port, onTaken } = await listen({ used });
    onTaken.call = () => server.close();
    await come(port, 1);
    expect(accepts).toBe(0);
  });

  it('have the address that a socket of Node tells where accept(2) tells none', async () => {
    const used = callsBut({ acceptedFrom: undefined });
    const { port, taken } = await listen({ used });
    const before = descriptors();
    await come(port, 100);
    expect(taken).toEqual(Array(100).fill('127.0.0.1'));
    await until(() => descriptors() <= before);
  });

  it('have an address of IPv6 as Node writes it', async () => {
    const { port, taken } = await listen({ host: '::1' });
    await come(port, 20, '::1');
    expect(taken).toEqual(Array(20).fill('::1'));
  });

  it('are taken as they were accepted at a unix socket too, though they have no address', async () => {
    let [accepted, duplicated] = [0, 0];
    const used = callsBut({
      accept(fd: number) {
        const taken = calls.accept(fd);
        if (taken >= 0) accepted++;
        return taken;
      },
      duplicate(fd: number) {
        duplicated++;
        return calls.duplicate(fd);
      },
    });
    const folder = mkdtempSync(join(tmpdir(), 'wsloom-'));
    cleanups.push(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'backlog.sock');
    const { taken } = await listen({ used, path });
    const clients = Array.from({ length: 50 }, () => connect({ path }).resume());
    await Promise.all(clients.map((client) => once(client, 'close')));
    expect(taken).toEqual(Array(50).fill(undefined));
    expect(accepted).toBeGreaterThan(0);
    expect(accepted + duplicated).toBe(50); // those that Node has reported are duplicated, and no others
  });

  it('are nobody’s if the socket of Node is closed already, and that is no want of descriptors', async () => {
    const { backlog, counts } = await listen();
    backlog.takeSocket(new Socket());
    expect(counts()).toEqual({ taken: 0, sockets: 0, outOfDescriptors: 0 });
  });

  it('that were reset are taken too, or are gone', async () => {
    const { port, counts } = await listen();
    const before = descriptors();
    const clients = Array.from({ length: 50 }, () => connect(port, '127.0.0.1'));
    for (const client of clients) client.once('connect', () => client.resetAndDestroy());
    await Promise.all(clients.map((client) => once(client, 'close')));
    await come(port, 1);
    expect(counts()).toMatchObject({ sockets: 0, outOfDescriptors: 0 });
    await until(() => descriptors() <= before);
  });
});
