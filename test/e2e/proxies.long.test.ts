import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, createServer, get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Client, refusal } from './client.js';
import { decideUpgrades, handler, type Served, serve } from './serving.js';

const BEHIND_PROXY = { trustProxy: ['loopback'], proxyHeader: 'x-forwarded-for' } as const;

/** The headers of a request that a proxy passes on for a client. */
const from = (...clients: readonly string[]) => ({ headers: { 'X-Forwarded-For': clients.join(', ') } });

/** The address that the hook `open` sees of a client. */
async function addressOf(client: Client): Promise<unknown> {
  const { remoteAddress } = (await client.json()) as { readonly remoteAddress: unknown };
  return remoteAddress;
}

/** The hook `upgrade` accepts all, and notes their addresses. */
function noteUpgrades(): unknown[] {
  const seen: unknown[] = [];
  decideUpgrades(({ remoteAddress }) => {
    seen.push(remoteAddress);
    return undefined;
  });
  return seen;
}

/** A client that gets in as soon as there is a place. */
async function openWhenFree(served: Served, address: string): Promise<Client> {
  for (;;) {
    const client = new Client(served.url, from(address));
    const isOpen = await Promise.race([once(client.socket, 'open').then(() => true), client.closed.then(() => false)]);
    if (isOpen) return client;
  }
}

async function isFull(served: Served, client: string): Promise<boolean> {
  const { status, body } = await refusal(served.url, from(client));
  return status === 503 && body.includes('maxConnectionsPerIp');
}

