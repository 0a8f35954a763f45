import { once } from 'node:events';
import { createServer as createTcpServer } from 'node:net';
import { BroadcastChannel } from 'node:worker_threads';
import { describe, expect, it, vi } from 'vitest';
import { createServer } from '../../dist/index.js';
import { Generation } from '../../dist/primary/generation.js';
import { Client, refusal } from '../e2e/client.js';
import { closeStatus, encodeFrame, Opcode, RawClient } from '../e2e/raw-client.js';
import { builtIn, Gate, handler, RecordingLog, Reports, serve, until } from '../e2e/serving.js';
import { eachWay, onlyOnce } from '../e2e/thread-counts.js';

/** Lets the hooks of `handlers/draining.js` that wait go on. */
function goOn(): void {
  const orders = new BroadcastChannel('wsloom-e2e-orders');
  orders.postMessage('go on');
  orders.close();
}

describe.each(eachWay(2))('close, with threads: %i', (threads) => {
  it('has what has arrived handled and answered before it closes with 1001', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads });
    const clients = await Promise.all(Array.from({ length: 20 }, () => Client.open(served.url)));
    for (const client of clients) client.send('in front');
    for (const client of clients) expect(await client.text()).toBe('in front');
    const written = clients.map(
      (client, i) => new Promise<void>((resolve) => client.socket.send(`last words of ${i}`, () => resolve())),
    );
    await Promise.all(written);
    await served.server.close();
    for (const [i, client] of clients.entries()) {
      expect(await client.text()).toBe(`last words of ${i}`);
      expect(await client.closed).toEqual({ code: 1001, reason: 'server is going away' });
    }
    expect(served.server.stats()).toMatchObject({ connections: 0, opened: 20, connectionsLost: 0, workersLost: 0 });
  });

  it('waits for what an asynchronous hook still has to send', async () => {
    await using served = await serve({ handler: handler('draining.js'), threads });
    using client = await Client.open(served.url);
    client.send('later');
    expect(await client.text()).toBe('waiting');
    const closed = served.server.close({ drainMs: 2 ** 31 - 1000 });
    goOn();
    expect(await client.text()).toBe('late answer');
    expect(await client.closed).toMatchObject({ code: 1001 });
    await closed;
  });

  it('is over by its deadline, whatever hooks and clients still wait for', async () => {
    await using served = await serve({ handler: handler('draining.js'), threads });
    using reports = new Reports();
    using silent = await RawClient.open(served.port); // never answers our Close
    silent.text('hello');
    expect(String((await silent.next()).payload)).toBe('hello');
    using waiting = await Client.open(served.url);
    waiting.send('never');
    expect(await waiting.text()).toBe('waiting');
    using opening = await Client.open(`${served.url}/never`);
    using idle = await RawClient.connect(served.port); // sends not even a request
    using partial = await RawClient.connect(served.port);
    partial.socket.write('GET / HTTP/1.1\r\nHost');
    await until(() => served.server.stats().connections === 3);
    await served.server.close({ drainMs: 50 });
    expect(closeStatus(await silent.next()).code).toBe(1001);
    await Promise.all([silent.ended, idle.ended, partial.ended, waiting.closed, opening.closed]);
    // The hook `close` was called for each of them.
    for (let i = 0; i < 3; i++) expect(await reports.of('close')).toMatchObject({ hook: 'close' });
    expect(served.server.stats()).toMatchObject({ connections: 0 });
  });

  it('refuses new connections from then on', async () => {
    await using served = await serve({ handler: handler('draining.js'), threads });
    using client = await Client.open(served.url);
    client.send('later');
    await client.text();
    using late = await RawClient.connect(served.port);
    late.socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n'); // its request is not whole when the server closes
    using kept = await RawClient.connect(served.port);
    const closed = served.server.close({ drainMs: 2 ** 31 - 1000 }); // as long as the hook waits
    expect(await refusal(served.url)).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    const health = await fetch(`http://127.0.0.1:${served.port}/healthz`);
    expect(health.status).toBe(503);
    const taking = Array.from({ length: threads }, () => expect.objectContaining({ isTaking: false }));
    expect(await health.json()).toMatchObject({ status: 'draining', connections: 1, threads: taking });
    expect(served.server.stats().threads).toEqual(taking);
    goOn();
    await closed;
    expect(served.server.address()).toBeUndefined();
    await kept.ended;
    await late.ended;
  });

  it('can be asked for twice, before listening, and at once', async () => {
    const log = new RecordingLog();
    const unused = createServer({ handler: builtIn('echo'), threads, log });
    await unused.close();
    await expect(unused.listen({ port: 0 })).rejects.toThrow('started once');
    const served = await serve({ handler: builtIn('echo'), threads });
    expect(served.server.close({ drainMs: 0 })).toBe(served.server.close());
    await served.server.close();
    await served.server.close();
    expect(log.lines).toEqual([]);
  });

  it('while it still starts makes listen reject, and leaves nothing', async () => {
    const server = createServer({ handler: builtIn('echo'), threads, log: new RecordingLog() });
    const listening = server.listen({ port: 0 });
    const rejected = expect(listening).rejects.toThrow();
    await server.close({ drainMs: 0 });
    await rejected;
    expect(server.address()).toBeUndefined();
  });
});

