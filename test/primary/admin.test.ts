import { describe, expect, it, vi } from 'vitest';
import { createServer } from '../../dist/index.js';
import { Client, refusal } from '../e2e/client.js';
import { builtIn, RecordingLog, type Served, serve, until } from '../e2e/serving.js';
import { eachWay, onlyOnce } from '../e2e/thread-counts.js';
import { waitingServer } from '../e2e/waiting-server.js';
import { freePort } from '../ports.js';

/** The status and the body of an answer on the admin port. */
async function ask({ server }: Pick<Served, 'server'>, path: string): Promise<readonly [number, string]> {
  const response = await fetch(`${server.adminAddress()?.url}${path}`);
  return [response.status, await response.text()];
}

/** The same on the port of WebSockets. */
async function askMain({ port }: Served, path: string): Promise<readonly [number, string]> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return [response.status, await response.text()];
}

/** Closes a server. Its shutdown delay ends when the function that is returned is called. */
function closeLater({ server }: Served): { readonly closed: Promise<void>; readonly goOn: () => void } {
  let goOn = () => {};
  const wait = (callback: () => void) => {
    goOn = callback;
  };
  const timer = vi.spyOn(globalThis, 'setTimeout').mockImplementationOnce(wait as never);
  const closed = server.close({ shutdownDelayMs: 60_000, drainMs: 1000 });
  timer.mockRestore();
  return { closed, goOn: () => goOn() };
}

describe.each(eachWay(2))('a server with an admin port, with threads: %i,', (threads) => {
  it('answers there, and counts nobody who asks', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads, adminPort: 0 });
    expect(served.server.adminAddress()).toMatchObject({ host: '127.0.0.1', port: expect.any(Number) });
    await served.log.line(/^info: admin: listening on http:\/\/127\.0\.0\.1:\d+$/);
    expect(await ask(served, '/readyz')).toEqual([200, 'ready\n']);
    const [status, health] = await ask(served, '/healthz');
    expect(status).toBe(200);
    expect(JSON.parse(health)).toMatchObject({ status: 'ok', connections: 0 });
    expect(served.server.stats()).toMatchObject({ httpConnections: 0, connections: 0 });
    await served.server.close({ drainMs: 0 });
    expect(served.server.adminAddress()).toBeUndefined();
  });

  it('answers there when it has as many connections as it may', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads, adminPort: 0, maxConnections: 1 });
    using client = await Client.open(served.url);
    expect(await refusal(served.url)).toMatchObject({ status: 503 });
    for (let i = 0; i < 3; i++) expect(await ask(served, '/readyz')).toEqual([200, 'ready\n']);
    client.send('still here');
    expect(await client.text()).toBe('still here');
  });

  it('goes on serving during shutdownDelayMs, while it says on both ports that it is not ready', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads, adminPort: 0 });
    for (const asking of [ask, askMain]) expect(await asking(served, '/readyz')).toEqual([200, 'ready\n']);
    const { closed, goOn } = closeLater(served);
    for (const asking of [ask, askMain]) {
      expect(await asking(served, '/readyz')).toEqual([503, 'draining\n']);
      const [status, health] = await asking(served, '/healthz');
      expect([status, JSON.parse(health).status]).toEqual([503, 'draining']);
    }
    for (const origin of [served.server.adminAddress()?.url, `http://127.0.0.1:${served.port}`])
      for (const path of ['/readyz', '/healthz'])
        expect((await fetch(`${origin}${path}`, { method: 'OPTIONS' })).status, `${origin}${path}`).toBe(503);
    using late = await Client.open(served.url);
    late.send('come in');
    expect(await late.text()).toBe('come in');
    await expect(served.server.reload()).rejects.toThrow('only a running server can be reloaded');
    expect(late.socket.readyState).toBe(1);
    await served.log.line(
      /^info: close: the server is not ready any more, and goes on serving for 60 s \(shutdownDelayMs\)$/,
    );
    goOn();
    expect(await late.closed).toMatchObject({ code: 1001 });
    await closed;
    expect(served.server.adminAddress()).toBeUndefined();
  });

  it('closes connections one after the other over drainSpreadMs, at its end and at a reload', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads });
    const open = () => Promise.all(Array.from({ length: 8 }, () => Client.open(served.url)));
    const before = await open();
    await served.server.reload({ drainSpreadMs: 100 });
    for (const { closed } of before) expect(await closed).toMatchObject({ code: 1001 });
    const clients = await open();
    await served.server.close({ drainSpreadMs: 100 });
    for (const { closed } of clients) expect(await closed).toMatchObject({ code: 1001 });
    await served.log.line(/^info: close: connections are closed one after the other, over 100 ms \(drainSpreadMs\)$/);
  });
});

