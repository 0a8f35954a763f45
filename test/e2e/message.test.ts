import { describe, expect, it } from 'vitest';
import { Client } from './client.js';
import { expectBytes, pattern, textPattern } from './pattern.js';
import { handler, serve } from './serving.js';

const VOID = { name: 'MessageVoidError', code: 'WSLOOM_MESSAGE_VOID', message: expect.stringContaining('.bytes()') };
const ALL_VOID = Object.fromEntries(
  ['text', 'bytes', 'json', 'borrow', 'size', 'isBinary', 'send', 'publish'].map((touch) => [touch, VOID]),
);

describe('a message', () => {
  it('can be read and sent in every way, whatever its size', async () => {
    await using served = await serve({ handler: handler('reading.js'), threads: 1 });
    using client = await Client.open(served.url);
    for (const size of [0, 1, 125, 126, 8192, 70_000, 300_000, 2_000_000]) {
      const binary = pattern(size, size);
      client.send(binary);
      const found = { isBinary: true, size, isSame: true, isApart: true, text: binary.toString() };
      expect(await client.json()).toEqual(found);
      for (const _ of ['borrowed', 'copied', 'forwarded']) {
        const { bytes, isBinary } = await client.next();
        expect(isBinary).toBe(true);
        expectBytes(bytes, binary);
      }
    }
    const json = { text: String(textPattern(1, 100_000)), list: [1, null, { deep: true }] };
    const sent = JSON.stringify(json);
    client.send(sent);
    expect(await client.json()).toMatchObject({ isBinary: false, isSame: true, isApart: true, text: sent });
    for (const isBinary of [true, true, false]) {
      const received = await client.next();
      expect(received.isBinary).toBe(isBinary);
      expectBytes(received.bytes, Buffer.from(sent));
    }
    expect(await client.json()).toEqual({ json });
  });

  it('that is no JSON fails the hook that calls json()', async () => {
    await using served = await serve({ handler: handler('commands.js'), threads: 0 });
    using client = await Client.open(served.url);
    client.send('{no json');
    expect(await client.closed).toEqual({ code: 1011, reason: 'internal error' });
    expect(await served.log.line(/message\(\) of the handler failed/)).toContain('SyntaxError');
  });

  it('keeps a byte order mark', async () => {
    await using served = await serve({ handler: handler('reading.js'), threads: 0 });
    using client = await Client.open(served.url);
    const sent = '"\ufeff\\u0000\ufeff"';
    client.send(sent);
    expect(await client.json()).toMatchObject({ text: sent });
    for (let i = 0; i < 3; i++) expect(await client.text()).toBe(sent);
    expect(await client.json()).toEqual({ json: '\ufeff\u0000\ufeff' });
  });
});

describe.each([true, false])('a message kept beyond its callback, with poison: %s', (poison) => {
  it('is void in a later turn and after an await, and the error says what to do', async () => {
    await using served = await serve({ handler: handler('late-touch.js'), threads: 0, poison });
    using client = await Client.open(served.url);
    for (const when of ['after a turn', 'after an await']) {
      client.send(when);
      expect(await client.json()).toEqual(ALL_VOID);
    }
  });

  it('is void in the callback of another connection', async () => {
    await using served = await serve({ handler: handler('late-touch.js'), threads: 0, poison });
    using one = await Client.open(served.url);
    using other = await Client.open(served.url);
    one.send('keep');
    await one.next();
    other.send('look');
    expect(await other.json()).toEqual(ALL_VOID);
  });

  it('has copied bytes that stay', async () => {
    await using served = await serve({ handler: handler('late-touch.js'), threads: 0, poison });
    using client = await Client.open(served.url);
    client.send('keep');
    const [borrowed, copied] = halves((await client.json()) as number[]);
    expect(Buffer.from(copied)).toEqual(Buffer.from('keep'));
    // A borrowed view cannot be taken back. Poison overwrites its bytes.
    expect(Buffer.from(borrowed)).toEqual(poison ? Buffer.alloc(4, 0xdb) : Buffer.from('keep'));
    client.send('look');
    if (poison) {
      expect(await client.json()).toEqual(ALL_VOID);
    } else {
      // There is one object for each connection, and it is the message of this callback again.
      expect(await client.text()).toBe('look');
      expect(await client.json()).toMatchObject({ text: 'no error', send: 'no error' });
    }
  });
});

function halves(list: number[]): readonly [number[], number[]] {
  return [list.slice(0, list.length / 2), list.slice(list.length / 2)];
}