describe.each(onlyOnce)('close', () => {
  it('is over by its deadline although a handler blocks its thread', async () => {
    using gate = new Gate();
    await using served = await serve({ handler: handler('commands.js'), threads: 1 });
    using client = await Client.open(served.url);
    using other = await Client.open(served.url);
    client.run(['block']);
    expect(await client.text()).toBe('blocked');
    await served.server.close({ drainMs: 50 });
    expect(await other.closed).toMatchObject({ code: 1006 });
    expect(await client.closed).toMatchObject({ code: 1006 });
    gate.open();
  });
});

describe.each(eachWay(1))('close, if something has gone wrong with its threads (threads: %i),', (threads) => {
  it('rejects with that, when all the rest is closed', async () => {
    const server = createServer({ handler: builtIn('echo'), threads, log: new RecordingLog() });
    const { port } = await server.listen({ port: 0 });
    using idle = await RawClient.connect(port);
    await until(() => server.stats().httpConnections === 1);
    const drain = vi.spyOn(Generation.prototype, 'drain').mockImplementationOnce(async function (this: Generation) {
      await this.drain(0);
      throw new Error('a thread has gone wrong');
    });
    try {
      await expect(server.close({ drainMs: 0 })).rejects.toThrow('a thread has gone wrong');
      expect(server.address()).toBeUndefined();
      await idle.ended;
    } finally {
      drain.mockRestore();
    }
  });
});

describe.each(onlyOnce)('close at any moment of the start', () => {
  it('leaves nothing that listens', async () => {
    for (let turns = 0; turns < 25; turns++) {
      const server = createServer({ handler: builtIn('echo'), threads: 0, log: new RecordingLog() });
      const listening = server.listen({ port: 0, host: 'localhost' });
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
      await Promise.allSettled([server.close({ drainMs: 0 }), listening]);
      expect(server.address()).toBeUndefined();
    }
  });
});

describe.each(onlyOnce)('what cannot be used', () => {
  it('as an address leaves the server as it was', async () => {
    const server = createServer({ handler: builtIn('echo'), threads: 0, log: new RecordingLog() });
    for (const options of [{ port: 65_536 }, { port: -1 }, { port: 1.5 }, { port: '80' as never }, { host: '' }]) {
      await expect(server.listen(options)).rejects.toMatchObject({ name: 'ConfigError' });
    }
    expect((await server.listen({ port: 0 })).port).toBeGreaterThan(0);
    for (const drainMs of [-1, Number.NaN, 'x' as never]) {
      await expect(server.close({ drainMs })).rejects.toThrow(/drainMs must be/);
    }
    await server.close({ drainMs: 0 });
  });
});

