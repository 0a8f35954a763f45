import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ServerOptions } from '../../dist/index.js';
import { Hosting } from '../attach/hosting.js';
import { Command } from '../cli/command.js';
import { pair } from '../tls/certificates.js';
import { Client, refusal } from './client.js';
import { builtIn, handler, isWorkerHandshake, serve, until } from './serving.js';

const channels = handler('channels.js');
const PACKAGE = new URL('../../dist/index.js', import.meta.url);

interface Told {
  readonly name: string;
  readonly threadId: number;
}

/** What the thread of a client has been told of a connection; without an id, of clients that were refused. */
async function toldOf(asking: Client, id?: number): Promise<Told[]> {
  asking.send(JSON.stringify({ id }));
  return JSON.parse(await asking.text());
}

/** Subscribes in this thread until the test is over. @returns the names and events that it has been told */
function subscribed(...names: readonly string[]): (readonly [name: string, event: unknown])[] {
  const told: (readonly [string, unknown])[] = [];
  const listener = (event: unknown, name: string | symbol) => void told.push([String(name), event]);
  for (const name of names) subscribe(name, listener);
  onTestFinished(() => {
    for (const name of names) unsubscribe(name, listener);
  });
  return told;
}

/** Opens, sends a message, closes, and expects that to be told in the worker that hosts it. */
async function expectLifeTold(open: () => Promise<Client>): Promise<void> {
  using one = await open();
  const id = Number(await one.text());
  using other = await open();
  await other.text();
  one.send('{ "id": -1 }');
  await one.text();
  one.socket.close(4000, 'enough');
  await one.closed;
  // The client is told that it is closed before the server has seen the end of TCP.
  let told = await toldOf(other, id);
  while (told.length < 3) told = await toldOf(other, id);
  expect(told).toMatchObject([
    { name: 'open' },
    { name: 'messages', messages: 1, bytes: 2 + 4 + '{ "id": -1 }'.length },
    { name: 'close', code: 4000, reason: 'enough' },
  ]);
  const threads = new Set(told.map(({ threadId }) => threadId));
  expect(threads.size).toBe(1);
  expect([...threads][0]).toBeGreaterThan(0);
}

const NO = { status: 403, reason: 'not you', remoteAddress: '127.0.0.1' };
const ELSE = { status: 404, reason: 'there is no WebSocket on this path', remoteAddress: '127.0.0.1' };
/** `channels.js` refuses one of these. */
const path = ['/', '/no'];

const IN_WORKERS: readonly (readonly [name: string, options: Partial<ServerOptions>])[] = [
  ['the opening handshake in workers', { handshake: 'worker' }],
  ['TLS', { tls: pair('default') }],
];

