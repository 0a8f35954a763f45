import { describe, expect, it } from 'vitest';
import { Client } from '../e2e/client.js';
import { closeStatus, encodeFrame, encodeHeader, Opcode, RawClient } from '../e2e/raw-client.js';
import { serve, until } from '../e2e/serving.js';
import { eachWay } from '../e2e/thread-counts.js';
import { handlerOf, withstand } from './attack.js';

const MIB = 1024 * 1024;
const KEY = Buffer.of(1, 2, 3, 4);
const FIN_BINARY = 0x80 | Opcode.BINARY;
const FIN_CONTINUATION = 0x80 | Opcode.CONTINUATION;
const handler = handlerOf('paths.js');

/** A header and nothing behind it. */
const header = (firstByte: number, length: bigint) => {
  const bytes = Buffer.alloc(10);
  bytes[0] = firstByte;
  bytes[1] = 0xff;
  bytes.writeBigUInt64BE(length, 2);
  return Buffer.concat([bytes, KEY]);
};
const begin = encodeFrame(Opcode.BINARY, Buffer.alloc(10), { fin: false });

const REFUSED: readonly (readonly [what: string, bytes: readonly Buffer[], code: number])[] = [
  ['with the top bit set', [header(FIN_BINARY, 2n ** 63n)], 1002],
  ['with all bits set', [header(FIN_BINARY, 2n ** 64n - 1n)], 1002],
  ['of 2^62', [header(FIN_BINARY, 2n ** 62n)], 1009],
  ['of 2^63 - 1', [header(FIN_BINARY, 2n ** 63n - 1n)], 1009],
  ['of 2^53', [header(FIN_BINARY, 2n ** 53n)], 1009],
  ['of 2^53 + 1', [header(FIN_BINARY, 2n ** 53n + 1n)], 1009],
  ['of 2^32', [header(FIN_BINARY, 2n ** 32n)], 1009],
  ['of 2^32 + 1', [header(FIN_BINARY, 2n ** 32n + 1n)], 1009],
  ['of 2^31', [header(FIN_BINARY, 2n ** 31n)], 1009],
  ['of one byte more than there may be', [header(FIN_BINARY, 16n * 1024n * 1024n + 1n)], 1009],
  ['that makes the sum overflow 63 bits (CVE-2020-27813)', [begin, header(FIN_CONTINUATION, 2n ** 63n - 1n)], 1009],
  ['that makes the sum 2^64', [begin, header(FIN_CONTINUATION, 2n ** 64n - 10n)], 1002],
  ['that makes the sum 2^53', [begin, header(FIN_CONTINUATION, 2n ** 53n - 10n)], 1009],
  ['that makes the sum 2^32', [begin, header(FIN_CONTINUATION, 2n ** 32n - 10n)], 1009],
  ['that makes the sum too much by one', [begin, header(FIN_CONTINUATION, 16n * 1024n * 1024n - 9n)], 1009],
  ['of a ping that is too long', [header(0x80 | Opcode.PING, 2n ** 62n)], 1002],
];

describe.each(eachWay(1))('a length, with threads: %i', (threads) => {
  it('that is too long, or none, is refused when the header has come', async () => {
    await using served = await serve({ handler, threads });
    await withstand(served, async () => {
      for (const [what, bytes, code] of REFUSED) {
        using client = await RawClient.open(served.port);
        client.socket.write(Buffer.concat(bytes));
        expect.soft([what, closeStatus(await client.next()).code]).toEqual([what, code]);
        await client.ended;
        expect(client.rest).toEqual([]);
      }
    });
    expect(served.server.stats().protocolErrors).toBe(REFUSED.length);
  });

  it('is too long in sum also for the greatest limit there is', async () => {
    await using served = await serve({ handler, threads, maxPayloadBytes: 2 ** 32 - 1 });
    for (const length of [2n ** 32n - 10n, 2n ** 32n - 1n, 2n ** 53n]) {
      using client = await RawClient.open(served.port);
      client.socket.write(Buffer.concat([begin, header(FIN_CONTINUATION, length)]));
      expect(closeStatus(await client.next()).code).toBe(1009);
    }
  });

  it('declared on many connections at once, with nothing or little behind it, allocates nothing', async () => {
    // If the server allocated the declared lengths, it would need 3 GiB, and the arena would have no room for the messages of others.
    const count = 200;
    await using served = await serve({ handler, threads, arenaBytes: 4 * MIB });
    // The messages of the witness and of the bystanders while they arrive, and the bytes of the attackers.
    const bounds = { residentBytes: 100 * MIB, bufferedBytes: (1 + Math.max(1, threads)) * MIB + count * 1024 };
    const attack = async () => {
      const clients = await Promise.all(Array.from({ length: count }, () => RawClient.open(served.port)));
      const before = served.server.stats().bytesIn;
      const declared = Buffer.concat([encodeHeader(FIN_BINARY, 16 * MIB), KEY, Buffer.alloc(100)]);
      const own = () => served.server.stats().bytesIn - before;
      for (const client of clients) client.socket.write(declared);
      await until(() => own() >= count * declared.length);
      using witness = await Client.open(served.url);
      for (let i = 0; i < 10; i++) {
        witness.send(Buffer.alloc(MIB, i));
        expect((await witness.next()).bytes.equals(Buffer.alloc(MIB, i))).toBe(true);
      }
      for (const client of clients) client.reset();
    };
    await withstand(served, attack, bounds);
    expect(served.server.stats()).toMatchObject({ opened: count + 2, protocolErrors: 0 });
  });
});
