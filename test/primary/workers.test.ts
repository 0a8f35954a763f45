import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { Piscina } from 'piscina';
import { describe, expect, it, vi } from 'vitest';
import { reserveWindows } from '../../dist/compression/window-memory.js';
import type { HandOff } from '../../dist/host/hand-off.js';
import { ThreadPublishing } from '../../dist/host/thread-publishing.js';
import type { ServerOptions } from '../../dist/index.js';
import { resolveOptions } from '../../dist/primary/options.js';
import { abandon, type WorkerLink } from '../../dist/primary/worker-link.js';
import { Workers } from '../../dist/primary/workers.js';
import { numberOfAgreement } from '../../dist/protocol/deflate/agreement.js';
import { descriptorOf } from '../../dist/system/descriptor.js';
import { loadSystemCalls } from '../../dist/system/system-calls.js';
import { Counter } from '../../dist/telemetry/counters.js';
import { EndedCounters } from '../../dist/telemetry/ended-counters.js';
import type { WorkerTask } from '../../dist/worker/messages.js';
import { Ownership } from '../../dist/worker/ownership.js';
import { identityOf, openLoneFile } from '../e2e/lone-file.js';
import { builtIn, RecordingLog, until } from '../e2e/serving.js';

const calls = await loadSystemCalls();
const info = { remoteAddress: undefined, path: '/', query: '', subprotocol: '', data: undefined };
const handOffOf = (fd: number, id: number): HandOff => ({ fd, info: { id, ...info }, head: new Uint8Array(0) });
const noSocket = openLoneFile;

/** Workers, who of their connections is over, and what another pool is to take. */
function made(threads: number, more: Partial<ServerOptions> = {}) {
  const log = new RecordingLog();
  const over: number[] = [];
  const elsewhere: HandOff[] = [];
  const endedCounters = new EndedCounters();
  const options = {
    ...resolveOptions({ handler: builtIn('echo'), threads, log, ...more }),
    handler: builtIn('echo').href,
    onNoLongerOpen: (id: number) => void over.push(id),
    bus: new ThreadPublishing().bus,
    endedCounters,
    opening: undefined,
    fleet: undefined,
    siblings: {
      isReplacing: true,
      placeElsewhere: (handOff: HandOff) => void elsewhere.push(handOff),
      listeningHost: undefined,
      tls: undefined,
      health: unused,
      metrics: unused,
      toldClients: undefined as never,
      get links() {
        return workers.links;
      },
    },
  };
  const workers: Workers = new Workers(options);
  return { workers, log, over, elsewhere, endedCounters, windows: options.host.windows };
}

/** No client asks a worker for anything here. */
function unused(): never {
  throw new Error('unexpected');
}

