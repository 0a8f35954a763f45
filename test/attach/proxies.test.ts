import { createServer, type ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { Client, refusal } from '../e2e/client.js';
import { encodeRequest, RawClient } from '../e2e/raw-client.js';
import { decideUpgrades, handler } from '../e2e/serving.js';
import { eachWay } from '../e2e/thread-counts.js';
import { Hosting } from './hosting.js';

const BEHIND_PROXY = { trustProxy: ['loopback'], proxyHeader: 'x-forwarded-for', path: '/live' } as const;

/** The headers of a request that a proxy passes on for a client. */
const from = (client: string) => ({ headers: { 'X-Forwarded-For': client } });

/** The address that the hook `open` sees of a client. */
async function addressOf(client: Client): Promise<unknown> {
  const { remoteAddress } = (await client.json()) as { readonly remoteAddress: unknown };
  return remoteAddress;
}

describe.each(eachWay(2))('attached behind a trusted proxy, with threads: %i', (threads) => {
  it('hooks see the address of the client, and limits of addresses count clients', async () => {
    await using hosting = await new Hosting(createServer()).listen();
    const options = { ...BEHIND_PROXY, handler: handler('deciding.js'), threads, maxConnectionsPerIp: 1 };
    await hosting.attach(options);
    const seen: unknown[] = [];
    decideUpgrades(({ remoteAddress }) => void seen.push(remoteAddress));
    const url = `ws:${hosting.place}/live`;
    using one = await Client.open(url, from('192.0.2.7, 192.0.2.1'));
    using other = await Client.open(url, from('192.0.2.2'));
    expect([await addressOf(one), await addressOf(other)]).toEqual(['192.0.2.1', '192.0.2.2']);
    expect(seen).toEqual(['192.0.2.1', '192.0.2.2']);
    expect(await refusal(url, from('192.0.2.1'))).toMatchObject({ status: 503 });
  });

  it('the log names the client', async () => {
    const kept: ServerResponse[] = [];
    const http = createServer((request, response) => {
      if (!sockets.handleRequest(request, response)) kept.push(response); // and it is never answered
    });
    await using hosting = await new Hosting(http).listen();
    const options = { ...BEHIND_PROXY, handler: handler('deciding.js'), threads, handshakeTimeoutMs: 200 };
    const sockets = await hosting.attach({ ...options, health: '/health' });

    using asking = await RawClient.connect(hosting.port);
    asking.socket.write('GET /health HTTP/1.1\r\nHost: foreign.example\r\nX-Forwarded-For: 192.0.2.2\r\n\r\n');
    expect(await asking.response).toMatch(/^HTTP\/1\.1 403 /);
    await hosting.log.line(/192\.0\.2\.2: refused: .*Host/);

    using early = await RawClient.connect(hosting.port);
    early.socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    early.socket.write(encodeRequest('/live', ['X-Forwarded-For: 192.0.2.3']));
    await hosting.log.line(/192\.0\.2\.3: refused: .*an upgrade behind a request that is not answered/);
    expect(kept.length).toBe(1);
  });
});
