import { describe, expect, it } from 'vitest';
import { Client } from '../e2e/client.js';
import { expectBytes, pattern } from '../e2e/pattern.js';
import { serve } from '../e2e/serving.js';
import { eachWay } from '../e2e/thread-counts.js';
import { handlerOf, withstand } from './attack.js';

const handler = handlerOf('misuse.js');
const { misuses } = (await import(handler.href)) as { readonly misuses: readonly string[] };

/** Not worth a check of each message: the engine refuses it, without a code. */
const FEIGNED = 'send(what inherits from a message)';

/** The error for a wrong argument of each kind. */
const ERRORS: readonly (readonly [begin: string, name: string])[] = [
  ['close(', 'CloseArgumentError'],
  ['ping(126', 'RangeError'],
  ["ping('é'", 'RangeError'],
  ['', 'TypeError'],
];

describe.each(eachWay(1))('a handler, with threads: %i', (threads) => {
  it('gets errors for wrong arguments, and its connection goes on', async () => {
    await using served = await serve({ handler, threads });
    await withstand(served, async () => {
      using client = await Client.open(served.url);
      for (const misuse of misuses) {
        client.send(misuse);
        const [, name] = ERRORS.find(([begin]) => misuse.startsWith(begin)) as (typeof ERRORS)[number];
        const code = misuse === FEIGNED ? {} : { code: expect.stringMatching(/^WSLOOM_/) };
        const error = { ...code, name, message: expect.any(String) };
        expect.soft([misuse, await client.json()]).toMatchObject([misuse, error]);
      }
      client.send(Buffer.from('still here'));
      expect(await client.text()).toBe('still here');
      expect(client.rest).toEqual([]);
    });
    expect(served.server.stats()).toMatchObject({ handlerErrors: 0, protocolErrors: 0 });
  });

  it('that uses a connection which it has closed gets false', async () => {
    await using served = await serve({ handler, threads });
    using witness = await Client.open(served.url);
    witness.send('subscribe to outcomes');
    await witness.text();
    using client = await Client.open(served.url);
    client.send('after close');
    expect(await client.closed).toEqual({ code: 4000, reason: 'enough' });
    expect(client.rest).toEqual([]);
    expect(await witness.json()).toEqual({
      text: { returned: 'false' },
      bytes: { returned: 'false' },
      message: { returned: 'false' },
      ping: { returned: 'false' },
      close: { returned: 'undefined' },
      subscribe: { returned: 'undefined' },
    });
  });

  it.each([true, false])('that keeps a message cannot touch it for another connection (poison: %s)', async (poison) => {
    await using served = await serve({ handler, threads, poison });
    using owner = await Client.open(served.url);
    using other = await Client.open(served.url);
    for (let i = 0; i < 20; i++) {
      owner.send('keep');
      expect(await owner.text()).toBe('kept');
      owner.send(pattern(i, i * 1000)); // lies where the kept message lay
      expectBytes((await owner.next()).bytes, pattern(i, i * 1000));
      other.send('touch');
      const outcomes = (await other.json()) as readonly { readonly code?: string }[];
      expect(outcomes).toHaveLength(9);
      for (const outcome of outcomes) expect(outcome.code).toBe('WSLOOM_MESSAGE_VOID');
    }
    expect([owner.rest, other.rest]).toEqual([[], []]);
  });
});
