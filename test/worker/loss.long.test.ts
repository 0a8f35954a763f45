import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Client, refusal } from '../e2e/client.js';
import { encodeFrame, Opcode, RawClient } from '../e2e/raw-client.js';
import { Gate, handler, isWorkerHandshake, type Served, serve, until } from '../e2e/serving.js';

const commands = handler('commands.js');

/** Connects this many clients for each thread, and finds out which thread hosts each of them. */
async function openInEachThread(served: Served, count: number): Promise<readonly Client[][]> {
  const threads = new Map<string, Client[]>();
  for (let i = 0; i < count * served.server.threads; i++) {
    const client = await Client.open(served.url);
    const thread = await where(client);
    threads.set(thread, [...(threads.get(thread) ?? []), client]);
  }
  return [...threads.values()];
}

async function where(client: Client): Promise<string> {
  client.run(['where']);
  return client.text();
}

async function health(served: Served): Promise<unknown> {
  // A connection that is kept would count as load of its worker.
  const headers = { Connection: 'close' };
  return (await fetch(`http://127.0.0.1:${served.port}/healthz`, { headers })).json();
}

/** If workers do the opening handshake, clients have no 101 before a worker has taken them: see test/e2e/worker-handshake-ends.long.test.ts. */
const itOpened = it.skipIf(isWorkerHandshake);

describe('a worker that dies', () => {
  it('takes its connections with it and is replaced; the others live on', async () => {
    await using served = await serve({ handler: commands });
    const [dying, living] = (await openInEachThread(served, 3)) as [Client[], Client[]];
    for (const client of [...dying, ...living]) {
      client.run(['subscribe', 'topic'], ['send', 'subscribed']);
      expect(await client.text()).toBe('subscribed');
    }
    const { opened, messagesIn } = served.server.stats();
    dying[0]?.run(['exit']);
    for (const client of dying) expect(await client.closed).toEqual({ code: 1006, reason: '' });
    expect(await served.log.line(/a worker died/)).toMatch(
      /^error: a worker died with 3 connections \(.*\); the next starts in \d+ ms$/,
    );
    expect(served.server.stats()).toMatchObject({ workersLost: 1, connectionsLost: 3, connections: 3, opened });
    expect(served.server.stats().messagesIn).toBeGreaterThanOrEqual(messagesIn);

    await until(() => served.server.stats().threads.filter(({ isTaking }) => isTaking).length === 2);
    expect(await health(served)).toMatchObject({ status: 'ok' });
    // Three more go to the thread that has no connections.
    const late = [await Client.open(served.url), await Client.open(served.url), await Client.open(served.url)];
    const oldThread = await where(living[0] as Client);
    for (const client of late) {
      expect(await where(client)).not.toBe(oldThread);
      client.run(['subscribe', 'topic'], ['send', 'subscribed']);
      expect(await client.text()).toBe('subscribed');
    }
    // Topics reach from the new thread to the old one and back, and from the primary to both.
    const all = [...living, ...late];
    for (const publisher of [living[0], late[0]] as Client[]) {
      publisher.run(['publishToAll', 'topic', 'hello']);
      for (const client of all) expect(await client.text()).toBe('hello');
    }
    served.server.publish('topic', 'from the primary');
    for (const client of all) expect(await client.text()).toBe('from the primary');
    expect(served.server.stats()).toMatchObject({ workersLost: 1, connections: 6, opened: 9 });
  });

  it('of an uncaught error is logged with the error', async () => {
    await using served = await serve({ handler: commands });
    const [dying, living] = (await openInEachThread(served, 1)) as [Client[], Client[]];
    dying[0]?.run(['throwLater']);
    expect(await dying[0]?.closed).toMatchObject({ code: 1006 });
    expect(await served.log.line(/a worker died/)).toContain('thrown by a timer');
    living[0]?.run(['send', 'still here']);
    expect(await living[0]?.text()).toBe('still here');
  });

  itOpened('loses none of the connections that were on their way to it', async () => {
    using gate = new Gate();
    await using served = await serve({ handler: commands, handOffTimeoutMs: 60_000 });
    const [dying, living] = (await openInEachThread(served, 1)) as [Client[], Client[]];
    const survivor = await where(living[0] as Client);
    // Its callback blocks, and then ends the thread.
    dying[0]?.run(['sendBytes', 10_000, 1], ['blockHere'], ['exit']);
    expect((await dying[0]?.next())?.bytes).toHaveLength(10_000);
    const early = encodeFrame(Opcode.TEXT, JSON.stringify([['where']]));
    const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.open(served.port, '/', early)));
    await until(() => served.server.stats().connections === 12);
    gate.open();
    await dying[0]?.closed;
    for (const client of clients) expect(String((await client.next()).payload)).toMatch(/^\d+$/);
    expect(served.server.stats()).toMatchObject({ workersLost: 1, connectionsLost: 1, connections: 21 });
    expect(await where(living[0] as Client)).toBe(survivor);
    for (const client of clients) client.socket.destroy();
  });

  it('and was the only one leaves a server that answers 503 until the next worker has started', async () => {
    await using served = await serve({ handler: commands, threads: 1 });
    using client = await Client.open(served.url);
    client.run(['exit']);
    await client.closed;
    await until(() => served.server.stats().workersLost === 1);
    expect(await health(served)).toMatchObject({ status: expect.stringMatching(/^(ok|degraded)$/) });
    for (;;) {
      const next = new Client(served.url);
      const answer = await Promise.race([
        new Promise<string>((resolve) => next.socket.once('open', () => resolve('accepted'))),
        new Promise<string>((resolve) =>
          next.socket.once('unexpected-response', (_, response) => resolve(String(response.statusCode))),
        ),
      ]);
      if (answer !== 'accepted') expect(answer).toBe('503');
      else expect(await where(next)).toMatch(/^\d+$/);
      next.socket.terminate();
      if (answer === 'accepted') break;
    }
    expect(served.server.stats()).toMatchObject({ workersLost: 1, connectionsLost: 1 });
  });

  it('again and again is replaced each time', async () => {
    await using served = await serve({ handler: commands, threads: 1 });
    for (let lost = 1; lost <= 3; lost++) {
      await until(() => served.server.stats().threads.some(({ isTaking }) => isTaking));
      using client = await Client.open(served.url);
      client.run(['exit']);
      await client.closed;
      await until(() => served.server.stats().workersLost === lost);
    }
    await until(() => served.server.stats().threads.some(({ isTaking }) => isTaking));
    using client = await Client.open(served.url);
    expect(await where(client)).toMatch(/^\d+$/);
    expect(served.server.stats().connections).toBe(1);
  });
});