describe('channels of node:diagnostics_channel', () => {
  it.each([['plain TCP', {}], ...IN_WORKERS] as const)(
    'tell the thread that hosts a connection of its life, with %s',
    async (_, way) => {
      await using served = await serve({ handler: channels, threads: 1, ...way });
      await expectLifeTold(() => Client.open(served.url));
    },
  );

  it.skipIf(isWorkerHandshake)('tell the primary of clients that are refused there', async () => {
    const told = subscribed('wsloom:refused');
    await using served = await serve({ handler: channels, threads: 1, path });
    expect(await refusal(`${served.url}/no`)).toMatchObject({ status: 403 });
    expect(await refusal(`${served.url}/else`)).toMatchObject({ status: 404 });
    expect(told.map(([, event]) => event)).toEqual([NO, ELSE]);
  });

  it.each(IN_WORKERS)('tell a worker of clients that it refuses, and the primary nothing, with %s', async (_, way) => {
    const inPrimary = subscribed('wsloom:refused');
    await using served = await serve({ handler: channels, threads: 1, path, ...way });
    expect(await refusal(`${served.url}/no`)).toMatchObject({ status: 403 });
    expect(await refusal(`${served.url}/else`)).toMatchObject({ status: 404 });
    using one = await Client.open(served.url);
    await one.text();
    expect(await toldOf(one)).toMatchObject([NO, ELSE]);
    expect(inPrimary).toEqual([]);
  });

  it('tell the primary of a client that is closed without an answer, because of TLS', async () => {
    const told = subscribed('wsloom:refused');
    await using served = await serve({
      ...{ handler: builtIn('echo'), threads: 1, tls: pair('default'), maxConnectionsPerIp: 1 },
    });
    using first = await Client.open(served.url);
    expect(first.socket.readyState).toBe(1);
    using second = new Client(served.url);
    expect(await second.closed).toMatchObject({ code: 1006 });
    const reason = 'there are as many connections from this address as there may be (maxConnectionsPerIp)';
    expect(told).toEqual([['wsloom:refused', { status: undefined, reason, remoteAddress: '127.0.0.1' }]]);
  });

  it('tell a thread without workers of everything', async () => {
    const told = subscribed('wsloom:open', 'wsloom:close', 'wsloom:refused');
    const names = () => told.map(([name]) => name);
    await using served = await serve({ handler: channels, threads: 0 });
    expect(await refusal(`${served.url}/no`)).toMatchObject({ status: 403 });
    using one = await Client.open(served.url);
    await one.text();
    expect(names()).toEqual(['wsloom:refused', 'wsloom:open']);
    one.socket.close();
    await once(one.socket, 'close');
    await served.server.close();
    expect(names()).toEqual(['wsloom:refused', 'wsloom:open', 'wsloom:close']);
  });

  it('tell of connections of an HTTP server of the application, and not of what it answers itself', async () => {
    const told = subscribed('wsloom:refused');
    await using hosting = await new Hosting(createServer((_, response) => response.end('mine'))).listen();
    await hosting.attach({ handler: channels, threads: 1, path });
    await expectLifeTold(() => Client.open(`ws:${hosting.place}/`));
    expect(await refusal(`ws:${hosting.place}/no`)).toMatchObject({ status: 403 });
    expect(await (await fetch(`http:${hosting.place}/else`)).text()).toBe('mine');
    expect(told.map(([, event]) => event)).toEqual([NO]);
  });
});

describe('a subscriber that throws', () => {
  it('ends its worker with all of its connections; the log says so, and another worker takes over', async () => {
    await using served = await serve({ handler: channels, threads: 1 });
    using bystander = await Client.open(served.url);
    await bystander.text();
    using broken = new Client(`${served.url}/broken`);
    expect(await broken.closed).toMatchObject({ code: 1006 });
    expect(await bystander.closed).toMatchObject({ code: 1006 });
    await served.log.line(
      /a worker died with 2 connections \(this subscriber is broken\).*\nan error outside of hooks.*: Error: this subscriber is broken/,
    );
    await until(() => served.server.stats().threads.some(({ isTaking }) => isTaking));
    using next = await Client.open(served.url);
    expect(await next.text()).toMatch(/^\d+$/);
  });

  /** A program whose primary has a subscriber that throws. @param more what it does besides */
  const program = (more: string) =>
    new Command(process.execPath, [
      '--input-type=module',
      '--eval',
      `import { subscribe } from 'node:diagnostics_channel';
      import { createServer } from '${PACKAGE}';
      subscribe('wsloom:refused', () => { throw new Error('this subscriber is broken'); });
      ${more}
      const server = createServer({ handler: '${builtIn('echo')}', threads: 0, path: '/live' });
      const { url } = await server.listen({ port: 0 });
      console.log('listening on ' + url);`,
    ]);

  it('ends the process if it is in the primary', async () => {
    await using command = program('');
    const [, url] = await command.says('stdout', /listening on (\S+)\n/);
    using one = new Client(`${url}/else`);
    expect(await command.ended).toBe(1);
    expect((await one.closed).code).toBe(1006);
    expect(command.stderr).toContain('Error: this subscriber is broken');
  });

  it("ends nothing in a primary that listens for 'uncaughtException'", async () => {
    await using command = program("process.on('uncaughtException', ({ message }) => console.log('caught', message));");
    const [, url] = await command.says('stdout', /listening on (\S+)\n/);
    for (let i = 0; i < 2; i++) expect(await refusal(`${url}/else`)).toMatchObject({ status: 404 });
    await command.says('stdout', /(caught this subscriber is broken\n){2}/);
  });
});