describe.each(onlyOnce)('the readiness', () => {
  it('is 503 on the admin port until the handler is loaded, and the health is 200', async () => {
    const { server, log, load } = waitingServer();
    expect(server.adminAddress()).toBeUndefined();
    const listening = server.listen({ port: 0 });
    await log.line(/^info: admin: listening/);
    expect(await ask({ server }, '/readyz')).toEqual([503, 'starting\n']);
    const [status, health] = await ask({ server }, '/healthz');
    expect([status, JSON.parse(health).status]).toEqual([200, 'starting']);
    load();
    await listening;
    expect(await ask({ server }, '/readyz')).toEqual([200, 'ready\n']);
    await server.close({ drainMs: 0 });
  });

  it('is 200 while the server is degraded, as it is without its engine', async () => {
    const backplane = { name: 'lost', connect: () => Promise.reject(new Error('nobody is there')) };
    await using served = await serve({ handler: builtIn('echo'), threads: 0, backplane, backplaneTimeoutMs: 1 });
    const [status, health] = await askMain(served, '/healthz');
    expect([status, JSON.parse(health).status]).toEqual([200, 'degraded']);
    expect(await askMain(served, '/readyz')).toEqual([200, 'ready\n']);
  });

  it('is asked of the primary by workers that answer requests', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads: 1, handshake: 'worker' });
    expect(await askMain(served, '/readyz')).toEqual([200, 'ready\n']);
    expect((await fetch(`http://127.0.0.1:${served.port}/readyz`, { method: 'OPTIONS' })).status).toBe(204);
  });

  it('can be moved on the port of WebSockets, or turned off, and is always there on the admin port', async () => {
    for (const ready of ['/live/ready', false] as const) {
      await using served = await serve({ handler: builtIn('echo'), threads: 0, ready, health: false, adminPort: 0 });
      for (const path of ['/readyz', '/healthz']) {
        expect((await askMain(served, path))[0]).toBe(426);
        expect((await ask(served, path))[0]).toBe(200);
      }
      if (ready !== false) expect(await askMain(served, ready)).toEqual([200, 'ready\n']);
    }
  });
});

describe.each(onlyOnce)('an admin port that cannot be had', () => {
  it('keeps the server from starting, and leaves nothing', async () => {
    await using first = await serve({ handler: builtIn('echo'), threads: 0, adminPort: 0 });
    const { port: adminPort = 0 } = first.server.adminAddress() ?? {};
    const log = new RecordingLog();
    const second = createServer({ handler: builtIn('echo'), threads: 1, adminPort, log });
    await expect(second.listen({ port: 0 })).rejects.toMatchObject({ name: 'ListenError', code: 'EADDRINUSE' });
    expect([second.address(), second.adminAddress()]).toEqual([undefined, undefined]);
  });

  it('is not the port of WebSockets too, and the error names both', async () => {
    const port = await freePort();
    const server = createServer({ handler: builtIn('echo'), threads: 0, adminPort: port, log: new RecordingLog() });
    await expect(server.listen({ port })).rejects.toMatchObject({
      ...{ name: 'ListenError', code: 'EADDRINUSE' },
      message: `port ${port} is the admin port of this server: choose another port (--port) or adminPort (--admin-port)`,
    });
    expect([server.address(), server.adminAddress()]).toEqual([undefined, undefined]);
  });

  it('is given up when the server is closed meanwhile', async () => {
    const server = createServer({ handler: builtIn('echo'), threads: 0, adminPort: 0, log: new RecordingLog() });
    const listening = server.listen({ port: 0 });
    await Promise.allSettled([server.close({ drainMs: 0 }), listening]);
    await until(() => server.adminAddress() === undefined);
    expect(server.address()).toBeUndefined();
  });
});
