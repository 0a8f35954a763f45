import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { closePayload, encodeRequest, Opcode, RawClient } from '../e2e/raw-client.js';
import { serve, until } from '../e2e/serving.js';
import { connectTo, isOverTls, THREADS } from '../e2e/transport.js';
import { answerTo, handlerOf, statusOf, withstand } from './attack.js';

const handler = handlerOf('paths.js');

const request = (line: string, ...headers: readonly string[]) =>
  [`${line} HTTP/1.1`, 'Host: localhost', ...headers, '\r\n'].join('\r\n');
const GET = request('GET /');
const H2C = request('GET /healthz', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk');

/** The statuses of all answers, in their order. */
const statusesOf = (answer: string) => [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));

/** A client that never reads: only its system takes bytes. */
async function connectUnreading(port: number): Promise<Socket> {
  const { socket } = await connectTo(port);
  socket.on('error', () => {}); // 'close' follows
  return socket.pause();
}

/** Over TLS a connection above the limits is closed without an answer, which would cost a handshake: test/e2e/tls.test.ts. */
const itAnswered = it.skipIf(isOverTls);

describe.each(THREADS)('requests in one packet, with threads: %i', (threads) => {
  it.each([
    ['one for an upgrade that is not spoken', GET + H2C, [200, 200]],
    ['several in front of that', GET.repeat(4) + H2C, [200, 200, 200, 200, 200]],
    ['one for an upgrade that is not spoken, and others behind it', H2C + GET + H2C, [200]],
    [
      'POST for another upgrade, with a body',
      `${GET}${H2C.replace('GET', 'POST').replace('\r\n\r\n', '\r\nContent-Length: 5\r\n\r\n')}hello`,
      [200, 405],
    ],
    ['HEAD, for another upgrade', GET + H2C.replace('GET', 'HEAD'), [200, 200]],
    ['CONNECT', GET + request('CONNECT elsewhere.example:443'), [200, 400]],
    [
      'CONNECT that names WebSocket',
      GET + request('CONNECT localhost:80', 'Connection: Upgrade', 'Upgrade: websocket'),
      [200, 400],
    ],
    ['nonsense', `${GET.repeat(3)}nonsense\r\n\r\n`, [200, 200, 200, 400]],
    ['a WebSocket that is refused', GET.repeat(2) + encodeRequest('/').replace('13', '12'), [200, 200, 426]],
    [
      'POST with a body, and others behind it',
      `${GET}${request('POST /', 'Content-Length: 5')}hello${GET}${H2C}`,
      [200, 405],
    ],
    [
      'a body that is malformed',
      `${GET}${request('POST /', 'Transfer-Encoding: chunked')}zz\r\n\r\n${GET}`,
      [200, 405],
    ],
    ['an expectation that is not met', GET + request('GET /', 'Expect: miracles') + GET, [200, 417]],
    [
      'an expectation that is met, and what may be the body or not',
      `${GET}${request('POST /', 'Expect: 100-continue', 'Content-Length: 1')}x${H2C}`,
      [200, 405],
    ],
    ['more than there may be', GET.repeat(1500), Array(8).fill(200)],
    ['more than there may be, each with a body', `${request('POST /', 'Content-Length: 1')}x`.repeat(1500), [405]],
    [
      'more than there may be, each with a body in chunks',
      `${request('POST /', 'Transfer-Encoding: chunked')}1\r\nx\r\n0\r\n\r\n`.repeat(1500),
      [405],
    ],
    ['more than there may be, and one for an upgrade', GET.repeat(50) + encodeRequest('/'), Array(8).fill(200)],
    ['more than there may be, and nonsense', `${GET.repeat(8)}nonsense\r\n\r\n`, Array(8).fill(200)],
  ])('are answered in their order, or closed: %s', async (_, bytes, statuses) => {
    await using served = await serve({ handler, threads });
    await withstand(served, async () => expect(statusesOf(await answerTo(served.port, bytes))).toEqual(statuses));
  });

  it('are not answered twice when the body goes wrong after the answer; nonsense behind a request is answered', async () => {
    await using served = await serve({ handler, threads });
    await withstand(served, async () => {
      for (const [first, then, statuses] of [
        [request('POST /', 'Transfer-Encoding: chunked'), 'zz\r\n\r\n', [405]],
        [`${request('POST /', 'Transfer-Encoding: chunked')}0\r\n\r\n`, 'nonsense\r\n\r\n', [405]],
        [request('POST /', 'Content-Length: 0'), 'nonsense\r\n\r\n', [405, 400]],
        [GET, 'nonsense\r\n\r\n', [200, 400]],
      ] as const) {
        using client = await RawClient.connect(served.port);
        let answer = '';
        client.socket.on('data', (read) => {
          answer += read.toString('latin1');
        });
        client.socket.write(first);
        await client.response;
        client.socket.write(then);
        await Promise.race([client.ended, client.closed]);
        expect(statusesOf(answer)).toEqual(statuses);
      }
    });
  });

  it('are upgraded behind the answers to those before, with what comes behind', async () => {
    await using served = await serve({ handler, threads });
    await withstand(served, async () => {
      for (const count of [1, 3, 7]) {
        using client = await RawClient.connect(served.port);
        let answer = '';
        client.socket.on('data', (read) => {
          answer += read.toString('latin1');
        });
        client.socket.write(GET.repeat(count) + encodeRequest('/'));
        client.text('hello');
        await until(() => answer.endsWith('\x81\x05hello'));
        expect(statusesOf(answer)).toEqual([...Array(count).fill(200), 101]);
      }
    });
  });
});

