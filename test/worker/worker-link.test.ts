import { once } from 'node:events';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { type Transferable, Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createWindowMemory, reserveWindows, type WindowMemory } from '../../dist/compression/window-memory.js';
import { numberOfAgreement } from '../../dist/protocol/deflate/agreement.js';
import type { HandOff, OpenedHandOff } from '../../dist/host/hand-off.js';
import type { HostOptions } from '../../dist/host/host.js';
import { abandon, WorkerLink } from '../../dist/primary/worker-link.js';
import { descriptorOf } from '../../dist/system/descriptor.js';
import { loadSystemCalls } from '../../dist/system/system-calls.js';
import { ThrottledLog } from '../../dist/telemetry/throttled-log.js';
import type { FromWorker, WorkerTask } from '../../dist/worker/messages.js';
import { Ownership } from '../../dist/worker/ownership.js';

const calls = await loadSystemCalls();
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Connections whose server side is only a descriptor. */
async function descriptors(count: number): Promise<{ readonly fds: number[]; readonly clients: Socket[] }> {
  const server: Server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => new Promise((resolve) => server.close(resolve)));
  const fds: number[] = [];
  const clients: Socket[] = [];
  for (let i = 0; i < count; i++) {
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.on('error', () => {});
    cleanups.push(() => client.destroy());
    const [accepted] = (await once(server, 'connection')) as [Socket];
    fds.push(calls.duplicate(descriptorOf(accepted)));
    accepted.destroy();
    clients.push(client);
  }
  return { fds, clients };
}

const handOffOf = (fd: number, id: number): HandOff => ({
  fd,
  info: { id, remoteAddress: undefined, path: '/', query: '', subprotocol: '', data: undefined },
  head: new Uint8Array(0),
});

/** A connection with windows of 8 KiB. */
const DEFLATE = {
  own: { windowBits: 12, contextTakeover: true },
  peer: { windowBits: 12, contextTakeover: true },
};

const compressedHandOffOf = (fd: number, id: number): HandOff => {
  const { info, head } = handOffOf(fd, id) as OpenedHandOff;
  return { fd, info: { ...info, deflate: numberOfAgreement(DEFLATE) }, head };
};

/** The memory for windows, of which so many such connections have theirs. */
function windowsOf(connections: number): WindowMemory {
  const windows = createWindowMemory(2 ** 20);
  for (let i = 0; i < connections; i++) reserveWindows(windows, DEFLATE);
  return windows;
}

const connectionsOf = ({ reserved }: WindowMemory) => Atomics.load(new Int32Array(reserved), 0) / 8;

/** The options of a link without its pool. */
const OPTIONS = {
  name: 'worker 1',
  handler: 'file:///no/handler.js',
  host: {} as HostOptions,
  log: new ThrottledLog(() => {}),
  onNoLongerOpen: undefined,
  onTopics: undefined,
  startTimeoutMs: 60_000,
  opening: undefined,
  health: () => {
    throw new Error('no client asks for it');
  },
  metrics: () => {
    throw new Error('no client asks for them');
  },
  toldClients: undefined as never, // nobody asks about them
};

/** A link whose worker is a real thread with another program, in place of a pool that has one thread. */
function linkTo(
  program: string,
  workerData: unknown,
  windows: WindowMemory,
  onNoLongerOpen?: (id: number) => void,
): WorkerLink {
  const pool = {
    async run(task: unknown, { transferList }: { readonly transferList: Transferable[] }): Promise<never> {
      const worker = new Worker(new URL(program, import.meta.url), {
        workerData,
        resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 8 },
      });
      cleanups.push(() => worker.terminate());
      worker.postMessage({ task }, transferList);
      const died = new Promise<never>((_, reject) => {
        worker.once('error', reject);
        worker.once('exit', (code) => reject(new Error(`exit ${code}`)));
      });
      return died;
    },
  };
  const host = { windows } as HostOptions;
  return new WorkerLink({ ...OPTIONS, host, pool: pool as never, onNoLongerOpen });
}

function isOpen(fd: number): boolean {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false;
  }
}

describe.runIf(process.platform === 'linux')('a worker that dies while it takes three hand-offs', () => {
  it.each([
    ['before it takes one', 'nothing', 3],
    ['when it has taken one, and has no socket yet', 'taken', 3],
    ['when a socket has the descriptor, and nobody knows', 'opened', 2],
    ['when that is known', 'settled', 2],
    ['of memory, with another one taken', 'out of memory', 2],
    ['of an error, with another one taken', 'error', 2],
  ])('%s, leaks none and closes none twice', async (_, until, reclaimable) => {
    const { fds, clients } = await descriptors(3);
    const closed: number[] = [];
    const ends = clients.map((client) => once(client.resume(), 'close'));
    const windows = windowsOf(3);
    const link = linkTo('./dying-taker.js', { until }, windows, (id) => closed.push(id));
    await link.ready;
    for (const [i, fd] of fds.entries()) expect(link.offer(compressedHandOffOf(fd, i + 1))).toBe(true);
    await expect(link.ended).rejects.toThrow();
    // A file that is opened now may get a number that the thread has closed. It must not count as the connection.
    const canaries = Array.from({ length: 5 }, () => openSync('/dev/null', 'r'));

    const reclaimed = link.reclaim();
    expect(reclaimed.map(({ fd }) => fd)).toEqual(fds.slice(3 - reclaimable));
    for (const { fd } of reclaimed) expect(isOpen(fd)).toBe(true);
    expect(reclaimed.map(({ info }) => info.id)).toEqual([1, 2, 3].slice(3 - reclaimable));
    // The connections that the thread had taken are over, the others are not.
    link.closeAll();
    expect(closed).toEqual([1, 2, 3].slice(0, 3 - reclaimable));
    expect(link.reclaim()).toEqual([]);

    // The windows of a connection that had a socket are counted by its thread.
    const hosted = 3 - reclaimable;
    expect(connectionsOf(windows)).toBe(reclaimable + hosted);
    abandon(reclaimed, windows);
    expect(connectionsOf(windows)).toBe(hosted);
    await Promise.all(ends);
    for (const canary of canaries) {
      expect(isOpen(canary)).toBe(true);
      closeSync(canary);
    }
  });
});

