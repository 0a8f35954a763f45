import { describe, expect, it } from 'vitest';
import { type Backplane, type BackplaneState, createServer } from '../../dist/index.js';
import { Client } from './client.js';
import { MemoryHub } from './memory-hub.js';
import { builtIn, handler, Reports, type Served, serve, until } from './serving.js';
import { eachWay, onlyOnce, onlyWithWorkers } from './thread-counts.js';

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

interface Health {
  readonly status: string;
  readonly backplane: readonly { readonly name: string; readonly state: string; readonly seconds: number }[];
}

/** The answer of a server about its health. */
async function healthOf({ port }: Served): Promise<{ readonly code: number; readonly health: Health }> {
  const response = await fetch(`http://127.0.0.1:${port}/healthz`);
  return { code: response.status, health: (await response.json()) as Health };
}

describe.each(eachWay(2))('a fleet of servers, with threads: %i', (threads) => {
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

    const [sent, received] = [here.server.stats(), there.server.stats()];
    expect(sent).toMatchObject({ backplanePublished: 4, backplaneReceived: 2, backplaneSubscriptions: 2 });
    expect(received).toMatchObject({ backplanePublished: 2, backplaneReceived: 3, backplaneDropped: 0 });
    expect(received.backplaneBytesIn).toBeGreaterThan(0);
    expect(received.backplaneLagMs).toBeGreaterThanOrEqual(0);
    expect((await healthOf(here)).health).toMatchObject({
      status: 'ok',
      backplane: [{ name: 'memory', state: 'connected' }],
    });
  });

  it('keeps the order of each publisher, thousands in a turn', async () => {
    const hub = new MemoryHub();
    await using here = await serve({ handler: commands, threads, backplane: hub.backplane() });
    await using there = await serve({ handler: commands, threads, backplane: hub.backplane() });
    const clients = [...(await subscribed(here, 2, 'topic')), ...(await subscribed(there, 2, 'topic'))];
    await until(() => hub.subscribers('topic') === 2);
    for (const [i, client] of clients.entries()) client.run(['publishMany', 'topic', 3000, `${i}:`]);
    for (const client of clients) {
      const next = clients.map(() => 0);
      for (let count = 0; count < 3000 * clients.length; count++) {
        const [publisher, place] = (await client.text()).split(':').map(Number) as [number, number];
        if (place !== next[publisher])
          throw new Error(`${place} instead of ${next[publisher]} of publisher ${publisher}`);
        next[publisher] = place + 1;
      }
      expect(client.rest).toEqual([]);
    }
  });

  it('subscribes at the engine to topics with subscribers only, and not again for one that comes back soon', async () => {
    const hub = new MemoryHub();
    await using here = await serve({ handler: commands, threads, backplane: hub.backplane() });
    const [one, other] = (await subscribed(here, 2, 'topic')) as [Client, Client];
    await until(() => hub.subscribers('topic') === 1);
    one.run(['unsubscribe', 'topic'], ['subscribe', 'second'], ['send', 'done']);
    expect(await one.text()).toBe('done');
    await other.close();
    const [third] = (await subscribed(here, 1, 'topic')) as [Client];
    await until(() => hub.subscribers('second') === 1);
    expect(hub.asked).toEqual(['+ topic', '+ second']);
    await third.close();
    await until(() => hub.subscribers('topic') === 0);
    expect(hub.asked).toEqual(['+ topic', '+ second', '- topic']);
    expect(here.server.stats().backplaneSubscriptions).toBe(1);
  });

  it('goes on by itself while the engine is lost, says so, and is told when it is back', async () => {
    using reports = new Reports();
    const hub = new MemoryHub();
    const states: BackplaneState[] = [];
    const onBackplane = (state: BackplaneState) => void states.push(state);
    const options = { threads, backplane: hub.backplane(), onBackplane };
    await using here = await serve({ handler: handler('fleet.js'), ...options });
    await using there = await serve({ handler: commands, threads, backplane: hub.backplane() });
    const [ours] = (await subscribed(here, 1, 'topic')) as [Client];
    const [theirs] = (await subscribed(there, 1, 'topic')) as [Client];
    await until(() => hub.subscribers('topic') === 2);

    hub.goAway();
    for (let i = 0; i < Math.max(1, threads); i++)
      expect(await reports.of('backplane')).toMatchObject({ text: 'lost' });
    const { code, health } = await healthOf(here);
    expect(code).toBe(200);
    expect(health).toMatchObject({ status: 'degraded', backplane: [{ name: 'memory', state: 'lost' }] });
    ours.run(['publishToAll', 'topic', 'for us only']);
    expect(await ours.text()).toBe('for us only');
    await until(() => here.server.stats().backplaneDropped === 1);

    hub.comeBack();
    for (let i = 0; i < Math.max(1, threads); i++)
      expect(await reports.of('backplane')).toMatchObject({ text: 'back' });
    await until(() => hub.subscribers('topic') === 2);
    expect(states).toEqual(['lost', 'back']);
    expect((await healthOf(here)).health).toMatchObject({ status: 'ok', backplane: [{ state: 'connected' }] });
    ours.run(['publishToAll', 'topic', 'for all']);
    expect(await ours.text()).toBe('for all');
    expect(await theirs.text()).toBe('for all');
    expect(here.server.stats()).toMatchObject({ backplaneDropped: 1, backplaneReconnects: 1 });
    const lines = here.log.lines.filter((line) => line.includes('backplane'));
    expect(lines).toEqual([
      'info: backplane memory: connected',
      expect.stringMatching(/^warn: backplane memory: lost: the hub has gone; /),
      expect.stringMatching(/^info: backplane memory: connected again after \d+ s$/),
    ]);
  });
});

