import { describe, expect, it } from 'vitest';
import { CHROME, Clients, KIB, MODES, type Running, served, TLS, WITHOUT_WINDOWS } from './compressing.js';
import { until } from './serving.js';

describe.each(MODES)('windows: %s', (_, begin) => {
  it('are kept up to a limit, in all threads together, and none beyond it', async () => {
    const deflate = { contextTakeover: true, windowBits: 15, maxMemoryBytes: 1024 * KIB };
    const running = await begin({ deflate });
    try {
      await expectSixteen(running, 1);
      await expectSixteen(running, 2); // all of it has come back
      await running.log.line(/keep no windows: those of others take all memory for them \(deflate\.maxMemoryBytes\)/);
      await running.reload();
      await expectSixteen(running, 3);
    } finally {
      await running.end();
    }
  });
});

/** Sixteen clients get windows of 64 KiB each, and one more does not. @param refused of these, so far and now. */
async function expectSixteen(running: Running, refused: number): Promise<void> {
  using clients = new Clients(running);
  const answers = [];
  for (let i = 0; i <= 16; i++) answers.push(await clients.offer(CHROME));
  expect(answers).toEqual([...Array(16).fill('permessage-deflate'), WITHOUT_WINDOWS]);
  await until(() => running.stats().compressed === 17);
  expect(running.stats().windowBytes).toBe(1024 * KIB);
  expect(running.stats().limits.refusedWindows).toBe(refused);
  clients[Symbol.dispose]();
  await until(() => running.stats().connections === 0);
  expect(running.stats().windowBytes).toBe(0);
}

describe.runIf(process.platform === 'linux').each([
  ['in the primary', served({ threads: 2, maxConnectionsPerIp: 1000 })],
  ['in workers', served({ threads: 2, handshake: 'worker' })],
  ['in workers, over TLS', served({ threads: 2, ...TLS })],
])('with the opening handshake %s', (_, begin) => {
  it('the windows of a thread that dies are given to others', async () => {
    const running = await begin({ deflate: { contextTakeover: true, windowBits: 15, maxMemoryBytes: 1024 * KIB } });
    try {
      for (let death = 1; death <= 2; death++) {
        using clients = new Clients(running);
        for (let i = 0; i < 16; i++) expect(await clients.offer(CHROME)).toBe('permessage-deflate');
        await until(() => running.stats().windowBytes === 1024 * KIB);
        clients.all[0]?.text('die');
        await until(() => running.stats().workersLost === death);
        await until(() => running.stats().windowBytes === 512 * KIB); // those of the other thread
        await until(() => running.stats().threads.filter(({ isTaking }) => isTaking).length === 2);
        for (let i = 0; i < 8; i++) expect(await clients.offer(CHROME)).toBe('permessage-deflate');
        expect(await clients.offer(CHROME)).toBe(WITHOUT_WINDOWS);
        clients[Symbol.dispose]();
        await until(() => running.stats().connections === 0);
        await until(() => running.stats().windowBytes === 0);
      }
    } finally {
      await running.end();
    }
  });
});