describe.each([0, 2])('behind a trusted proxy, with %i threads,', (threads) => {
  it('the address of a connection is that of the client, for the hooks', async () => {
    await using served = await serve({ ...BEHIND_PROXY, handler: handler('deciding.js'), threads });
    const seen = noteUpgrades();
    for (const [header, address] of [
      ['192.0.2.1', '192.0.2.1'],
      ['192.0.2.7, 192.0.2.1', '192.0.2.1'],
      ['192.0.2.1, 127.0.0.2', '192.0.2.1'],
      ['[2001:DB8::1]:5000', '2001:db8::1'],
      ['192.0.2.1, unknown', '127.0.0.1'],
    ] as const) {
      using client = await Client.open(served.url, from(header));
      expect(await addressOf(client)).toBe(address);
      expect(seen.pop()).toBe(address);
    }
    using client = await Client.open(served.url);
    expect(await addressOf(client)).toBe('127.0.0.1');
  });

  it('maxConnectionsPerIp counts the connections of each client, and none of the proxy', async () => {
    await using served = await serve({
      ...BEHIND_PROXY,
      handler: handler('deciding.js'),
      threads,
      maxConnectionsPerIp: 2,
    });
    noteUpgrades();
    using first = await Client.open(served.url, from('192.0.2.1'));
    using second = await Client.open(served.url, from('192.0.2.1'));
    using third = await Client.open(served.url, from('192.0.2.2'));
    using fourth = await Client.open(served.url, from('192.0.2.2', '127.0.0.9'));
    using fifth = await Client.open(served.url, from('192.0.2.3'));
    expect(await isFull(served, '192.0.2.1')).toBe(true);
    expect(await isFull(served, '192.0.2.2')).toBe(true);
    await served.log.line(/192\.0\.2\.1: refused: .*maxConnectionsPerIp/);
    expect(served.server.stats().limits.refusedAddresses).toBe(2);
    await second.close();
    using again = await openWhenFree(served, '192.0.2.1');
    for (const open of [first, third, fourth, fifth, again]) expect(open.socket.readyState).toBe(open.socket.OPEN);
  });

  it('clients whose address cannot be read share the limit of the proxy', async () => {
    await using served = await serve({
      ...BEHIND_PROXY,
      handler: handler('deciding.js'),
      threads,
      maxConnectionsPerIp: 2,
    });
    noteUpgrades();
    using first = await Client.open(served.url, from('unknown'));
    using second = await Client.open(served.url);
    expect(await isFull(served, '_hidden')).toBe(true);
    using third = await Client.open(served.url, from('192.0.2.1'));
    // The connection of the proxy itself is not above the limit: it is kept for more requests.
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    const request = get({ port: served.port, path: '/healthz', agent, ...from('192.0.2.2') });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(response.headers.connection).toBe('keep-alive');
    for (const open of [first, second, third]) expect(open.socket.readyState).toBe(open.socket.OPEN);
  });

  it('maxConnections counts the connections of the proxy, each once', async () => {
    await using served = await serve({
      ...{ ...BEHIND_PROXY, handler: handler('deciding.js'), threads },
      ...{ maxConnections: 2, maxConnectionsPerIp: 2 },
    });
    noteUpgrades();
    using first = await Client.open(served.url, from('192.0.2.1'));
    using second = await Client.open(served.url, from('192.0.2.2'));
    const { status, body } = await refusal(served.url, from('192.0.2.3'));
    expect({ status, body }).toMatchObject({ status: 503, body: expect.stringMatching(/\(maxConnections\)/) });
    for (const open of [first, second]) expect(open.socket.readyState).toBe(open.socket.OPEN);
  });

  it('the requests of one kept connection may come from many clients, and only an upgrade counts', async () => {
    await using served = await serve({
      ...BEHIND_PROXY,
      handler: handler('deciding.js'),
      threads,
      maxConnectionsPerIp: 1,
    });
    noteUpgrades();
    using counted = await Client.open(served.url, from('192.0.2.1'));
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    const ports = new Set<number | undefined>();
    for (const client of ['192.0.2.1', '192.0.2.2', '192.0.2.2', '192.0.2.1']) {
      const request = get({ port: served.port, path: '/healthz', agent, ...from(client) });
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      expect(response.statusCode).toBe(200);
      ports.add(response.socket.localPort);
      await once(response.resume(), 'end');
    }
    expect(ports.size).toBe(1);
    using other = await Client.open(served.url, { agent, ...from('192.0.2.2') });
    expect(await addressOf(other)).toBe('192.0.2.2');
    expect(await isFull(served, '192.0.2.2')).toBe(true);
    expect(counted.socket.readyState).toBe(counted.socket.OPEN);
  });

  it('what others say in the header is not believed', async () => {
    await using served = await serve({
      ...{ trustProxy: ['192.0.2.0/24'], proxyHeader: 'x-forwarded-for', handler: handler('deciding.js'), threads },
      maxConnectionsPerIp: 1,
    });
    noteUpgrades();
    using client = await Client.open(served.url, from('192.0.2.1'));
    expect(await addressOf(client)).toBe('127.0.0.1');
    expect(await isFull(served, '192.0.2.2')).toBe(true);
  });

  it.each(['a handshake', 'an ordinary request'])('the line of the log about %s names the client', async (what) => {
    const allowedHosts = ['ours.example'];
    await using served = await serve({ ...BEHIND_PROXY, handler: handler('deciding.js'), threads, allowedHosts });
    const headers = { Host: 'foreign.example', 'X-Forwarded-For': '192.0.2.1' };
    if (what === 'a handshake') await refusal(served.url, { headers });
    else await once(get({ port: served.port, headers }), 'response');
    await served.log.line(/192\.0\.2\.1: refused: .*Host/);
  });

  it('the header Forwarded tells the client, if that one is chosen', async () => {
    await using served = await serve({
      ...{ trustProxy: ['127.0.0.1'], proxyHeader: 'forwarded', handler: handler('deciding.js'), threads },
    });
    noteUpgrades();
    const headers = { 'X-Forwarded-For': '192.0.2.1', Forwarded: 'for=192.0.2.9, for="[2001:db8::2]:80";proto=https' };
    using client = await Client.open(served.url, { headers });
    expect(await addressOf(client)).toBe('2001:db8::2');
  });

  it('upgrades of another server of the process tell their clients, also on a unix socket', async () => {
    await using served = await serve({
      ...{ trustProxy: ['unix'], proxyHeader: 'x-forwarded-for', handler: handler('deciding.js'), threads },
      maxConnectionsPerIp: 1,
    });
    noteUpgrades();
    const folder = mkdtempSync(join(tmpdir(), 'wsloom-proxies-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'socket');
    const http = createServer().on('upgrade', (...event) => served.server.handleUpgrade(...event));
    await once(http.listen(path), 'listening');
    onTestFinished(() => void http.close());
    using client = await Client.open(`ws+unix://${path}:/`, from('192.0.2.1'));
    expect(await addressOf(client)).toBe('192.0.2.1');
    expect(await refusal(`ws+unix://${path}:/`, from('192.0.2.1'))).toMatchObject({ status: 503 });
    using direct = await Client.open(served.url, from('192.0.2.1'));
    expect(await addressOf(direct)).toBe('127.0.0.1');
  });
});
