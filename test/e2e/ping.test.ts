import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Client } from './client.js';
import { pattern } from './pattern.js';
import { encodeFrame, Opcode, RawClient } from './raw-client.js';
import { builtIn, handler, serve } from './serving.js';

describe.each([0, 1])('pings, with threads: %i', (threads) => {
  it('of the client are answered with their own payload, each in its place', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads });
    using client = await RawClient.open(served.port);
    for (const size of [0, 1, 124, 125]) {
      client.frame(Opcode.PING, pattern(size, size));
      expect(await client.next()).toEqual({ fin: true, opcode: Opcode.PONG, payload: pattern(size, size) });
    }
    const pings = Array.from({ length: 1000 }, (_, i) => encodeFrame(Opcode.PING, `ping ${i}`));
    client.socket.write(Buffer.concat(pings));
    for (let i = 0; i < 1000; i++) expect(String((await client.next()).payload)).toBe(`ping ${i}`);
  });

  it('between fragments are answered before the message', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads });
    using client = await RawClient.open(served.port);
    client.frame(Opcode.TEXT, 'one ', { fin: false });
    client.frame(Opcode.PING, 'a');
    expect(await client.next()).toMatchObject({ opcode: Opcode.PONG, payload: Buffer.from('a') });
    client.frame(Opcode.CONTINUATION, 'two ', { fin: false });
    client.frame(Opcode.PONG, 'that nobody asked for');
    client.frame(Opcode.PING, 'b');
    client.frame(Opcode.CONTINUATION, 'three');
    expect(await client.next()).toMatchObject({ opcode: Opcode.PONG, payload: Buffer.from('b') });
    expect(String((await client.next()).payload)).toBe('one two three');
  });

  it('may arrive byte by byte', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads });
    using client = await RawClient.open(served.port);
    const bytes = Buffer.concat([encodeFrame(Opcode.PING, 'slow'), encodeFrame(Opcode.TEXT, 'text')]);
    for (const byte of bytes) {
      await new Promise((resolve) => client.socket.write(Buffer.of(byte), resolve));
    }
    expect(await client.next()).toMatchObject({ opcode: Opcode.PONG, payload: Buffer.from('slow') });
    expect(await client.next()).toMatchObject({ opcode: Opcode.TEXT, payload: Buffer.from('text') });
  });

  it('of the server carry the payload of the call, and the client answers them', async () => {
    await using served = await serve({ handler: handler('commands.js'), threads });
    using client = await Client.open(served.url);
    for (const payload of ['', 'hello', 'é'.repeat(62)]) {
      const pinged = once(client.socket, 'ping');
      client.run(['ping', payload]);
      expect(String((await pinged)[0])).toBe(payload);
    }
    client.run(['send', 'the pongs did not disturb']);
    expect(await client.text()).toBe('the pongs did not disturb');
    client.run(['ping', 'é'.repeat(63)]);
    expect(await client.closed).toMatchObject({ code: 1011 });
    expect(await served.log.line(/RangeError/)).toContain('at most 125 bytes, got 126');
  });
});
