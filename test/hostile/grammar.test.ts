import { describe, expect, it } from 'vitest';
import { Client } from '../e2e/client.js';
import { encodeRequest, RawClient } from '../e2e/raw-client.js';
import { serve } from '../e2e/serving.js';
import { THREADS } from '../e2e/transport.js';
import { answerTo, handlerOf, statusOf, withstand } from './attack.js';

const handler = handlerOf('paths.js');
const LONG = 32_000;

/** Some of these have kept other servers busy for a time that grew with the square of the length. */
const REFUSED: readonly (readonly [what: string, header: string])[] = [
  ['many spaces in a list (CVE-2021-32640)', `Sec-WebSocket-Protocol: b${' '.repeat(LONG)}x`],
  ['many tabs in a list', `Sec-WebSocket-Protocol: b${'\t'.repeat(LONG)}x`],
  ['an open string of escapes (CVE-2020-7662)', `Sec-WebSocket-Extensions: a; b="${'\\c'.repeat(LONG / 2)}`],
  ['an open string', `Sec-WebSocket-Extensions: a; b="${'c'.repeat(LONG)}`],
  ['many spaces in an extension', `Sec-WebSocket-Extensions: a${' '.repeat(LONG)}b`],
  ['many parameters, the last of which is none', `Sec-WebSocket-Extensions: a${';b'.repeat(LONG / 2)};`],
  ['a subprotocol twice', 'Sec-WebSocket-Protocol: a, b, a'],
  ['a subprotocol twice, in two headers', 'Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b, a'],
  ['__proto__ twice', 'Sec-WebSocket-Protocol: __proto__, __proto__'],
  ['a subprotocol that is no token', 'Sec-WebSocket-Protocol: a b'],
];

const ACCEPTED: readonly (readonly [what: string, header: string])[] = [
  ['many commas', `Sec-WebSocket-Protocol: b${','.repeat(LONG)}x`],
  ['many subprotocols', `Sec-WebSocket-Protocol: ${Array.from({ length: LONG / 8 }, (_, i) => `p${i}`).join()}`],
  ['many extensions', `Sec-WebSocket-Extensions: ${Array.from({ length: LONG / 8 }, (_, i) => `e${i}`).join()}`],
  ['many commas in Connection', `Connection: ${','.repeat(LONG)}`],
  ['many spaces in Connection', `Connection: a,${' '.repeat(LONG)}b`],
  ['names of Object.prototype', 'Sec-WebSocket-Extensions: __proto__; constructor="x"; toString, hasOwnProperty'],
  ['a name of Object.prototype', '__proto__: x\r\nconstructor: y\r\nhasOwnProperty: z'],
];

describe.each(THREADS)('a header, with threads: %i', (threads) => {
  it('that breaks the grammar is refused with 400, however long it is', async () => {
    await using served = await serve({ handler, threads, maxHeaderBytes: 128 * 1024 });
    await withstand(served, async () => {
      const answers = REFUSED.map(async ([what, header]) => {
        const answer = await answerTo(served.port, encodeRequest('/', [header]));
        expect.soft([what, statusOf(answer)]).toEqual([what, 400]);
      });
      await Promise.all(answers);
    });
    expect(served.server.stats().limits.refusedHandshakes).toBe(REFUSED.length);
  });

  it('that is only strange is read for what it says', async () => {
    await using served = await serve({ handler, threads, maxHeaderBytes: 128 * 1024 });
    await withstand(served, async () => {
      for (const [what, header] of ACCEPTED) {
        using client = await RawClient.connect(served.port);
        client.socket.write(encodeRequest('/', [header]));
        const response = await client.response;
        expect.soft([what, statusOf(response)]).toEqual([what, 101]);
        expect.soft(response).not.toContain('Sec-WebSocket-Extensions');
      }
    });
    expect(served.server.stats().limits.refusedHandshakes).toBe(0);
  });

  it('can name subprotocols that are names of Object.prototype, which changes nothing', async () => {
    await using served = await serve({ handler, threads });
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      using client = await Client.open(`${served.url}/${name}?__proto__[polluted]=1`, { protocols: [name] });
      expect(client.socket.protocol).toBe(name);
      client.send('hello');
      expect(await client.text()).toBe('hello');
    }
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });
});
