import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { expect } from 'vitest';
import { Client } from './client.js';
import { pattern } from './pattern.js';
import { encodeFrame, encodeRequest, Opcode, RawClient } from './raw-client.js';
import { decideUpgrades, handler, serve, until } from './serving.js';

/** Descriptors of this process, whose threads share them. */
const descriptors = () => readdirSync('/proc/self/fd').length;

const REQUEST = Buffer.from(encodeRequest('/?quiet'));
const MESSAGE = encodeFrame(Opcode.BINARY, pattern(1, 40_000));

/** What a client has sent, and whether it has waited for the answer, when it goes. */
const STAGES: readonly (readonly [sent: Buffer, waits: boolean])[] = [
  [Buffer.alloc(0), false],
  [REQUEST.subarray(0, 60), false],
  [REQUEST, false],
  [Buffer.concat([REQUEST, MESSAGE.subarray(0, 9)]), false],
  [Buffer.concat([REQUEST, MESSAGE]), false],
  [REQUEST, true],
  [Buffer.concat([REQUEST, MESSAGE.subarray(0, 30_000)]), true],
  [Buffer.concat([REQUEST, MESSAGE, MESSAGE.subarray(0, 20_000)]), true],
  [Buffer.concat([REQUEST, encodeFrame(Opcode.CLOSE)]), true],
];

async function comeAndGo(port: number, stage: number, resets: boolean): Promise<void> {
  const [sent, waits] = STAGES[stage % STAGES.length] as (typeof STAGES)[number];
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {}); // 'close' follows
  const closed = once(socket, 'close');
  await once(socket, 'connect');
  socket.write(sent);
  if (waits) await once(socket, 'readable');
  if (resets) socket.resetAndDestroy();
  else socket.end().resume();
  await closed;
}

/**
 * Has so many clients connect and go, at every stage of the handshake and the hand-off, by a reset or by ending.
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
    STAGES.flatMap((_, stage) => [comeAndGo(served.port, stage, true), comeAndGo(served.port, stage, false)]),
  );
  await until(() => served.server.stats().connections === 1);
  const before = descriptors();

  for (let i = 0; i < count; i += atOnce) {
    const batch = Array.from({ length: atOnce }, (_, k) => comeAndGo(served.port, i + k, (i + k) % 4 !== 0));
    await Promise.all(batch);
  }
  await until(() => served.server.stats().connections === 1 && descriptors() <= before);

  witness.text('still here');
  expect(String((await witness.next()).payload)).toBe('still here');
  using client = await Client.open(`${served.url}/new`);
  expect(await client.json()).toMatchObject({ path: '/new' });
  expect(served.server.stats()).toMatchObject({ pendingUpgrades: 0, workersLost: 0, protocolErrors: 0 });
  // Requests that end before they are whole are told, and no more.
  expect(served.log.lines.filter((line) => !line.startsWith('info: '))).toEqual([]);
}
