import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket, type WebSocketServer } from 'ws';
import { type LoadProgress, load } from '../../dist/load/index.js';
import { floodWithPings, PINGS, readPongs } from '../client/ping-flood.js';
import { builtIn, serve } from '../e2e/serving.js';
import { freePort } from '../ports.js';
import { frame } from '../protocol/client-frames.js';
import { broadcastFrom, deafServer, echo, rawServer, wsServer } from './server.js';

const NOTHING_WRONG = { errors: 0, errorsByKind: {}, timeouts: 0 };

describe('a load of echoes', () => {
  it.each([
    ['short text', { sizeBytes: 20 }],
    ['nothing', { sizeBytes: 0 }],
    ['many in flight', { sizeBytes: 20, inFlight: 50 }],
    ['binary that does not fit a read', { sizeBytes: 300_000, isBinary: true, inFlight: 3 }],
    ['64 KiB of text', { sizeBytes: 65_536 }],
  ])('of %s is answered by wsloom, message by message', async (_name, options) => {
    await using served = await serve({ handler: builtIn('echo') });
    const result = await load({ url: served.url, connections: 4, amount: 403, ...options });
    expect(result).toMatchObject({
      ...NOTHING_WRONG,
      mode: 'echo',
      messages: { total: 403 },
      throughput: { total: 403 * options.sizeBytes },
      connections: { opened: 4, failed: 0, lost: 0 },
      closes: { 1000: 4 },
    });
    expect(result.messages.average).toBeGreaterThan(0);
    expect(result.latency.p50).toBeGreaterThan(0);
    expect(result.latency.max).toBeGreaterThanOrEqual(result.latency.p50);
    expect(result.client.microsPerMessage).toBeGreaterThan(0);
  });

  it('sends exactly its amount, and does not count messages of the warm-up', async () => {
    const served = await wsServer(echo);
    const exact = await load({ url: served.url, connections: 3, inFlight: 7, amount: 100 });
    expect([exact.messages.total, served.count]).toEqual([100, 100]);
    const warm = await load({ url: served.url, connections: 3, inFlight: 7, amount: 100, warmUpMs: 20 });
    expect(warm).toMatchObject({ ...NOTHING_WRONG, messages: { total: 100 } });
    expect(served.count).toBeGreaterThan(200);
  });

  it('ends by itself after its duration', async () => {
    const served = await wsServer(echo);
    const result = await load({ url: served.url, durationMs: 50, warmUpMs: 10 });
    expect(result).toMatchObject({ ...NOTHING_WRONG, closes: { 1000: 10 } });
    expect(result.duration).toBeGreaterThanOrEqual(0.049);
    expect(result.finish.getTime() - result.start.getTime()).toBeGreaterThanOrEqual(49);
    expect(result.messages.average).toBeCloseTo(result.messages.total / result.duration);
  });

  it('keeps to its rate', async () => {
    const served = await wsServer(echo);
    const result = await load({ url: served.url, amount: 100, ratePerSecond: 1000, inFlight: 100 });
    expect(result).toMatchObject({ ...NOTHING_WRONG, messages: { total: 100 } });
    expect(served.count).toBe(100);
    expect(result.duration).toBeGreaterThanOrEqual(0.099);
  });

  it('with a rate measures from the time at which a message was due, also if a server that stalls delays the sending', async () => {
    // The first answer comes when ten messages are due, of which one is in flight.
    const due = 10;
    let isStalled = true;
    const served = await wsServer((socket, bytes, isBinary) => {
      if (!isStalled) return echo(socket, bytes, isBinary);
      setTimeout(() => {
        isStalled = false;
        echo(socket, bytes, isBinary);
      }, due * 10);
    });
    const result = await load({ url: served.url, connections: 1, amount: due, ratePerSecond: 100 });
    expect(result).toMatchObject({ ...NOTHING_WRONG, messages: { total: due } });
    // Messages that were due during the stall have waited for the rest of it: for half of it on average.
    expect(result.latency.average).toBeGreaterThan(due * 2);
  });

  it('with a rate above the speed of the server has no timeouts for messages that are answered soon after they were sent', async () => {
    const served = await wsServer((...message) => void setTimeout(() => echo(...message), 25));
    const options = { url: served.url, connections: 1, amount: 40, ratePerSecond: 1000, timeoutMs: 500 };
    const result = await load(options);
    expect(result).toMatchObject({ ...NOTHING_WRONG, messages: { total: 40 } });
    expect(result.latency.max).toBeGreaterThan(options.timeoutMs);
  });

  it('waits for the last answers as long as they may take, and with a rate notes the time', async () => {
    const delayMs = 3100;
    const served = await wsServer((...message) => void setTimeout(() => echo(...message), delayMs));
    const options = { url: served.url, connections: 1, warmUpMs: 0, durationMs: 100, ratePerSecond: 100 };
    const result = await load(options);
    expect(result).toMatchObject({ ...NOTHING_WRONG, messages: { total: 0 }, closes: { 1000: 1 } });
    expect(result.latency.max).toBeGreaterThan(delayMs - 1);
    // Messages that were due and could not be sent have waited for less time.
    expect(result.latency.min).toBeLessThan(delayMs);
  });

  it('can run in several threads', async () => {
    const served = await wsServer(echo);
    const result = await load({ url: served.url, connections: 5, amount: 1001, inFlight: 3, workers: 2 });
    expect(result).toMatchObject({
      ...NOTHING_WRONG,
      messages: { total: 1001 },
      connections: { opened: 5 },
      options: { workers: 2 },
      closes: { 1000: 5 },
    });
    expect(served.count).toBe(1001);
  });

  it('sends the headers, the subprotocols and the message of its options', async () => {
    const heard: string[] = [];
    const served = await wsServer((socket, bytes, isBinary) => {
      heard.push(String(bytes));
      echo(socket, bytes, isBinary);
    });
    served.server.on('connection', (socket, request) => {
      heard.push(socket.protocol, String(request.headers['x-token']));
    });
    const headers = { 'X-Token': 'abc' };
    const options = { url: served.url, connections: 1, amount: 1, subprotocols: ['chat'], headers, message: 'héllo' };
    expect(await load(options)).toMatchObject({ ...NOTHING_WRONG, throughput: { total: 6 } });
    expect(heard).toEqual(['chat', 'abc', 'héllo']);
  });

  it('answers pings', async () => {
    let pongs = 0;
    const served = await wsServer(
      (socket, bytes, isBinary) => {
        socket.ping('between');
        echo(socket, bytes, isBinary);
      },
      (socket) => void socket.on('pong', () => pongs++),
    );
    const result = await load({ url: served.url, connections: 2, amount: 50, inFlight: 5 });
    expect(result).toMatchObject({ ...NOTHING_WRONG, messages: { total: 50 } });
    expect(pongs).toBe(50);
  });

  it('joins fragments', async () => {
    const served = await wsServer((socket, bytes, isBinary) => {
      socket.send(bytes.subarray(0, 7), { binary: isBinary, fin: false });
      socket.ping();
      socket.send(bytes.subarray(7), { binary: isBinary, fin: true });
    });
    expect(await load({ url: served.url, connections: 2, amount: 40, inFlight: 4 })).toMatchObject({
      ...NOTHING_WRONG,
      messages: { total: 40 },
    });
  });

  it('can be watched, and ended early', async () => {
    const served = await wsServer(echo);
    const abort = new AbortController();
    const seen: LoadProgress[] = [];
    const result = await load(
      { url: served.url, connections: 2, warmUpMs: 0, durationMs: 60_000 },
      {
        signal: abort.signal,
        onProgress(progress) {
          seen.push(progress);
          abort.abort();
        },
      },
    );
    expect(seen[0]).toMatchObject({ phase: 'measuring', open: 2, errors: 0, durationMs: 60_000 });
    expect(result).toMatchObject({ ...NOTHING_WRONG, closes: { 1000: 2 } });
    expect(result.messages.total).toBeGreaterThan(0);
    expect(result.duration).toBeLessThan(60);
  });

  it('that is ended during its warm-up has measured nothing', async () => {
    const abort = new AbortController();
    const served = await wsServer((...message) => {
      if (served.count === 20) abort.abort();
      echo(...message);
    });
    const options = { url: served.url, connections: 2, warmUpMs: 60_000, durationMs: 60_000 };
    const result = await load(options, { signal: abort.signal });
    expect(result).toMatchObject({
      ...NOTHING_WRONG,
      messages: { total: 0 },
      latency: { max: 0 },
      duration: 0,
      closes: { 1000: 2 },
    });
  });

  it('ends all of its threads when one of them ends', async () => {
    const workers: Worker[] = [];
    const onWorker = (worker: Worker) => workers.push(worker);
    process.on('worker', onWorker);
    onTestFinished(() => void process.off('worker', onWorker));
    const ends: Promise<unknown>[] = [];
    const served = await wsServer(echo, (socket) => {
      ends.push(once(socket, 'close'));
      if (ends.length === 2) void workers[0]?.terminate();
    });
    const options = { url: served.url, connections: 2, workers: 2, warmUpMs: 0, durationMs: 60_000 };
    await expect(load(options)).rejects.toThrow(/thread of the load generator has exited/);
    await Promise.all(ends);
    expect(ends).toHaveLength(2);
  });

  it('that is ended before it has begun has a result', async () => {
    const served = await wsServer(echo);
    const result = await load({ url: served.url }, { signal: AbortSignal.abort() });
    expect(result).toMatchObject({ ...NOTHING_WRONG, messages: { total: 0, average: 0 }, client: { cpu: 0 } });
  });
});

