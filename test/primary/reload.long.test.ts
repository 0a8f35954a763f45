import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Piscina } from 'piscina';
import { describe, expect, it, vi } from 'vitest';
import { createServer, type ServerOptions } from '../../dist/index.js';
import { Command } from '../cli/command.js';
import { Client, refusal } from '../e2e/client.js';
import { Gate, handler, isWorkerHandshake, RecordingLog, type Served, serve, until } from '../e2e/serving.js';
import { fileOf, pair } from '../tls/certificates.js';
import { watchedFolders } from '../tls/watched-folders.js';

const INDEX = new URL('../../dist/index.js', import.meta.url).href;

/** A handler module that can be written anew. */
class ModuleFile implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'wsloom-reload-'));
  readonly path = join(this.#folder, 'handler.mjs');
  /** A file that a module may write when it begins to load. */
  readonly loadingPath = join(this.#folder, 'loading');

  get url(): URL {
    return pathToFileURL(this.path);
  }

  /** Lets what waits in hooks go on. */
  goOn(): void {
    writeFileSync(join(this.#folder, 'go-on'), '');
  }

  /** Answers each message with the version in front of it, `later` only after {@link goOn}, `to all` to its whole room. */
  write(version: string, more = ''): void {
    writeFileSync(
      this.path,
      `import { existsSync } from 'node:fs';
      import { defineHandler, publish } from ${JSON.stringify(INDEX)};
      const goesOn = () => existsSync(${JSON.stringify(join(this.#folder, 'go-on'))});
      export default defineHandler({
        open(connection) { connection.subscribe('room'); },
        async message(connection, message) {
          const text = message.text();
          while (text.startsWith('later') && !goesOn()) await new Promise((resolve) => setTimeout(resolve, 5));
          if (text === 'later die') process.exit(1);
          if (text.endsWith('to all')) publish('room', '${version} ' + text);
          else connection.send('${version} ' + text);
          if (text !== 'block and die') return;
          setImmediate(() => {
            while (!goesOn()); // so that it takes nobody
            process.exit(1);
          });
        },
      });
      ${more}`,
    );
  }

  /** The same, but loads only after {@link goOn}. */
  writeSlow(version: string): void {
    this.write(version, 'while (!goesOn()) await new Promise((resolve) => setTimeout(resolve, 5));');
  }

  writeBroken(): void {
    writeFileSync(this.path, 'export default {');
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true });
  }
}

async function answer(client: Client, text: string): Promise<string> {
  client.send(text);
  return client.text();
}

describe.each([0, 2])('reload(), with threads: %i', (threads) => {
  it('loads the handler again, with its upgrade hook; old connections are answered, and closed with 1001', async () => {
    using file = new ModuleFile();
    file.write('one');
    await using served = await serve({ handler: file.url, threads });
    using old = await Client.open(served.url);
    expect(await answer(old, 'hello')).toBe('one hello');

    file.write('two', `export const upgrade = ({ path }) => path === '/shut' ? { status: 410 } : undefined;`);
    old.send('later');
    await until(() => served.server.stats().messagesIn === 2);
    await served.server.reload();
    using fresh = await Client.open(served.url);
    expect(await answer(fresh, 'hello')).toBe('two hello');
    expect(await refusal(`${served.url}/shut`)).toMatchObject({ status: 410 });
    file.goOn();
    expect(await old.text()).toBe('one later');
    expect(await old.closed).toMatchObject({ code: 1001 });
    await until(() => served.server.stats().connections === 1);
    expect(served.server.stats()).toMatchObject({ reloads: 1, opened: 2, messagesIn: 3, workersLost: 0 });
    expect(served.server.stats().threads).toHaveLength(threads);
  });

  it('goes on with the old handler if the new one does not load', async () => {
    using file = new ModuleFile();
    file.write('one');
    await using served = await serve({ handler: file.url, threads });
    using old = await Client.open(served.url);
    file.writeBroken();
    await expect(served.server.reload()).rejects.toMatchObject({ name: 'HandlerModuleError' });
    expect(await answer(old, 'hello')).toBe('one hello');
    using another = await Client.open(served.url);
    expect(await answer(another, 'hello')).toBe('one hello');
    file.write('two');
    await served.server.reload();
    using fresh = await Client.open(served.url);
    expect(await answer(fresh, 'hello')).toBe('two hello');
  });

  it('lets topics reach from the old threads to the new', async () => {
    using file = new ModuleFile();
    file.write('one');
    await using served = await serve({ handler: file.url, threads });
    using old = await Client.open(served.url);
    old.send('later to all');
    await until(() => served.server.stats().messagesIn === 1);
    file.write('two');
    await served.server.reload({ drainMs: 20_000 });
    using fresh = await Client.open(served.url);
    expect(await answer(fresh, 'hello')).toBe('two hello');
    file.goOn();
    expect(await fresh.text()).toBe('one later to all');
    expect(await old.text()).toBe('one later to all');
    served.server.publish('room', 'from the primary');
    expect(await fresh.text()).toBe('from the primary');
  });

  it('that is called while one runs is one reload more, however often, which loads what there is then', async () => {
    using file = new ModuleFile();
    file.write('one');
    await using served = await serve({ handler: file.url, threads });
    const first = served.server.reload();
    file.write('two');
    await Promise.all([first, ...[1, 2, 3, 4, 5].map(() => served.server.reload())]);
    expect(served.server.stats().reloads).toBe(2);
    using client = await Client.open(served.url);
    expect(await answer(client, 'hello')).toBe('two hello');
    await served.server.reload();
    expect(served.server.stats().reloads).toBe(3);
  });

  it('several at once come one after the other, and close() ends them all', async () => {
    using file = new ModuleFile();
    file.write('one');
    await using served = await serve({ handler: file.url, threads });
    using client = await Client.open(served.url);
    await Promise.all([served.server.reload(), served.server.reload({ drainMs: 60_000 })]);
    expect(served.server.stats().reloads).toBe(2);
    const reloading = expect(served.server.reload()).rejects.toThrow(/closed|running/);
    await served.server.close({ drainMs: 200 });
    await reloading;
    expect((await client.closed).code).toBe(1001);
    expect(served.server.stats()).toMatchObject({ connections: 0, bufferedBytes: 0, arenaBytes: 0 });
    await expect(served.server.reload()).rejects.toThrow('only a running server can be reloaded');
  });
});

it('a reload whose threads have started only after close() is refused, and counts for nothing', async () => {
  using file = new ModuleFile();
  file.write('one');
  await using served = await serve({ handler: file.url, threads: 1 });
  file.write(
    'two',
    `import { writeFileSync } from 'node:fs';
    import { isMainThread } from 'node:worker_threads';
    if (!isMainThread) {
      writeFileSync(${JSON.stringify(file.loadingPath)}, '');
      while (!goesOn()) await new Promise((resolve) => setTimeout(resolve, 5));
    }`,
  );
  const reloading = expect(served.server.reload()).rejects.toThrow('the server was closed while it was starting');
  await until(() => existsSync(file.loadingPath));
  const closed = served.server.close({ drainMs: 20_000 });
  file.goOn();
  await reloading;
  await closed;
  expect(served.server.stats()).toMatchObject({ reloads: 0, connections: 0, arenaBytes: 0 });
});

describe('a worker that dies while it drains', () => {
  it('is counted with its connections, and not replaced', async () => {
    using file = new ModuleFile();
    file.write('one');
    await using served = await serve({ handler: file.url, threads: 1 });
    using old = await Client.open(served.url);
    old.send('later die');
    await until(() => served.server.stats().messagesIn === 1);
    await served.server.reload({ drainMs: 20_000 });
    using fresh = await Client.open(served.url);
    file.goOn();
    expect((await old.closed).code).toBe(1006);
    await served.log.line(/^error: a worker died with 1 connections .* while it was draining$/);
    expect(await answer(fresh, 'hello')).toBe('one hello');
    expect(served.server.stats()).toMatchObject({ workersLost: 1, connectionsLost: 1, connections: 1, opened: 2 });
    expect(served.server.stats().threads).toEqual([{ connections: 1, isTaking: true }]);
  });
});

/** If workers do the opening handshake, clients have no 101 before a worker has taken them: see worker-handshake-ends.long.test.ts. */
const describeOpened = describe.skipIf(isWorkerHandshake);

describeOpened('a worker that is blocked, and dies while it drains', () => {
  it('leaves those who were on their way to it to the new threads', async () => {
    using file = new ModuleFile();
    file.write('one');
    await using served = await serve({ handler: file.url, threads: 1, handOffTimeoutMs: 1_000_000 });
    using dying = await Client.open(served.url);
    expect(await answer(dying, 'block and die')).toBe('one block and die');
    const waiting = await Promise.all([1, 2].map(() => Client.open(served.url)));
    for (const client of waiting) client.send('hello');
    file.write('two');
    await served.server.reload({ drainMs: 1_000_000 });
    file.goOn();
    expect((await dying.closed).code).toBe(1006);
    await served.log.line(/^error: a worker died with 1 connections .* while it was draining$/);
    for (const client of waiting) expect(await client.text()).toBe('two hello');
    expect(served.server.stats()).toMatchObject({ workersLost: 1, connectionsLost: 1, connections: 2, opened: 3 });
    for (const client of waiting) client.socket.terminate();
  });
});

describeOpened('a reload while the only worker is blocked', () => {
  /** Three clients that have their 101 and wait for the blocked worker, under a limit of six for their address. */
  async function waitForBlocked(options: Partial<ServerOptions>) {
    const served = await serve({ handler: handler('commands.js'), threads: 1, maxConnectionsPerIp: 6, ...options });
    const blocked = await Client.open(served.url);
    blocked.run(['block']);
    expect(await blocked.text()).toBe('blocked');
    const waiting = await Promise.all([1, 2, 3].map(() => Client.open(served.url)));
    for (const client of waiting) client.run(['send', 'served']);
    return { served, blocked, waiting };
  }

  /** So many clients more are accepted, and the next is refused. */
  async function expectRoomFor(served: Served, count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const client = await Client.open(served.url);
      client.run(['send', 'served']);
      expect(await client.text()).toBe('served');
    }
    expect(await refusal(served.url)).toMatchObject({ status: 503 });
  }

  it('serves those who wait for it by the new threads at once, and counts each of them once', async () => {
    using gate = new Gate();
    const { served, blocked, waiting } = await waitForBlocked({ handOffTimeoutMs: 1_000_000 });
    await using _ = served;
    await served.server.reload({ drainMs: 1_000_000 });
    for (const client of waiting) expect(await client.text()).toBe('served');
    await expectRoomFor(served, 2); // the blocked one has its place
    gate.open();
    expect((await blocked.closed).code).toBe(1001);
    await until(() => served.server.stats().connections === 5);
    await expectRoomFor(served, 1);
    for (const client of waiting) client.socket.terminate();
    await until(() => served.server.stats().connections === 3);
    await expectRoomFor(served, 3);
    expect(served.server.stats()).toMatchObject({ opened: 10, workersLost: 0, connectionsLost: 0 });
  });

  it('serves them also when its drainMs are over first, and gives back the place of who was blocked', async () => {
    using _gate = new Gate();
    const { served, blocked, waiting } = await waitForBlocked({ handOffTimeoutMs: 1_000_000 });
    await using _ = served;
    await served.server.reload({ drainMs: 50 });
    for (const client of waiting) expect(await client.text()).toBe('served');
    expect((await blocked.closed).code).toBe(1006);
    await until(() => served.server.stats().connections === 3);
    await expectRoomFor(served, 3);
    expect(served.server.stats()).toMatchObject({ opened: 7, workersLost: 0, connectionsLost: 0 });
  });

  it('gives it none of them in its last moment', async () => {
    using gate = new Gate();
    const { served, blocked, waiting } = await waitForBlocked({ handOffTimeoutMs: 1_000_000 });
    await using _ = served;
    const { destroy } = Piscina.prototype;
    // It goes on when its time is over, and before it is ended.
    const spy = vi.spyOn(Piscina.prototype, 'destroy').mockImplementation(async function (this: Piscina) {
      gate.open();
      expect(await blocked.closed).toMatchObject({ code: 1001 });
      await destroy.call(this);
    });
    await served.server.reload({ drainMs: 50 });
    for (const client of waiting) expect(await client.text()).toBe('served');
    spy.mockRestore();
    await until(() => served.server.stats().connections === 3);
    await expectRoomFor(served, 3);
  });

  it('is no reason for a close() to drop those who wait: it may go on before the time is over', async () => {
    using gate = new Gate();
    const { served, blocked, waiting } = await waitForBlocked({ handOffTimeoutMs: 200 });
    const closed = served.server.close({ drainMs: 1_000_000 });
    await until(() => served.server.stats().threads.every(({ isTaking }) => !isTaking));
    // Now and then it is looked at whether somebody else can take them, and nobody can.
    await new Promise((resolve) => setTimeout(resolve, 120));
    gate.open();
    for (const client of [blocked, ...waiting]) expect((await client.closed).code).toBe(1001);
    await closed;
    expect(served.server.stats()).toMatchObject({ connections: 0, opened: 4 });
  });

  it('and then a close() ends all, those who wait too, and their places are free', async () => {
    using _gate = new Gate();
    const { served, blocked, waiting } = await waitForBlocked({ handOffTimeoutMs: 1_000_000 });
    await served.server.reload({ drainMs: 1_000_000 });
    await served.server.close({ drainMs: 50 });
    expect((await blocked.closed).code).toBe(1006);
    for (const client of waiting) expect((await client.closed).code).toBe(1001);
    expect(served.server.stats()).toMatchObject({ connections: 0, opened: 4 });
  });
});

