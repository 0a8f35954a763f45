import { describe, expect, it } from 'vitest';
import { Command } from '../cli/command.js';

const DIST = new URL('../../dist/', import.meta.url);
const WS = new URL('../../node_modules/ws/wrapper.mjs', import.meta.url);

/** Runs a module in a process of its own. */
function node(source: string): Command {
  const imports = `import { createServer } from '${new URL('index.js', DIST)}'; import { WebSocket } from '${WS}';`;
  const handler = `const handler = new URL('${new URL('handlers/echo.js', DIST)}');`;
  return new Command(process.execPath, ['--input-type=module', '--eval', imports + handler + source]);
}

describe.each([0, 2])('a process, with threads: %i', (threads) => {
  it('ends by itself when its server has been closed', async () => {
    await using run = node(`
      const server = createServer({ handler, threads: ${threads} });
      const { url } = await server.listen({ port: 0 });
      const client = new WebSocket(url);
      client.on('open', () => client.send('hello'));
      client.on('message', async (message) => {
        console.log(String(message));
        await server.close();
        console.log('closed');
      });
      client.on('close', (code) => console.log(code));
    `);
    expect(await run.ended).toBe(0);
    expect(run.stdout.split('\n').toSorted().join(' ').trim()).toBe('1001 closed hello');
    expect(run.stderr).toBe('');
  });

  it('ends by itself when its server could not listen', async () => {
    await using run = node(`
      const first = createServer({ handler, threads: 0 });
      const { port } = await first.listen({ port: 0 });
      const second = createServer({ handler, threads: ${threads} });
      await second.listen({ port }).catch((error) => console.log(error.code));
      await first.close();
    `);
    expect(await run.ended).toBe(0);
    expect(run.stdout).toBe('EADDRINUSE\n');
    expect(run.stderr).toBe('');
  });

  it('goes on as long as its server listens', async () => {
    await using run = node(`
      const server = createServer({ handler, threads: ${threads} });
      const { url } = await server.listen({ port: 0 });
      process.on('SIGTERM', () => server.close());
      console.log('listening on ' + url + ' with ' + server.threads + ' threads, ' + server.kernel + ' kernel');
    `);
    await run.listening();
    expect(run.process.exitCode).toBeNull();
    run.process.kill('SIGTERM');
    expect(await run.ended).toBe(0);
  });
});

it('a server that cannot have threads on this system leaves nothing behind: another one has its handler publish', async () => {
  // What a system without a binary of koffi does.
  const resolve = `export const resolve = (name, context, next) => {
    if (name === 'koffi') throw new Error('no binary');
    return next(name, context);
  };`;
  const publishing = `import { publish } from '${new URL('index.js', DIST)}';
    setTimeout(() => console.log('published', publish('x', 'y')), 20);
    export default {};`;
  await using run = node(`
    import { register } from 'node:module';
    const module = (source) => 'data:text/javascript,' + encodeURIComponent(source);
    register(module(${JSON.stringify(resolve)}));
    const publishing = new URL(module(${JSON.stringify(publishing)}));
    const first = createServer({ handler, threads: 1 });
    await first.listen({ port: 0 }).catch((error) => console.log(error.name, error.option));
    const second = createServer({ handler: publishing, threads: 0 });
    await second.listen({ port: 0 });
    setTimeout(() => second.close(), 200);
  `);
  expect(await run.ended).toBe(0);
  expect(run.stdout).toBe('ConfigError threads\npublished true\n');
});

describe('servers that are closed while their threads start', () => {
  // Of a thread that is ended while it loads an ES module by `require`, or native code, the whole process dies. Many threads take long to
  // start.
  it('do not take the process with them, at whatever moment that is', async () => {
    await using run = node(`
      const log = { info() {}, warn() {}, error() {} };
      for (let i = 0; i < 10; i++) {
        const server = createServer({ handler, threads: 8, log });
        const listening = server.listen({ port: 0 }).catch(() => {});
        await new Promise((resolve) => setTimeout(resolve, 20 * i));
        await server.close({ drainMs: 0 });
        await listening;
      }
      console.log('alive');
    `);
    expect(await run.ended).toBe(0);
    expect(run.stdout).toBe('alive\n');
  });
});
