import { readdirSync } from 'node:fs';
import { expect } from 'vitest';
import { Client } from './client.js';
import { RawClient } from './raw-client.js';
import { decideUpgrades, handler, serve, until } from './serving.js';
import { comeAndGo, type Stage, stagesOf } from './stages.js';

/** Descriptors of this process, whose threads share them. */
const descriptors = () => readdirSync('/proc/self/fd').length;

const STAGES = stagesOf('/?quiet');

const stage = (i: number) => STAGES[i % STAGES.length] as Stage; // within its length

/**
 * Makes this many clients connect and leave, at every stage of the handshake and the hand-off, by a reset or by ending.
 * Afterwards the server must serve on, with as many descriptors as before.
 */
export async function expectNoLeaks(threads: number, count: number, atOnce: number): Promise<void> {
  await using served = await serve({ handler: handler('deciding.js'), threads, closeTimeoutMs: 100 });
  let asked = 0;
  decideUpgrades(() => {
    // Some upgrades are decided at once, some in a microtask, some later.
    if (asked++ % 3 === 0) return undefined;
    return asked % 3 === 0 ? Promise.resolve(undefined) : new Promise((resolve) => setImmediate(resolve, undefined));
  });
  using witness = await RawClient.open(served.port, '/?quiet');
  await Promise.all(
    STAGES.flatMap((each) => [comeAndGo(served.port, each, true), comeAndGo(served.port, each, false)]),
  );
  await until(() => served.server.stats().connections === 1);
  const before = descriptors();

  for (let i = 0; i < count; i += atOnce) {
    const batch = Array.from({ length: atOnce }, (_, k) => comeAndGo(served.port, stage(i + k), (i + k) % 4 !== 0));
    await Promise.all(batch);
  }
  await until(() => served.server.stats().connections === 1 && descriptors() <= before);

  witness.text('still here');
  expect(String((await witness.next()).payload)).toBe('still here');
  using client = await Client.open(`${served.url}/new`);
  expect(await client.json()).toMatchObject({ path: '/new' });
  expect(served.server.stats()).toMatchObject({ pendingUpgrades: 0, workersLost: 0, protocolErrors: 0 });
  // Requests that end before they are whole are logged, and nothing else is.
  expect(served.log.lines.filter((line) => !line.startsWith('info: '))).toEqual([]);
}