describeOpened('a reload while no worker starts any more', () => {
  it('serves those whose worker has died before it took them', async () => {
    using file = new ModuleFile();
    file.write('one');
    await using served = await serve({
      handler: file.url,
      threads: 1,
      maxConnectionsPerIp: 3,
      handOffTimeoutMs: 100_000,
    });
    // A worker that is tried again could start before the reload is done, and take them.
    const { run } = Piscina.prototype;
    using spy = vi.spyOn(Piscina.prototype, 'run').mockImplementation(function (this: Piscina, ...args) {
      return this === spy.mock.contexts[0] ? Promise.reject(new Error('on purpose')) : run.apply(this, args);
    });
    using dying = await Client.open(served.url);
    expect(await answer(dying, 'block and die')).toBe('one block and die');
    const waiting = await Promise.all([1, 2].map(() => Client.open(served.url)));
    for (const client of waiting) client.send('hello');
    file.goOn();
    expect((await dying.closed).code).toBe(1006);
    await until(() => spy.mock.calls.length > 0);
    file.write('two');
    await served.server.reload();
    for (const client of waiting) expect(await client.text()).toBe('two hello');
    using more = await Client.open(served.url);
    expect(await answer(more, 'hello')).toBe('two hello');
    expect(await refusal(served.url)).toMatchObject({ status: 503 });
    expect(served.server.stats()).toMatchObject({ connectionsLost: 1, connectionsAbandoned: 0 });
    for (const client of waiting) client.socket.terminate();
  });

  it('comes too late for those who have waited for handOffTimeoutMs: they are closed, and their places are free', async () => {
    using file = new ModuleFile();
    file.write('one');
    await using served = await serve({ handler: file.url, threads: 1, maxConnectionsPerIp: 3, handOffTimeoutMs: 250 });
    using dying = await Client.open(served.url);
    expect(await answer(dying, 'block and die')).toBe('one block and die');
    const waiting = await Promise.all([1, 2].map(() => Client.open(served.url)));
    file.writeBroken();
    file.goOn();
    for (const client of [dying, ...waiting]) expect((await client.closed).code).toBe(1006);
    await served.log.line(/no worker takes connection \d+: it is closed/);
    file.write('two');
    await served.server.reload();
    const late = await Promise.all([1, 2, 3].map(() => Client.open(served.url)));
    for (const client of late) expect(await answer(client, 'hello')).toBe('two hello');
    expect(await refusal(served.url)).toMatchObject({ status: 503 });
    expect(served.server.stats()).toMatchObject({ connections: 3, connectionsLost: 1, connectionsAbandoned: 2 });
    for (const client of late) client.socket.terminate();
  });
});

