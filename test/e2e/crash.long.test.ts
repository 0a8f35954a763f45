import { readdirSync } from 'node:fs';
import { setEnvironmentData, type Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeRequest, RawClient } from './raw-client.js';
import { handler, type Served, serve, until } from './serving.js';

/** Moments at which a thread dies, in the order of `handlers/dying.js`, and what happens to the client that it has just got. */
const INSTANTS = [
  ['between taking a descriptor and having a socket on it', 'goes to another'],
  ['with a socket that it has not reported', 'is lost'],
  ['with a socket that it has reported', 'is lost'],
  ['in a hook', 'is lost'],
  ['by an error outside of hooks', 'is lost'],
  ['by being out of memory', 'is lost'],
] as const;

const IN_A_HOOK = 4;
const THREADS = 3;
const PLACES = 16;
/** What the windows of one client take. */
const WINDOW_BYTES = 64 * 1024;
const OFFER = 'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits';
const asked = new Int32Array(new SharedArrayBuffer(4));

/** Descriptors of this process, whose threads share them. */
const descriptors = () => readdirSync('/proc/self/fd').length;

/** How many descriptors there are when no more of them are being closed. */
async function settledDescriptors(): Promise<number> {
  for (let last = descriptors(); ; ) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    const now = descriptors();
    if (now === last) return now;
    last = now;
  }
}

/** Whether its connection lives. */
async function isEchoed(client: RawClient, text: string): Promise<boolean> {
  client.text(text);
  const frame = await client.next().catch(() => undefined);
  return String(frame?.payload) === text;
}

/** Whether every thread is there again. @param lost how many workers must have died until then */
async function isWhole({ server }: Served, lost: number): Promise<boolean> {
  const { workersLost, threads } = server.stats();
  return workersLost === lost && threads.filter(({ isTaking }) => isTaking).length === THREADS;
}

/** A client that offers compression, whose answer is not waited for. */
async function upgrading(port: number): Promise<RawClient> {
  const client = await RawClient.connect(port);
  client.socket.write(encodeRequest('/', [OFFER]));
  return client;
}

/** An address has as many places as it may have, and there are as many windows: none is lost, and there is none too many. */
async function expectAllPlaces({ port, server }: Served): Promise<void> {
  await until(() => server.stats().connections === 0);
  const clients: RawClient[] = [];
  try {
    for (let i = 0; i <= PLACES; i++) {
      const client = await upgrading(port);
      clients.push(client);
      const response = await client.response;
      expect(response.slice(0, 12)).toBe(i < PLACES ? 'HTTP/1.1 101' : 'HTTP/1.1 503');
      if (i < PLACES) expect(response).toContain('\r\nSec-WebSocket-Extensions: permessage-deflate\r\n');
    }
  } finally {
    for (const client of clients) client[Symbol.dispose]();
  }
  await until(() => server.stats().connections === 0);
}

describe.runIf(process.platform === 'linux')('a thread that dies', () => {
  const workers = new Set<Worker>();
  const note = (worker: Worker) => void workers.add(worker.once('exit', () => workers.delete(worker)));
  let served: Served;
  let lost = 0;
  let before = 0;

  beforeAll(async () => {
    setEnvironmentData('wsloom.e2e.dying', asked.buffer);
    process.on('worker', note);
    served = await serve({
      handler: handler('dying.js'),
      threads: THREADS,
      maxConnectionsPerIp: PLACES,
      resourceLimits: { maxOldGenerationSizeMb: 32 },
      deflate: { contextTakeover: true, windowBits: 15, maxMemoryBytes: PLACES * WINDOW_BYTES },
    });
    // Things that are made when they are first needed: for a thread that dies, for its successor, for a reload.
    Atomics.store(asked, 0, IN_A_HOOK);
    lost++;
    const client = await upgrading(served.port);
    await Promise.race([client.ended, client.closed]);
    client[Symbol.dispose]();
    await until(() => isWhole(served, lost));
    await served.server.reload();
    await expectAllPlaces(served);
    before = await settledDescriptors();
  });

  afterAll(async () => {
    process.off('worker', note);
    setEnvironmentData('wsloom.e2e.dying', undefined);
    await served[Symbol.asyncDispose]();
  });

  /** Only the thread's own clients are lost, and nothing of the thread stays. */
  async function expectDeath(die: () => Promise<void>): Promise<void> {
    using bystanders = new Clients();
    while (bystanders.all.length < THREADS) {
      const client = await bystanders.open(served.port);
      expect(await isEchoed(client, 'before')).toBe(true);
    }
    await die();
    await until(() => isWhole(served, lost));
    const alive = await Promise.all(bystanders.all.map((client) => isEchoed(client, 'after')));
    expect(alive.filter((is) => is)).toHaveLength(THREADS - 1); // it had one of them
    bystanders[Symbol.dispose]();
    await expectAllPlaces(served);
    await until(() => descriptors() <= before);
  }

  it.each(INSTANTS.map(([when, then], i) => ({ when, then, instant: i + 1 })))(
    '$when: its client $then',
    async ({ then, instant }) => {
      await expectDeath(async () => {
        Atomics.store(asked, 0, instant);
        lost++;
        using client = await upgrading(served.port);
        expect(await client.response).toContain(' 101 ');
        expect(await isEchoed(client, 'hello')).toBe(then === 'goes to another');
      });
      await served.server.reload(); // the next thread that dies is the first of its pool
    },
  );

  it('is replaced also if it is terminated from outside', async () => {
    await until(() => workers.size === THREADS); // those that a reload has replaced are gone
    await expectDeath(async () => {
      lost++;
      const [worker] = workers;
      await worker?.terminate();
    });
  });
});

class Clients implements Disposable {
  readonly all: RawClient[] = [];

  async open(port: number): Promise<RawClient> {
    const client = await upgrading(port);
    expect(await client.response).toContain(' 101 ');
    this.all.push(client);
    return client;
  }

  [Symbol.dispose](): void {
    for (const client of this.all.splice(0)) client[Symbol.dispose]();
  }
}

it('a thread that something is missing for is not used again: the next one is new', async () => {
  const threads = new Int32Array(new SharedArrayBuffer(4));
  setEnvironmentData('wsloom.e2e.unfit', threads.buffer);
  await using served = await serve({ handler: handler('unfit.js'), threads: 1 });
  using client = await RawClient.open(served.port, '/');
  client.text('crash');
  const line = await served.log.line(/could not start/);
  expect(line).toMatch(/a worker died with 0 connections \(a worker could not start: Error: no binary of koffi/);
  expect(line).not.toContain('outside of hooks');
  await until(() => served.server.stats().threads.some(({ isTaking }) => isTaking));
  expect([threads[0], served.server.stats().workersLost]).toEqual([3, 2]);
});
