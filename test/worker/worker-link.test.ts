import { once } from 'node:events';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { type Transferable, Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import type { HostOptions } from '../../dist/host/host.js';
import { ThrottledLog } from '../../dist/host/throttled-log.js';
import { abandon, type HandOff, WorkerLink } from '../../dist/primary/worker-link.js';
import { descriptorOf } from '../../dist/system/descriptor.js';
import { loadSystemCalls } from '../../dist/system/system-calls.js';
import { Ownership } from '../../dist/worker/ownership.js';

const calls = await loadSystemCalls();
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Connections whose server side is a descriptor and nothing else. */
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

/** A link whose worker is a real thread with another program, in place of a pool that has one thread. */
function linkTo(program: string, workerData: unknown, onClosed?: (id: number) => void): WorkerLink {
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
  const log = new ThrottledLog(() => {});
  return new WorkerLink(pool as never, 'file:///no/handler.js', {} as HostOptions, log, onClosed, 60_000);
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
    const link = linkTo('./dying-taker.js', { until }, (id) => closed.push(id));
    await link.ready;
    for (const [i, fd] of fds.entries()) expect(link.offer(handOffOf(fd, i + 1))).toBe(true);
    await expect(link.ended).rejects.toThrow();
    // Whoever opens something now may get a number that the thread has closed: it is not to be taken for the connection's.
    const canaries = Array.from({ length: 5 }, () => openSync('/dev/null', 'r'));

    const reclaimed = link.reclaim();
    expect(reclaimed.map(({ fd }) => fd)).toEqual(fds.slice(3 - reclaimable));
    for (const { fd } of reclaimed) expect(isOpen(fd)).toBe(true);
    expect(reclaimed.map(({ info }) => info.id)).toEqual([1, 2, 3].slice(3 - reclaimable));
    // Those that went with the thread are over, the others are not.
    link.closeAll();
    expect(closed).toEqual([1, 2, 3].slice(0, 3 - reclaimable));
    expect(link.reclaim()).toEqual([]);

    abandon(reclaimed);
    await Promise.all(ends);
    for (const canary of canaries) {
      expect(isOpen(canary)).toBe(true);
      closeSync(canary);
    }
  });
});

describe('with all slots in use', () => {
  it('an offer is refused, and no slot is given a second time while its first offer is listed', async () => {
    const [fd = -1] = (await descriptors(1)).fds;
    cleanups.push(() => closeSync(fd));
    let buffer: SharedArrayBuffer | undefined;
    const pool = {
      run: (task: { readonly ownership: SharedArrayBuffer }) => {
        buffer = task.ownership;
        return new Promise(() => {});
      },
    };
    const link = new WorkerLink(
      pool as never,
      'file:///no/handler.js',
      {} as HostOptions,
      new ThrottledLog(() => {}),
      undefined,
      60_000,
    );
    const worker = new Ownership(buffer);
    let id = 0;
    while (link.offer(handOffOf(fd, ++id))) expect(id).toBeLessThanOrEqual(4096);
    expect(id).toBe(4097);
    // The worker comes to the second of them first, as it may look to the primary: its slot is settled, and listed.
    const slots = Array.from({ length: 4096 }, (_, slot) => slot);
    const [first, second] = [slots[0], slots[1]] as [number, number];
    expect(worker.take(second)).toBe(true);
    worker.settle(second);
    expect(link.offer(handOffOf(fd, id))).toBe(false);
    expect(worker.take(first)).toBe(true);
    expect(link.offer(handOffOf(fd, id))).toBe(false); // taken, and maybe never more than that
    worker.settle(first);
    expect(link.offer(handOffOf(fd, id))).toBe(true);
    expect(link.offer(handOffOf(fd, ++id))).toBe(true);
    expect(link.offer(handOffOf(fd, ++id))).toBe(false);
    // Each connection is on offer once, and each is given back once.
    const revoked = link.revokeOffers();
    expect(revoked).toHaveLength(4096);
    expect(new Set(revoked.map(({ info }) => info.id)).size).toBe(4096);
  });
});
