import { afterEach, describe, expect, it, vi } from 'vitest';
import { redis } from '../../dist/backplanes/index.js';
import { RedisClient } from '../../dist/backplanes/redis-client.js';
import { Secrets } from '../../dist/backplanes/secrets.js';
import { until } from '../e2e/serving.js';
import { Engine, isInstalled } from './engines.js';
import { Link } from './link.js';

const PASSWORD = 's3cret-Sentinel';
/** A user that may not use any channel. */
const WITHOUT_CHANNELS = `user me on >${PASSWORD} resetkeys resetchannels +@all`;
const PIECE = new Uint8Array(16 * 1024);
/** More than may wait. */
const MOST_PIECES = 1024;
/** More than there are partitions of topics. */
const TOPICS = Array.from({ length: 200 }, (_, i) => `topic ${i}`);

/** How often a server has run a command. It is asked without a password. */
async function callsOf(command: string, { port }: Engine): Promise<number> {
  const { signal } = new AbortController();
  const credentials = { username: undefined, password: undefined, tls: undefined };
  const client = await RedisClient.open({ host: '127.0.0.1', port }, credentials, new Secrets([]), signal, () => {});
  const figures = String(await client.command(['INFO', 'commandstats']));
  client.close();
  return Number(new RegExp(`^cmdstat_${command}:calls=(\\d+)`, 'm').exec(figures)?.[1] ?? 0);
}

afterEach(() => {
  vi.useRealTimers();
});

describe.skipIf(!isInstalled('redis-server'))('a server of Redis', () => {
  it('is sent one command for many topics, if it is no cluster', async () => {
    await using engine = await Engine.redis();
    await using link = await Link.to(redis({ nodes: engine.address }));
    await link.connection.subscribe(TOPICS);
    await link.connection.unsubscribe(TOPICS);
    expect([await callsOf('subscribe', engine), await callsOf('unsubscribe', engine)]).toEqual([1, 1]);
  });

  it('is not asked to end subscriptions that it has refused', async () => {
    await using engine = await Engine.redis({ lines: [WITHOUT_CHANNELS] });
    await using link = await Link.to(redis({ nodes: engine.address, username: 'me', password: PASSWORD }));
    await link.connection.subscribe(TOPICS);
    expect(link.refusals).toHaveLength(TOPICS.length);
    await link.connection.unsubscribe(TOPICS);
    expect([await callsOf('unsubscribe', engine), link.losses]).toEqual([0, []]);
  });

  it('that refuses what is published makes nobody wait for it', async () => {
    await using engine = await Engine.redis({ lines: [WITHOUT_CHANNELS] });
    await using from = await Link.to(redis({ nodes: engine.address, username: 'me', password: PASSWORD }));
    let pieces = 1;
    while (from.connection.publish('topic', PIECE) && pieces < MOST_PIECES) pieces++;
    expect(pieces).toBeLessThan(MOST_PIECES);
    await until(() => from.refusals.length === pieces || from.losses.length > 0);
    expect(from.losses).toEqual([]);
    expect(from.drains).toBe(1);
    expect(from.connection.publish('topic', PIECE)).toBe(true);
  });

  it('is asked whether it is there until the connection ends, and no longer', async () => {
    await using engine = await Engine.redis();
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const closed = await Link.to(redis({ nodes: engine.address }));
    const lost = await Link.to(redis({ nodes: engine.address }));
    expect(vi.getTimerCount()).toBe(2);
    await closed.connection.close();
    expect(vi.getTimerCount()).toBe(1);
    await engine.kill();
    await until(() => lost.losses.length > 0);
    expect(vi.getTimerCount()).toBe(0);
  });
});
