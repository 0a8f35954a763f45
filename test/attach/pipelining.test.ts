import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createServer } from '../../dist/index.js';
import { encodeFrame, encodeRequest, Opcode, RawClient } from '../e2e/raw-client.js';
import { builtIn, RecordingLog, until } from '../e2e/serving.js';
import { eachWay, onlyOnce } from '../e2e/thread-counts.js';
import { Hosting } from './hosting.js';

const get = (target: string, ...headers: string[]) =>
  [`GET ${target} HTTP/1.1`, 'Host: localhost', ...headers, '\r\n'].join('\r\n');

/** An application that answers when it is told to. */
class Waiting {
  readonly responses: ServerResponse[] = [];
  readonly listener: RequestListener = (_, response) => void this.responses.push(response);

  async response(number: number): Promise<ServerResponse> {
    await until(() => this.responses.length > number);
    return this.responses[number] as ServerResponse;
  }
}

/** A client that keeps all that it reads. */
async function reading(port: number) {
  const client = await RawClient.connect(port);
  const got = { bytes: '' };
  client.socket.on('data', (read) => {
    got.bytes += read.toString('latin1');
  });
  return { client, got };
}

const statuses = (bytes: string) => [...bytes.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status);

describe.each(eachWay(1))(
  'an upgrade behind requests that the application has not answered, with threads: %i',
  (threads) => {
    it('is answered behind them, and what the client has sent meanwhile is handled', async () => {
      const waiting = new Waiting();
      await using hosting = await new Hosting(createHttpServer(waiting.listener)).listen();
      const sockets = await hosting.attach({ handler: builtIn('echo'), threads, path: '/live' });
      const { client, got } = await reading(hosting.port);
      using _ = client;
      const early = encodeFrame(Opcode.TEXT, 'early');
      const upgrade = Buffer.from(get('/a') + get('/b', 'Expect: 100-continue') + encodeRequest('/live'));
      client.socket.write(Buffer.concat([upgrade, early]));
      const second = await waiting.response(1);
      await until(() => sockets.stats().pendingUpgrades === 1);
      client.text('later');
      second.end('second');
      expect([statuses(got.bytes).filter((status) => status !== '100'), sockets.stats().opened]).toEqual([[], 0]);
      (await waiting.response(0)).end('first');
      await until(() => got.bytes.endsWith('\x81\x05later'));
      expect(statuses(got.bytes).filter((status) => status !== '100')).toEqual(['200', '200', '101']);
      expect(got.bytes).toMatch(/first.*second.* 101 /s);
      expect(got.bytes.endsWith('\x81\x05early\x81\x05later')).toBe(true);
      expect(sockets.stats()).toMatchObject({ pendingUpgrades: 0, opened: 1 });
    });

    it('comes behind a large answer that the client takes slowly', async () => {
      const size = 8 * 1024 * 1024;
      const http = createHttpServer((_, response) => {
        const part = Buffer.alloc(64 * 1024, 'x');
        const parts = function* () {
          for (let sent = 0; sent < size; sent += part.length) yield part;
        };
        // What waits for 'drain'.
        Readable.from(parts()).pipe(response.writeHead(200, { 'Content-Length': size }));
      });
      await using hosting = await new Hosting(http).listen();
      await hosting.attach({ handler: builtIn('echo'), threads, path: '/live' });
      const client = await RawClient.connect(hosting.port);
      using _ = client;
      let bytes = 0;
      let end = '';
      client.socket.pause();
      client.socket.write(get('/large') + encodeRequest('/live'));
      client.text('hello');
      await once(hosting.http, 'upgrade');
      client.socket.on('data', (read) => {
        bytes += read.length;
        end = (end + read.toString('latin1')).slice(-300);
      });
      client.socket.resume();
      await until(() => end.endsWith('\x81\x05hello'));
      expect(bytes).toBeGreaterThan(size);
      expect(end).toMatch(/x{10}HTTP\/1\.1 101 /);
    });

    it('closes the connection if they are not answered in time', async () => {
      const waiting = new Waiting();
      await using hosting = await new Hosting(createHttpServer(waiting.listener)).listen();
      const options = { handler: builtIn('echo'), threads, path: '/live', handshakeTimeoutMs: 100 };
      const sockets = await hosting.attach(options);
      const { client, got } = await reading(hosting.port);
      client.socket.write(get('/never') + encodeRequest('/live'));
      await client.ended;
      client.socket.end();
      expect(got.bytes).toBe('');
      expect(sockets.stats()).toMatchObject({ pendingUpgrades: 0, limits: { refusedHandshakes: 1 } });
      expect(hosting.log.lines).toEqual([
        expect.stringMatching(/^info: 127\.0\.0\.1: .*behind a request that is not ans/),
      ]);
    });

    it('has no answer if an earlier one ends the connection', async () => {
      const http = createHttpServer((_, response) => {
        setImmediate(() => response.setHeader('Connection', 'close').end('the last'));
      });
      await using hosting = await new Hosting(http).listen();
      const sockets = await hosting.attach({ handler: builtIn('echo'), threads, path: '/live' });
      const { client, got } = await reading(hosting.port);
      client.socket.write(get('/') + encodeRequest('/live'));
      await client.ended;
      client.socket.end();
      await client.closed;
      expect(statuses(got.bytes)).toEqual(['200']);
      expect(got.bytes).toMatch(/the last$/);
      expect(sockets.stats()).toMatchObject({ opened: 0, pendingUpgrades: 0 });
    });

    it('waits also if it comes by handleUpgrade', async () => {
      const waiting = new Waiting();
      const http = createHttpServer(waiting.listener);
      await using hosting = await new Hosting(http).listen();
      const server = createServer({ handler: builtIn('echo'), threads, log: new RecordingLog() });
      await server.start();
      http.on('upgrade', (request, socket, head) => server.handleUpgrade(request, socket, head, {}));
      const { client, got } = await reading(hosting.port);
      using _ = client;
      client.socket.write(get('/a') + encodeRequest('/'));
      client.text('hello');
      const response = await waiting.response(0);
      await until(() => server.stats().pendingUpgrades === 1);
      response.end('first');
      await until(() => got.bytes.endsWith('\x81\x05hello'));
      expect(statuses(got.bytes)).toEqual(['200', '101']);
      await server.close({ drainMs: 0 });
    });
  },
);

it.each(onlyOnce)("the answer to an upgrade on nobody's path comes behind earlier ones too", async () => {
  const waiting = new Waiting();
  await using hosting = await new Hosting(createHttpServer(waiting.listener)).listen();
  await hosting.attach({ handler: builtIn('echo'), threads: 0, path: '/live' });
  const { client, got } = await reading(hosting.port);
  client.socket.write(get('/a') + encodeRequest('/nobody'));
  (await waiting.response(0)).end('first');
  await client.ended;
  expect(statuses(got.bytes)).toEqual(['200', '404']);
  client.socket.end();
});

it.each(onlyOnce)('a request that was on its way when the server was attached is waited for too', async () => {
  const waiting = new Waiting();
  await using hosting = await new Hosting(createHttpServer(waiting.listener)).listen();
  const { client, got } = await reading(hosting.port);
  using _ = client;
  client.socket.write(get('/a'));
  const response = await waiting.response(0);
  const sockets = await hosting.attach({ handler: builtIn('echo'), threads: 0, path: '/live' });
  client.socket.write(encodeRequest('/live'));
  await until(() => sockets.stats().pendingUpgrades === 1);
  response.end('first');
  await until(() => statuses(got.bytes).length === 2);
  expect(statuses(got.bytes)).toEqual(['200', '101']);
});
