import { describe, expect, it } from 'vitest';
import { Client } from '../e2e/client.js';
import { handler, type Served, serve, until } from '../e2e/serving.js';
import { isInstalled } from './engines.js';
import { NATS, REDIS } from './kinds.js';

const PASSWORD = 's3cret-Sentinel';

/** Some that engines may mistake, and one whose name a hash stands for. */
const TOPICS = ['/rooms/1', 'a.*', '😀\ud83d', 'x'.repeat(1024)];

/** A client that is subscribed to all topics. */
async function subscriber({ url }: Served): Promise<Client> {
  const client = await Client.open(url);
  client.run(...TOPICS.map((topic) => ['subscribe', topic]), ['send', 'subscribed']);
  expect(await client.text()).toBe('subscribed');
  return client;
}

const subscriptionsOf = ({ server }: Served) => server.stats().backplaneSubscriptions;

for (const kind of [NATS, REDIS]) {
  describe.skipIf(!isInstalled(kind.program))(`servers with ${kind.program} between them`, () => {
    it('publish to the subscribers of all, and go on when the engine was away', async () => {
      await using engine = await kind.start({ lines: kind.withPassword(PASSWORD) });
      const options = { handler: handler('commands.js'), threads: 1, backplane: kind.url(engine.address, PASSWORD) };
      await using here = await serve(options);
      await using there = await serve(options);
      using ours = await subscriber(here);
      using theirs = await subscriber(there);
      const bothSubscribe = () => [here, there].every((one) => subscriptionsOf(one) === TOPICS.length);
      await until(bothSubscribe);

      for (const [i, topic] of TOPICS.entries()) ours.run(['publishToAll', topic, String(i)]);
      for (const client of [ours, theirs]) {
        expect((await client.texts(TOPICS.length)).sort()).toEqual([...TOPICS.keys()].map(String));
      }
      // Larger than a message of the engine: it goes in pieces.
      const large = 'x'.repeat(3_000_000);
      there.server.publish('/rooms/1', large);
      for (const client of [ours, theirs]) expect((await client.text()) === large).toBe(true);

      await engine.kill();
      await Promise.all([here, there].map(({ log }) => log.line(/backplane \w+: lost: /)));
      await using again = await kind.start({ port: engine.port, lines: kind.withPassword(PASSWORD) });
      await Promise.all([here, there].map(({ log }) => log.line(/backplane \w+: connected again/)));
      await until(bothSubscribe);
      // What was published before the other server has subscribed again is lost: it is published until it comes.
      await until(async () => {
        here.server.publish('a.*', 'back');
        return theirs.rest.length > 0;
      });
      expect(await theirs.text()).toBe('back');
      expect([...here.log.lines, ...there.log.lines, again.said].join('\n')).not.toContain(PASSWORD);
    });
  });
}