describe('a load that gets', () => {
  it.each([
    ['other bytes', (bytes: Buffer) => [Buffer.from(bytes).reverse(), false] as const],
    ['binary for text', (bytes: Buffer) => [bytes, true] as const],
    ['too little', (bytes: Buffer) => [bytes.subarray(1), false] as const],
    ['too much', (bytes: Buffer) => [Buffer.concat([bytes, bytes]), false] as const],
  ])('%s counts it as wrong, and gives the connection up', async (_name, change) => {
    let count = 0;
    const served = await wsServer((socket, bytes, isBinary) => {
      if (++count !== 20) return echo(socket, bytes, isBinary);
      const [wrong, binary] = change(bytes);
      socket.send(wrong, { binary });
    });
    const result = await load({ url: served.url, connections: 2, amount: 100, inFlight: 3 });
    expect(result).toMatchObject({
      errors: 1,
      errorsByKind: { 'wrong: a message that was not sent': 1 },
      connections: { lost: 1 },
      closes: { 1000: 1, 1006: 1 },
    });
  });

  it('more answers than it has sent messages says so', async () => {
    const served = await wsServer((socket, bytes, isBinary) => {
      echo(socket, bytes, isBinary);
      echo(socket, bytes, isBinary);
    });
    const { errorsByKind } = await load({ url: served.url, connections: 1, amount: 10 });
    expect(errorsByKind).toEqual({ 'unexpected: more messages than were sent': expect.any(Number) });
  });

  it('its connections closed counts codes', async () => {
    let count = 0;
    const served = await wsServer((socket, bytes, isBinary) => {
      count++;
      if (count === 10) socket.close(1013, 'try later');
      else if (count === 20) socket.terminate();
      else echo(socket, bytes, isBinary);
    });
    const result = await load({ url: served.url, connections: 3, amount: 100 });
    expect(result).toMatchObject({
      errors: 2,
      errorsByKind: { 'closed by the server: 1013': 1, 'lost: without a Close': 1 },
      connections: { opened: 3, lost: 2 },
      closes: { 1000: 1, 1006: 1, 1013: 1 },
    });
  });

  it('all of its connections closed ends', async () => {
    const served = await wsServer((socket) => socket.close(1001));
    const result = await load({ url: served.url, connections: 3, durationMs: 60_000, warmUpMs: 0 });
    expect(result).toMatchObject({ errors: 3, messages: { total: 0 }, closes: { 1001: 3 } });
  });

  it('no answer in time counts timeouts', async () => {
    const served = await wsServer(() => {});
    const options = { url: served.url, connections: 2, inFlight: 3, amount: 100, timeoutMs: 700 };
    expect(await load(options)).toMatchObject({
      errors: 6,
      timeouts: 6,
      errorsByKind: { 'timeout: no answer': 6 },
      messages: { total: 0 },
    });
  });

  it('answers too late gives the connection up, and takes no answer for that to another message', async () => {
    // Otherwise the second answer would count for the first message, which is of the warm-up.
    let late: (() => void) | undefined;
    const served = await wsServer((...message) => {
      if (late === undefined) {
        late = () => echo(...message);
        return;
      }
      late();
      echo(...message);
    });
    const options = { url: served.url, connections: 1, amount: 5, warmUpMs: 10, timeoutMs: 700 };
    const result = await load(options);
    expect(result).toMatchObject({ errorsByKind: { 'timeout: no answer': 1 }, connections: { lost: 1 } });
    expect(served.count).toBe(1);
  });

  it('an end without a Close from a server that reads nothing gives the connection up', async () => {
    const url = await deafServer((socket) => void socket.end());
    const options = {
      url,
      expect: 'none',
      connections: 1,
      inFlight: 50,
      sizeBytes: 1_000_000,
      timeoutMs: 700,
    } as const;
    expect(await load({ ...options, durationMs: 60_000 })).toMatchObject({
      errorsByKind: { 'lost: without a Close': 1 },
      connections: { lost: 1 },
    });
  });

  it('pings from a server that reads nothing answers in the end the last ping that had to wait', async () => {
    let pongs = 0;
    const url = await deafServer(async (socket) => {
      await floodWithPings(socket);
      pongs = await readPongs(socket);
      socket.end();
    });
    await load({ url, mode: 'idle', connections: 1, durationMs: 60_000 });
    expect(pongs).toBeGreaterThan(0);
    expect(pongs).toBeLessThan(PINGS);
  });

  it('frames that break the protocol says which rule', async () => {
    const masked = await load({ url: await rawServer(frame({ opcode: 1, payload: 'x' })), connections: 1, amount: 1 });
    expect(Object.keys(masked.errorsByKind)).toEqual(['protocol: masked frame from a server (RFC 6455 section 5.1)']);
    const reserved = await load({ url: await rawServer(Buffer.from([0xc1])), connections: 1, amount: 1 });
    expect(Object.keys(reserved.errorsByKind)).toEqual([expect.stringMatching(/^protocol: reserved bits/)]);
  });

  it('no connection says why', async () => {
    const refused = await load({ url: `ws://127.0.0.1:${await freePort()}/`, connections: 3 });
    expect(refused).toMatchObject({
      errors: 3,
      errorsByKind: { 'connect: ECONNREFUSED': 3 },
      connections: { opened: 0, failed: 3, lost: 0 },
      closes: {},
    });
    await using served = await serve({ handler: builtIn('echo'), path: '/only', threads: 0 });
    expect(await load({ url: served.url, connections: 2 })).toMatchObject({
      errorsByKind: { 'handshake: WSLOOM_RESPONSE_STATUS (404)': 2 },
      connections: { failed: 2 },
    });
  });
});

