import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createServer, type ServerOptions } from '../../dist/index.js';
import { Client, refusal } from '../e2e/client.js';
import { handler, RecordingLog } from '../e2e/serving.js';

/** A server whose upgrades the application decides about itself, and that counts how often the hook was asked. */
class Deciding implements AsyncDisposable {
  asked = 0;
  readonly log = new RecordingLog();
  readonly server;
  readonly http = createHttpServer();
  url = '';

  /** @param decide what is given to `handleUpgrade` as its fourth argument. */
  constructor(decide: () => unknown, options: Partial<ServerOptions> = {}) {
    this.server = createServer({
      handler: {
        upgrade: () => {
          this.asked++;
          return { status: 403, body: 'the hook' };
        },
        open: (connection) => void connection.send(JSON.stringify(connection.data ?? null)),
      },
      threads: 0,
      log: this.log,
      ...options,
    });
    this.http.on('upgrade', (request, socket, head) => {
      this.server.handleUpgrade(request, socket, head, decide() as undefined);
    });
  }

  async start(): Promise<this> {
    await this.server.start();
    await new Promise<void>((resolve) => this.http.listen(0, '127.0.0.1', resolve));
    this.url = `ws://127.0.0.1:${(this.http.address() as AddressInfo).port}`;
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close({ drainMs: 0 });
    this.http.close();
  }
}

describe('what the application has decided itself', () => {
  it.each([
    ['at once', (answer: object) => answer],
    ['by a promise', async (answer: object) => answer],
  ])('accepts or refuses %s, and the hook is not asked', async (_, wrap) => {
    const answers: object[] = [{}, { data: { name: 'ada' }, subprotocol: 'b' }, { status: 401, body: 'not you' }];
    await using deciding = await new Deciding(() => wrap(answers.shift() as object)).start();
    using first = await Client.open(deciding.url);
    expect(await first.json()).toBe(null);
    using second = await Client.open(deciding.url, { protocols: ['a', 'b'] });
    expect(await second.json()).toEqual({ name: 'ada' });
    expect(second.socket.protocol).toBe('b');
    expect(await refusal(deciding.url)).toMatchObject({ status: 401, body: 'not you' });
    expect(deciding.asked).toBe(0);
  });

  it('leaves the hook to be asked if it is undefined', async () => {
    await using deciding = await new Deciding(() => undefined).start();
    expect(await refusal(deciding.url)).toMatchObject({ status: 403, body: 'the hook' });
    expect(deciding.asked).toBe(1);
  });

  it.each([
    ['null', () => null, /got null$/],
    ['false', () => false, /got false$/],
    ['true', () => true, /got true$/],
    ['an object of something else', () => ({ user: 'ada' }), /there is no 'user'/],
    ['a status that refuses nothing', () => ({ status: 200 }), /status must be an integer from 300 to 599/],
    ['data that cannot be cloned', () => ({ data: () => {} }), /structuredClone/],
    ['a promise of null', async () => null, /got null$/],
    ['a promise of undefined', async () => undefined, /must resolve with \{\} or more to accept; got undefined$/],
    ['a promise that rejects', () => Promise.reject(new Error('the database is away')), /the database is away/],
  ])('refuses with 500 if it is neither, and the log says so: %s', async (_, decide, line) => {
    await using deciding = await new Deciding(decide).start();
    expect(await refusal(deciding.url)).toMatchObject({ status: 500 });
    expect(deciding.log.lines).toEqual([
      expect.stringMatching(/^error: the decision given to handleUpgrade\(\) failed, for 127\.0\.0\.1 on \/: /),
    ]);
    expect(deciding.log.lines[0]).toMatch(line);
    expect(deciding.asked).toBe(0);
  });

  it('does not overrule limits, Host, Origin and path; a promise of it that rejects then is no error of the process', async () => {
    const decide = () => Promise.reject(new Error('not needed'));
    const options = { allowedHosts: ['ours.example'], path: '/live', maxConnections: 1 };
    await using strict = await new Deciding(decide, options).start();
    const ours = { headers: { Host: 'ours.example' } };
    expect(await refusal(`${strict.url}/live`)).toMatchObject({ status: 403 });
    expect(await refusal(`${strict.url}/live`, { ...ours, origin: 'http://other.example' })).toMatchObject({
      status: 403,
    });
    expect(await refusal(`${strict.url}/else`, ours)).toMatchObject({ status: 404 });
    await using full = await new Deciding(() => ({}), options).start();
    using client = await Client.open(`${full.url}/live`, ours);
    expect(await client.json()).toBe(null);
    expect(await refusal(`${full.url}/live`, ours)).toMatchObject({ status: 503 });
    expect(strict.log.lines.some((line) => line.includes('not needed'))).toBe(false);
  });

  it('reaches worker threads as the data of the hook does', async () => {
    const decide = () => ({ data: new Map([['name', 'ada']]) });
    await using deciding = await new Deciding(decide, { handler: handler('deciding.js'), threads: 1 }).start();
    using client = await Client.open(deciding.url);
    expect(await client.json()).toMatchObject({ data: { map: [['name', 'ada']] } });
  });
});