describe('connections on their way to the only worker, which dies,', () => {
  itOpened('go to the next, and keep their places under maxConnectionsPerIp', async () => {
    using gate = new Gate();
    await using served = await serve({
      handler: commands,
      threads: 1,
      maxConnectionsPerIp: 4,
      handOffTimeoutMs: 10_000,
    });
    using dying = await Client.open(served.url);
    dying.run(['block'], ['later', ['exit']]);
    expect(await dying.text()).toBe('blocked');
    const clients = await Promise.all([1, 2, 3].map(() => Client.open(served.url)));
    gate.open();
    expect((await dying.closed).code).toBe(1006);
    for (const client of clients) expect(await where(client)).toMatch(/^\d+$/);
    using fourth = await Client.open(served.url);
    expect(await where(fourth)).toMatch(/^\d+$/);
    expect(await refusal(served.url)).toMatchObject({ status: 503 });
    expect(served.server.stats()).toMatchObject({ connections: 4, connectionsLost: 1, workersLost: 1 });
    for (const client of clients) client.socket.terminate();
  });
});

describe('a worker blocked by its handler', () => {
  it('gets no new connections after handOffTimeoutMs, which /healthz shows, and goes on when it can', async () => {
    using gate = new Gate();
    // Long enough for a thread that only waits for a processor, so that it does not count as blocked.
    await using served = await serve({ handler: commands, handOffTimeoutMs: 250 });
    const [[blocked], [free]] = (await openInEachThread(served, 1)) as [[Client], [Client]];
    const freeThread = await where(free);
    blocked.run(['block']);
    expect(await blocked.text()).toBe('blocked');
    // Some of these are offered to the blocked thread, and go to the other thread in the end.
    const clients = await Promise.all(Array.from({ length: 10 }, () => Client.open(served.url)));
    for (const client of clients) expect(await where(client)).toBe(freeThread);
    await served.log.line(/a worker does not take connections: \d+ go to others/);

    // No connection is on the way to it now, and it still counts as blocked.
    expect(await health(served)).toMatchObject({ status: 'degraded' });
    expect(served.server.stats().threads.some(({ isTaking }) => !isTaking)).toBe(true);
    using late = await Client.open(served.url);
    expect(await where(late)).toBe(freeThread);

    gate.open();
    await until(async () => ((await health(served)) as { readonly status: string }).status === 'ok');
    expect(await where(blocked)).not.toBe(freeThread);
    using last = await Client.open(served.url);
    expect(await where(last)).not.toBe(freeThread); // it has fewer connections
    expect(served.server.stats()).toMatchObject({ connections: 14, workersLost: 0 });
  });

  itOpened('that is the only one keeps its offered connections; others are refused', async () => {
    using gate = new Gate();
    await using served = await serve({ handler: commands, threads: 1, handOffTimeoutMs: 100 });
    using blocked = await Client.open(served.url);
    blocked.run(['block']);
    expect(await blocked.text()).toBe('blocked');
    using offered = await Client.open(served.url);
    offered.run(['send', 'waited for']);
    await until(() => served.server.stats().threads.every(({ isTaking }) => !isTaking));
    expect(await refusal(served.url)).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    expect(served.server.stats().limits.refusedUnavailable).toBe(1);
    expect(await served.log.line(/: refused: /)).toMatch(/^info: 127\.0\.0\.1: .*no worker takes connections$/);
    expect(await health(served)).toMatchObject({ status: 'degraded' });
    gate.open();
    expect(await offered.text()).toBe('waited for');
    await until(() => served.server.stats().threads.every(({ isTaking }) => isTaking));
    using next = await Client.open(served.url);
    expect(await where(next)).toMatch(/^\d+$/);
  });

  itOpened('until its server closes: its offered connections are closed, and counted', async () => {
    using _ = new Gate();
    await using served = await serve({ handler: commands, threads: 1 });
    using blocked = await Client.open(served.url);
    blocked.run(['block']);
    expect(await blocked.text()).toBe('blocked');
    using offered = await Client.open(served.url);
    await served.server.close({ drainMs: 0 });
    expect((await offered.closed).code).toBe(1006);
    expect(served.server.stats()).toMatchObject({ opened: 1, connectionsLost: 0, connectionsAbandoned: 1 });
  });
});

describe.runIf(process.platform === 'linux')('two workers', () => {
  it('use two processors at a time', async () => {
    using gate = new Gate();
    await using served = await serve({ handler: commands });
    const [[one], [other]] = (await openInEachThread(served, 1)) as [[Client], [Client]];
    const before = processorTicks();
    one.run(['spin'], ['send', 'done']);
    other.run(['spin'], ['send', 'done']);
    // Both callbacks run until the gate opens: each in a thread of its own, or the second would never begin.
    await until(() => {
      const busy = [...processorTicks()].filter(([task, ticks]) => ticks - (before.get(task) ?? 0) >= 15);
      return busy.filter(([task]) => task !== String(process.pid)).length >= 2;
    });
    gate.open();
    expect(await one.text()).toBe('done');
    expect(await other.text()).toBe('done');
  });
});

/** Processor time of each thread of this process so far, in ticks of 10 ms. */
function processorTicks(): ReadonlyMap<string, number> {
  const ticks = new Map<string, number>();
  for (const task of readdirSync('/proc/self/task')) {
    const stat = readFileSync(`/proc/self/task/${task}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // the name may contain anything
    ticks.set(task, Number(fields[11]) + Number(fields[12]));
  }
  return ticks;
}
