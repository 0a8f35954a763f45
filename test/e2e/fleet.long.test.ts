import { describe, expect, it } from 'vitest';
import { isInstalled } from '../backplanes/engines.js';
import { NATS, REDIS } from '../backplanes/kinds.js';
import { Client } from './client.js';
import { handler, type Served, serve, until } from './serving.js';

const commands = handler('commands.js');

/** Opens a client that is subscribed to a topic. */
async function subscribed(served: Served, topic: string): Promise<Client> {
  const client = await Client.open(served.url);
  client.run(['subscribe', topic], ['send', 'subscribed']);
  expect(await client.text()).toBe('subscribed');
  return client;
}

/** Publishes in every server until all clients have got something that was published now: then all subscriptions hold. */
async function untilConnected(servers: readonly Served[], clients: readonly Client[], fence: string): Promise<void> {
  const heard = clients.map(() => new Set<string>());
  await until(() => {
    for (const [i, { server }] of servers.entries()) server.publish('topic', `${fence}:${i}`);
    for (const [i, client] of clients.entries()) for (const { bytes } of client.rest) heard[i]?.add(String(bytes));
    return heard.every((each) => servers.every((_, i) => each.has(`${fence}:${i}`)));
  });
}

for (const kind of [NATS, REDIS]) {
  describe.skipIf(!isInstalled(kind.program))(`three servers with ${kind.program}`, () => {
    it('bring every publication to each subscriber once, and in the order of each publisher', async () => {
      await using engine = await kind.start();
      const options = { handler: commands, threads: 2, backplane: kind.url(engine.address), backplaneStallMs: 60_000 };
      await using one = await serve(options);
      await using two = await serve(options);
      await using three = await serve(options);
      const servers = [one, two, three];
      const clients = await Promise.all([...servers, ...servers].map((served) => subscribed(served, 'topic')));
      await untilConnected(servers, clients, 'fence');
      const count = 20_000;
      for (const client of clients) client.run(['publishMany', 'others', count, '']);
      for (const [i, { server }] of servers.entries()) {
        for (let number = 0; number < 2000; number++) server.publish('topic', `p${i}:${number}`);
      }
      for (const client of clients) {
        const next = new Map<string, number>();
        for (let left = 3 * 2000; left > 0; ) {
          const [publisher = '', place] = (await client.text()).split(':');
          if (!publisher.startsWith('p')) continue;
          expect(Number(place)).toBe(next.get(publisher) ?? 0);
          next.set(publisher, Number(place) + 1);
          left--;
        }
      }
      for (const { server } of servers) expect(server.stats().backplaneDropped).toBe(0);
    });

    it('bring nothing twice and nothing out of order while the engine comes and goes', async () => {
      let engine = await kind.start();
      const { port } = engine;
      const options = { handler: commands, threads: 1, backplane: kind.url(engine.address) };
      await using one = await serve(options);
      await using two = await serve(options);
      const servers = [one, two];
      try {
        const clients = await Promise.all(servers.map((served) => subscribed(served, 'topic')));
        await untilConnected(servers, clients, 'fence');
        let number = 0;
        const publishing = setInterval(() => {
          for (let i = 0; i < 20; i++, number++) {
            for (const [publisher, { server }] of servers.entries()) server.publish('topic', `p${publisher}:${number}`);
          }
        }, 5);
        for (let round = 0; round < 3; round++) {
          await engine.kill();
          await until(() => servers.every(({ log }) => lost(log.lines) === round + 1));
          engine = await kind.start({ port });
          await untilConnected(servers, clients, `round ${round}`);
        }
        clearInterval(publishing);
        await untilConnected(servers, clients, 'end');
        for (const client of clients) {
          const last = new Map<string, number>();
          for (const { bytes } of client.rest) {
            const [publisher = '', place] = String(bytes).split(':');
            if (!publisher.startsWith('p')) continue;
            expect(Number(place)).toBeGreaterThan(last.get(publisher) ?? -1);
            last.set(publisher, Number(place));
          }
          expect(last.size).toBe(2);
        }
      } finally {
        await engine.kill();
      }
    });
  });
}

/** How often a log says that the engine is lost. */
function lost(lines: readonly string[]): number {
  return lines.filter((line) => /^warn: backplane \w+: lost/.test(line)).length;
}
