import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Client } from '../e2e/client.js';
import { handler, type Served, serve, until } from '../e2e/serving.js';

async function health(served: Served): Promise<{ readonly status: string }> {
  return (await (await fetch(`http://127.0.0.1:${served.port}/healthz`)).json()) as { readonly status: string };
}

describe('a worker', () => {
  it('that exceeds its resourceLimits dies alone, and is replaced at once', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'wsloom-crash-'));
    const path = join(folder, 'greedy.mjs');
    writeFileSync(
      path,
      `const kept = [];
      export default { message(connection, message) {
        const text = message.text();
        while (text === 'more') kept.push(new Array(1000).fill(Math.random()));
        connection.send(text);
      } };`,
    );
    try {
      await using served = await serve({
        handler: pathToFileURL(path),
        resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 8 },
      });
      using greedy = await Client.open(served.url);
      using modest = await Client.open(served.url); // in the other thread
      greedy.send('more');
      expect((await greedy.closed).code).toBe(1006);
      expect(await served.log.line(/a worker died/)).toMatch(/memory.*the next starts in 0 ms/);
      modest.send('hello');
      expect(await modest.text()).toBe('hello');
      await until(async () => (await health(served)).status === 'ok');
      using next = await Client.open(served.url);
      next.send('hello');
      expect(await next.text()).toBe('hello');
      expect(served.server.stats()).toMatchObject({ workersLost: 1, connectionsLost: 1 });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('whose successor cannot load the handler is tried again until it can', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'wsloom-crash-'));
    const path = join(folder, 'changing.mjs');
    const source = `export default { message(connection, message) {
      if (message.text() === 'exit') process.exit(1);
      connection.send(message.text());
    } };`;
    writeFileSync(path, source);
    try {
      await using served = await serve({ handler: pathToFileURL(path), threads: 1 });
      using client = await Client.open(served.url);
      writeFileSync(path, 'export default {');
      client.send('exit');
      expect((await client.closed).code).toBe(1006);
      expect(await served.log.line(/does not load/)).toMatch(/a worker died with 0 connections/);
      expect(await health(served)).toMatchObject({ status: 'degraded' });
      writeFileSync(path, source);
      await until(() => served.server.stats().threads.some(({ isTaking }) => isTaking));
      using next = await Client.open(served.url);
      next.send('hello');
      expect(await next.text()).toBe('hello');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('that dies again and again is replaced later each time, and /healthz says so', async () => {
    await using served = await serve({ handler: handler('commands.js'), threads: 1 });
    for (let deaths = 1; deaths <= 3; deaths++) {
      await until(() => served.server.stats().threads.some(({ isTaking }) => isTaking));
      using client = await Client.open(served.url);
      client.run(['exit']);
      await client.closed;
      await until(() => served.server.stats().workersLost === deaths);
    }
    await until(() => served.server.stats().threads.some(({ isTaking }) => isTaking));
    expect(await health(served)).toMatchObject({ status: 'degraded', workersLost: 3, workersLostLastMinute: 3 });
    const delays = served.log.lines.map((line) => /the next starts in (\d+) ms/.exec(line)?.[1]).filter(Boolean);
    expect(delays).toEqual(['0', '100', '200']);
  });
});
