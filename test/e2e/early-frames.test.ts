import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { expectBytes, pattern } from './pattern.js';
import { encodeFrame, encodeRequest, Opcode, RawClient } from './raw-client.js';
import { builtIn, decideUpgrades, handler, primaryHasRead, serve } from './serving.js';
import { eachWay } from './thread-counts.js';

describe.each(eachWay(1))('frames in the same segment as the upgrade request, with threads: %i', (threads) => {
  it('are not lost', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads });
    using client = await RawClient.open(served.port, '/', encodeFrame(Opcode.TEXT, 'early'));
    expect(String((await client.next()).payload)).toBe('early');
  });

  it('are not lost if there are several of all kinds, and one that is not whole', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads });
    const last = encodeFrame(Opcode.TEXT, 'the last of them');
    const early = Buffer.concat([
      encodeFrame(Opcode.TEXT, 'first'),
      encodeFrame(Opcode.PING, 'ping'),
      encodeFrame(Opcode.BINARY, pattern(1, 9000)),
      encodeFrame(Opcode.TEXT, 'frag', { fin: false }),
      encodeFrame(Opcode.CONTINUATION, 'ment'),
      last.subarray(0, 9),
    ]);
    using client = await RawClient.open(served.port, '/', early);
    expect(String((await client.next()).payload)).toBe('first');
    expect(await client.next()).toMatchObject({ opcode: Opcode.PONG, payload: Buffer.from('ping') });
    expectBytes((await client.next()).payload, pattern(1, 9000));
    expect(String((await client.next()).payload)).toBe('fragment');
    client.socket.write(last.subarray(9));
    expect(String((await client.next()).payload)).toBe('the last of them');
  });

  it('go on wherever the segment was cut', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads });
    const frames = Buffer.concat([encodeFrame(Opcode.TEXT, 'one'), encodeFrame(Opcode.BINARY, pattern(2, 200))]);
    for (let cut = 0; cut <= frames.length; cut += 3) {
      using client = await RawClient.open(served.port, '/', frames.subarray(0, cut));
      client.socket.write(frames.subarray(cut));
      expect(String((await client.next()).payload)).toBe('one');
      expectBytes((await client.next()).payload, pattern(2, 200));
    }
  });

  it('may be a message that is larger than one read', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads });
    const large = pattern(3, 3 * 1024 * 1024);
    const early = Buffer.concat([encodeFrame(Opcode.BINARY, large), encodeFrame(Opcode.TEXT, 'behind')]);
    using client = await RawClient.open(served.port, '/', early);
    expectBytes((await client.next()).payload, large);
    expect(String((await client.next()).payload)).toBe('behind');
  });

  it('may fill the buffer while an upgrade hook is pending', async () => {
    await using served = await serve({ handler: handler('deciding.js'), threads });
    const messages = Array.from({ length: 400 }, (_, i) => pattern(i, 1000 + i));
    let decide = () => {};
    const asked = new Promise<void>((resolve) => {
      decideUpgrades(() => {
        resolve();
        return new Promise((accept) => {
          decide = () => accept(undefined);
        });
      });
    });
    using client = await RawClient.upgrading(served.port, '/?quiet', encodeFrame(Opcode.BINARY, messages[0]));
    await asked;
    for (const message of messages.slice(1)) client.frame(Opcode.BINARY, message);
    await primaryHasRead(served);
    decide();
    for (const message of messages) expectBytes((await client.next()).payload, message);
  });

  it('may come as a head that is larger than a window', async () => {
    // Another HTTP server may have read as much as it likes before it gives an upgrade away.
    await using served = await serve({ handler: builtIn('echo'), threads });
    const messages = [10, 300_000, 70_000, 262_144, 262_130, 100, 900_000].map((size, i) => pattern(i, size));
    const frames = Buffer.concat(messages.map((message) => encodeFrame(Opcode.BINARY, message)));
    const cutOff = 20;
    const http = createHttpServer();
    http.on('upgrade', (request, socket) => {
      served.server.handleUpgrade(request, socket, frames.subarray(0, frames.length - cutOff));
    });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    try {
      using client = await RawClient.connect((http.address() as AddressInfo).port);
      client.socket.write(encodeRequest('/'));
      await client.response;
      client.socket.write(frames.subarray(frames.length - cutOff));
      for (const message of messages) expectBytes((await client.next()).payload, message);
    } finally {
      await new Promise((resolve) => http.close(resolve));
    }
  });

  it('may be a Close, and nothing else', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads });
    using client = await RawClient.open(served.port, '/', encodeFrame(Opcode.CLOSE, Buffer.from([0x03, 0xe8])));
    expect(await client.next()).toMatchObject({ opcode: Opcode.CLOSE, payload: Buffer.from([0x03, 0xe8]) });
    await client.ended;
  });

  it('may be bytes that are not frames', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads });
    using client = await RawClient.open(served.port, '/', Buffer.from('GET /another HTTP/1.1\r\n\r\n'));
    expect((await client.next()).payload.readUInt16BE(0)).toBe(1002);
    await client.ended;
  });
});
