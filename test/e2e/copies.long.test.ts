import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Command } from '../cli/command.js';
import { Client } from './client.js';
import { PackageCopy, PUBLISHING } from './package-copy.js';
import { serve } from './serving.js';

const copy = new PackageCopy();
/** A copy whose version does not fit. */
const old = new PackageCopy();
afterAll(() => {
  copy[Symbol.dispose]();
  old[Symbol.dispose]();
});

const ESM = copy.write('chat.mjs', `import { defineHandler, publish } from 'wsloom'; export default ${PUBLISHING};`);
const COMMON = copy.write(
  'chat.cjs',
  `const { defineHandler, publish } = require('wsloom'); module.exports = ${PUBLISHING};
   module.exports.upgrade = ({ path }) => (path === '/shut' ? { status: 410 } : undefined);`,
);

const misfitting = join(old.dist, 'host', 'publish.js');
writeFileSync(misfitting, readFileSync(misfitting, 'utf8').replace('VERSION = 1', 'VERSION = 0'));
const MISFIT = old.write('chat.mjs', readFileSync(ESM, 'utf8'));

/** Checks that two clients both get what one of them sends. */
async function publishes(url: string): Promise<void> {
  using sender = await Client.open(url);
  using other = await Client.open(url);
  sender.send('hello');
  for (const client of [sender, other]) {
    expect([await client.text(), await client.text()]).toEqual(['hello', 'again hello']);
  }
}

describe.each([0, 2])('a handler that imports another copy of the package than the server (threads: %i)', (threads) => {
  it.each([ESM, COMMON])('publishes to the connections of the server (%s)', async (handler) => {
    await using command = Command.run('serve', handler, '--port', '0', '--threads', String(threads));
    await publishes(await command.listening());
  });

  it('gets an error with both paths if the versions do not fit', async () => {
    await using served = await serve({ handler: MISFIT, threads });
    using client = await Client.open(served.url);
    client.send('hello');
    expect((await client.closed).code).toBe(1011);
    const line = await served.log.line(/message\(\) of the handler failed/);
    expect(line).toContain('whose version does not fit');
    expect(line).toContain(`/node_modules/wsloom/dist/host/publish.js`);
    expect(line).toContain(new URL('../../dist/host/publish.js', import.meta.url).href);
  });
});

describe('wsloom serve', () => {
  it('takes the upgrade hook of a CommonJS module', async () => {
    await using command = Command.run('serve', COMMON, '--port', '0', '--threads', '1');
    const url = (await command.listening()).replace('ws:', 'http:');
    const headers = { connection: 'upgrade', upgrade: 'websocket' };
    const { get } = await import('node:http');
    const key = { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-version': '13' };
    const status = await new Promise((resolve) =>
      get(`${url}/shut`, { headers: { ...headers, ...key } }, ({ statusCode }) => resolve(statusCode)),
    );
    expect(status).toBe(410);
  });

  it.each([
    ['broken.mjs', 'export default { message( };', ':1:27: SyntaxError: '],
    ['broken.cjs', 'module.exports = { message( };', ':1:29: SyntaxError: '],
  ])('says in one line where %s has a syntax error, with exit code 2', async (name, source, said) => {
    const path = copy.write(name, source);
    await using command = Command.run('serve', path, '--port', '0', '--threads', '1');
    expect(await command.ended).toBe(2);
    expect(command.stderr).toMatch(/^[^\n]+\n$/);
    expect(command.stderr).toContain(`wsloom: the handler module ${path} does not load: ${path}${said}`);
  });

  it.each([
    'await new Promise(() => {});',
    `import { isMainThread } from 'node:worker_threads'; await (isMainThread || new Promise(() => {})); export default {};`,
  ])('ends with exit code 2 if the handler does not load in time (%s)', async (source) => {
    const path = copy.write('never.mjs', source);
    await using command = Command.run('serve', path, '--port', '0', '--start-timeout', '0.2');
    expect(await command.ended).toBe(2);
    expect(command.stderr).toContain(`the handler module ${path} did not load within 0.2 s`);
  });

  it('runs TypeScript if Node does, and otherwise says what to do', async () => {
    const path = copy.write('echo.ts', 'export default { message(to: any, message: any) { to.send(message); } };');
    await using command = Command.run('serve', path, '--port', '0', '--threads', '1');
    if (Reflect.get(process.features, 'typescript')) {
      using client = await Client.open(await command.listening());
      client.send('hello');
      expect(await client.text()).toBe('hello');
    } else {
      expect(await command.ended).toBe(2);
      expect(command.stderr).toContain('Compile it to JavaScript, or start Node with --import tsx');
    }
  });
});
