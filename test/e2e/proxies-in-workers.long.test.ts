// The suite of proxies.test.ts once more, with requests that workers read; and what is different then.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createServer, type ServerOptions } from '../../dist/index.js';
import { pair, pem } from '../tls/certificates.js';
import { Client, refusal } from './client.js';
import { header1, LOCAL, openProxied, proxied } from './proxied.js';
import { encodeRequest, RawClient } from './raw-client.js';
import { decideUpgrades, handler, type Served, serve, until } from './serving.js';

Reflect.set(process.env, 'WSLOOM_TEST_HANDSHAKE', 'worker');
await import('./proxies.long.test.js');

const TRUST = { ca: pem('servers-ca.crt'), servername: 'default.test', rejectUnauthorized: false } as const;
const from = (address: string) => ({ ...TRUST, headers: { 'X-Forwarded-For': address } });
const BEHIND_PROXY = { trustProxy: ['loopback', 'unix'], proxyHeader: 'x-forwarded-for' } as const;

const COUNTED = { handler: handler('deciding.js'), maxConnectionsPerIp: 1 } as const;

/** Accepts all. */
function serveBehindProxy(options: Partial<ServerOptions> = {}): Promise<Served> {
  decideUpgrades(() => undefined);
  return serve({ ...BEHIND_PROXY, ...COUNTED, ...options });
}

/** Whether a client of this address gets in. It leaves at once. */
async function isLetIn({ url }: Served, address: string): Promise<boolean> {
  using client = new Client(url, from(address));
  return await Promise.race([once(client.socket, 'open').then(() => true), client.closed.then(() => false)]);
}

describe.each([
  ['TCP', { handshake: 'worker' }],
  ['TLS', { tls: pair('default') }],
] as const)('clients of a proxy whose requests workers read, over %s,', (_, mode) => {
  it('are counted in all threads together, and again by threads that are loaded anew', async () => {
    await using served = await serveBehindProxy({ ...mode, maxConnectionsPerIp: 3 });
    const clients = await Promise.all(Array.from({ length: 3 }, () => Client.open(served.url, from('192.0.2.1'))));
    expect((await refusal(served.url, from('192.0.2.1'))).body).toContain('maxConnectionsPerIp');
    expect(await isLetIn(served, '192.0.2.2')).toBe(true);
    expect(served.server.stats().limits).toMatchObject({ refusedAddresses: 1, hookTimeouts: 0 });
    await served.server.reload({ drainMs: 60_000 });
    for (const client of clients) await client.closed;
    await until(() => isLetIn(served, '192.0.2.1'));
  });

  it('that are refused, leave while the hook decides, or fail, count no more', async () => {
    await using served = await serveBehindProxy(mode);
    decideUpgrades(({ path }) => {
      if (path === '/refused') return { status: 403 };
      if (path === '/never') return new Promise(() => {}) as never;
      return undefined;
    });
    expect((await refusal(`${served.url}/refused`, from('192.0.2.1'))).status).toBe(403);
    expect(await isLetIn(served, '192.0.2.1')).toBe(true);
    const leaving = new Client(`${served.url}/never`, from('192.0.2.1'));
    await until(() => served.server.stats().pendingUpgrades === 1);
    leaving.socket.terminate();
    await until(() => isLetIn(served, '192.0.2.1'));
    await until(() => served.server.stats().pendingUpgrades === 0);
    expect(served.server.stats().limits.refusedAddresses).toBeLessThan(20);
  });
});

it('clients of a proxy on a unix socket are counted by workers', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'wsloom-proxies-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  decideUpgrades(() => undefined);
  const options = { ...BEHIND_PROXY, handler: handler('deciding.js'), threads: 2, handshake: 'worker' } as const;
  const server = createServer({ ...options, maxConnectionsPerIp: 1, log: { info() {}, warn() {}, error() {} } });
  const { url } = await server.listen({ path: join(folder, 'socket') });
  onTestFinished(() => server.close({ drainMs: 0 }));
  using client = await Client.open(url, from('192.0.2.1'));
  expect(((await client.json()) as { remoteAddress: unknown }).remoteAddress).toBe('192.0.2.1');
  expect(await refusal(url, from('192.0.2.1'))).toMatchObject({ status: 503 });
  using _other = await Client.open(url, from('192.0.2.2'));
});

it('clients whose worker dies count no more', async () => {
  await using served = await serve({
    ...{ ...BEHIND_PROXY, handler: handler('opening.js'), handshake: 'worker', threads: 1, maxConnectionsPerIp: 1 },
  });
  using client = await Client.open(served.url, from('192.0.2.1'));
  expect(await isLetIn(served, '192.0.2.1')).toBe(false);
  client.send('exit');
  await client.closed;
  await until(() => isLetIn(served, '192.0.2.1'));
});

it('a client that resets its connection at once, again and again, never keeps its place', async () => {
  await using served = await serveBehindProxy({ handshake: 'worker' });
  const request = encodeRequest('/').replace('\r\n\r\n', '\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n');
  for (let i = 0; i < 200; i++) {
    const client = await RawClient.connect(served.port);
    client.socket.write(request);
    if (i % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
    client.reset();
  }
  await until(() => isLetIn(served, '192.0.2.1'));
});

describe('with the PROXY protocol and a header', () => {
  const PROXIED = { proxyProtocol: true, trustProxy: ['127.0.0.1', '10.0.0.0/8'] } as const;

  it('the client of the header counts where that one does, the client that was told elsewhere, and health checks nowhere', async () => {
    await using served = await serveBehindProxy({ ...PROXIED, proxyHeader: 'x-forwarded-for' });
    const headers = { 'X-Forwarded-For': '192.0.2.66' };
    const isRefused = async (header: Buffer) => {
      using client = await proxied(served, header, { headers });
      return await Promise.race([once(client.socket, 'open').then(() => false), client.closed.then(() => true)]);
    };
    using _one = await openProxied(served, header1('10.1.2.3'), { headers });
    expect(await isRefused(header1('10.1.2.4'))).toBe(true);
    using _two = await openProxied(served, header1('192.0.2.1'), { headers });
    expect(await isRefused(header1('192.0.2.1'))).toBe(true);
    using _checks = await openProxied(served, LOCAL, { headers });
    using _more = await openProxied(served, LOCAL, { headers });
    expect(served.server.stats().limits.refusedAddresses).toBe(2);
  });

  it('a client that was told counts without a header, also if its network is trusted', async () => {
    decideUpgrades(() => undefined);
    await using served = await serve({ ...PROXIED, ...COUNTED });
    using _one = await openProxied(served, header1('10.1.2.3'));
    using refused = await proxied(served, header1('10.1.2.3'));
    await refused.closed;
    expect(served.server.stats().limits.refusedAddresses).toBe(1);
    using _other = await openProxied(served, header1('10.1.2.4'));
  });
});