describe.each(onlyOnce)('what is no option', () => {
  it('is refused by listen, reload and close, which would do something else', async () => {
    const server = createServer({ handler: builtIn('echo'), threads: 0, log: new RecordingLog() });
    const refused = [
      () => server.listen(25_052 as never),
      () => server.listen(null as never),
      () => server.listen({ prt: 1 } as never),
      () => server.reload({ drain: 5 } as never),
      () => server.close({ drain: 5 } as never),
      () => server.close(5 as never),
    ];
    for (const call of refused) await expect(call()).rejects.toMatchObject({ name: 'ConfigError' });
    await expect(refused[0]?.()).rejects.toThrow('listen() takes an object with port, host, path, mode, fd, got 25052');
    await expect(refused[2]?.()).rejects.toThrow(
      "listen(): there is no option 'prt'; there are fd, host, mode, path, port; did you mean port",
    );
    await expect(refused[4]?.()).rejects.toThrow(
      "close(): there is no option 'drain'; there are drainMs, drainSpreadMs, shutdownDelayMs",
    );
    await server.close();
  });
});

describe.each(onlyOnce)('listen', () => {
  it('says where the server listens', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads: 0 });
    const { port } = served;
    expect(served.server.address()).toEqual({ host: '127.0.0.1', port, url: `ws://127.0.0.1:${port}` });
    expect(served.server).toMatchObject({ threads: 0, kernel: 'auto' });
    const six = createServer({ handler: builtIn('echo'), threads: 0 });
    const address = await six.listen({ port: 0, host: '::1' });
    expect(address).toEqual({ host: '::1', port: address.port, url: `ws://[::1]:${address.port}` });
    using client = await Client.open(address.url);
    client.send('six');
    expect(await client.text()).toBe('six');
    await six.close();
    expect(await client.closed).toMatchObject({ code: 1001 });
  });

  it('can be called once', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads: 0 });
    await expect(served.server.listen({ port: 0 })).rejects.toThrow('a server can be started once');
    using client = await Client.open(served.url);
    client.send('still served');
    expect(await client.text()).toBe('still served');
    await served.server.close();
    await expect(served.server.listen({ port: 0 })).rejects.toThrow();
  });

  it.each([0, 2])(
    'rejects with EADDRINUSE if the port is taken, and leaves nothing running, threads: %i',
    async (threads) => {
      const taken = createTcpServer().listen(0, '127.0.0.1');
      await once(taken, 'listening');
      const { port } = taken.address() as { readonly port: number };
      const server = createServer({ handler: builtIn('echo'), threads });
      await expect(server.listen({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
      expect(server.address()).toBeUndefined();
      expect(server.stats().threads.every(({ isTaking }) => !isTaking)).toBe(true);
      taken.close();
      // Not even a second try on the same server.
      await expect(server.listen({ port: 0 })).rejects.toThrow();
    },
  );

  it.each([0, 2])('rejects for a handler that cannot be used, and says why, threads: %i', async (threads) => {
    const cases: readonly (readonly [source: string, says: RegExp])[] = [
      ['export const nothing = 1', /must have a default export/],
      ['export default 5', /must have a default export/],
      ['export default { message: 5 }', /the hook 'message' of .* must be a function, got number/],
      [
        'export default { massage() {} }',
        /has a property 'massage' that is no hook; hooks are open, message, drain, close, backplane and upgrade/,
      ],
      ['export default {}; export const upgrade = 5', /the export 'upgrade' of .* must be a function/],
      ['throw new Error("at load")', /does not load: Error: at load/],
      ['no JavaScript', /does not load: SyntaxError/],
      ['import "./nowhere.js"; export default {}', /does not load/],
    ];
    for (const [source, says] of cases) {
      const server = createServer({ handler: `data:text/javascript,${encodeURIComponent(source)}`, threads });
      await expect(server.listen({ port: 0 })).rejects.toMatchObject({
        name: 'HandlerModuleError',
        code: 'WSLOOM_HANDLER',
        message: expect.stringMatching(says),
      });
      expect(server.address()).toBeUndefined();
      await server.close();
    }
    const missing = createServer({ handler: './no/such/handler.js', threads });
    await expect(missing.listen({ port: 0 })).rejects.toThrow(/there is no handler module .*\/no\/such\/handler\.js/);
  });

  it('rejects for a handler that loads only in the primary, and leaves nothing running', async () => {
    const source = `import { isMainThread } from 'node:worker_threads'; if (!isMainThread) throw new Error('not here'); export default {}`;
    const server = createServer({ handler: `data:text/javascript,${encodeURIComponent(source)}`, threads: 2 });
    await expect(server.listen({ port: 0 })).rejects.toMatchObject({
      code: 'WSLOOM_HANDLER',
      message: expect.stringContaining('not here'),
    });
    expect(server.address()).toBeUndefined();
  });

  it('rejects for a handler that ends its thread, and leaves nothing running', async () => {
    const source = `import { isMainThread } from 'node:worker_threads'; if (!isMainThread) process.exit(3); export default {}`;
    const log = new RecordingLog();
    const server = createServer({ handler: `data:text/javascript,${encodeURIComponent(source)}`, threads: 2, log });
    await expect(server.listen({ port: 0 })).rejects.toThrow();
    expect(server.address()).toBeUndefined();
  });
});

describe.each(onlyOnce)('start', () => {
  it('serves upgrades of other servers only; before it, there are none', async () => {
    const server = createServer({ handler: builtIn('echo'), threads: 0 });
    const request = {} as Parameters<typeof server.handleUpgrade>[0];
    const socket = {} as Parameters<typeof server.handleUpgrade>[1];
    expect(() => server.handleUpgrade(request, socket, new Uint8Array())).toThrow('must be started');
    await server.start();
    expect(server.address()).toBeUndefined();
    await expect(server.start()).rejects.toThrow('started once');
    await server.close();
  });
});

describe.each(onlyOnce)('two servers in one process', () => {
  it('do not disturb each other', async () => {
    await using one = await serve({ handler: builtIn('echo'), threads: 1 });
    await using other = await serve({ handler: builtIn('broadcast'), threads: 1 });
    using client = await Client.open(one.url);
    using foreign = await Client.open(other.url);
    await one.server.close();
    expect(await client.closed).toMatchObject({ code: 1001 });
    foreign.send('on');
    expect(await foreign.text()).toBe('on');
  });
});

describe.each(onlyOnce)('the counts of a server', () => {
  it('are of all its threads', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads: 2 });
    using first = await RawClient.open(served.port);
    const frame = encodeFrame(Opcode.TEXT, 'hello');
    using second = await RawClient.open(served.port, '/', frame); // read by the primary, counts too
    await second.next();
    first.socket.write(frame);
    await first.next();
    second.frame(3);
    await second.next();
    await second.ended;
    await until(() => served.server.stats().bytesIn === 3 * frame.length - 'hello'.length);
    const { uptimeMs, arenaBytes, limits, ...stats } = served.server.stats();
    expect(uptimeMs).toBeGreaterThan(0);
    expect(arenaBytes).toBeGreaterThanOrEqual(0);
    expect(stats).toEqual({
      connections: 2,
      opened: 2,
      messagesIn: 2,
      messagesOut: 2,
      bytesIn: 3 * frame.length - 'hello'.length,
      protocolErrors: 1,
      handlerErrors: 0,
      heapMessages: 0,
      inflatedMessages: 0,
      inflatedFromBytes: 0,
      inflatedBytes: 0,
      deflatedMessages: 0,
      deflatedFromBytes: 0,
      deflatedBytes: 0,
      httpConnections: 0,
      bufferedBytes: 0,
      compressed: 0,
      windowBytes: 0,
      pendingUpgrades: 0,
      threads: [
        { connections: 1, isTaking: true },
        { connections: 1, isTaking: true },
      ],
      certificates: [],
      workersLost: 0,
      connectionsLost: 0,
      connectionsAbandoned: 0,
      reloads: 0,
      backplanePublished: 0,
      backplaneReceived: 0,
      backplaneDropped: 0,
      backplaneRefused: 0,
      backplaneBytesOut: 0,
      backplaneBytesIn: 0,
      backplaneLagMs: 0,
      backplaneReconnects: 0,
      backplaneSubscriptions: 0,
    });
    expect(new Set(Object.values(limits))).toEqual(new Set([0]));
  });
});
