import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Client, refusal } from './client.js';
import { handler, isWorkerHandshake, serve } from './serving.js';

const channels = handler('channels.js');

/** What the thread has been told of a connection. */
async function toldOf(asking: Client, id: number): Promise<{ readonly name: string; readonly threadId: number }[]> {
  asking.send(JSON.stringify({ id }));
  return JSON.parse(await asking.text());
}

describe('channels of node:diagnostics_channel', () => {
  it('tell the thread that hosts a connection of its life', async () => {
    await using served = await serve({ handler: channels, threads: 1 });
    using one = await Client.open(served.url);
    const id = Number(await one.text());
    using other = await Client.open(served.url);
    await other.text();
    one.send('{ "id": -1 }');
    await one.text();
    one.socket.close(4000, 'enough');
    await one.closed;
    // The client is told that it is closed before the server has seen the end of TCP.
    let told = await toldOf(other, id);
    while (told.length < 3) told = await toldOf(other, id);
    expect(told).toMatchObject([
      { name: 'open' },
      { name: 'messages', messages: 1 },
      { name: 'close', code: 4000, reason: 'enough' },
    ]);
    const [{ threadId } = { threadId: 0 }] = told;
    expect(threadId).toBeGreaterThan(0);
    expect(new Set(told.map((event) => event.threadId))).toEqual(new Set([threadId]));
  });

  it('do no harm to a connection whose subscriber throws', async () => {
    await using served = await serve({ handler: channels, threads: 1 });
    using one = await Client.open(`${served.url}/broken`);
    const id = Number(await one.text());
    expect(await toldOf(one, id)).toMatchObject([{ name: 'open' }]);
    await served.log.line(/a subscriber of wsloom:open failed: Error: this subscriber is broken/);
  });

  it.skipIf(isWorkerHandshake)('tell the primary of clients that are refused there', async () => {
    const refused: unknown[] = [];
    const listener = (event: unknown) => refused.push(event);
    subscribe('wsloom:refused', listener);
    onTestFinished(() => void unsubscribe('wsloom:refused', listener));
    await using served = await serve({ handler: channels, threads: 1, path: ['/', '/no'] });
    expect(await refusal(`${served.url}/no`)).toMatchObject({ status: 403 });
    expect(await refusal(`${served.url}/else`)).toMatchObject({ status: 404 });
    expect(refused).toEqual([
      { status: 403, reason: 'not you', remoteAddress: '127.0.0.1' },
      { status: 404, reason: 'there is no WebSocket on this path', remoteAddress: '127.0.0.1' },
    ]);
  });

  it('tell a thread without workers of everything', async () => {
    const names: string[] = [];
    const all = ['open', 'close', 'refused'].map((name) => [`wsloom:${name}`, () => void names.push(name)] as const);
    for (const [channel, listener] of all) subscribe(channel, listener);
    onTestFinished(() => {
      for (const [channel, listener] of all) unsubscribe(channel, listener);
    });
    await using served = await serve({ handler: channels, threads: 0 });
    expect(await refusal(`${served.url}/no`)).toMatchObject({ status: 403 });
    using one = await Client.open(served.url);
    await one.text();
    expect(names).toEqual(['refused', 'open']);
    one.socket.close();
    await once(one.socket, 'close');
    await served.server.close();
    expect(names).toEqual(['refused', 'open', 'close']);
  });
});
