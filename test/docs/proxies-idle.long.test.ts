import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { resolveOptions } from '../../dist/primary/options.js';
import { Client } from '../e2e/client.js';
import { handler, Reports, type Served, serve, until } from '../e2e/serving.js';
import {
  CADDY,
  type Changes,
  describeProxies,
  PROXY_PROGRAMS,
  type ProxyProgram,
  RunningProxy,
  replacing,
} from './proxy-programs.js';

/** The idle time of each configuration of the document that has one. */
const DOCUMENTED_MINUTES = 2;
/** What it is in these tests. Clients are pinged after half of that. */
const SCALED_MS = 2000;
/** Of a client. */
const EMPTY_FRAME_BYTES = 6;
const SCALED = `${SCALED_MS / 1000}s`;

/** Gives a configuration the idle time of these tests. The one of Caddy has none, and gets the setting that the document names. */
function scaledTimes(program: ProxyProgram): Changes {
  if (program === CADDY) return [replacing('8080 {', `8080 {\ntransport http {\nread_timeout ${SCALED}\n}\n`)];
  return [replacing(new RegExp(`\\b${DOCUMENTED_MINUTES}m\\b`, 'g'), SCALED)];
}

/** Caddy's own times, all of them shorter than a test. */
const SHORT_TIMES_OF_CADDY = replacing(
  'admin off',
  'admin off\nservers {\ntimeouts {\nread_body 1s\nread_header 1s\nwrite 1s\nidle 1s\n}\n}',
);

/** What a test does with a server behind a proxy, and a client that sends nothing by itself. */
type Watch = (client: Client, served: Served, path: string) => Promise<void>;

async function withSilentClient(
  program: ProxyProgram,
  heartbeatIntervalMs: number,
  changes: Changes,
  watch: Watch,
): Promise<void> {
  await using served = await serve({
    ...{ handler: handler('hooks.js'), threads: 1, heartbeatIntervalMs },
    ...{ ...program.telling, trustProxy: ['127.0.0.1'] },
  });
  await using proxy = await RunningProxy.start(program, [served.port], changes);
  const path = `/${program.file}/${heartbeatIntervalMs}`;
  using client = await Client.open(`${proxy.url}${path}`);
  await watch(client, served, path);
}

/** Waits until the server has pinged for longer than the idle time, and the client is still there. */
const staysOpen: Watch = async (client, served) => {
  for (let pings = 0; pings < 3; pings++) await once(client.socket, 'ping');
  client.send('still here');
  expect(await client.text()).toBe('still here');
  expect(served.server.stats().limits.heartbeatTimeouts).toBe(0);
};

/** Sends and is sent nothing, because nobody asks for these pongs. The server pings only clients that are silent. */
function talk({ socket, closed }: Client): void {
  const timer = setInterval(() => socket.pong(), SCALED_MS / 5);
  void closed.then(() => clearInterval(timer));
}

/** Waits until more time than the idle time is over, in which only the client has sent. */
const staysOpenByTalking: Watch = async (client, served) => {
  talk(client);
  await until(() => served.server.stats().bytesIn >= 9 * EMPTY_FRAME_BYTES);
  client.send('still here');
  expect(await client.text()).toBe('still here');
};

/** Waits until the proxy has cut the connection on both sides. */
const isCut: Watch = async (client, served, path) => {
  using reports = new Reports();
  expect(await client.closed).toMatchObject({ code: 1006 });
  let report = await reports.of('close');
  while (report.path !== path) report = await reports.of('close');
  expect(report.code).toBe(1006);
  await until(() => served.server.stats().connections === 0);
};

/** What becomes of a client that sends all the time, while the server is silent. */
const staysOrIsCut = (program: ProxyProgram): Watch =>
  program === CADDY
    ? async (client, served, path) => {
        talk(client);
        await isCut(client, served, path);
      }
    : staysOpenByTalking;

describe.concurrent('idle times', () => {
  describeProxies(PROXY_PROGRAMS, (program) => {
    it('cuts a silent WebSocket after its idle time, and keeps one that is pinged within that time', async () => {
      const { limits } = resolveOptions({ handler: handler('hooks.js') }).host;
      expect(DOCUMENTED_MINUTES * 60_000).toBeGreaterThan(2 * limits.heartbeatIntervalMs);
      await Promise.all([
        withSilentClient(program, SCALED_MS / 2, scaledTimes(program), staysOpen),
        withSilentClient(program, 0, scaledTimes(program), isCut),
        withSilentClient(program, SCALED_MS, scaledTimes(program), staysOrIsCut(program)),
      ]);
    });
  });

  describeProxies([CADDY], (program) => {
    it('never cuts a silent WebSocket by itself, whatever its other times are', async () => {
      await withSilentClient(program, 0, [SHORT_TIMES_OF_CADDY], async (client, served) => {
        await withSilentClient(program, SCALED_MS / 2, [SHORT_TIMES_OF_CADDY], staysOpen);
        client.send('still here');
        expect(await client.text()).toBe('still here');
        expect(served.server.stats().connections).toBe(1);
      });
    });
  });
});
