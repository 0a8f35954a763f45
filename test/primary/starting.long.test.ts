import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createServer } from '../../dist/index.js';
import { Client } from '../e2e/client.js';
import { RecordingLog, serve, until } from '../e2e/serving.js';

let folder: string;
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
      if (text === 'reject') void Promise.reject(new Error('awaited by nobody'));
      connection.send(text);
    } };`,
  );
  return { path, url: pathToFileURL(path) };
}

const NEVER = 'await new Promise(() => {});';

describe('a server whose handler module does not load in time', () => {
  it('does not start, and names the module, also if it keeps the thread busy', async () => {
    const { path, url } = write('busy.mjs', 'while (!isMainThread);');
    const server = createServer({ handler: url, threads: 1, startTimeoutMs: 500, log: new RecordingLog() });
    const error: unknown = await server.listen({ port: 0 }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).message).toContain(`a worker did not start within 0.5 s, with ${path}`);
    expect(server.address()).toBeUndefined();
  });

  it.each([0, 1])('goes on with the old one after a reload (threads: %i)', async (threads) => {
    const name = `later-never-${threads}.mjs`;
    const { path, url } = write(name, '');
    await using served = await serve({ handler: url, threads, startTimeoutMs: 2000 });
    write(name, threads === 0 ? NEVER : `if (!isMainThread) ${NEVER}`);
    await expect(served.server.reload()).rejects.toThrow(`the handler module ${path} did not load within 2 s`);
    using client = await Client.open(served.url);
    client.send('hello');
    expect(await client.text()).toBe('hello');
  });

  it.each([
    ['waits', NEVER, 'did not load within 2 s'],
    ['is busy', 'while (true);', 'did not start within 2 s'],
  ])('ends a replaced thread that %s for ever, names the module, and tries again', async (_, forever, said) => {
    const flag = join(folder, 'stuck');
    writeFileSync(flag, '');
    rmSync(flag);
    const { path, url } = write(`replaced-${said.length}.mjs`, `if (existsSync(${JSON.stringify(flag)})) ${forever}`);
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