describe.each(onlyOnce)('a server of a fleet, with threads: 0', () => {
  const threads = 0;

  it('keeps what is published while the engine is lost, up to maxBackplaneBytes, and sends it first', async () => {
    const hub = new MemoryHub();
    const maxBackplaneBytes = 10_000;
    await using here = await serve({ handler: commands, threads, backplane: hub.backplane(), maxBackplaneBytes });
    await using there = await serve({ handler: commands, threads, backplane: hub.backplane('other') });
    const [theirs] = (await subscribed(there, 1, 'topic')) as [Client];
    await until(() => hub.subscribers('topic') === 1);
    hub.goAway();
    for (let i = 0; i < 100; i++) {
      here.server.publish('topic', `${i} `.padEnd(400, '.'));
      await new Promise((resolve) => setImmediate(resolve)); // a run of its own
    }
    await until(() => here.server.stats().backplaneDropped > 0);
    const kept = 100 - here.server.stats().backplaneDropped;
    hub.isBackFor = 'other';
    await until(() => hub.subscribers('topic') === 1);
    hub.comeBack();
    await until(() => here.server.stats().backplanePublished === kept);
    expect(kept).toBeGreaterThan(10);
    expect(kept).toBeLessThan(25);
    here.server.publish('topic', 'fence');
    const received = await theirs.texts(kept + 1);
    expect(received.map((text) => text.split(' ')[0])).toEqual([...Array(kept).keys(), 'fence'].map(String));
  });

  it('says in the log whether publications are kept while the engine is lost, and when there is no room for more', async () => {
    const hub = new MemoryHub();
    const options = { handler: commands, threads, backplane: hub.backplane() };
    await using without = await serve(options);
    await using keeping = await serve({ ...options, maxBackplaneBytes: 1000 });
    hub.goAway();
    await without.log.line(/lost: .*; trying again, and until it is there nothing goes to other servers$/);
    await keeping.log.line(/publications to other servers are kept, up to maxBackplaneBytes$/);
    for (const { server } of [without, keeping]) server.publish('topic', 'x'.repeat(1000));
    await keeping.log.line(/^warn: backplane memory: publications are dropped .* have reached maxBackplaneBytes$/);
    await until(() => without.server.stats().backplaneDropped === 1);
    expect(without.log.lines.filter((line) => line.startsWith('warn: '))).toHaveLength(1);
  });

  it('says once that it publishes what other servers refuse, and they say why they do', async () => {
    const hub = new MemoryHub();
    const options = { handler: commands, threads, backplane: hub.backplane(), maxPayloadBytes: 1000 };
    await using here = await serve(options);
    await using there = await serve(options);
    const [theirs] = (await subscribed(there, 1, 'topic')) as [Client];
    await until(() => hub.subscribers('topic') === 1);
    for (let i = 0; i < 3; i++) here.server.publish('topic', 'x'.repeat(400)); // more than 1000 together
    for (const length of [1000, 1001, 1002]) {
      await new Promise((resolve) => setImmediate(resolve)); // a run of its own
      here.server.publish('topic', 'x'.repeat(length));
    }
    await until(() => there.server.stats().backplaneRefused === 2);
    expect((await theirs.texts(4)).map(({ length }) => length)).toEqual([400, 400, 400, 1000]);
    expect(here.log.lines.filter((line) => line.startsWith('warn: '))).toEqual([
      'warn: backplane: a publication has 1001 bytes, and other servers refuse it if their maxPayloadBytes is 1000, as here: raise it in all of them',
    ]);
    await there.log.line(/too big: maxPayloadBytes has to be as large here as in the servers that publish$/);
  });

  it('drops what is forged, and counts it', async () => {
    const hub = new MemoryHub();
    await using here = await serve({ handler: commands, threads, backplane: hub.backplane() });
    await using there = await serve({ handler: commands, threads, backplane: hub.backplane() });
    const [client] = (await subscribed(here, 1, 'topic')) as [Client];
    await until(() => hub.subscribers('topic') === 1);
    hub.send('topic', Buffer.from('not of this fleet'));
    hub.send('topic', new Uint8Array(0));
    hub.send('topic', new Uint8Array(200).fill(0x57));
    await until(() => here.server.stats().backplaneRefused === 3);
    there.server.publish('topic', 'right');
    expect(await client.text()).toBe('right');
    expect(client.rest).toEqual([]);
    expect(
      here.log.lines.some((line) => /^warn: backplane memory: messages from the engine were refused/.test(line)),
    ).toBe(true);
  });

  it('starts without an engine that cannot be reached, and goes on trying', async () => {
    const hub = new MemoryHub();
    hub.isAway = true;
    const states: BackplaneState[] = [];
    const onBackplane = (state: BackplaneState) => void states.push(state);
    using reports = new Reports();
    const options = { threads, backplane: hub.backplane(), backplaneTimeoutMs: 50, onBackplane };
    await using here = await serve({ handler: handler('fleet.js'), ...options });
    expect(await reports.of('backplane')).toMatchObject({ text: 'lost' });
    expect((await healthOf(here)).health.status).toBe('degraded');
    expect(here.log.lines.filter((line) => line.includes('cannot be reached: nobody there'))).toHaveLength(1);
    hub.isAway = false;
    await here.log.line(/^info: backplane memory: connected again/);
    await until(() => states.length === 2);
    expect(states).toEqual(['lost', 'back']);
    expect(hub.size).toBe(1);
  });

  it('is not harmed by an onBackplane and a hook that throw', async () => {
    const hub = new MemoryHub();
    const onBackplane = () => {
      throw new Error('onBackplane fails');
    };
    let calls = 0;
    const throwing = {
      open() {},
      backplane(): Promise<void> {
        if (++calls === 1) throw new Error('the hook fails');
        return Promise.reject(new Error('its promise fails'));
      },
    };
    await using here = await serve({ handler: throwing, threads, backplane: hub.backplane(), onBackplane });
    hub.goAway();
    await here.log.line(/^error: onBackplane\('lost'\) failed: Error: onBackplane fails/);
    await here.log.line(/^error: backplane\(\) of the handler failed: Error: the hook fails/);
    hub.comeBack();
    await here.log.line(/onBackplane\('back'\) failed/);
    await here.log.line(/backplane\(\) of the handler failed: Error: its promise fails/);
    expect(here.server.stats().handlerErrors).toBe(2);
    expect(hub.size).toBe(1);
  });

  it('divides the topics among several engines', async () => {
    const hubs = [new MemoryHub(), new MemoryHub()] as const;
    const backplane = () => hubs.map((hub) => hub.backplane());
    await using here = await serve({ handler: commands, threads, backplane: backplane() });
    await using there = await serve({ handler: commands, threads, backplane: backplane() });
    const topics = Array.from({ length: 20 }, (_, i) => `topic ${i}`);
    const [client] = (await subscribed(there, 1, ...topics)) as [Client];
    await until(() => topics.every((topic) => hubs.some((hub) => hub.subscribers(topic) === 1)));
    for (const topic of topics) here.server.publish(topic, topic);
    expect((await client.texts(20)).sort()).toEqual([...topics].sort());
    for (const hub of hubs) {
      expect(hub.published).toBe(topics.filter((topic) => hub.subscribers(topic) === 1).length);
      expect(hub.published).toBeGreaterThan(0);
    }
    hubs[0].goAway();
    await until(() => here.log.lines.some((line) => line.startsWith('warn: backplane memory 1: lost')));
    expect((await healthOf(here)).health).toMatchObject({
      status: 'degraded',
      backplane: [{ state: 'lost' }, { state: 'connected' }],
    });
  });
});

