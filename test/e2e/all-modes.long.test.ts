import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server as NetServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { attach, type ServerOptions } from '../../dist/index.js';
import { pair } from '../tls/certificates.js';
import { Client, refusal } from './client.js';
import { handler, RecordingLog, serve } from './serving.js';
import { TRUST } from './transport.js';

const MODULE = handler('in-all-modes.js');
const TLS = { tls: pair('default') };

/** A way of a connection to its handler. @returns the URL, and what ends it */
type Mode = () => Promise<{ readonly url: string; readonly end: () => Promise<unknown> }>;

const served =
  (options: Partial<ServerOptions>): Mode =>
  async () => {
    const { server, url } = await serve({ handler: MODULE, threads: 1, ...options });
    return { url, end: () => server.close({ drainMs: 0 }) };
  };

const attached =
  (http: NetServer, scheme: string, threads: number): Mode =>
  async () => {
    await once(http.listen(0, '127.0.0.1'), 'listening');
    const sockets = await attach(http as ReturnType<typeof createServer>, {
      handler: MODULE,
      threads,
      log: new RecordingLog(),
    });
    const { port } = http.address() as AddressInfo;
    const end = async () => {
      await sockets.close({ drainMs: 0 });
      http.close();
    };
    return { url: `${scheme}://127.0.0.1:${port}`, end };
  };

const MODES: readonly (readonly [string, Mode])[] = [
  ['plain', served({})],
  ['plain, opened by a worker', served({ handshake: 'worker' })],
  ['plain, without workers', served({ threads: 0 })],
  ['TLS', served(TLS)],
  ['TLS, without workers', served({ ...TLS, threads: 0 })],
  ['attached to node:http', attached(createServer(), 'ws', 1)],
  ['attached to node:http, without workers', attached(createServer(), 'ws', 0)],
  ['attached to node:https', attached(createHttpsServer(pair('default')), 'wss', 1)],
];

/** Everything that clients see of a handler. */
async function seen(url: string): Promise<unknown> {
  const options = { ...TRUST, protocols: ['a', 'b'], headers: { 'X-Own': 'mine' } };
  const found: unknown[] = [];
  for (const query of ['now', 'later']) {
    const client = new Client(`${url}/room?${query}`, options);
    const [response] = (await once(client.socket, 'upgrade')) as [{ readonly headers: Record<string, unknown> }];
    found.push(response.headers['x-answer'], client.socket.protocol, await client.json());
    client.send(Buffer.from([1, 2, 3]));
    found.push([...(await client.next()).bytes]);
    client.send('hello');
    found.push(await client.text());
    client.send(query === 'now' ? 'close' : 'throw');
    found.push(await client.closed);
  }
  for (const path of ['/refused', '/function', '/throws']) found.push(await refusal(`${url}${path}`));
  return JSON.parse(JSON.stringify(found));
}

describe('the same handler', () => {
  let expected: unknown;

  it.each(MODES)('is the same for its clients: %s', async (_, begin) => {
    const { url, end } = await begin();
    try {
      const found = await seen(url);
      expected ??= found;
      expect(found).toEqual(expected);
      expect(found).toContainEqual({ code: 4001, reason: 'as asked' });
      expect(JSON.stringify(found)).toContain('"own":"mine"');
    } finally {
      await end();
    }
  });
});
