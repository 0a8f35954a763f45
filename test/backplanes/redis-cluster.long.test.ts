import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redis, testBackplane } from '../../dist/backplanes/index.js';
import { slotOf } from '../../dist/backplanes/key-slot.js';
import { partitionOf } from '../../dist/pubsub/topic-spread.js';
import { Command } from '../cli/command.js';
import { pathOf } from '../e2e/installed.js';
import { until } from '../e2e/serving.js';
import { freePort } from '../ports.js';
import { Engine, isInstalled } from './engines.js';
import { failureOf, Link } from './link.js';

/** A machine that is busy with other things is slow, not wrong. */
const PATIENT = { timeoutMs: 60_000 };

const PASSWORD = 's3cret-Sentinel';
/** Enough for each node of three to have some. */
const TOPICS = Array.from({ length: 60 }, (_, i) => `topic ${i}`);

/** Runs `redis-cli` against a node. @returns what it says, and fails if it ends with an error. */
async function cli(...args: string[]): Promise<string> {
  const all = ['--no-auth-warning', '-a', PASSWORD, ...args];
  await using command = new Command(pathOf('redis-cli') as string, all);
  expect(await command.ended, command.stdout + command.stderr).toBe(0);
  return command.stdout.trim();
}

const ask = ({ port }: Engine, ...args: string[]) => cli('-p', String(port), ...args);

describe.skipIf(!isInstalled('redis-server'))('a cluster of Redis', () => {
  const nodes: Engine[] = [];
  const make = (...addresses: string[]) => redis({ nodes: addresses, password: PASSWORD });

  beforeAll(async () => {
    const lines = ['cluster-enabled yes', 'cluster-node-timeout 2000', `requirepass ${PASSWORD}`];
    for (let i = 0; i < 3; i++) {
      // The bus of the cluster has another port, by default 10,000 further, which may not be there.
      nodes.push(await Engine.redis({ lines: [...lines, `cluster-port ${await freePort()}`] }));
    }
    await cli('--cluster', 'create', ...nodes.map(({ address }) => address), '--cluster-yes');
    for (const node of nodes)
      await until(async () => (await ask(node, 'cluster', 'info')).includes('cluster_state:ok'));
  });

  afterAll(async () => {
    for (const node of nodes) await node[Symbol.asyncDispose]();
  });

  const at = (i: number) => nodes[i] as Engine;

  it('keeps the rules of a backplane, whichever node is named', async () => {
    for (const { address } of nodes) await testBackplane(() => make(address), PATIENT);
  });

  it('has the channels of each topic on one node, and of all topics on all nodes', async () => {
    await using link = await Link.to(make(at(0).address));
    await link.connection.subscribe(TOPICS);
    const counts = await Promise.all(nodes.map((node) => ask(node, 'pubsub', 'shardchannels')));
    const channels = counts.map((text) => text.split('\n').filter((line) => line !== ''));
    expect(channels.every((one) => one.length > 0)).toBe(true);
    expect(channels.flat().sort()).toEqual(
      TOPICS.map((topic) => `wsloom:{${partitionOf(topic)}}:${topic.replace(' ', '=20')}`).sort(),
    );
  });

  it('is reached by any of the addresses, without the password in an error', async () => {
    await using gone = await Engine.redis();
    await gone.kill();
    await (await Link.to(make(gone.address, at(1).address))).connection.close();
    const error = await failureOf(redis({ nodes: at(0).address, password: `${PASSWORD}!` }));
    expect(error.message).toMatch(/WRONGPASS/);
    expect(error.message).not.toContain(PASSWORD);
  });

  it('one of whose nodes is frozen makes publishers wait, and loses nothing', async () => {
    await using to = await Link.to(make(at(0).address));
    await to.connection.subscribe(TOPICS);
    await using from = await Link.to(make(at(0).address));
    const owner = await ownerOf('topic 0');
    await owner.freeze();
    let pieces = 1;
    while (from.connection.publish('topic 0', new Uint8Array(64 * 1024)) && pieces < 1000) pieces++;
    expect(pieces).toBeLessThan(100);
    owner.thaw();
    await until(() => from.drains === 1 && to.received.length === pieces);
    expect([from.losses, to.losses]).toEqual([[], []]);
  });

  it('whose slots move is reported as lost by publishers and by subscribers, and is found again', async () => {
    const backplane = make(at(0).address);
    const idle = await Link.to(backplane);
    await idle.connection.subscribe(TOPICS);
    const publisher = await Link.to(make(at(0).address));
    const slot = String(slotOf(String(partitionOf('topic 0'))));
    const [source, target] = [await ownerOf('topic 0'), await otherThan('topic 0')];
    const id = await ask(target, 'cluster', 'myid');
    for (const node of [target, source, ...nodes]) await ask(node, 'cluster', 'setslot', slot, 'node', id);
    // Nothing was sent on the connection of the subscriber.
    await until(() => idle.losses.length > 0);
    expect(idle.losses[0]?.message).toMatch(/moved/i);
    publisher.connection.publish('topic 0', Buffer.from('lost'));
    await until(() => publisher.losses.length > 0);
    expect(publisher.losses[0]?.message).toMatch(/MOVED/);
    await using back = await Link.to(backplane);
    await back.connection.subscribe(TOPICS);
    await using from = await Link.to(make(at(0).address));
    for (const topic of TOPICS) from.connection.publish(topic, Buffer.from(topic));
    await until(() => back.received.length === TOPICS.length);
  });

  it('is reached by a node without topics, which is not needed from then on', async () => {
    const lines = ['cluster-enabled yes', `cluster-port ${await freePort()}`, `requirepass ${PASSWORD}`];
    await using fourth = await Engine.redis({ lines });
    const bus = (await ask(at(0), 'config', 'get', 'cluster-port')).split('\n')[1] ?? '';
    await ask(fourth, 'cluster', 'meet', '127.0.0.1', String(at(0).port), bus);
    await until(async () => (await ask(fourth, 'cluster', 'info')).includes('cluster_state:ok'));
    await using link = await Link.to(make(fourth.address));
    await fourth.kill();
    await link.connection.subscribe(TOPICS);
    await using from = await Link.to(make(at(0).address));
    for (const topic of TOPICS) from.connection.publish(topic, Buffer.from(topic));
    await until(() => link.received.length === TOPICS.length);
    expect(link.losses).toEqual([]);
  });

  // The last one: it breaks the cluster.
  it('that loses a node is reported as lost once, and is not complete', async () => {
    const backplane = make(at(0).address);
    const link = await Link.to(backplane);
    await link.connection.subscribe(TOPICS);
    await at(2).kill();
    await until(() => link.losses.length > 0);
    expect((await failureOf(backplane)).message).toMatch(/refused/i);
    expect(link.losses).toHaveLength(1);
  });

  async function ownerOf(topic: string): Promise<Engine> {
    const slots = await ask(at(0), 'cluster', 'nodes');
    const slot = slotOf(String(partitionOf(topic)));
    for (const line of slots.split('\n')) {
      const [, address = '', , , , , , , ...ranges] = line.split(' ');
      const has = ranges.some((range) => {
        const [first = 0, last = first] = range.split('-').map(Number);
        return slot >= first && slot <= last;
      });
      if (has) return nodes.find(({ port }) => address.includes(`:${port}@`)) as Engine;
    }
    throw new Error(`nobody has slot ${slot}`);
  }

  async function otherThan(topic: string): Promise<Engine> {
    const owner = await ownerOf(topic);
    return nodes.find((node) => node !== owner) as Engine;
  }
});
