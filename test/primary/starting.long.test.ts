import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createServer } from '../../dist/index.js';
import { Client } from '../e2e/client.js';
import { RecordingLog, serve, until } from '../e2e/serving.js';
import { ModuleFolder, NEVER } from './module-folder.js';

const modules = new ModuleFolder();
afterAll(() => modules[Symbol.dispose]());

describe('a server whose handler module does not load in time', () => {
  it('does not start, and names the module, also if it keeps the thread busy', async () => {
    const { path, url } = modules.write('busy.mjs', 'while (!isMainThread);');
    const server = createServer({ handler: url, threads: 1, startTimeoutMs: 500, log: new RecordingLog() });
    const error: unknown = await server.listen({ port: 0 }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).message).toContain(`a worker did not start within 0.5 s, with ${path}`);
    expect(server.address()).toBeUndefined();
  });

  it.each([0, 1])('goes on with the old one after a reload (threads: %i)', async (threads) => {
    const name = `later-never-${threads}.mjs`;
    const { path, url } = modules.write(name, '');
    await using served = await serve({ handler: url, threads, startTimeoutMs: 2000 });
    modules.write(name, threads === 0 ? NEVER : `if (!isMainThread) ${NEVER}`);
    await expect(served.server.reload()).rejects.toThrow(`the handler module ${path} did not load within 2 s`);
    using client = await Client.open(served.url);
    client.send('hello');
    expect(await client.text()).toBe('hello');
  });

  it.each([
    ['waits', NEVER, 'did not load within 2 s'],
    ['is busy', 'while (true);', 'did not start within 2 s'],
  ])('ends a replaced thread that %s for ever, names the module, and tries again', async (_, forever, said) => {
    const flag = join(modules.folder, 'stuck');
    writeFileSync(flag, '');
    rmSync(flag);
    const { path, url } = modules.write(
      `replaced-${said.length}.mjs`,
      `if (existsSync(${JSON.stringify(flag)})) ${forever}`,
    );
    await using served = await serve({ handler: url, threads: 1, startTimeoutMs: 2000 });
    using client = await Client.open(served.url);
    writeFileSync(flag, '');
    client.send('exit');
    await client.closed;
    const line = await served.log.line(new RegExp(said));
    expect(line).toContain(path);
    rmSync(flag);
    await until(() => served.server.stats().threads.some(({ isTaking }) => isTaking));
    using next = await Client.open(served.url);
    next.send('hello');
    expect(await next.text()).toBe('hello');
  });
});