describe('a request with a body', () => {
  it.each([
    ['in chunks', request('POST /', 'Transfer-Encoding: chunked'), '1\r\nx\r\n'],
    ['of a length', request('PUT /healthz', 'Content-Length: 1000000000'), 'x'.repeat(1000)],
  ])('is answered without it, and cut off if it goes on: %s', async (_, head, part) => {
    await using served = await serve({ handler, threads: 1, handshakeTimeoutMs: 60_000 });
    await withstand(served, async () => {
      using client = await RawClient.connect(served.port);
      client.socket.write(head);
      expect((await client.response).slice(0, 12)).toBe('HTTP/1.1 405');
      await client.ended; // its last answer
      await until(() => served.server.stats().httpConnections === 0); // and it counts no more
      const body = part.repeat(20);
      while (!client.socket.destroyed) {
        client.socket.write(body);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    });
  });

  itAnswered('leaves no place taken of those that are above the limits', async () => {
    await using served = await serve({ handler, threads: 0, maxConnections: 1 });
    using within = await RawClient.open(served.port);
    const clients = await Promise.all(Array.from({ length: 40 }, () => connectUnreading(served.port)));
    for (const client of clients) client.write(request('POST /', 'Content-Length: 5'));
    await until(() => served.server.stats().httpConnections === 0);
    expect(statusOf(await answerTo(served.port, request('GET /healthz')))).toBe(200);
    for (const client of clients) client.destroy();
    within.text('still here');
    expect(String((await within.next()).payload)).toBe('still here');
  });
});

describe('bodies in chunks of one byte', () => {
  it('are not kept, of however many requests', async () => {
    await using served = await serve({ handler, threads: 1, handshakeTimeoutMs: 60_000 });
    const bytes = request('POST /', 'Transfer-Encoding: chunked') + '1\r\nx\r\n'.repeat(20_000);
    const attack = async () => {
      const clients = await Promise.all(Array.from({ length: 150 }, () => connectUnreading(served.port)));
      for (const client of clients) client.write(bytes);
      await until(() => served.server.stats().httpConnections === 0); // all are answered, and cut off in time
      for (const client of clients) client.destroy();
    };
    await withstand(served, attack, { residentBytes: 128 * 1024 * 1024 });
  });
});

/** OpenSSL keeps about 100 kB for a connection, here at both of its ends. */
const RESIDENT = isOverTls ? { residentBytes: 256 * 1024 * 1024 } : {};

describe('HTTP answers that nobody reads', () => {
  it('are at most a few of each connection, and go with it', async () => {
    await using served = await serve({ handler, threads: 0 });
    await withstand(
      served,
      async () => {
        const clients = await Promise.all(Array.from({ length: 400 }, () => connectUnreading(served.port)));
        for (const client of clients) client.write(GET.repeat(1500));
        // Eight answers are in the kernel, and with the last of them the connection is over.
        await until(() => served.server.stats().httpConnections === 0);
        for (const client of clients) client.destroy();
      },
      RESIDENT,
    );
  });
});

describe('connections that are no WebSockets', () => {
  itAnswered('count in maxConnections from when they are accepted', async () => {
    await using served = await serve({ handler, threads: 1, maxConnections: 2 });
    using silent = await RawClient.connect(served.port);
    using half = await RawClient.connect(served.port);
    half.socket.write(encodeRequest('/').slice(0, 50));
    await until(() => served.server.stats().httpConnections === 2);
    expect(statusOf(await answerTo(served.port, encodeRequest('/')))).toBe(503);
    expect(served.server.stats().limits).toMatchObject({ refusedFull: 1, refusedUnanswered: 0 });
    // One that is there already has its place.
    half.socket.write(encodeRequest('/').slice(50));
    expect(statusOf(await half.response)).toBe(101);
    silent[Symbol.dispose]();
    await until(() => served.server.stats().httpConnections === 0);
    using other = await RawClient.open(served.port);
    other.text('hello');
    expect(String((await other.next()).payload)).toBe('hello');
  });

  itAnswered(
    'count in maxConnectionsPerIp: of 500 half handshakes a few are held, and a whole one is refused with an answer',
    async () => {
      await using served = await serve({ handler, threads: 1, maxConnectionsPerIp: 3 });
      const clients = await Promise.all(Array.from({ length: 500 }, () => RawClient.connect(served.port)));
      for (const client of clients) client.socket.write(encodeRequest('/').slice(0, 50));
      await until(() => served.server.stats().limits.refusedUnanswered >= 500 - 3 - 8 - 2);
      expect(served.server.stats().httpConnections).toBeLessThanOrEqual(3 + 8 + 2);
      // Connections above the limit may not stay for long. Then there is room for an answer, also while the three are there.
      await until(() => served.server.stats().httpConnections === 3);
      expect(statusOf(await answerTo(served.port, encodeRequest('/')))).toBe(503);
      expect(statusOf(await answerTo(served.port, request('GET /healthz')))).toBe(200);
      expect(served.server.stats()).toMatchObject({ opened: 0 });
      for (const client of clients) client[Symbol.dispose]();
      await until(() => served.server.stats().httpConnections === 0);
      using client = await RawClient.open(served.port);
      client.text('hello');
      expect(String((await client.next()).payload)).toBe('hello');
    },
  );

  itAnswered('are answered one request while the server is full, so that it can be observed', async () => {
    await using served = await serve({ handler, threads: 1, maxConnections: 1 });
    using _only = await RawClient.open(served.port);
    for (let i = 0; i < 20; i++) {
      const answer = await answerTo(served.port, request('GET /healthz').repeat(3));
      expect(statusesOf(answer)).toEqual([200]);
      expect(answer).toMatch(/^Connection: close\r$/m);
    }
    await until(() => served.server.stats().httpConnections === 0);
  });

  it('that linger after a refusal are bounded, and refuse nobody', async () => {
    await using served = await serve({ handler, threads: 0, maxConnections: 100, maxConnectionsPerIp: 100 });
    const refused = await Promise.all(Array.from({ length: 90 }, () => RawClient.connect(served.port)));
    for (const client of refused) client.socket.write(encodeRequest('/').replace('13', '12'));
    for (const client of refused) expect(statusOf(await client.response)).toBe(426);
    const clients = await Promise.all(Array.from({ length: 100 }, () => RawClient.open(served.port)));
    expect(served.server.stats().connections).toBe(100);
    // They do not close their side: beyond 64 the oldest is cut off.
    let closed = 0;
    for (const client of refused) void client.closed.then(() => closed++);
    await until(() => {
      for (const client of refused) if (client.socket.writable) client.socket.write('x');
      return closed >= 90 - 64;
    });
    for (const client of [...refused, ...clients]) client[Symbol.dispose]();
  });
});

/** Tries again while it is refused: the thread of the old connection may not have reported the closing yet. */
async function openAgain(port: number): Promise<RawClient> {
  for (;;) {
    const client = await RawClient.upgrading(port);
    if (statusOf(await client.response) === 101) return client;
    client[Symbol.dispose]();
  }
}

describe.each(THREADS)('a WebSocket that is closing, with threads: %i', (threads) => {
  it('does not stand in the way of its successor', async () => {
    await using served = await serve({ handler, threads, maxConnectionsPerIp: 1, maxConnections: 1 });
    const closing: RawClient[] = [];
    for (let i = 0; i < 20; i++) {
      const client = await openAgain(served.port);
      client.frame(Opcode.CLOSE, closePayload(1001));
      expect((await client.next()).opcode).toBe(Opcode.CLOSE);
      closing.push(client); // it keeps its side open
    }
    // At most 16 may take their time.
    let gone = 0;
    for (const client of closing) void client.closed.then(() => gone++);
    await until(() => {
      for (const client of closing) if (client.socket.writable) client.frame(Opcode.PING);
      return gone >= 4;
    });
    for (const client of closing) client[Symbol.dispose]();
  });
});
