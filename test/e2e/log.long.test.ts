import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { connect } from '../../dist/client/index.js';
import type { Logger } from '../../dist/index.js';
import { decideUpgrades, handler, type Served, serve } from './serving.js';

const CLIENTS = 1000;
const AT_A_TIME = 50;

/** Opens a thousand connections, some at a time, and waits for the end of each. @param say what each sends */
async function comeAndGo({ url }: Served, path: string, say?: string): Promise<void> {
  const one = async () => {
    const connection = await connect(`${url}${path}`).catch(() => undefined);
    if (connection === undefined) return; // refused
    if (say !== undefined) connection.send(say);
    else if (path === '/close') connection.close();
    await connection.closed;
  };
  for (let begun = 0; begun < CLIENTS; begun += AT_A_TIME) await Promise.all(Array.from({ length: AT_A_TIME }, one));
}

/** How many events the lines report. */
function countEvents(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + Number(/^error: (\d+) times/.exec(line)?.[1] ?? 1), 0);
}

describe('a hook that fails for each of a thousand clients, in four threads', () => {
  it.each([
    ['open', '/open', undefined],
    ['open', '/open-later', undefined],
    ['message', '/', 'one'],
    ['close', '/close', undefined],
  ])('(%s at %s) is one report a second, with a stack, which counts them all', async (hook, path, say) => {
    const served = await serve({ handler: handler('failing.js'), threads: 4, maxConnections: 2000, poison: false });
    const startedAt = performance.now();
    try {
      await comeAndGo(served, path, say);
    } finally {
      await served.server.close();
    }
    const seconds = (performance.now() - startedAt) / 1000;
    const { lines } = served.log;
    for (const line of lines) {
      expect(line).toMatch(
        new RegExp(`^error: (\\d+ times( more)?, last )?${hook}\\(\\) of the handler failed, connection`),
      );
      expect(line).toMatch(/Error: .*\n +at .*handlers\/failing\.js:\d+:\d+/);
    }
    expect(countEvents(lines)).toBe(CLIENTS);
    expect(lines.length).toBeLessThanOrEqual(Math.ceil(seconds) + 2);
  });

  it('(upgrade) is one report a second, too', async () => {
    decideUpgrades(() => {
      throw new Error('cannot decide');
    });
    const served = await serve({ handler: handler('deciding.js'), threads: 1 });
    const startedAt = performance.now();
    try {
      await comeAndGo(served, '/');
    } finally {
      await served.server.close();
    }
    const seconds = (performance.now() - startedAt) / 1000;
    const { lines } = served.log;
    expect(lines[0]).toMatch(
      /^error: upgrade\(\) of the handler failed, for 127\.0\.0\.1 on \/: Error: cannot decide\n +at /,
    );
    expect(countEvents(lines)).toBe(CLIENTS);
    expect(lines.length).toBeLessThanOrEqual(Math.ceil(seconds) + 2);
  });

  it('at two places gives a report of each place', async () => {
    const served = await serve({ handler: handler('failing.js'), threads: 2, poison: false });
    try {
      for (const say of ['one', 'two', 'one', 'two']) {
        const connection = await connect(served.url);
        connection.send(say);
        await connection.closed;
      }
    } finally {
      await served.server.close();
    }
    for (const place of ['one place', 'another place']) {
      expect(countEvents(served.log.lines.filter((line) => line.includes(`Error: ${place}\n`)))).toBe(2);
    }
  });
});

describe('a server serves', () => {
  const fail = (): never => {
    throw new Error('the log fails');
  };
  const never = () => new Promise<void>(() => {});
  const logs: [string, Logger][] = [
    ['throws', { info: fail, warn: fail, error: fail }],
    ['rejects', { info: async () => fail(), warn: async () => fail(), error: async () => fail() }],
    ['is never done', { info: never, warn: never, error: never }],
  ];
  it.each(logs)('when its log %s', async (what, log) => {
    const said: string[] = [];
    const spy = vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
    onTestFinished(() => spy.mockRestore());
    await using served = await serve({ handler: handler('failing.js'), threads: 2, log, messagesPerSecond: 1000 });
    for (let i = 0; i < 4; i++) {
      const connection = await connect(`${served.url}/open`);
      expect(await connection.closed).toMatchObject({ code: 1011 });
    }
    expect((await fetch(`http://127.0.0.1:${served.port}/healthz`)).status).toBe(200);
    expect(said.join('').includes('open() of the handler failed')).toBe(what !== 'is never done');
  });
});
