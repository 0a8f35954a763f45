import { describe, expect, it } from 'vitest';
import { Client } from './client.js';
import { MemoryHub } from './memory-hub.js';
import { handler, type Served, serve, until } from './serving.js';

const commands = handler('commands.js');

/** Opens clients that are subscribed to topics, of whatever threads. */
async function subscribed(served: Served, count: number, ...topics: readonly string[]): Promise<Client[]> {
  const clients: Client[] = [];
  for (let i = 0; i < count; i++) {
    const client = await Client.open(served.url);
    client.run(...topics.map((topic) => ['subscribe', topic]), ['send', 'subscribed']);
    expect(await client.text()).toBe('subscribed');
    clients.push(client);
  }
  return clients;
}

describe.each([0, 2])('a fleet of servers, with threads: %i', (threads) => {
  it('brings what one publishes to the subscribers of all, each once', async () => {
    const hub = new MemoryHub();
    await using here = await serve({ handler: commands, threads, backplane: hub.backplane() });
    await using there = await serve({ handler: commands, threads, backplane: hub.backplane() });
    const ours = await subscribed(here, 3, 'topic', 'fence');
    const theirs = await subscribed(there, 3, 'topic', 'fence');
    await until(() => hub.subscribers('topic') === 2 && hub.subscribers('fence') === 2);
    const [publisher] = ours as [Client];
    publisher.run(['publish', 'topic', 'to the others'], ['publishToAll', 'topic', 'to all']);
    publisher.run(['publish', 'nobody', 'lost'], ['publishToAll', 'fence', 'fence']);
    for (const client of [...ours, ...theirs]) {
      if (client === publisher) expect(await client.texts(2)).toEqual(['to all', 'fence']);
      else expect(await client.texts(3)).toEqual(['to the others', 'to all', 'fence']);
    }
    there.server.publish('topic', 'from the primary');
    there.server.publish('fence', new Uint8Array([1, 2]));
    for (const client of [...ours, ...theirs]) {
      expect(await client.text()).toBe('from the primary');
      expect(await client.next()).toEqual({ bytes: Buffer.from([1, 2]), isBinary: true });
    }
    expect([...ours, ...theirs].flatMap(({ rest }) => rest)).toEqual([]);
  });
});
