import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isInstalled } from '../backplanes/engines.js';
import { NATS, REDIS } from '../backplanes/kinds.js';
import { Client } from '../e2e/client.js';
import { until } from '../e2e/serving.js';
import { freePort } from '../ports.js';
import { CLI, Command } from './command.js';

const PASSWORD = 's3cret-Sentinel';

/** `wsloom serve broadcast`, with engines in its environment. */
function serve(urls: string | undefined, ...args: readonly string[]): Command {
  const env = { ...process.env, ...(urls === undefined ? {} : { WSLOOM_BACKPLANE: urls }) };
  const all = [CLI, 'serve', 'broadcast', '--port', '0', '--threads', '2', ...args];
  return new Command(process.execPath, all, { env });
}

async function healthAt(
  url: string,
): Promise<{ readonly code: number; readonly text: string; readonly status: string }> {
  const response = await fetch(`${url.replace('ws:', 'http:')}/healthz`);
  const text = await response.text();
  return { code: response.status, text, status: (JSON.parse(text) as { readonly status: string }).status };
}

/** Sends again and again, until the other one has got something. */
async function untilHeard(speaker: Client, listener: Client): Promise<void> {
  await until(() => {
    speaker.send('heard?');
    return listener.rest.length > 0;
  });
}

for (const kind of [NATS, REDIS]) {
  describe.skipIf(!isInstalled(kind.program))(`wsloom serve with ${kind.program}`, () => {
    it('is one of several servers, also after the engine was away, and tells nobody the password', async () => {
      await using engine = await kind.start({ lines: kind.withPassword(PASSWORD) });
      const url = kind.url(engine.address, PASSWORD);
      await using here = serve(url);
      await using there = serve(undefined, '--backplane', url);
      const [ours, theirs] = await Promise.all([here.listening(), there.listening()]);
      using client = await Client.open(`${ours}/room`);
      using other = await Client.open(`${theirs}/room`);
      await untilHeard(client, other);
      await engine.kill();
      await until(async () => (await healthAt(ours)).status === 'degraded');
      expect(await healthAt(ours)).toMatchObject({ code: 200, text: expect.stringContaining('"state":"lost"') });
      await using again = await kind.start({ lines: kind.withPassword(PASSWORD), port: engine.port });
      expect(again.port).toBe(engine.port);
      await until(async () => (await healthAt(ours)).status === 'ok' && (await healthAt(theirs)).status === 'ok');
      await other.texts(other.rest.length);
      await untilHeard(client, other);
      const { text } = await healthAt(ours);
      expect(`${text}${here.stdout}${here.stderr}${there.stdout}${there.stderr}`).not.toContain(PASSWORD);
      expect(here.stderr).toMatch(
        /backplane (nats|redis): lost: .*\n.*backplane (nats|redis): connected again after \d+ s\n$/,
      );
      expect(there.stderr).toMatch(/^wsloom: a password in --backplane can be seen .*WSLOOM_BACKPLANE instead\n/);
      expect(there.stderr.match(/WSLOOM_BACKPLANE/g)).toHaveLength(1);
      for (const command of [here, there]) command.process.kill('SIGTERM');
      expect(await Promise.all([here.ended, there.ended])).toEqual([0, 0]);
    });

    it('goes on with its own clients while the engine is frozen, and ends in time', async () => {
      await using engine = await kind.start();
      await using here = serve(kind.url(engine.address), '--backplane-stall', '0.2', '--drain', '2');
      const url = await here.listening();
      using client = await Client.open(`${url}/room`);
      using other = await Client.open(`${url}/room`);
      client.send('hello');
      expect(await other.text()).toBe('hello');
      await engine.freeze();
      const large = 'x'.repeat(100_000);
      for (let i = 0; i < 300; i++) {
        client.send(large);
        expect((await other.text()).length).toBe(large.length);
      }
      here.process.kill('SIGTERM');
      expect(await here.ended).toBe(0);
      engine.thaw();
    });
  });
}

describe('wsloom serve', () => {
  it('starts without an engine that cannot be reached, and says so', async () => {
    const port = await freePort();
    await using command = serve(`redis://:${PASSWORD}@127.0.0.1:${port}`, '--backplane-timeout', '0.2');
    const url = await command.listening();
    expect((await healthAt(url)).status).toBe('degraded');
    expect(command.stderr).toContain('backplane redis: cannot be reached: ');
    expect(command.stderr).not.toContain(PASSWORD);
  });

  it('keeps the variable with the password from handlers', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'wsloom-backplane-'));
    try {
      const handler = join(folder, 'handler.mjs');
      const says = "console.log('environment:', 'PATH' in process.env, 'WSLOOM_BACKPLANE' in process.env);";
      await writeFile(handler, `${says}\nexport default { open() {} };\n`);
      const env = { ...process.env, WSLOOM_BACKPLANE: `redis://:${PASSWORD}@127.0.0.1:${await freePort()}` };
      const args = [CLI, 'serve', handler, '--port', '0', '--threads', '1', '--backplane-timeout', '0.2'];
      await using command = new Command(process.execPath, args, { env });
      const [, found] = await command.says('stdout', /environment: (.*)\n/);
      expect(found).toBe('true false');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it.each([
    [`http://user:${PASSWORD}@127.0.0.1`, /the URL must begin with nats:\/\//],
    [`redis://user:${PASSWORD}@127.0.0.1/x`, /a URL of Redis has no path/],
    [`nats://user:${PASSWORD}@`, /the URL must name a host/],
  ])('refuses %s as wrong usage, without its password', async (url, why) => {
    await using command = serve(url);
    expect(await command.ended).toBe(2);
    expect(command.stderr).toMatch(why);
    expect(command.stderr).toMatch(/^wsloom: WSLOOM_BACKPLANE: /);
    expect(command.stderr).not.toContain(PASSWORD);
  });
});
