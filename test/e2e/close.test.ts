import { describe, expect, it } from 'vitest';
import { Client } from './client.js';
import { expectBytes, pattern } from './pattern.js';
import { closePayload, closeStatus, encodeFrame, Opcode, RawClient } from './raw-client.js';
import { builtIn, handler, serve, until } from './serving.js';
import { eachWay, onlyOnce } from './thread-counts.js';

const commands = handler('commands.js');
const run = (...list: readonly (readonly unknown[])[]) => encodeFrame(Opcode.TEXT, JSON.stringify(list));

describe.each(eachWay(1))('the closing handshake, with threads: %i', (threads) => {
  it('begun by the client is answered once, with its code, and the server closes TCP first', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads });
    for (const code of [undefined, 1000, 1001, 1014, 3000, 4999]) {
      using client = await RawClient.open(served.port);
      client.text('in front');
      client.frame(Opcode.CLOSE, code === undefined ? '' : closePayload(code, 'because'));
      expect(String((await client.next()).payload)).toBe('in front');
      expect(closeStatus(await client.next()).code).toBe(code);
      await client.ended; // before we have ended our side
      client.socket.end();
      await client.closed;
      expect(client.rest).toEqual([]);
    }
    await until(() => served.server.stats().connections === 0);
  });

  it('ignores whatever follows the Close, in the same segment and later', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads });
    using client = await RawClient.open(served.port);
    client.socket.write(
      Buffer.concat([
        encodeFrame(Opcode.CLOSE, closePayload(1000)),
        encodeFrame(Opcode.TEXT, 'too late'),
        encodeFrame(Opcode.PING, 'too late'),
        encodeFrame(Opcode.CLOSE, closePayload(1001)),
        Buffer.alloc(1000, 0xff),
      ]),
    );
    expect(closeStatus(await client.next()).code).toBe(1000);
    await client.ended;
    client.socket.write(Buffer.alloc(2_000_000, 0xff));
    client.socket.end();
    await client.closed;
    expect(client.rest).toEqual([]);
    await until(() => served.server.stats().connections === 0);
    expect(served.server.stats()).toMatchObject({ messagesIn: 0, protocolErrors: 0 });
  });

  it('may come between the fragments of a message, which is then never delivered', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads });
    using client = await RawClient.open(served.port);
    client.frame(Opcode.BINARY, pattern(1, 100_000), { fin: false });
    client.frame(Opcode.CLOSE, closePayload(1000));
    expect(closeStatus(await client.next()).code).toBe(1000);
    await client.ended;
    expect(served.server.stats().messagesIn).toBe(0);
  });

  it('begun by the server comes after what was sent before it, and nothing after it', async () => {
    await using served = await serve({ handler: commands, threads });
    using client = await RawClient.open(served.port);
    client.socket.write(
      run(
        ['subscribe', 'topic'],
        ['send', 'small'],
        ['sendBytes', 1_000_000, 7],
        ['publishToAll', 'topic', 'publication'],
        ['close', 3333, 'enough'],
        ['close', 3334, 'twice'],
        ['send', 'too late'],
        ['ping', 'too late'],
        ['publishToAll', 'topic', 'too late'],
        ['isOpen'],
        ['later', ['send', 'too late'], ['close'], ['publishToAll', 'topic', 'too late']],
      ),
    );
    expect(String((await client.next()).payload)).toBe('small');
    expect((await client.next()).payload).toHaveLength(1_000_000);
    expect(String((await client.next()).payload)).toBe('publication');
    expect(closeStatus(await client.next())).toEqual({ code: 3333, reason: 'enough' });
    // What crosses the server's Close is dropped, and pings are not answered any more.
    client.socket.write(run(['exit']));
    client.frame(Opcode.PING, 'crossing');
    client.frame(Opcode.CLOSE, closePayload(3333));
    await client.ended;
    client.socket.end();
    await client.closed;
    expect(client.rest).toEqual([]);
    await until(() => served.server.stats().connections === 0);
    expect(served.server.stats()).toMatchObject({ messagesIn: 1, handlerErrors: 0, workersLost: 0 });
  });

  it('carries every valid close reason, and refuses invalid ones', async () => {
    await using served = await serve({ handler: commands, threads });
    const longest = `${'é'.repeat(61)}!`;
    using client = await Client.open(served.url);
    client.run(['close', 4000, longest]);
    expect(await client.closed).toEqual({ code: 4000, reason: longest });
    using plain = await Client.open(served.url);
    plain.run(['close']);
    expect(await plain.closed).toEqual({ code: 1000, reason: '' });
    const wrong = [[1005], [1006], [1015], [999], [5000], [1000.5], ['1000'], [1000, `${longest}!`], [1000, 5]];
    for (const args of wrong) {
      using failed = await Client.open(served.url);
      failed.run(['close', ...args]);
      expect(await failed.closed).toEqual({ code: 1011, reason: 'internal error' });
    }
    await served.server.close();
    const [first, rest, ...more] = served.log.lines;
    expect(first).toMatch(/CloseArgumentError.*handlers\/commands\.js/s);
    expect(rest).toMatch(
      new RegExp(`${wrong.length - 1} times more, .*CloseArgumentError.*handlers/commands\\.js`, 's'),
    );
    expect(more).toEqual([]);
  });

  it('is over after closeTimeoutMs if the client never answers, or answers and never ends', async () => {
    await using served = await serve({ handler: commands, threads, closeTimeoutMs: 40 });
    using silent = await RawClient.open(served.port);
    silent.socket.write(run(['close', 1000, 'x']));
    expect(closeStatus(await silent.next()).code).toBe(1000);
    await silent.ended;
    using lingering = await RawClient.open(served.port);
    lingering.frame(Opcode.CLOSE, closePayload(1000));
    await lingering.ended;
    await until(() => served.server.stats().connections === 0);
    // The server has closed its socket: writing is answered with a reset.
    while (!lingering.socket.destroyed) {
      lingering.frame(Opcode.PING);
      await new Promise((resolve) => setImmediate(resolve));
    }
  });

  it('may be left out by a client that ends TCP: what it sent before is still answered', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads });
    using client = await RawClient.open(served.port);
    client.frame(Opcode.BINARY, pattern(1, 5_000_000));
    client.text('last');
    client.socket.end();
    expectBytes((await client.next()).payload, pattern(1, 5_000_000));
    expect(String((await client.next()).payload)).toBe('last');
    await client.closed;
    expect(client.rest).toEqual([]);
    await until(() => served.server.stats().connections === 0);
  });

  it('is not needed: the handler can drop a connection, and nothing is sent after that', async () => {
    await using served = await serve({ handler: commands, threads });
    using client = await Client.open(served.url);
    client.run(['send', 'the last'], ['terminate'], ['send', 'no'], ['close']);
    expect(await client.closed).toEqual({ code: 1006, reason: '' });
    expect(client.rest).toEqual([{ bytes: Buffer.from('the last'), isBinary: false }]);
    await until(() => served.server.stats().connections === 0);
  });
});

