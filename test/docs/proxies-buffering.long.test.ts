import { expect, it } from 'vitest';
import { Client } from '../e2e/client.js';
import { expectBytes, pattern } from '../e2e/pattern.js';
import { encodeFrame, Opcode, RawClient } from '../e2e/raw-client.js';
import { builtIn, type Served, serve, until } from '../e2e/serving.js';
import {
  type Changes,
  describeProxies,
  NGINX,
  PROXY_PROGRAMS,
  type ProxyProgram,
  RunningProxy,
  replacing,
} from './proxy-programs.js';

const MIB = 1024 * 1024;
/** Default of `highWaterMarkBytes`. */
const HIGH_WATER_MARK = MIB;
/** More than the sockets of a client, a proxy and a server hold together. */
const FLOOD = Array.from({ length: 64 }, (_, i) => pattern(i, MIB));

async function withEcho(
  program: ProxyProgram,
  test: (proxy: RunningProxy, served: Served) => Promise<void>,
  changes: Changes = [],
): Promise<void> {
  await using served = await serve({
    ...{ handler: builtIn('echo'), threads: 1 },
    ...{ ...program.telling, trustProxy: ['127.0.0.1'] },
  });
  await using proxy = await RunningProxy.start(program, [served.port], changes);
  await test(proxy, served);
}

/** Each byte of a frame has to reach the server before the client sends the next one, and the answer has to come with nothing behind it. */
async function passesBytesAtOnce(proxy: RunningProxy, { server }: Served): Promise<void> {
  using client = await RawClient.open(proxy.port);
  for (let i = 0; i < 3; i++) {
    const before = server.stats().bytesIn;
    const frame = encodeFrame(Opcode.TEXT, String(i));
    for (const [at, byte] of frame.entries()) {
      client.socket.write(Buffer.of(byte));
      await until(() => server.stats().bytesIn === before + at + 1);
    }
    expect(String((await client.next()).payload)).toBe(String(i));
  }
}

describeProxies(PROXY_PROGRAMS, (program) => {
  it('passes on every byte at once, both ways', async () => {
    await withEcho(program, passesBytesAtOnce);
  });

  it('passes on messages of 1 MiB and 16 MiB unharmed, both ways', async () => {
    await withEcho(program, async ({ url }) => {
      using client = await Client.open(url);
      for (const size of [MIB, 16 * MIB]) {
        const message = pattern(size, size);
        client.send(message);
        expectBytes((await client.next()).bytes, message);
      }
    });
  });

  it('holds back a client that does not read, so that neither the server nor the proxy keeps what it sends', async () => {
    await withEcho(program, async ({ url }, { server }) => {
      using client = await Client.open(url);
      client.socket.pause();
      for (const message of FLOOD) client.send(message);
      let most = 0;
      const quiet = { bytesIn: -1, polls: 0 };
      await until(() => {
        const { bytesIn, bufferedBytes } = server.stats();
        most = Math.max(most, bufferedBytes);
        quiet.polls = bytesIn === quiet.bytesIn ? quiet.polls + 1 : 0;
        quiet.bytesIn = bytesIn;
        return bytesIn > MIB && quiet.polls === 60;
      });
      expect(most).toBeLessThanOrEqual(HIGH_WATER_MARK + 3 * MIB);
      expect(client.socket.bufferedAmount).toBeGreaterThan(8 * MIB);
      client.socket.resume();
      for (const [i, message] of FLOOD.entries()) expectBytes((await client.next()).bytes, message, `message ${i}`);
      const { slowConsumers, shed, stalls } = server.stats().limits;
      expect({ slowConsumers, shed, stalls }).toEqual({ slowConsumers: 0, shed: 0, stalls: 0 });
    });
  });
});

describeProxies([NGINX], (program) => {
  it('passes on every byte of a WebSocket at once, whatever its buffering of requests and responses is', async () => {
    const directives = [
      'proxy_buffering on',
      'proxy_request_buffering on',
      'proxy_buffer_size 1m',
      'proxy_buffers 8 1m',
      'proxy_busy_buffers_size 2m',
    ];
    const buffering = replacing('proxy_http_version', `${directives.join('; ')};\nproxy_http_version`);
    await withEcho(program, passesBytesAtOnce, [buffering]);
  });
});