describe('a load of broadcasts', () => {
  it.each([true, false])('is done when all subscribers have it; the sender gets it, too: %s', async (isIncluded) => {
    let server: WebSocketServer | undefined;
    const served = await wsServer(broadcastFrom(() => server as WebSocketServer, isIncluded));
    server = served.server;
    const result = await load({ url: served.url, mode: 'broadcast', connections: 7, amount: 50, inFlight: 4 });
    expect(result).toMatchObject({
      ...NOTHING_WRONG,
      messages: { total: 350 },
      connections: { opened: 8 },
      closes: { 1000: 8 },
    });
    expect(result.latency.p50).toBeGreaterThan(0);
    expect(served.count).toBe(50);
  });

  it('reaches the subscribers in all threads of wsloom', async () => {
    await using served = await serve({ handler: builtIn('broadcast') });
    const options = { url: `${served.url}/room`, mode: 'broadcast', connections: 10, inFlight: 8 } as const;
    expect(await load({ ...options, amount: 500 })).toMatchObject({ ...NOTHING_WRONG, messages: { total: 5000 } });
    expect(await load({ ...options, durationMs: 30, warmUpMs: 10 })).toMatchObject(NOTHING_WRONG);
    expect(await load({ ...options, amount: 20, ratePerSecond: 1000 })).toMatchObject({ messages: { total: 200 } });
  });

  it('goes on with the others when a subscriber is lost', async () => {
    let server: WebSocketServer | undefined;
    let count = 0;
    const served = await wsServer((socket, bytes, isBinary) => {
      const all = [...(server as WebSocketServer).clients];
      for (const client of all) {
        if (client !== socket && client.readyState === WebSocket.OPEN) client.send(bytes, { binary: isBinary });
      }
      if (++count === 10) all.find((client) => client !== socket)?.terminate();
    });
    server = served.server;
    const result = await load({ url: served.url, mode: 'broadcast', connections: 3, amount: 40, inFlight: 2 });
    expect(result).toMatchObject({ errors: 1, connections: { lost: 1 }, timeouts: 0 });
    expect(served.count).toBe(40);
    expect(result.messages.total).toBeGreaterThanOrEqual(80);
    expect(result.messages.total).toBeLessThan(120);
  });

  it('that loses its publisher ends, and reports no errors of its subscribers', async () => {
    let server: WebSocketServer | undefined;
    let count = 0;
    const served = await wsServer((socket, bytes, isBinary) => {
      if (++count === 10) return socket.terminate();
      const subscribers = [...(server as WebSocketServer).clients].filter((client) => client !== socket);
      // At the end, one subscriber gets more of the publications on their way than the others.
      for (const client of count < 9 ? subscribers : subscribers.slice(0, 1)) client.send(bytes, { binary: isBinary });
    });
    server = served.server;
    const result = await load({ url: served.url, mode: 'broadcast', connections: 3, amount: 100, inFlight: 100 });
    expect(result).toMatchObject({
      errors: 1,
      errorsByKind: { 'lost: without a Close': 1 },
      connections: { lost: 1 },
      closes: { 1000: 3, 1006: 1 },
    });
  });

  it('with a rate notes how long the last publications took', async () => {
    let server: WebSocketServer | undefined;
    const all = broadcastFrom(() => server as WebSocketServer, false);
    const served = await wsServer((...message) => void setTimeout(() => all(...message), 300));
    server = served.server;
    const options = { url: served.url, mode: 'broadcast', connections: 3, warmUpMs: 0, ratePerSecond: 100 } as const;
    const result = await load({ ...options, durationMs: 100, inFlight: 2 });
    expect(result).toMatchObject({ ...NOTHING_WRONG, messages: { total: 0 } });
    expect(result.latency.max).toBeGreaterThan(299);
    expect(result.latency.min).toBeLessThan(300);
  });

  it('gives a publication up that does not reach a subscriber in time', async () => {
    let server: WebSocketServer | undefined;
    const served = await wsServer((socket, bytes, isBinary) => {
      const others = [...(server as WebSocketServer).clients].filter((client) => client !== socket);
      for (const client of others.slice(1)) client.send(bytes, { binary: isBinary });
    });
    server = served.server;
    const options = { url: served.url, mode: 'broadcast', connections: 3, amount: 5, timeoutMs: 700 } as const;
    const result = await load(options);
    expect(result.errorsByKind).toMatchObject({ 'timeout: no answer': expect.any(Number) });
    expect(result.connections.lost).toBeGreaterThan(0);
  });
});

