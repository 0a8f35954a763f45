import { describe, expect, it } from 'vitest';
import { encodeRequest, RawClient } from './raw-client.js';
import { expectNoLeaks } from './resetting.js';
import { decideUpgrades, handler, primaryHasRead, serve } from './serving.js';

describe.runIf(process.platform === 'linux').each([0, 2])('with threads: %i', (threads) => {
  it('hundreds of clients that go at any stage of the hand-off leave no descriptor behind', async () => {
    await expectNoLeaks(threads, 450, 90);
  });
});

it('a worker that got nothing because the primary was blocked does not count as blocked', async () => {
  await using served = await serve({ handler: handler('deciding.js'), threads: 1, handOffTimeoutMs: 100 });
  decideUpgrades(() => {
    for (const endMs = performance.now() + 150; performance.now() < endMs; );
    return undefined;
  });
  const clients = await Promise.all(Array.from({ length: 4 }, () => RawClient.connect(served.port)));
  await primaryHasRead(served); // it has accepted them, and reads all in one turn
  for (const { socket } of clients) socket.write(encodeRequest('/?quiet'));
  const statuses = await Promise.all(clients.map(async ({ response }) => (await response).slice(0, 12)));
  for (const { socket } of clients) socket.destroy();
  expect(statuses).toEqual(Array(4).fill('HTTP/1.1 101'));
});