describe('SIGHUP', () => {
  it('loads the handler again, or says why it goes on with the old one', async () => {
    using file = new ModuleFile();
    file.write('one');
    await using command = Command.run('serve', file.path, '--port', '0', '--threads', '1');
    const url = await command.listening();
    using old = await Client.open(url);
    expect(await answer(old, 'hello')).toBe('one hello');
    file.writeBroken();
    command.process.kill('SIGHUP');
    await command.says('stderr', /the old one goes on: .*does not load/);
    expect(await answer(old, 'hello')).toBe('one hello');
    file.write('two');
    command.process.kill('SIGHUP');
    await command.says('stderr', /the handler is loaded again; old threads drain/);
    expect(await old.closed).toMatchObject({ code: 1001 });
    using fresh = await Client.open(url);
    expect(await answer(fresh, 'hello')).toBe('two hello');
    command.process.kill('SIGTERM');
    expect(await command.ended).toBe(0);
  });

  it('that comes while one reload runs is one more, with all others that come', async () => {
    using file = new ModuleFile();
    file.write('one');
    await using command = Command.run('serve', file.path, '--port', '0', '--threads', '1');
    const url = await command.listening();
    file.writeSlow('two');
    const hangUp = () => command.process.kill('SIGHUP');
    hangUp();
    await command.says('stderr', /SIGHUP: loading the handler again\n/);
    hangUp();
    await command.says('stderr', /SIGHUP: loading the handler once more after that\n/);
    for (let i = 0; i < 3; i++) {
      hangUp();
      await (await fetch(`${url.replace('ws:', 'http:')}/healthz`)).text(); // its event loop has been there meanwhile
    }
    file.goOn();
    await command.says('stderr', /(the handler is loaded again; old threads drain\n[\s\S]*){2}/);
    hangUp();
    await command.says('stderr', /(the handler is loaded again; old threads drain\n[\s\S]*){3}/);
    command.process.kill('SIGTERM');
    expect(await command.ended).toBe(0);
    expect(command.stderr.match(/is loaded again/g)).toHaveLength(3);
    expect(command.stderr.match(/SIGHUP/g)).toHaveLength(3);
    expect(command.stderr).not.toContain('not loaded again');
  });
});

