import { describe, expect, it } from 'vitest';
import { publish, roomToPublish } from '../../dist/index.js';
import { Client } from './client.js';
import { expectBytes, pattern } from './pattern.js';
import { builtIn, handler, hosted, type Served, serve, until } from './serving.js';
import { eachWay, onlyOnce } from './thread-counts.js';

const commands = handler('commands.js');

/** Connects the same number of clients in each thread of a server of `handlers/commands.js`. @returns a list for each thread */
async function openInEachThread(served: Served, count: number): Promise<readonly Client[][]> {
  const threads = new Map<string, Client[]>();
  for (let i = 0; i < count * Math.max(1, served.server.threads); i++) {
    const client = await Client.open(served.url);
    client.run(['where']);
    const thread = await client.text();
    threads.set(thread, [...(threads.get(thread) ?? []), client]);
  }
  return [...threads.values()];
}

/** Waits until the subscription holds: then the client's own publication comes back. */
async function subscribe(clients: readonly Client[], ...topics: readonly string[]): Promise<void> {
  for (const client of clients) {
    client.run(...topics.map((topic) => ['subscribe', topic]), ['send', 'subscribed']);
    expect(await client.text()).toBe('subscribed');
  }
}

describe.each(eachWay(2))('topics, with threads: %i', (threads) => {
  it('reach their subscribers in all threads, and nobody else', async () => {
    await using served = await serve({ handler: commands, threads });
    const byThread = await openInEachThread(served, 3);
    expect(byThread).toHaveLength(Math.max(1, threads));
    const clients = byThread.flat();
    const publishers = byThread.map(([first]) => first as Client);
    const others = byThread.flatMap(([, second]) => second as Client);
    const strangers = byThread.flatMap(([, , third]) => third as Client);
    await subscribe([...publishers, ...others], 'topic', 'fence');
    await subscribe(strangers, 'other topic', 'fence');

    for (const publisher of publishers) {
      publisher.run(
        ['publish', 'topic', 'to the others'],
        ['publishToAll', 'topic', 'to all'],
        ['publish', 'topic', 'to the others again'],
        ['publish', 'nobody', 'lost'],
        ['publishToAll', 'fence', 'fence'],
      );
      for (const client of clients) {
        if (strangers.includes(client)) expect(await client.texts(1)).toEqual(['fence']);
        else if (client === publisher) expect(await client.texts(2)).toEqual(['to all', 'fence']);
        else expect(await client.texts(4)).toEqual(['to the others', 'to all', 'to the others again', 'fence']);
      }
    }

    for (const client of others) client.run(['unsubscribe', 'topic'], ['unsubscribe', 'never'], ['send', 'done']);
    for (const client of others) expect(await client.text()).toBe('done');
    served.server.publish('topic', 'from the primary');
    served.server.publish('fence', new Uint8Array([1, 2]));
    for (const client of clients) {
      if (publishers.includes(client)) expect(await client.text()).toBe('from the primary');
      expect(await client.next()).toEqual({ bytes: Buffer.from([1, 2]), isBinary: true });
    }
    expect(clients.map((client) => client.rest.length)).toEqual(clients.map(() => 0));
  });

  it('keep the order of each publisher, thousands in a turn', async () => {
    await using served = await serve({ handler: commands, threads });
    const byThread = await openInEachThread(served, 2);
    const clients = byThread.flat();
    await subscribe(clients, 'topic');
    for (const [i, client] of clients.entries()) client.run(['publishMany', 'topic', 3000, `${i}:`]);
    for (const client of clients) {
      const next = clients.map(() => 0);
      for (let count = 0; count < 3000 * clients.length; count++) {
        const [publisher, place] = (await client.text()).split(':').map(Number) as [number, number];
        if (place !== next[publisher])
          throw new Error(`${place} instead of ${next[publisher]} of publisher ${publisher}`);
        next[publisher] = place + 1;
      }
    }
  });

  it('keep their order beside what is sent directly, and with each other', async () => {
    await using served = await serve({ handler: commands, threads });
    const byThread = await openInEachThread(served, 2);
    const [publisher] = byThread.flat() as [Client];
    await subscribe(byThread.flat(), 'a', 'b');
    publisher.run(
      ['publishToAll', 'a', '1'],
      ['send', '2'],
      ['publishToAll', 'b', '3'],
      ['publishToAll', 'a', '4'],
      ['publish', 'a', 'not to itself'],
      ['send', '5'],
      ['send', '6'],
      ['publishToAll', 'a', '7'],
      ['ping', ''],
      ['publishToAll', 'b', '8'],
    );
    expect((await publisher.texts(8)).join('')).toBe('12345678');
    for (const client of byThread.flat().slice(1)) {
      expect(await client.texts(6)).toEqual(['1', '3', '4', 'not to itself', '7', '8']);
    }
    // Also where a subscriber has only some of the topics.
    const [, half] = byThread.flat() as [Client, Client];
    half.run(['unsubscribe', 'a'], ['send', 'done']);
    expect(await half.text()).toBe('done');
    publisher.run(
      ['publishToAll', 'a', '1'],
      ['publishToAll', 'b', '2'],
      ['publishToAll', 'a', '3'],
      ['publishToAll', 'b', '4'],
    );
    expect((await half.texts(2)).join('')).toBe('24');
    expect((await publisher.texts(4)).join('')).toBe('1234');
  });

  it('hold from subscribe to unsubscribe, within one turn too', async () => {
    await using served = await serve({ handler: commands, threads });
    await subscribe((await openInEachThread(served, 1)).flat(), 'topic');
    for (const before of [[], [['subscribe', 'another']]] as const) {
      using client = await Client.open(served.url);
      client.run(
        ...before,
        ['publishToAll', 'topic', 'before'],
        ['subscribe', 'topic'],
        ['subscribe', 'topic'],
        ['publishToAll', 'topic', 'between'],
        ['unsubscribe', 'topic'],
        ['publishToAll', 'topic', 'after'],
        ['send', 'end'],
      );
      expect(await client.texts(2)).toEqual(['between', 'end']);
    }
  });

  it('can be published to from a timer and after an await', async () => {
    await using served = await serve({ handler: commands, threads });
    const clients = (await openInEachThread(served, 1)).flat();
    await subscribe(clients, 'topic');
    for (const client of clients) {
      client.run(['later', ['publishToAll', 'topic', 'late'], ['publish', 'topic', 'to others']]);
      for (const one of clients) expect(await one.texts(one === client ? 1 : 2)).toContain('late');
      client.run(['afterAwait', ['publishToAll', 'topic', 'later'], ['send', 'sent']]);
      for (const one of clients) expect(await one.text()).toBe('later');
      expect(await client.text()).toBe('sent');
    }
  });

  it('carry large publications, small ones between them', async () => {
    await using served = await serve({ handler: commands, threads });
    const clients = (await openInEachThread(served, 2)).flat();
    await subscribe(clients, 'topic');
    const sizes = [1, 126, 70_000, 262_080, 262_144, 1024 * 1024, 3, 300_000, 5_000_000];
    const [publisher] = clients as [Client];
    publisher.run(...sizes.map((size, i) => ['publishBytes', 'topic', size, i]));
    for (const client of clients) {
      for (const [i, size] of sizes.entries()) {
        const { bytes, isBinary } = await client.next();
        expect({ isBinary, size: bytes.length, isRight: bytes.equals(Buffer.alloc(size, i)) }).toEqual({
          isBinary: true,
          size,
          isRight: true,
        });
      }
    }
  });

  it('wait for a subscriber that does not read, whose bytes stay what they were', async () => {
    await using served = await serve({ handler: commands, threads, maxBackpressureBytes: 2 ** 30 });
    const byThread = await openInEachThread(served, 2);
    const clients = byThread.flat();
    const sleepers = byThread.map(([, second]) => second as Client);
    const [publisher] = clients as [Client];
    await subscribe(clients, 'topic');
    for (const sleeper of sleepers) sleeper.socket.pause();
    const awake = clients.filter((client) => !sleepers.includes(client));
    const count = 400;
    for (let i = 0; i < count; i++) {
      publisher.run(['publishBytes', 'topic', 60_000 + i, i & 0xff]);
      for (const client of awake) expect((await client.next()).bytes.equals(Buffer.alloc(60_000 + i, i))).toBe(true);
    }
    for (const sleeper of sleepers) sleeper.socket.resume();
    for (const sleeper of sleepers) {
      for (let i = 0; i < count; i++) {
        if ((await sleeper.next()).bytes.equals(Buffer.alloc(60_000 + i, i))) continue;
        throw new Error(`publication ${i} has other bytes`);
      }
    }
  });

  it('forget connections that have gone', async () => {
    await using served = await serve({ handler: commands, threads });
    const [gone, stays] = (await openInEachThread(served, 2)).flat() as [Client, Client];
    await subscribe([gone, stays], 'topic');
    gone.socket.terminate();
    await until(() => served.server.stats().connections === 2 * Math.max(1, threads) - 1);
    served.server.publish('topic', 'hello');
    expect(await stays.text()).toBe('hello');
    // Each client has got the name of its thread. Two have got the confirmation of a subscription, and one has got 'hello'.
    await until(() => served.server.stats().messagesOut === 2 * Math.max(1, threads) + 2 + 1);
  });

  it('must have strings for names, and data that can be sent', async () => {
    for (const wrong of [
      ['subscribe', 5],
      ['unsubscribe', null],
      ['publish', {}, 'x'],
      ['publishToAll', 'topic', 5],
    ]) {
      await using served = await serve({ handler: commands, threads });
      using client = await Client.open(served.url);
      client.run(wrong);
      expect(await client.closed).toMatchObject({ code: 1011 });
      expect(await served.log.line(/TypeError/)).toContain('message() of the handler failed');
      expect(() => served.server.publish('topic', {} as string)).toThrow(TypeError);
    }
  });
});

