import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createServer } from '../../dist/index.js';
import { Client, refusal } from '../e2e/client.js';
import { decideUpgrades, handler, RecordingLog, serve, until } from '../e2e/serving.js';
import { describeProxies, HAPROXY_TCP, PROXY_PROGRAMS, RunningProxy, replacing } from './proxy-programs.js';

/** A client with an address of its own, which says in every header that it is somebody else. */
const from = (localAddress: string) => ({
  localAddress,
  headers: { 'X-Forwarded-For': '192.0.2.66, 127.0.0.1', Forwarded: 'for=192.0.2.66', Host: 'example.org' },
});

/** What a configuration writes in front of the path of a unix socket. */
const UNIX_PREFIXES = { nginx: 'unix:', haproxy: 'unix@', caddy: 'unix/' } as const;

describeProxies(PROXY_PROGRAMS, (program) => {
  it('tells its clients, each with a limit of its own', async () => {
    await using served = await serve({
      ...{ handler: handler('deciding.js'), threads: 1, allowedHosts: ['example.org', '127.0.0.1'] },
      // Not all of loopback, which the clients of this test come from.
      ...{ ...program.telling, trustProxy: ['127.0.0.1'], maxConnectionsPerIp: 1 },
    });
    decideUpgrades(() => undefined);
    // So that there are health checks while the test runs.
    const changes = program === HAPROXY_TCP ? [replacing('inter 1s', 'inter 500ms')] : [];
    await using proxy = await RunningProxy.start(program, [served.port], changes);
    const { port, url } = proxy;
    using client = await Client.open(`${url}/room?a=b`, from('127.0.0.5'));
    expect(await client.json()).toMatchObject({ remoteAddress: '127.0.0.5', path: '/room', query: 'a=b' });
    expect(await refusal(url, from('127.0.0.5'))).toMatchObject({
      status: 503,
      body: expect.stringContaining('maxConnectionsPerIp'),
    });
    using other = await Client.open(url, from('127.0.0.6'));
    expect(await other.json()).toMatchObject({ remoteAddress: '127.0.0.6' });
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
    await client.close(1000);
    await until(() => served.server.stats().connections === 1);
    using again = await Client.open(url, from('127.0.0.5'));
    expect(await again.json()).toMatchObject({ remoteAddress: '127.0.0.5' });
    expect(served.server.stats().limits.refusedProxies).toBe(0);
    expect(proxy.said).not.toContain('DOWN');
  });

  it('reaches a server on a unix socket, and tells it the clients', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'wsloom-'));
    const path = join(folder, 'wsloom.sock');
    const options = { handler: handler('deciding.js'), threads: 1, trustProxy: ['unix'], maxConnectionsPerIp: 1 };
    const server = createServer({ ...options, ...program.telling, log: new RecordingLog() });
    try {
      decideUpgrades(() => undefined);
      await server.listen({ path });
      const frequent = program.name === 'nginx' ? [] : [replacing(/(?<=inter |health_interval )1s/, '500ms')];
      const changes = [replacing('127.0.0.1:8080', `${UNIX_PREFIXES[program.name]}${path}`), ...frequent];
      await using proxy = await RunningProxy.start(program, [], changes);
      using client = await Client.open(proxy.url, from('127.0.0.5'));
      expect(await client.json()).toMatchObject({ remoteAddress: '127.0.0.5' });
      using other = await Client.open(proxy.url, from('127.0.0.6'));
      expect(await other.json()).toMatchObject({ remoteAddress: '127.0.0.6' });
      expect((await refusal(proxy.url, from('127.0.0.5'))).status).toBe(503);
      expect(proxy.said).not.toContain('DOWN');
    } finally {
      await server.close({ drainMs: 0 });
      rmSync(folder, { recursive: true });
    }
  });
});
