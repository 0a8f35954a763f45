import { once } from 'node:events';
import { BroadcastChannel } from 'node:worker_threads';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Client } from './client.js';
import { closePayload, closeStatus, encodeFrame, Opcode, RawClient } from './raw-client.js';
import { handler, Reports, type Served, serve } from './serving.js';
import { eachWay } from './thread-counts.js';

const hooks = handler('hooks.js');

describe.each(eachWay(1))('hooks, with threads: %i', (threads) => {
  it('are called in order: open, messages as they were sent, close', async () => {
    await using served = await serve({ handler: hooks, threads });
    using reports = new Reports();
    using client = await Client.open(`${served.url}/some/path`);
    const texts = Array.from({ length: 100 }, (_, i) => `message ${i}`);
    for (const text of texts) client.send(text);
    expect(await client.texts(100)).toEqual(texts);
    await client.close(1000);
    const open = await reports.next();
    expect(open).toMatchObject({ hook: 'open', path: '/some/path' });
    for (const text of texts) expect(await reports.next()).toMatchObject({ hook: 'message', id: open.id, text });
    expect(await reports.next()).toMatchObject({ hook: 'close', id: open.id });
  });

  it('learn how each connection ended', async () => {
    await using served = await serve({ handler: hooks, threads, closeTimeoutMs: 50 });
    using reports = new Reports();
    const endings: readonly (readonly [end: (client: RawClient) => void, code: number, reason: string])[] = [
      [(client) => client.frame(Opcode.CLOSE, closePayload(1000)), 1000, ''],
      [(client) => client.frame(Opcode.CLOSE, closePayload(4999, 'bye 👋')), 4999, 'bye 👋'],
      [(client) => client.frame(Opcode.CLOSE), 1005, ''],
      [(client) => client.reset(), 1006, ''],
      [(client) => client.socket.end(), 1006, ''],
      [(client) => client.text('terminate'), 1006, ''],
      [(client) => client.frame(3), 1002, 'reserved opcode 3 (RFC 6455 section 5.2)'],
      [(client) => client.frame(Opcode.TEXT, Buffer.of(0xff)), 1007, 'text that is not UTF-8 (RFC 6455 section 8.1)'],
      [(client) => client.frame(Opcode.CLOSE, Buffer.of(3)), 1002, 'close payload of one byte'],
      [(client) => client.frame(Opcode.CLOSE, closePayload(1006)), 1002, 'close code 1006 may not be sent'],
      // Our own Close, which the peer does not answer.
      [(client) => client.text('close'), 1006, ''],
    ];
    for (const [end, code, reason] of endings) {
      using client = await RawClient.open(served.port);
      end(client);
      const { hook, value, ...closed } = await reports.of('close');
      expect(closed).toMatchObject({ code, reason });
      // In the hook the connection is over, and no method does anything.
      expect(value).toEqual({ sent: false, isOpen: false, bufferedAmount: 0 });
    }
    // Our own Close, with the peer's answer.
    using client = await Client.open(served.url);
    client.send('close');
    expect(await client.closed).toEqual({ code: 4002, reason: 'as you wish' });
    expect(await reports.of('close')).toMatchObject({ code: 4002 });
    expect(served.log.lines.filter((line) => !line.startsWith('info: '))).toEqual([]);
  });

  it('may close or drop the connection in open', async () => {
    await using served = await serve({ handler: hooks, threads });
    using reports = new Reports();
    using closed = new Client(`${served.url}/open-closes`);
    expect(await closed.closed).toEqual({ code: 4001, reason: 'not today' });
    expect(await reports.of('close')).toMatchObject({ code: 4001 });
    using dropped = new Client(`${served.url}/open-terminates`);
    expect(await dropped.closed).toMatchObject({ code: 1006 });
    expect(await reports.of('close')).toMatchObject({ code: 1006 });
  });

  it('that fail close their connection with 1011, are logged with their stack, and harm no other', async () => {
    await using served = await serve({ handler: hooks, threads });
    using reports = new Reports();
    using other = await Client.open(`${served.url}/other`);
    const failing = ['open', 'message', 'drain'].flatMap((hook) => [
      [hook, 'throws', `${hook} has thrown`],
      [hook, 'throwsNull', 'null'],
      [hook, 'rejects', `${hook} has rejected`],
      [hook, 'rejectsLate', `${hook} has rejected late`],
    ]);
    let failures = 0;
    for (const [hook, how, message] of failing) {
      // The handler floods connections on only two of the paths with `drain`.
      if (hook === 'drain' && how !== 'throws' && how !== 'rejects') continue;
      using client = new Client(`${served.url}/${hook}-${how}`);
      await once(client.socket, 'open');
      client.socket.send('hello');
      expect(await client.closed).toEqual({ code: 1011, reason: 'internal error' });
      let closed = await reports.of('close');
      while (closed.path !== `/${hook}-${how}`) closed = await reports.of('close');
      expect(closed).toMatchObject({ code: 1011, reason: 'internal error' });
      const line = await served.log.line(new RegExp(`${hook}\\(\\) of the handler failed, connection ${closed.id}: `));
      expect(line).toContain(message);
      if (how !== 'throwsNull') expect(line).toContain('handlers/hooks.js:');
      expect(served.server.stats().handlerErrors).toBe(++failures);
    }
    other.send('still here');
    expect(await other.text()).toBe('still here');
  });

  it('that fail in close are logged, and harm nothing', async () => {
    await using served = await serve({ handler: hooks, threads });
    for (const how of ['throws', 'rejects', 'rejectsLate']) {
      using client = await Client.open(`${served.url}/close-${how}`);
      expect(await client.close(1000)).toMatchObject({ code: 1000 });
      await served.log.line(/close\(\) of the handler failed/);
      served.log.lines.length = 0;
    }
    expect(served.server.stats()).toMatchObject({ handlerErrors: 3, connections: 0 });
  });

  it('hold up reading while open has not settled, and nothing is lost', async () => {
    await using served = await serve({ handler: handler('waiting-open.js'), threads });
    using reports = new Reports();
    using client = await RawClient.open(served.port);
    expect(await reports.next()).toMatchObject({ hook: 'open' });
    for (let i = 0; i < 10; i++) client.text(String(i));
    await new Promise<void>((resolve) => client.socket.write('', () => resolve()));
    order('open');
    expect(await reports.next()).toMatchObject({ hook: 'opened' });
    for (let i = 0; i < 10; i++) expect(await reports.next()).toMatchObject({ hook: 'message', text: String(i) });
    for (let i = 0; i < 10; i++) expect(String((await client.next()).payload)).toBe(String(i));
  });

  it('get no message if open fails late, whatever has arrived', async () => {
    await using served = await serve({ handler: handler('waiting-open.js'), threads });
    using reports = new Reports();
    using client = await RawClient.open(served.port);
    expect(await reports.next()).toMatchObject({ hook: 'open' });
    client.text('never handled');
    order('fail');
    expect(closeStatus(await client.next())).toEqual({ code: 1011, reason: 'internal error' });
    await client.ended;
    client.socket.end();
    expect(await reports.next()).toMatchObject({ hook: 'opened' });
    expect(await reports.next()).toMatchObject({ hook: 'close', code: 1011 });
    expect(await served.log.line(/open\(\) of the handler failed/)).toContain('the test has ordered this');
  });

  it('are called afterwards for a client that left before open had settled', async () => {
    await using served = await serve({ handler: handler('waiting-open.js'), threads });
    using reports = new Reports();
    for (const how of ['reset', 'end'] as const) {
      using client = await RawClient.open(served.port);
      expect(await reports.next()).toMatchObject({ hook: 'open' });
      if (how === 'reset') client.reset();
      else client.socket.end();
      order('open');
      expect(await reports.next()).toMatchObject({ hook: 'opened' });
      expect(await reports.next()).toMatchObject({ hook: 'close', code: 1006 });
    }
  });
});