describe.each(onlyOnce)('the broadcast handler', () => {
  it('sends each message to everybody in the room that its path names, the sender included', async () => {
    await using served = await serve({ handler: builtIn('broadcast') });
    const open = (path: string) => Client.open(served.url + path, { protocols: ['chat', 'other'] });
    const red = await Promise.all([1, 2, 3, 4].map(() => open('/red')));
    const blue = await Promise.all([1, 2, 3].map(() => open('/blue')));
    await hosted(served.server, 7);
    expect(new Set([...red, ...blue].map(({ socket }) => socket.protocol))).toEqual(new Set(['chat']));
    const [sender] = red as [Client];
    sender.send('text');
    sender.send(pattern(1, 100_000));
    for (const client of red) {
      expect(await client.next()).toEqual({ bytes: Buffer.from('text'), isBinary: false });
      expectBytes((await client.next()).bytes, pattern(1, 100_000));
    }
    blue[0]?.send('only blue');
    for (const client of blue) expect(await client.text()).toBe('only blue');
    expect(red.map(({ rest }) => rest.length)).toEqual([0, 0, 0, 0]);
  });
});

describe.each(onlyOnce)('publish() where several servers are', () => {
  it('says what to use instead, outside of hooks', async () => {
    await using one = await serve({ handler: commands, threads: 0 });
    await using other = await serve({ handler: commands, threads: 0 });
    expect(() => publish('topic', 'x')).toThrow(/^publish\(\) cannot know which of the servers.*server\.publish\(\)$/);
    const room = roomToPublish(); // must not throw here
    await expect(room).rejects.toThrow(/^roomToPublish\(\) cannot know .*server\.roomToPublish\(\)$/);
    // In a hook it is clear which server is meant, and each has topics of its own.
    using client = await Client.open(one.url);
    using foreign = await Client.open(other.url);
    await subscribe([client, foreign], 'topic');
    client.run(['publishToAll', 'topic', 'mine']);
    expect(await client.text()).toBe('mine');
    other.server.publish('topic', 'theirs');
    expect(await foreign.text()).toBe('theirs');
    expect(client.rest).toEqual([]);
  });
});
