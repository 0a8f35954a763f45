import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createServer } from '../../dist/index.js';
import { Client } from '../e2e/client.js';
import { RecordingLog, serve, until } from '../e2e/serving.js';

let folder: string;
let written = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wsloom-starting-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** A module that does something before it can be a handler. */
function write(name: string, before: string): { readonly path: string; readonly url: URL } {
  const path = join(folder, name);
  writeFileSync(
    path,
    `import { existsSync } from 'node:fs';
    import { isMainThread } from 'node:worker_threads';
    ${before}
    export default { message(connection, message) {
      const text = message.text();
      if (text === 'exit') process.exit(3);
      if (text === 'throw') setTimeout(() => { throw new Error('from a timer'); });
      if (text === 'throw no error') setTimeout(() => { throw { toString: 1, valueOf: 1 }; });
      if (text === 'reject') void Promise.reject(new Error('awaited by nobody'));
      connection.send(text);
    } };`,
  );
  return { path, url: pathToFileURL(path) };
}

const NEVER = 'await new Promise(() => {});';

describe('a server whose handler module does not load in time', () => {
  it.each([
    [0, NEVER],
    [1, NEVER],
    [1, `if (!isMainThread) ${NEVER}`],
  ])('does not start, and names the module (threads: %i, %s)', async (threads, before) => {
    const { path, url } = write(`never-${++written}.mjs`, before);
    const log = new RecordingLog();
    const server = createServer({ handler: url, threads, startTimeoutMs: 500, log });
    const error: unknown = await server.listen({ port: 0 }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).message).toMatch(/ within 0\.5 s/);
    expect((error as Error).message).toContain(path);
    expect(server.address()).toBeUndefined();
  });
});

describe('an error outside of hooks', () => {
  it.each([
    ['throw', 'from a timer'],
    ['reject', 'awaited by nobody'],
  ])(
    'ends its thread (%s); the log has the stack, the file and the connections; others notice nothing',
    async (what, message) => {
      const { path, url } = write(`throwing-${++written}.mjs`, '');
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
    await using served = await serve({ handler: write('odd.mjs', '').url, threads: 1 });
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
    await using served = await serve({ handler: write('exiting.mjs', '').url, threads: 1 });
    using client = await Client.open(served.url);
    client.send('exit');
    await client.closed;
    expect(await served.log.line(/a worker died/)).not.toContain('outside of hooks');
  });
});