describe.each(onlyWithWorkers(1))('what comes from another server, with threads: 1', () => {
  const threads = 1;

  it('brings messages that are larger than what the engine takes', async () => {
    const hub = new MemoryHub();
    hub.maxMessageBytes = 2000;
    await using here = await serve({ handler: commands, threads, backplane: hub.backplane() });
    await using there = await serve({ handler: commands, threads, backplane: hub.backplane() });
    const [ours] = (await subscribed(here, 1, 'fence')) as [Client];
    const [theirs] = (await subscribed(there, 1, 'topic')) as [Client];
    await until(() => hub.subscribers('topic') === 1);
    ours.run(
      ['publishToAll', 'topic', 'small'],
      ['publishBytes', 'topic', 300_000, 7],
      ['publishMany', 'topic', 500, ''],
    );
    expect(await theirs.text()).toBe('small');
    const { bytes } = await theirs.next();
    expect(bytes.equals(Buffer.alloc(300_000, 7))).toBe(true);
    expect(await theirs.texts(500)).toEqual(Array.from({ length: 500 }, (_, i) => String(i)));
  });

  it('compresses what comes in for the clients that have agreed on it', async () => {
    const hub = new MemoryHub();
    await using here = await serve({ handler: commands, threads, backplane: hub.backplane(), deflate: true });
    await using there = await serve({ handler: commands, threads, backplane: hub.backplane(), deflate: true });
    using compressed = await Client.open(there.url, { perMessageDeflate: true });
    using plain = await Client.open(there.url);
    const theirs = [compressed, plain];
    for (const client of theirs) {
      client.run(['subscribe', 'topic'], ['send', 'subscribed']);
      expect(await client.text()).toBe('subscribed');
    }
    await until(() => hub.subscribers('topic') === 1);
    const large = 'so much of the same, '.repeat(20_000);
    const texts = ['short', 'so much of the same, '.repeat(100), 'short again', large, 'the end'];
    const { deflatedMessages } = there.server.stats();
    for (const text of texts) here.server.publish('topic', text);
    for (const client of theirs) expect(await client.texts(texts.length)).toEqual(texts);
    expect(there.server.stats().deflatedMessages - deflatedMessages).toBe(2);
    here.server.publish('topic', large, { compress: false });
    here.server.publish('topic', 'the end');
    for (const client of theirs) expect(await client.texts(2)).toEqual([large, 'the end']);
    expect(there.server.stats().deflatedMessages - deflatedMessages).toBe(2);
  });
});