it('certificates cannot be loaded again while the server starts, and the error does not say that there are none', async () => {
  const server = createServer({
    handler: handler('mixing.js'),
    threads: 0,
    tls: pair('default'),
    log: new RecordingLog(),
  });
  const listened = server.listen({ port: 0 });
  for (const options of [{ only: 'tls' }, { only: 'tls', tls: pair('a') }, {}] as const) {
    await expect(server.reload(options)).rejects.toMatchObject({ code: 'WSLOOM_STATE' });
  }
  await listened;
  await server.reload({ only: 'tls', tls: pair('a') });
  await server.close();
});

it('only the handler is loaded again if that is asked for, and certificates that do not fit do not matter then', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'wsloom-reload-'));
  const [cert, key] = [join(folder, 'a.crt'), join(folder, 'a.key')];
  copyFileSync(fileOf('a.crt'), cert);
  copyFileSync(fileOf('a.key'), key);
  const tls = { cert: pathToFileURL(cert), key: pathToFileURL(key) };
  const server = createServer({ handler: handler('mixing.js'), threads: 0, tls, log: new RecordingLog() });
  await server.listen({ port: 0 });
  copyFileSync(fileOf('b.key'), key);
  await expect(server.reload()).rejects.toMatchObject({ code: 'WSLOOM_CONFIG', option: 'tls.cert' });
  expect(server.stats().reloads).toBe(0);
  await server.reload({ only: 'handler' });
  expect(server.stats().reloads).toBe(1);
  await expect(server.reload({ only: 'handler', tls: pair('b') })).rejects.toMatchObject({ option: 'tls' });
  expect(server.stats().reloads).toBe(1);
  await server.close();
  rmSync(folder, { recursive: true });
});

it('files of certificates are not watched any more when the server is closed', async () => {
  const before = watchedFolders();
  const tls = { cert: fileOf('default.crt'), key: fileOf('default.key') };
  const server = createServer({ handler: handler('mixing.js'), threads: 0, tls, log: new RecordingLog() });
  await server.listen({ port: 0 });
  if (before !== undefined) expect(watchedFolders()).toBeGreaterThan(before);
  await server.close();
  expect(watchedFolders()).toBe(before);
});
