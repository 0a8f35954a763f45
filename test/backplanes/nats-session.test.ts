import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { NatsConnection } from '@nats-io/transport-node';
import { expect, it } from 'vitest';
import { NatsSession } from '../../dist/backplanes/nats-session.js';
import { Secrets } from '../../dist/backplanes/secrets.js';

const MEBIBYTE = 1024 * 1024;

/** A client that answers at once, and says nothing by itself. */
function answering(): NatsConnection {
  const client: Partial<NatsConnection> = {
    flush: () => Promise.resolve(),
    closed: () => new Promise<undefined>(() => {}),
    close: () => Promise.resolve(),
    async *status() {},
  };
  return client as NatsConnection;
}

/** A session with a client that answers at once. @param maxPayload the largest message that its server takes. */
function sessionWith(maxPayload: number): NatsSession {
  return new NatsSession({
    client: answering(),
    prefix: 'test',
    maxPayload,
    secrets: new Secrets([]),
    what: 'NATS',
    events: { received() {}, drained() {}, refused() {}, lost() {} },
  });
}

it.each([
  [4096, 4096],
  [MEBIBYTE, MEBIBYTE],
  [8 * MEBIBYTE, MEBIBYTE],
])('takes messages of 1 MiB at most, and of no more than the server takes: of %i bytes, %i', async (takes, most) => {
  const session = sessionWith(takes);
  expect(session.maxMessageBytes).toBe(most);
  await session.close();
});

it('keeps nothing of changes to its subscriptions, however many there are', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const session = sessionWith(MEBIBYTE);
  const used = () => {
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  await session.unsubscribe([]);
  const before = used();
  for (let i = 0; i < 100_000; i++) await session.unsubscribe([]);
  const limit = 10 * MEBIBYTE; // a promise of each that is waited for without end takes more than 100 bytes
  expect(used() - before).toBeLessThan(limit);
  await session.close();
});