/** Lets a client publish again and again until its messages are not read any more. */
async function publishUntilHeld(publisher: Client, other: Client, topic = 'topic'): Promise<void> {
  for (let i = 0; i < 100; i++) {
    publisher.run(['publishToAll', topic, String(i)], ['send', 'read']);
    for (let turn = 0; turn < 20 && publisher.rest.length === 0; turn++) {
      other.run(['send', 'turn']);
      expect(await other.text()).toBe('turn');
    }
    if (publisher.rest.length === 0) return;
    expect(await publisher.text()).toBe('read');
  }
  throw new Error('it is still read');
}

describe.each(eachWay(1))('an engine that does not take what is published, with threads: %i', (threads) => {
  it('makes publishers wait until it goes on', async () => {
    const hub = new MemoryHub();
    const backplaneStallMs = 60_000;
    await using here = await serve({ handler: commands, threads, backplane: hub.backplane(), backplaneStallMs });
    using publisher = await Client.open(here.url);
    using other = await Client.open(here.url);
    hub.isFull = true;
    await publishUntilHeld(publisher, other);
    expect(here.server.publish('topic', 'from the primary')).toBe(false);
    let hasRoom = false;
    const room = here.server.roomToPublish().then(() => {
      hasRoom = true;
    });
    other.run(['send', 'turn']);
    expect(await other.text()).toBe('turn');
    expect(hasRoom).toBe(false);
    hub.drain();
    expect(await publisher.text()).toBe('read');
    await room;
    expect(here.server.publish('topic', 'from the primary')).toBe(true);
    expect(here.server.stats().backplaneDropped).toBe(0);
  });

  it('makes them wait for backplaneStallMs at most, and then what they publish is dropped', async () => {
    const hub = new MemoryHub();
    await using here = await serve({ handler: commands, threads, backplane: hub.backplane(), backplaneStallMs: 500 });
    using publisher = await Client.open(here.url);
    using other = await Client.open(here.url);
    hub.isFull = true;
    await publishUntilHeld(publisher, other);
    expect(await publisher.text()).toBe('read');
    await until(() => here.server.publish('topic', 'dropped') && here.server.stats().backplaneDropped > 0);
    await here.log.line(/publications are dropped for other servers: the engine takes too little/);
    hub.drain();
    const { backplaneDropped } = here.server.stats();
    publisher.run(['publishToAll', 'topic', 'goes'], ['send', 'published']);
    expect(await publisher.text()).toBe('published');
    const { published } = hub;
    here.server.publish('topic', 'goes');
    await until(() => hub.published > published);
    expect(here.server.stats().backplaneDropped).toBe(backplaneDropped);
  });
});

