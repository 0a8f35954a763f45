import { afterAll, describe, expect, it } from 'vitest';
import { createServer, WorkerStartError } from '../../dist/index.js';
import { Client } from '../e2e/client.js';
import { RecordingLog, serve, until } from '../e2e/serving.js';
import { ModuleFolder, NEVER } from './module-folder.js';

const modules = new ModuleFolder();
afterAll(() => modules[Symbol.dispose]());
let written = 0;

describe('a server whose handler module does not load in time', () => {
  it.each([
    [0, NEVER],
    [1, NEVER],
    [1, `if (!isMainThread) ${NEVER}`],
  ])('does not start, and names the module (threads: %i, %s)', async (threads, before) => {
    const { path, url } = modules.write(`never-${++written}.mjs`, before);
    const log = new RecordingLog();
    const server = createServer({ handler: url, threads, startTimeoutMs: 500, log });
    const error: unknown = await server.listen({ port: 0 }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).message).toMatch(/ within 0\.5 s/);
    expect((error as Error).message).toContain(path);
    expect(server.address()).toBeUndefined();
  });
});

it('a server whose threads end while they start does not start, and says so with a code', async () => {
  const { url } = modules.write('exits.mjs', 'if (!isMainThread) process.exit(3);');
  const server = createServer({ handler: url, threads: 2, log: new RecordingLog() });
  const error: unknown = await server.listen({ port: 0 }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(WorkerStartError);
  expect(error).toMatchObject({ code: 'WSLOOM_WORKER' });
  expect((error as Error).message).toMatch(/^a worker ended before it was ready: .*code: 3/);
});

describe('publish() of a handler module', () => {
  const source = (dist: string) => `
    import { isMainThread } from 'node:worker_threads';
    import { publish, roomToPublish } from '${dist}';
    publish('news', 'while it loads'); // nobody is connected, and nothing breaks
    await roomToPublish();
    const tick = setInterval(async () => {
      await roomToPublish();
      publish('news', isMainThread ? 'of the primary' : 'of a thread');
    }, 5);
    tick.unref();
    export const upgrade = ({ query }) => void publish('news', 'asked for ' + query);
    export default { open(connection) { connection.subscribe('news'); } };`;

  it.each([0, 2])('works in the primary too: while it loads, in timers, in upgrade (threads: %i)', async (threads) => {
    const url = modules.writeSource('publishing.mjs', source(new URL('../../dist/index.js', import.meta.url).href));
    await using served = await serve({ handler: url, threads });
    using client = await Client.open(served.url);
    using _another = await Client.open(`${served.url}/?name`);
    const awaited = new Set(['asked for name', 'of the primary', ...(threads > 0 ? ['of a thread'] : [])]);
    while (awaited.size > 0) awaited.delete(await client.text());
    expect(served.log.lines).toEqual([]);
    await served.server.close({ drainMs: 0 });
    await new Promise((resolve) => setTimeout(resolve, 50)); // its timers go on, and must not throw
    expect(served.server.stats().workersLost).toBe(0);
  });
});

describe('an error outside of hooks', () => {
  it.each([
    ['throw', 'from a timer'],
    ['reject', 'awaited by nobody'],
  ])(
    'ends its thread (%s); the log has the stack, the file and the connections; others notice nothing',
    async (what, message) => {
      const { path, url } = modules.write(`throwing-${++written}.mjs`, '');
      await using served = await serve({ handler: url, threads: 2 });
      const clients = [];
      for (let i = 0; i < 4; i++) clients.push(await Client.open(served.url));
      const [victim, other, same, another] = clients as [Client, Client, Client, Client]; // in turn on the two threads
      victim.send(what);
      expect((await victim.closed).code).toBe(1006);
      expect((await same.closed).code).toBe(1006);
      const line = await served.log.line(/a worker died/);
      expect(line).toContain(`a worker died with 2 connections (${message})`);
      expect(line).toContain(
        `an error outside of hooks, in a thread with the handler ${path}: Error: ${message}\n    at `,
      );
      expect(line).toContain(`throwing-${written}.mjs:`);
      for (const client of [other, another]) {
        client.send('hello');
        expect(await client.text()).toBe('hello');
      }
      using fresh = await Client.open(served.url);
      fresh.send('hello');
      expect(await fresh.text()).toBe('hello');
      expect(served.server.stats()).toMatchObject({ workersLost: 1, connectionsLost: 2 });
      expect(served.log.lines.filter((said) => said.startsWith('error'))).toHaveLength(1);
      for (const client of [other, another]) client[Symbol.dispose]();
    },
  );

  it('ends its thread only, also if it is no error, and cannot be made a string', async () => {
    await using served = await serve({ handler: modules.write('odd.mjs', '').url, threads: 1 });
    using client = await Client.open(served.url);
    client.send('throw no error');
    expect((await client.closed).code).toBe(1006);
    expect(await served.log.line(/a worker died/)).toContain('a worker died with 1 connections (');
    await until(() => served.server.stats().threads.some(({ isTaking }) => isTaking));
    using next = await Client.open(served.url);
    next.send('hello');
    expect(await next.text()).toBe('hello');
  });

  it('is not what a thread that exits is said to have had', async () => {
    await using served = await serve({ handler: modules.write('exiting.mjs', '').url, threads: 1 });
    using client = await Client.open(served.url);
    client.send('exit');
    await client.closed;
    expect(await served.log.line(/a worker died/)).not.toContain('outside of hooks');
  });
});