describe('a load of connections', () => {
  it('opens and closes as many as its amount', async () => {
    await using served = await serve({ handler: builtIn('echo') });
    const result = await load({ url: served.url, mode: 'connect', connections: 5, amount: 60 });
    expect(result).toMatchObject({
      ...NOTHING_WRONG,
      connections: { opened: 60, failed: 0, lost: 0 },
      messages: { total: 0 },
      closes: { 1000: 60 },
    });
    expect(result.connections.average).toBeGreaterThan(0);
    expect(result.latency.p50).toBeGreaterThan(0);
  });

  it('that are refused is bounded by its amount', async () => {
    const url = `ws://127.0.0.1:${await freePort()}/`;
    expect(await load({ url, mode: 'connect', connections: 2, amount: 20 })).toMatchObject({
      errorsByKind: { 'connect: ECONNREFUSED': 20 },
      connections: { failed: 20 },
    });
  });

  it('that is ended early closes its open connections, and counts none of them as lost', async () => {
    const abort = new AbortController();
    let count = 0;
    const served = await wsServer(
      () => {},
      () => {
        if (++count === 30) abort.abort();
      },
    );
    const options = { url: served.url, mode: 'connect', connections: 8, durationMs: 60_000, warmUpMs: 0 } as const;
    const result = await load(options, { signal: abort.signal });
    expect(result).toMatchObject({ ...NOTHING_WRONG, connections: { failed: 0, lost: 0 } });
    expect(Object.keys(result.closes)).toEqual(['1000']);
  });

  it('that is ended during its warm-up opens no more, and has measured nothing', async () => {
    const abort = new AbortController();
    let count = 0;
    const served = await wsServer(
      () => {},
      () => {
        if (++count === 30) abort.abort();
      },
    );
    const options = { url: served.url, mode: 'connect', connections: 8, durationMs: 60_000, warmUpMs: 60_000 } as const;
    const result = await load(options, { signal: abort.signal });
    expect(result).toMatchObject({ ...NOTHING_WRONG, connections: { average: 0, lost: 0 }, latency: { max: 0 } });
    expect(count).toBeLessThan(30 + 8);
  });

  it.each(['connect', 'idle'] as const)('accepts a message that greets it (%s)', async (mode) => {
    const served = await wsServer(
      () => {},
      (socket) => socket.send('welcome'),
    );
    const options = { url: served.url, mode, connections: 3, warmUpMs: 0, durationMs: 50 };
    expect(await load(options)).toMatchObject({ ...NOTHING_WRONG, connections: { failed: 0, lost: 0 } });
  });

  it('that are idle holds them, and answers pings', async () => {
    let pongs = 0;
    const served = await wsServer(
      () => {},
      (socket) => {
        socket.on('pong', () => pongs++);
        socket.ping();
      },
    );
    const result = await load({ url: served.url, mode: 'idle', connections: 20, durationMs: 50 });
    expect(result).toMatchObject({ ...NOTHING_WRONG, connections: { opened: 20, lost: 0 }, closes: { 1000: 20 } });
    expect(result.latency.max).toBeGreaterThan(0);
    expect(pongs).toBe(20);
  });
});

