import { setTimeout as pass } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { closeStatus, encodeRequest, RawClient } from '../e2e/raw-client.js';
import { serve } from '../e2e/serving.js';
import { THREADS } from '../e2e/transport.js';
import { answerTo, handlerOf, statusOf, withstand } from './attack.js';

const handler = handlerOf('paths.js');
const HEADERS = [
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
];
const request = (...headers: readonly string[]) => ['GET / HTTP/1.1', ...headers, '\r\n'].join('\r\n');
const many = (count: number) => Array.from({ length: count }, (_, i) => `x${i}: 1`);

describe.each(THREADS)('a request, with threads: %i', (threads) => {
  it('with more headers than there may be is refused with 431, wherever those stand that count', async () => {
    await using served = await serve({ handler, threads });
    await withstand(served, async () => {
      // Headers beyond those that Node shows must not be missed (CVE-2024-37890).
      for (const count of [100, 101, 1000]) {
        for (const headers of [
          ['Host: localhost', ...HEADERS, ...many(count)],
          [...many(count), 'Host: localhost', ...HEADERS],
        ]) {
          expect(statusOf(await answerTo(served.port, request(...headers)))).toBe(431);
        }
      }
    });
    expect(served.server.stats().opened).toBe(1);
  });

  it('with as many headers as there may be is accepted', async () => {
    await using served = await serve({ handler, threads, maxHeaderCount: 50 });
    using client = await RawClient.connect(served.port);
    client.socket.write(request(...many(45), 'Host: localhost', ...HEADERS));
    expect(statusOf(await client.response)).toBe(101);
    expect(statusOf(await answerTo(served.port, request(...many(46), 'Host: localhost', ...HEADERS)))).toBe(431);
    expect(served.server.stats().limits.refusedHandshakes).toBe(1);
  });

  it('with a header that does not end is refused with 431', async () => {
    await using served = await serve({ handler, threads, maxHeaderBytes: 4096 });
    await withstand(served, async () => {
      const attacks = Array.from({ length: 20 }, async () => {
        using client = await RawClient.connect(served.port);
        let answer = '';
        client.socket.on('data', (read) => {
          answer += read;
        });
        client.socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nX: ');
        const part = Buffer.alloc(1000, 'a');
        let isOver = false;
        const over = Promise.race([client.ended, client.closed]).then(() => {
          isOver = true;
        });
        while (!isOver) {
          if (client.socket.writable) client.socket.write(part);
          await pass(1);
        }
        await over;
        return answer;
      });
      // The answer may be lost with the connection: TCP resets it, because the client goes on sending.
      for (const answer of await Promise.all(attacks)) expect(answer).toMatch(/^$|^HTTP\/1\.1 431 /);
    });
    expect(served.server.stats().opened).toBe(1);
  });

  it('with too long a header is refused with 431', async () => {
    await using served = await serve({ handler, threads, maxHeaderBytes: 4096 });
    const long = request('Host: localhost', ...HEADERS, `X: ${'a'.repeat(4000)}`);
    await withstand(served, async () => expect(statusOf(await answerTo(served.port, long))).toBe(431));
  });

  it('that comes byte by byte is given up in time, and so is a connection that says nothing', async () => {
    await using served = await serve({ handler, threads, handshakeTimeoutMs: 200 });
    await withstand(served, async () => {
      const bytes = encodeRequest('/', many(50));
      const trickles = Array.from({ length: 20 }, async () => {
        using client = await RawClient.connect(served.port);
        let answer = '';
        client.socket.on('data', (read) => {
          answer += read;
        });
        let isOver = false;
        const over = Promise.race([client.ended, client.closed]).then(() => {
          isOver = true;
        });
        for (let at = 0; !isOver; at++) {
          expect(at).toBeLessThan(bytes.length);
          if (client.socket.writable) client.socket.write(bytes.slice(at, at + 1));
          await pass(10);
        }
        await over;
        return answer;
      });
      const silent = Array.from({ length: 20 }, () => answerTo(served.port));
      for (const answer of await Promise.all([...trickles, ...silent])) expect(answer).toMatch(/^$|^HTTP\/1\.1 408 /);
    });
    expect(served.server.stats().opened).toBe(1);
  });

  it('that cannot be a handshake is refused with 400, and nothing else is said', async () => {
    await using served = await serve({ handler, threads });
    const requests = [
      request(...HEADERS),
      request('Host: localhost', 'Host: localhost', ...HEADERS),
      request('Host: localhost', 'Host: elsewhere.example', ...HEADERS),
      request('Host: ', ...HEADERS),
      request('Host: user@localhost', ...HEADERS),
      `${request('Host: localhost', ...HEADERS, 'Content-Length: 5')}hello`,
      request('Host: localhost', ...HEADERS, 'Content-Length: 00'),
      request('Host: localhost', ...HEADERS, 'Content-Length: 18446744073709551617'),
      `${request('Host: localhost', ...HEADERS, 'Transfer-Encoding: chunked')}5\r\nhello\r\n0\r\n\r\n`,
      `${request('Host: localhost', ...HEADERS, 'Transfer-Encoding: chunked', 'Content-Length: 5')}0\r\n\r\n`,
      request('Host: localhost', ...HEADERS, 'Transfer-Encoding: x'),
      request('Host: localhost', ...HEADERS, 'No colon'),
      request('Host: localhost', ...HEADERS, 'X: \0'),
      request('Host: localhost', ...HEADERS, 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='),
      request('Host: localhost', ...HEADERS, 'Origin: http://localhost', 'Origin: http://localhost'),
      '\0\0\0\0\r\n\r\n',
      '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', // TLS, on a port without
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    ];
    await withstand(served, async () => {
      for (const bytes of requests) {
        const answer = await answerTo(served.port, Buffer.from(bytes, 'latin1'));
        expect.soft([bytes, statusOf(answer)]).toEqual([bytes, 400]);
      }
    });
    expect(served.server.stats().opened).toBe(1);
  });

  it('behind an upgrade is bytes of the connection, which are no frame', async () => {
    await using served = await serve({ handler, threads });
    await withstand(served, async () => {
      for (const second of [encodeRequest('/second'), 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n']) {
        using client = await RawClient.open(served.port, '/', Buffer.from(second));
        expect(closeStatus(await client.next()).code).toBe(1002);
        await client.ended;
        expect(client.rest).toEqual([]);
      }
    });
    expect(served.server.stats()).toMatchObject({ opened: 3, protocolErrors: 2 });
  });
});
