import { describe, expect, it } from 'vitest';
import { closeStatus, encodeFrame, encodeHeader, Opcode, RawClient } from '../e2e/raw-client.js';
import { serve, until } from '../e2e/serving.js';
import { isOverTls } from '../e2e/transport.js';
import { handlerOf, withstand } from './attack.js';

const KIB = 1024;
const MIB = 1024 * KIB;
/** Fewer over TLS, where each handshake costs more than all else here. */
const COUNT = isOverTls ? 100 : 1000;
const handler = handlerOf('paths.js');

/** In groups: the backlog of a listening socket is finite. */
async function openAll(port: number, path = '/'): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  while (clients.length < COUNT) {
    clients.push(...(await Promise.all(Array.from({ length: 100 }, () => RawClient.open(port, path)))));
  }
  return clients;
}

describe.each([0, 2])(`${COUNT} clients, with threads: %i`, (threads) => {
  it('that hold a message open are closed with 1008 in time', async () => {
    await using served = await serve({ handler, threads, messageTimeoutMs: 2000 });
    const attack = async () => {
      const clients = await openAll(served.port);
      const begin = encodeFrame(Opcode.BINARY, Buffer.alloc(10 * KIB), { fin: false });
      for (const client of clients) client.socket.write(begin);
      const codes = await Promise.all(clients.map(async (client) => closeStatus(await client.next()).code));
      for (const client of clients) client[Symbol.dispose]();
      return codes;
    };
    const codes = await withstand(served, attack, { bufferedBytes: 2 * COUNT * 16 * KIB });
    expect(new Set(codes)).toEqual(new Set([1008]));
    expect(served.server.stats().limits.messageTimeouts).toBe(COUNT);
  });

  it('that declare 16 MiB each and send 100 bytes take nothing for the rest', async () => {
    await using served = await serve({ handler, threads, arenaBytes: 4 * MIB });
    const declared = Buffer.concat([encodeHeader(0x80 | Opcode.BINARY, 16 * MIB), Buffer.alloc(4 + 100)]);
    const attack = async () => {
      const clients = await openAll(served.port);
      const before = served.server.stats().bytesIn;
      for (const client of clients) client.socket.write(declared);
      await until(() => served.server.stats().bytesIn - before >= COUNT * declared.length);
      for (const client of clients) client.reset();
    };
    await withstand(served, attack);
  });

  it('that never read what is published to them are closed, and hold no more than the limit of all', async () => {
    // Over TLS six publications to all, else one: an attacker of a hundred must hold more than a bystander ever does, who would be closed where
    // both are as old.
    const maxBufferedBytes = (isOverTls ? 6 : 1) * COUNT * 64 * KIB;
    await using served = await serve({ handler, threads, maxBufferedBytes });
    const attack = async () => {
      const clients = await openAll(served.port, '/subscribe');
      for (const client of clients) client.socket.pause();
      using publisher = await RawClient.open(served.port, '/publish');
      while (served.server.stats().limits.shed === 0) {
        publisher.text(JSON.stringify({ count: 1, size: 64 * KIB }));
        await publisher.next();
      }
      for (const client of clients) client.reset();
    };
    // Each thread may go beyond the sum by one publication.
    const bufferedBytes = maxBufferedBytes + COUNT * 64 * KIB;
    await withstand(served, attack, { bufferedBytes, residentBytes: 512 * MIB, heapMessages: 1000 });
  });
});

describe.each([0, 1])('a client that reads late, with threads: %i', (threads) => {
  it('gets each of 5 000 answers of 64 KiB', async () => {
    await using served = await serve({ handler, threads });
    const messages = Buffer.concat(Array.from({ length: 5000 }, () => encodeFrame(Opcode.TEXT, 'x')));
    const attack = async () => {
      using client = await RawClient.open(served.port, '/answer-64k');
      client.socket.pause();
      client.socket.write(messages);
      await until(() => served.server.stats().bufferedBytes >= MIB);
      client.socket.resume();
      const answer = Buffer.alloc(64 * KIB, 7);
      for (let i = 0; i < 5000; i++) {
        if (!(await client.next()).payload.equals(answer)) throw new Error(`answer ${i} has other bytes`);
      }
    };
    // Most of the resident memory is the client's own queue.
    await withstand(served, attack, { residentBytes: 512 * MIB, bufferedBytes: 4 * MIB });
  });
});