describe('a load that expects no answer', () => {
  it('counts the messages that it has sent', async () => {
    const served = await wsServer(() => {});
    const options = { url: served.url, expect: 'none', connections: 3, inFlight: 4 } as const;
    const result = await load({ ...options, amount: 1000, sizeBytes: 10_000 });
    expect(result).toMatchObject({ ...NOTHING_WRONG, messages: { total: 1000 }, latency: { max: 0 } });
    expect(served.count).toBe(1000);
    expect(await load({ ...options, amount: 30, ratePerSecond: 1000 })).toMatchObject({ messages: { total: 30 } });
    expect(served.count).toBe(1030);
  });

  it('does not count messages that the system has not taken', async () => {
    const options = {
      url: await deafServer(),
      expect: 'none',
      connections: 1,
      inFlight: 50,
      sizeBytes: 1_000_000,
    } as const;
    const result = await load({ ...options, warmUpMs: 0, durationMs: 50, timeoutMs: 700 });
    expect(result).toMatchObject({ messages: { total: 0 }, connections: { opened: 1 } });
  });

  it('accepts answers, and a server that reads only after it has written', async () => {
    await using served = await serve({ handler: builtIn('echo') });
    const options = { url: served.url, expect: 'none', connections: 2, sizeBytes: 1_000_000, amount: 50 } as const;
    expect(await load(options)).toMatchObject({ ...NOTHING_WRONG, messages: { total: 50 }, closes: { 1000: 2 } });
  });
});
