/** What a server sends to a client that keeps exactly the window that was agreed on, and not a byte more. */
import { expect, test } from 'vitest';
import { acceptDeflateOffer } from '../../dist/protocol/deflate/accept-offer.js';
import { letters, pattern } from './frames.js';
import { InflatingPeer } from './inflating-peer.js';
import { startThread } from './thread.js';

const OWN_BITS = [9, 10, 11, 12, 13, 14, 15];
const ASKED_BITS = [undefined, 9, 10, 11, 12, 13, 14, 15];

/** So that zlib notices a match that reaches further than the window. */
const CHUNK_BYTES = 64;

/** A text in which something is repeated at every distance up to 20 000 bytes. */
const LONG = Array.from({ length: 12 }, (_, i) => `${letters(60)} ${pattern(300 + 300 * i, i).toString('hex')}`).join(
  ' ',
);

function offered(windowBits: number, contextTakeover: boolean, asked: number | undefined) {
  const limit = { name: 'server_max_window_bits', value: `${asked}` };
  const offer = { name: 'permessage-deflate', parameters: asked === undefined ? [] : [limit] };
  const accepted = acceptDeflateOffer([offer], { contextTakeover, windowBits, allowsFullWindows: false });
  if (accepted === undefined) throw new Error('the offer was declined');
  const told = accepted.answer.parameters.find(({ name }) => name === limit.name)?.value;
  return { agreement: accepted.agreement, clientBits: told === undefined ? 15 : Number(told) };
}

test.each(ASKED_BITS)(
  'publications and messages reach no further than a window of %s bits that the client asks for',
  (asked) => {
    for (const contextTakeover of [false, true]) {
      for (const windowBits of OWN_BITS) {
        const { agreement, clientBits } = offered(windowBits, contextTakeover, asked);
        const compression = { kernel: 'auto', level: 'fast', thresholdBytes: 64 } as const;
        const thread = startThread({ compression, deflate: agreement });
        const { connection, wire } = thread.connect();
        connection.subscribe('all');
        const expected: string[] = [];
        for (let i = 0; i < 3; i++) {
          for (const text of [`${LONG} ${i}`, `${LONG.slice(0, 900)} ${i}`, `${letters(300)} ${i}`]) {
            thread.inTurn(() => void connection.send(text));
            thread.inTurn(() => void thread.topics.publish('all', undefined, 0x81, Buffer.from(text), 0, text.length));
            expected.push(text, text);
          }
        }
        const client = new InflatingPeer({ windowBits: clientBits, contextTakeover }, CHUNK_BYTES);
        const frames = client.read(wire.output);
        expect(frames.every(({ isCompressed }) => isCompressed)).toBe(true);
        const got = frames.map(({ payload }) => payload.toString());
        expect(got, `own ${windowBits}, takeover ${contextTakeover}`).toEqual(expected);
      }
    }
  },
);

test('a client that asks for nothing gets the publication with the longest distances, whatever the server keeps', () => {
  const lengths = OWN_BITS.flatMap((windowBits) =>
    [false, true].map((contextTakeover) => {
      const { agreement } = offered(windowBits, contextTakeover, undefined);
      const thread = startThread({
        compression: { kernel: 'auto', level: 'fast', thresholdBytes: 64 },
        deflate: agreement,
      });
      const { connection, wire } = thread.connect();
      connection.subscribe('all');
      thread.inTurn(() => void thread.topics.publish('all', undefined, 0x81, Buffer.from(LONG), 0, LONG.length));
      return wire.output.length;
    }),
  );
  expect(new Set(lengths).size).toBe(1);
});
