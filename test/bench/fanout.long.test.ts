import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { argumentsOf, type Dialect, type FanoutLoad } from '../../bench/fanout.js';

const run = promisify(execFile);
const SOURCE = fileURLToPath(new URL('../../bench/fanout.cpp', import.meta.url));
const canCompile = spawnSync('g++', ['-E', '-x', 'c++', '-'], { input: '#include <sys/timerfd.h>\n' }).status === 0;

/** What a topic's subscribers get of the nth publication to it: the text as it was, unless a test spoils it. */
type Relay = (text: string, nth: number) => readonly string[];

const faithful: Relay = (text) => [text];

/** Something will be missing. */
const NO_WAIT = { drainSeconds: 0.3 };

it.skipIf(canCompile)('needs g++, on Linux', ({ skip }) => skip());

describe.runIf(canCompile)('the program that publishes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'wsloom-fanout-'));
  const binary = join(folder, 'fanout');

  beforeAll(async () => {
    await run('g++', ['-O1', '-Wall', '-Wextra', '-Werror', '-std=c++17', '-o', binary, SOURCE]);
  }, 120_000);

  afterAll(() => rmSync(folder, { recursive: true }));

  /** What it says of two servers of `ws` with the same subscribers. */
  async function publishTo(
    relay: Relay,
    { dialect = 'plain', load = {}, seconds = 0.3, drainSeconds = 5 }: Purpose = {},
  ) {
    const subscribers = new Map<string, Set<WebSocket>>();
    const published = new Map<string, number>();
    const servers = [0, 1].map(() => new WebSocketServer({ port: 0, host: '127.0.0.1' }));
    const publish = (text: string, topic: string) => {
      const isCounted = text[5] === 'S';
      const nth = published.get(topic) ?? 0;
      if (isCounted) published.set(topic, nth + 1);
      const relayed = isCounted ? relay(text, nth) : [text];
      for (const one of relayed) {
        const message = dialect === 'plain' ? one : `42${JSON.stringify(['message', one])}`;
        for (const subscriber of subscribers.get(topic) ?? []) subscriber.send(message);
      }
    };
    const subscribe = (socket: WebSocket, topic: string) => {
      subscribers.set(topic, (subscribers.get(topic) ?? new Set()).add(socket));
      socket.on('close', () => subscribers.get(topic)?.delete(socket));
    };
    for (const server of servers) {
      server.on('connection', (socket, { url = '' }) => {
        socket.on('error', () => {}); // 'close' follows
        if (dialect === 'plain') {
          if (url !== '/publish') subscribe(socket, url.slice(1));
          socket.on('message', (data) => publish(String(data), String(data).slice(0, 4)));
          return;
        }
        const topic = new URL(url, 'http://127.0.0.1').searchParams.get('topic');
        socket.send('0{"sid":"a"}');
        socket.send('2');
        socket.on('message', (data) => {
          const packet = String(data);
          if (packet === '40') {
            if (topic !== null) subscribe(socket, topic);
            socket.send('40{"sid":"b"}');
          } else if (packet.startsWith('42')) {
            const [, to, text] = JSON.parse(packet.slice(2)) as [string, string, string];
            publish(text, to);
          }
        });
      });
    }
    await Promise.all(servers.map((server) => once(server, 'listening')));
    const target = {
      dialect,
      ports: servers.map((server) => (server.address() as AddressInfo).port),
      serverPids: [process.pid],
      enginePid: undefined,
    };
    const whole = { bytes: 256, topics: 4, subscribers: 16, pace: { underWay: 8 }, ...load };
    const args = argumentsOf(target, whole, { seconds, warmUpSeconds: 0, core: undefined });
    try {
      const { stdout, stderr } = await run(binary, [`--drain=${drainSeconds}`, ...args]).catch((error) => error);
      return { figures: stdout === '' ? {} : JSON.parse(stdout), complaints: String(stderr) };
    } finally {
      for (const server of servers) {
        for (const client of server.clients) client.terminate();
        server.close();
      }
    }
  }

  it.each(['plain', 'socket.io'] as const)(
    'counts what comes to subscribers of both servers, and finds nothing wrong: %s',
    async (dialect) => {
      for (const pace of [{ underWay: 8 }, { perSecond: 200 }]) {
        const { figures, complaints } = await publishTo(faithful, { dialect, load: { pace } });
        expect(complaints).toBe('');
        expect(figures).toMatchObject({ errors: 0, lost: 0, connections_lost: 0 });
        const { deliveries, near, far } = figures;
        expect(deliveries).toBeGreaterThan(0);
        expect(near.deliveries + far.deliveries).toBe(deliveries);
        expect(far.p99_us).toBeGreaterThanOrEqual(far.p50_us);
        expect(figures.cpu_s[0]).toBeGreaterThan(0);
        expect(figures.first_thread_s[0]).toBeGreaterThan(0);
        expect(figures.first_thread_s[0]).toBeLessThanOrEqual(figures.cpu_s[0]);
      }
    },
  );

  it('publishes at its own pace, to each topic in turn', async () => {
    const perTopic: Record<string, number> = {};
    const count: Relay = (text) => {
      const topic = text.slice(0, 4);
      perTopic[topic] = (perTopic[topic] ?? 0) + 1;
      return [text];
    };
    const { figures } = await publishTo(count, { load: { pace: { perSecond: 100 } } });
    expect(figures).toMatchObject({ errors: 0, lost: 0 });
    const counts = Object.values(perTopic);
    expect(counts).toHaveLength(4);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
  });

  const spoiled = (spoil: (text: string) => readonly string[]): Relay => {
    return (text, nth) => (nth === 2 ? spoil(text) : [text]);
  };

  it.each<readonly [string, string, Relay]>([
    ['is too short', 'length (255, wanted 256)', spoiled((text) => [text.slice(1)])],
    ['is of another topic', 'another topic', spoiled((text) => [`X${text.slice(1)}`])],
    ['has another text', 'another text', spoiled((text) => [`${text.slice(0, -1)}#`])],
    ['comes twice', 'order (2, wanted 3)', spoiled((text) => [text, text])],
    ['was never published', 'what was not published', spoiled((text) => [text.replace('S00', 'S99')])],
  ])('notices a delivery that %s', async (_, complaint, relay) => {
    const { figures, complaints } = await publishTo(relay, NO_WAIT);
    expect(complaints).toContain(complaint);
    expect(figures.errors).toBeGreaterThan(0);
  });

  it('notices what comes in another order', async () => {
    let held: string | undefined;
    const { complaints } = await publishTo((text, nth) => {
      if (text.startsWith('T000') && nth === 0) {
        held = text;
        return [];
      }
      const late = held !== undefined && text.startsWith('T000') ? [held] : [];
      if (late.length > 0) held = undefined;
      return [text, ...late];
    }, NO_WAIT);
    expect(complaints).toContain('order (1, wanted 0)');
    expect(complaints).toContain('order (0, wanted 2)');
  });

  it('counts what never comes, for each subscriber', async () => {
    // All but the first of each topic is kept back, so that a publication of each is missing at its four subscribers.
    const { figures } = await publishTo((text, nth) => (nth === 0 ? [text] : []), {
      ...NO_WAIT,
      load: { pace: { underWay: 4 } },
      seconds: 1,
    });
    expect(figures).toMatchObject({ errors: 0, lost: 16 });
  });

  it('says so if it cannot be measured', async () => {
    const { figures, complaints } = await publishTo(faithful, { load: { subscribers: 15 } });
    expect(figures).toEqual({});
    expect(complaints).toContain('each server must have as many subscribers of each topic');
  });
});

interface Purpose {
  readonly dialect?: Dialect;
  readonly load?: Partial<FanoutLoad>;
  readonly seconds?: number;
  /** How long it waits at the end for what is missing. */
  readonly drainSeconds?: number;
}