describe.runIf(process.platform === 'linux')('workers', () => {
  it('count what they could not host as over, and say so: there is as much load as before', async () => {
    const { workers, log, over, elsewhere, endedCounters } = made(2);
    await workers.start();
    try {
      const fds = Array.from({ length: 4 }, noSocket);
      const files = fds.map(identityOf);
      for (const [id, fd] of fds.entries()) workers.place(handOffOf(fd, id));
      expect(workers.load).toBe(4);
      await until(() => over.length === 4);
      await until(() => workers.load === 0);
      await log.line(/cannot take over the socket of connection \d/);
      for (const [i, fd] of fds.entries()) expect(identityOf(fd)).not.toBe(files[i]);
      // None of them is taken to have more than the other.
      for (const id of [5, 6]) workers.place(handOffOf(noSocket(), id));
      expect(workers.links.map(({ load }) => load)).toEqual([1, 1]);
      await until(() => over.length === 6);
    } finally {
      await workers.drain(100);
    }
    expect(endedCounters.get(Counter.CONNECTIONS)).toBe(0);
    expect(endedCounters.get(Counter.OPENED)).toBe(0);
    expect(endedCounters.get(Counter.UNHOSTED)).toBe(6);
    expect(workers.load).toBe(0);
    expect(elsewhere).toEqual([]);
  });

  it('that take nothing now keep a connection waiting, until one takes it or a hand-off has had its time', async () => {
    const run = vi.spyOn(Piscina.prototype, 'run').mockImplementation((task: WorkerTask) => {
      task.port.postMessage({ type: 'ready', kernel: 'js' });
      return new Promise(() => {}); // and takes nothing
    });
    const { workers, over, log, endedCounters } = made(1, { handOffTimeoutMs: 300 });
    try {
      await workers.start();
      const [link] = workers.links as [WorkerLink];
      const offer = vi.spyOn(link, 'offer').mockReturnValue(false);
      const [first, second] = [noSocket(), noSocket()];
      const file = identityOf(second);
      workers.place(handOffOf(first, 1));
      expect([workers.load, over]).toEqual([1, []]);
      offer.mockRestore();
      const taken = vi.spyOn(link, 'offer').mockReturnValue(true);
      await until(() => taken.mock.calls.length === 1);
      expect(taken.mock.calls[0]?.[0]).toEqual(handOffOf(first, 1));
      expect(over).toEqual([]);
      taken.mockReturnValue(false);
      workers.place(handOffOf(second, 2));
      await until(() => over.length === 1);
      expect(over).toEqual([2]);
      expect(endedCounters.get(Counter.CONNECTIONS_ABANDONED)).toBe(1);
      await log.line(/no worker takes connection 2: it is closed/);
      expect(identityOf(second)).not.toBe(file);
      closeSync(first);
    } finally {
      run.mockRestore();
    }
  });

  it('that no connection can be given to release what was reserved for its windows', async () => {
    const { workers, over, windows } = made(1, { deflate: { contextTakeover: true } });
    if (windows === undefined) throw new Error('the server compresses nothing');
    const agreed = { own: { windowBits: 12, contextTakeover: true }, peer: { windowBits: 12, contextTakeover: true } };
    for (let i = 0; i < 2; i++) reserveWindows(windows, agreed);
    await workers.start();
    await workers.drain(100);
    const fd = noSocket();
    workers.place({ fd, info: { id: 1, ...info, deflate: numberOfAgreement(agreed) }, head: new Uint8Array(0) });
    expect(over).toEqual([1]);
    expect(identityOf(fd)).toBe('closed');
    expect([...new Int32Array(windows.reserved)]).toEqual([8]);
  });

  it('that have died release what was reserved for the windows of their connections', async () => {
    const ends: (() => void)[] = [];
    const run = vi.spyOn(Piscina.prototype, 'run').mockImplementation((task: WorkerTask) => {
      task.port.postMessage({ type: 'ready', kernel: 'js' });
      return new Promise((_, reject) => {
        ends.push(() => {
          task.port.close();
          reject(new Error('terminated'));
        });
      });
    });
    const destroy = vi.spyOn(Piscina.prototype, 'destroy').mockImplementation(async () => {
      for (const end of ends) end();
    });
    const { workers, windows } = made(2, { deflate: { contextTakeover: true } });
    try {
      if (windows === undefined) throw new Error('the server compresses nothing');
      await workers.start();
      const [first, second] = workers.links as [WorkerLink, WorkerLink];
      Atomics.store(new Int32Array(windows.reserved), 0, 24); // in KiB
      first.counters.set(Counter.WINDOW_BYTES, 16 * 1024);
      second.counters.set(Counter.WINDOW_BYTES, 8 * 1024);
      ends[0]?.();
      await until(() => !workers.links.includes(first));
      expect([...new Int32Array(windows.reserved)]).toEqual([8]);
      await workers.drain(0);
      expect([...new Int32Array(windows.reserved)]).toEqual([0]);
    } finally {
      run.mockRestore();
      destroy.mockRestore();
    }
  });

  it('that drain are still offered a connection that was on its way, so that its client gets a Close', async () => {
    const { workers, over, endedCounters } = made(1);
    await workers.start();
    const [link] = workers.links as [WorkerLink];
    const offer = vi.spyOn(link, 'offer').mockReturnValueOnce(true);
    const drained = workers.drain(100);
    workers.place(handOffOf(-1, 1));
    expect(offer).toHaveBeenCalledOnce();
    expect(over).toEqual([]);
    offer.mockReturnValue(false);
    workers.place(handOffOf(noSocket(), 2)); // and at once given up by those that take nothing
    expect(over).toEqual([2]);
    expect(endedCounters.get(Counter.CONNECTIONS_ABANDONED)).toBe(1);
    await drained;
  });

  it('that are ended when one has taken a descriptor, and has no socket yet, give it to others', async () => {
    let ownership = new Ownership();
    let end = () => {};
    const run = vi.spyOn(Piscina.prototype, 'run').mockImplementation((task: WorkerTask) => {
      ownership = new Ownership(task.ownership);
      task.port.postMessage({ type: 'ready', kernel: 'js' });
      return new Promise((_, reject) => {
        end = () => {
          task.port.close();
          reject(new Error('terminated'));
        };
      });
    });
    const destroy = vi.spyOn(Piscina.prototype, 'destroy').mockImplementation(async () => end());
    const { workers, over, elsewhere } = made(1);
    try {
      await workers.start();
      const listening = createServer((socket) => void socket.on('error', () => {})).listen(0, '127.0.0.1');
      await once(listening, 'listening');
      const socket = connect((listening.address() as AddressInfo).port, '127.0.0.1');
      await once(socket, 'connect');
      const fds = [1, 2, 3].map(() => calls.duplicate(descriptorOf(socket))) as [number, number, number];
      socket.destroy();
      listening.close();
      for (const [id, fd] of fds.entries()) workers.place(handOffOf(fd, id));
      // The slots are given from 0 on. The first has its socket, the second none, the third is not taken.
      for (const slot of [0, 1]) expect(ownership.take(slot)).toBe(true);
      ownership.settle(0);
      closeSync(fds[0]); // as its thread's end does
      await workers.drain(0);
      expect(elsewhere.map(({ fd }) => fd).toSorted()).toEqual(fds.slice(1).toSorted());
      expect(over).toEqual([0]);
      abandon(elsewhere);
    } finally {
      run.mockRestore();
      destroy.mockRestore();
    }
  });

  it('that have died leave those who were on their way to others that live, before their successors start', async () => {
    const ends: (() => void)[] = [];
    const run = vi.spyOn(Piscina.prototype, 'run').mockImplementation((task: WorkerTask) => {
      if (ends.length < 2) task.port.postMessage({ type: 'ready', kernel: 'js' });
      return new Promise((_, reject) => {
        ends.push(() => {
          task.port.close();
          reject(new Error('terminated'));
        });
      });
    });
    const destroy = vi.spyOn(Piscina.prototype, 'destroy').mockImplementation(async () => {
      for (const end of ends) end();
    });
    const { workers, over, elsewhere } = made(2, { handOffTimeoutMs: 1_000_000 });
    try {
      await workers.start();
      const [, living] = workers.links;
      for (const id of [1, 2, 3, 4]) workers.place(handOffOf(noSocket(), id));
      expect(workers.links.map(({ load }) => load)).toEqual([2, 2]);
      ends[0]?.();
      await until(() => living?.load === 4);
      expect(workers.load).toBe(4);
      await workers.drain(0);
      expect(elsewhere.map(({ info }) => info.id).toSorted()).toEqual([1, 2, 3, 4]);
      expect(over).toEqual([]);
      abandon(elsewhere);
    } finally {
      run.mockRestore();
      destroy.mockRestore();
    }
  });

  it('that die again and again are replaced ever later, but at most 10 s later', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const run = vi.spyOn(Piscina.prototype, 'run').mockImplementation(async (task: WorkerTask) => {
      task.port.postMessage({ type: 'ready', kernel: 'js' });
      task.port.close();
      throw new Error('on purpose');
    });
    const { workers, log } = made(1);
    try {
      await workers.start();
      for (const delayMs of [0, 100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]) {
        expect(await log.line(/a worker died/)).toContain(`the next starts in ${delayMs} ms`);
        log.lines.length = 0;
        vi.advanceTimersByTime(delayMs);
      }
    } finally {
      vi.useRealTimers();
      run.mockRestore();
      await workers.drain(0);
    }
  });
});