/** A link whose worker is this thread, its start message, and the signal that ends it. */
function linkToThisThread(startTimeoutMs = 60_000, windows?: WindowMemory) {
  const started: { readonly task: WorkerTask; readonly signal: AbortSignal }[] = [];
  const pool = {
    run(task: WorkerTask, { signal }: { readonly signal: AbortSignal }) {
      started.push({ task, signal });
      cleanups.push(() => task.port.close());
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('ended'))));
    },
  };
  const host = { windows } as HostOptions;
  const link = new WorkerLink({ ...OPTIONS, host, pool: pool as never, startTimeoutMs });
  const [{ task, signal }] = started as [(typeof started)[0]];
  return { link, task, signal, worker: new Ownership(task.ownership) };
}

describe('a worker that starts', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is ended if it has not started in time, and not otherwise', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const late = linkToThisThread(5000);
    const ended = expect(late.link.ended).rejects.toThrow('a worker did not start within 5 s, with /no/handler.js');
    const inTime = linkToThisThread(5000);
    inTime.task.port.postMessage({ type: 'ready', kernel: 'js' } satisfies FromWorker);
    expect(await inTime.link.ready).toBe('js');
    vi.advanceTimersByTime(9999); // 5 s more than the thread's own limit
    expect(late.signal.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    expect([late.signal.aborted, inTime.signal.aborted]).toEqual([true, false]);
    late.task.port.close();
    await ended;
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a worker whose offers are taken back', () => {
  it('has the load that it had before the offers, and counts as stuck until it has seen all of them', async () => {
    const { link, worker } = linkToThisThread();
    const [fd = -1] = (await descriptors(1)).fds;
    cleanups.push(() => closeSync(fd));
    for (const id of [1, 2]) expect(link.offer(handOffOf(fd, id))).toBe(true);
    expect([link.load, link.isStuck(60_000)]).toEqual([2, false]);
    expect(link.revokeOffers().map(({ info }) => info.id)).toEqual([1, 2]);
    for (let look = 0; look < 3; look++) {
      expect([link.load, link.isStuck(60_000)]).toEqual([0, true]);
      expect(link.revokeOffers()).toEqual([]);
    }
    expect(worker.take(0)).toBe(false);
    expect(link.isStuck(60_000)).toBe(true);
    expect(worker.take(1)).toBe(false);
    expect(link.isStuck(60_000)).toBe(false);
  });
});

describe('a worker that has died, and whose port does not say so,', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('gets some time, and then its taken connections are closed, if nobody else has closed them', async () => {
    const { fds } = await descriptors(2);
    const [taken = -1, offered = -1] = fds;
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const windows = windowsOf(2);
    const { link, worker } = linkToThisThread(5000, windows);
    const ended = expect(link.ended).rejects.toThrow('did not start');
    for (const [id, fd] of fds.entries()) link.offer(compressedHandOffOf(fd, id));
    expect(worker.take(0)).toBe(true);
    await vi.advanceTimersByTimeAsync(10_000); // its time to start is over
    await vi.advanceTimersByTimeAsync(1000);
    await ended;
    const reclaimed = link.reclaim();
    expect(reclaimed.map(({ fd }) => fd)).toEqual([offered]);
    vi.advanceTimersByTime(9999);
    expect([isOpen(taken), connectionsOf(windows)]).toEqual([true, 2]);
    vi.advanceTimersByTime(1);
    expect([isOpen(taken), connectionsOf(windows)]).toEqual([false, 1]);
    abandon(reclaimed, windows);
    expect(connectionsOf(windows)).toBe(0);
  });
});

describe('with all slots in use', () => {
  it('an offer is refused, and no slot is given a second time while its first offer is listed', async () => {
    const [fd = -1] = (await descriptors(1)).fds;
    cleanups.push(() => closeSync(fd));
    const { link, worker } = linkToThisThread();
    let id = 0;
    while (link.offer(handOffOf(fd, ++id))) expect(id).toBeLessThanOrEqual(4096);
    expect(id).toBe(4097);
    // To the primary it may seem that the worker takes the second offer first: its slot is settled, and still listed.
    const slots = Array.from({ length: 4096 }, (_, slot) => slot);
    const [first, second] = [slots[0], slots[1]] as [number, number];
    expect(worker.take(second)).toBe(true);
    worker.settle(second);
    expect(link.offer(handOffOf(fd, id))).toBe(false);
    expect(worker.take(first)).toBe(true);
    expect(link.offer(handOffOf(fd, id))).toBe(false); // the slot is taken, and maybe never settled
    worker.settle(first);
    expect(link.offer(handOffOf(fd, id))).toBe(true);
    expect(link.offer(handOffOf(fd, ++id))).toBe(true);
    expect(link.offer(handOffOf(fd, ++id))).toBe(false);
    // Each connection is offered once, and each is given back once.
    const revoked = link.revokeOffers();
    expect(revoked).toHaveLength(4096);
    expect(new Set(revoked.map(({ info }) => info.id)).size).toBe(4096);
  });
});