describe.each(onlyOnce)('violations of the protocol', () => {
  it('are answered with their code, after the messages in front of them, and everything after them is discarded', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads: 0 });
    const violations: readonly (readonly [bytes: Buffer, code: number])[] = [
      [Buffer.of(0x81, 0x01, 0x41), 1002], // no mask
      [encodeFrame(0x40 | Opcode.TEXT), 1002], // reserved bit
      [encodeFrame(Opcode.CONTINUATION), 1002], // without a message that it continues
      [Buffer.of(0x0a, 0x80), 1002], // a fragmented pong
      [Buffer.of(0x89, 0xfe), 1002], // a long ping
      [Buffer.of(0x82, 0xfe, 0, 125), 1002], // not the shortest length
      [Buffer.of(0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0), 1002], // the top bit
      [Buffer.of(0x82, 0xff, 0, 0x20, 0, 0, 0, 0, 0, 1), 1009], // over 2^53
      [encodeFrame(Opcode.TEXT, Buffer.of(0xed, 0xa0, 0x80)), 1007], // a surrogate
      [encodeFrame(Opcode.CLOSE, closePayload(1005)), 1002],
      [encodeFrame(Opcode.CLOSE, Buffer.concat([closePayload(1000), Buffer.of(0xff)])), 1007],
    ];
    for (const [bytes, code] of violations) {
      using client = await RawClient.open(served.port);
      client.socket.write(
        Buffer.concat([encodeFrame(Opcode.TEXT, 'in front'), bytes, encodeFrame(Opcode.TEXT, 'behind')]),
      );
      expect(String((await client.next()).payload)).toBe('in front');
      expect(closeStatus(await client.next()).code).toBe(code);
      await client.ended;
      client.socket.write(Buffer.alloc(300_000));
      client.socket.end();
      await client.closed;
      expect(client.rest).toEqual([]);
    }
    expect(served.server.stats().protocolErrors).toBe(violations.length);
  });

  it('are found as soon as the byte has come that proves them, in the middle of a frame', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads: 0 });
    using client = await RawClient.open(served.port);
    const frame = encodeFrame(Opcode.TEXT, Buffer.concat([Buffer.from('good '), Buffer.of(0xc0), Buffer.alloc(100)]));
    client.socket.write(frame.subarray(0, 2 + 4 + 6));
    expect(closeStatus(await client.next()).code).toBe(1007);
  });
});