/** A topic that a certain one of a server's engines carries. */
async function topicBy(hub: MemoryHub, { server }: Served): Promise<string> {
  for (let i = 0; ; i++) {
    const [topic, before] = [`topic ${i}`, server.stats().backplanePublished];
    const { published } = hub;
    server.publish(topic, 'which engine?');
    await until(() => server.stats().backplanePublished > before);
    if (hub.published > published) return topic;
  }
}

describe.each(eachWay(1))('one of two engines that does not take what is published, with threads: %i', (threads) => {
  it('makes only the publishers to its own topics wait', async () => {
    const hubs = [new MemoryHub(), new MemoryHub()] as const;
    const backplane = hubs.map((hub) => hub.backplane());
    await using here = await serve({ handler: commands, threads, backplane, backplaneStallMs: 60_000 });
    using publisher = await Client.open(here.url);
    using other = await Client.open(here.url);
    const [slow, healthy] = [await topicBy(hubs[0], here), await topicBy(hubs[1], here)];
    hubs[0].isFull = true;
    await publishUntilHeld(publisher, other, slow);
    expect(here.server.publish(slow, 'slow')).toBe(false);
    expect(here.server.publish(healthy, 'healthy')).toBe(true);
    for (let i = 0; i < 50; i++) {
      other.run(['publishToAll', healthy, 'healthy'], ['send', 'read']);
      expect(await other.text()).toBe('read');
    }
    hubs[0].drain();
    expect(await publisher.text()).toBe('read');
  });
});

describe.each(onlyWithWorkers(1))('the threads of a fleet', () => {
  it('are forgotten with their topics when they die, and others are told that the engine is lost', async () => {
    using reports = new Reports();
    const hub = new MemoryHub();
    await using here = await serve({ handler: handler('fleet.js'), threads: 1, backplane: hub.backplane() });
    const [client] = (await subscribed(here, 1, 'topic')) as [Client];
    await until(() => hub.subscribers('topic') === 1);
    client.run(['exit']);
    await client.closed;
    await until(() => hub.subscribers('topic') === 0);
    await until(() => here.server.stats().threads.some(({ isTaking }) => isTaking));
    const [again] = (await subscribed(here, 1, 'topic')) as [Client];
    await until(() => hub.subscribers('topic') === 1);
    hub.goAway();
    expect(await reports.of('backplane')).toMatchObject({ text: 'lost' });
    again.run(['exit']);
    expect(await reports.of('backplane')).toMatchObject({ text: 'lost' }); // its successor
    hub.comeBack();
    expect(await reports.of('backplane')).toMatchObject({ text: 'back' });
  });

  it('have their topics across a reload, and the old ones give theirs up', async () => {
    const hub = new MemoryHub();
    await using here = await serve({ handler: commands, threads: 1, backplane: hub.backplane() });
    await using there = await serve({ handler: commands, threads: 0, backplane: hub.backplane() });
    const [before] = (await subscribed(here, 1, 'topic', 'old')) as [Client];
    await until(() => hub.subscribers('old') === 1);
    await here.server.reload({ drainMs: 20_000 });
    const [after] = (await subscribed(here, 1, 'topic', 'new')) as [Client];
    expect(await before.closed).toMatchObject({ code: 1001 });
    await until(() => hub.subscribers('new') === 1 && hub.subscribers('old') === 0);
    expect(hub.asked.filter((line) => line.endsWith(' topic'))).toEqual(['+ topic']);
    there.server.publish('topic', 'news');
    expect(await after.text()).toBe('news');
  });
});

it.each(onlyOnce)('a server that is closed while it connects ends at once, and gives up the attempt', async () => {
  let attempt: AbortSignal | undefined;
  const backplane: Backplane = {
    name: 'silent',
    connect: (_, signal) =>
      new Promise((_, reject) => {
        attempt = signal;
        signal.addEventListener('abort', () => reject(new Error('given up')));
      }),
  };
  const server = createServer({ handler: builtIn('echo'), threads: 0, backplane, backplaneTimeoutMs: 600_000 });
  const listening = server.listen({ port: 0 });
  const refused = expect(listening).rejects.toThrow('closed while it was starting');
  await until(() => attempt !== undefined);
  await server.close();
  await refused;
  expect(attempt?.aborted).toBe(true);
});