/** Lets the handler that waits in `open` go on, or fail. */
function order(what: 'open' | 'fail'): void {
  const orders = new BroadcastChannel('wsloom-e2e-orders');
  orders.postMessage(what);
  orders.close();
}

describe.each(eachWay(1))('what hooks return, with threads: %i', (threads) => {
  let served: Served;

  beforeAll(async () => {
    served = await serve({ handler: handler('answering.js'), threads });
  });

  afterAll(async () => {
    await served[Symbol.asyncDispose]();
  });

  beforeEach(() => {
    served.log.lines.length = 0;
  });

  it.each(['false', 'later', 'status', 'statusLater', 'statusCode', 'statusText'])(
    'lets no client in when open returns a value that may be a refusal: %s',
    async (what) => {
      const { handlerErrors } = served.server.stats();
      using client = await RawClient.open(served.port, `/?open=${what}`, encodeFrame(Opcode.TEXT, 'early'));
      expect(closeStatus(await client.next())).toEqual({ code: 1011, reason: 'internal error' });
      await client.ended;
      expect(await served.log.line(/open\(\) of the handler failed/)).toMatch(
        /connection \d+: it returned (false|the status 40[13]), which refuses nobody: [ -~]*upgrade\(\)/,
      );
      expect(served.server.stats().handlerErrors).toBe(handlerErrors + 1);
    },
  );

  it.each(['full', 'fullLater', 'fullThenFalse'])(
    'lets no client in when open returns false, whatever it has sent before: %s',
    async (what) => {
      using client = await RawClient.open(served.port, `/?open=${what}`);
      client.socket.pause();
      await served.log.line(/open\(\) of the handler failed.*it returned false/);
      client.text('here');
      client.socket.resume();
      for (;;) {
        const frame = await client.next();
        if (frame.opcode === Opcode.CLOSE) {
          expect(closeStatus(frame)).toEqual({ code: 1011, reason: 'internal error' });
          break;
        }
        expect(String(frame.payload)).not.toBe('here');
      }
    },
  );

  it.each(['sent', 'null', 'zero', 'text', 'set', 'answered', 'stated', 'twice'])(
    'means nothing when open returns a value that is no refusal: %s',
    async (what) => {
      using client = await Client.open(`${served.url}/?open=${what}`);
      client.send('here');
      while ((await client.text()) !== 'here');
      expect(served.log.lines).toEqual([]);
    },
  );

  it('is ignored when open has closed the connection itself', async () => {
    using client = await Client.open(`${served.url}/?open=closed`);
    expect(await client.closed).toEqual({ code: 4001, reason: 'no' });
    expect(served.log.lines).toEqual([]);
  });

  it.each(['throwing', 'unreadable', 'rejecting'])(
    'ends only its own connection, when it is a promise: %s',
    async (what) => {
      for (const hook of ['open', 'message']) {
        using client = await Client.open(`${served.url}/?${hook}=${what}`);
        client.send('here');
        expect((await client.closed).code).toBe(1011);
        await served.log.line(new RegExp(`${hook}\\(\\) of the handler failed`));
      }
      using other = await Client.open(served.url);
      other.send('others go on');
      expect(await other.text()).toBe('others go on');
    },
  );

  it.each(['trapped', 'trappedLater'])('ends only its own connection, when reading it throws: %s', async (what) => {
    using client = await Client.open(`${served.url}/?open=${what}`);
    expect((await client.closed).code).toBe(1011);
    await served.log.line(/open\(\) of the handler failed/);
    using other = await Client.open(served.url);
    other.send('others go on');
    expect(await other.text()).toBe('others go on');
  });

  it('means nothing when message and close return it, and a promise that settles twice counts once', async () => {
    await using own = await serve({ handler: handler('answering.js'), threads });
    for (const what of ['false', 'status', 'null', 'twice']) {
      for (const hook of ['message', 'close']) {
        using client = await Client.open(`${own.url}/?${hook}=${what}`);
        client.send('a');
        client.send('b');
        expect(await client.texts(2)).toEqual(['a', 'b']);
        await client.close(1000);
      }
    }
    await own.server.close({ drainMs: 10_000 });
    expect(own.log.lines.filter((line) => !line.startsWith('info'))).toEqual([]);
  });
});
