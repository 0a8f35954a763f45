import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { Client } from '../e2e/client.js';
import { until } from '../e2e/serving.js';
import { fileOf } from '../tls/certificates.js';
import { CLI, Command } from './command.js';

const TOKEN = 's3cret-token';

const folder = mkdtempSync(join(tmpdir(), 'wsloom-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, text: string) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

const serve = (env: NodeJS.ProcessEnv, ...args: string[]) =>
  new Command(process.execPath, [CLI, 'serve', ...args, '--port', '0', '--threads', '0'], {
    env: { ...process.env, ...env },
  });

/** The URL of the admin port, as the log says it. */
async function adminOf(command: Command): Promise<string> {
  const [, url = ''] = await command.says('stderr', /admin: listening on (http:\/\/[^\s"]+)/);
  return url;
}

/** The status of an answer that comes on a connection of its own. */
async function statusOf(url: string): Promise<number | undefined> {
  const [response] = (await once(get(url, { agent: false }), 'response')) as [IncomingMessage];
  response.resume();
  return response.statusCode;
}

describe('wsloom serve with an admin port', () => {
  it('says where it is on standard error, and keeps its line on standard output as it is', async () => {
    await using command = serve({}, '--admin-port', '0');
    const url = await adminOf(command);
    await command.listening();
    expect(await (await fetch(`${url}/readyz`)).text()).toBe('ready\n');
  });

  it.each([
    ['the environment', { WSLOOM_ADMIN_TOKEN: TOKEN }, []],
    ['a file', { WSLOOM_ADMIN_TOKEN: 'another' }, ['--admin-token-file', file('token', `${TOKEN}\n`)]],
  ] as const)('takes the token from %s, and handlers do not see it', async (_, env, args) => {
    const says = "console.log('environment:', 'PATH' in process.env, 'WSLOOM_ADMIN_TOKEN' in process.env);";
    const handler = file('says.mjs', `${says}\nexport default { message() {} };`);
    await using command = serve(env, handler, '--admin-port', '0', '--admin-host', '0.0.0.0', ...args);
    await command.says('stdout', /^environment: true false\n/);
    const url = (await adminOf(command)).replace('0.0.0.0', '127.0.0.1');
    await command.says('stdout', /listening on ws:/);
    const metrics = async (Authorization: string) =>
      (await fetch(`${url}/metrics`, { headers: { Authorization } })).status;
    expect(await metrics('Bearer another')).toBe(401);
    expect(await metrics(`Bearer ${TOKEN}`)).toBe(200);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    expect(command.stdout + command.stderr).not.toContain(TOKEN);
  });

  it.each([
    [
      ['--admin-port', '0', '--admin-host', '0.0.0.0'],
      /--admin-host must be a loopback address, got "0\.0\.0\.0": give .*WSLOOM_ADMIN_TOKEN/,
    ],
    [['--admin-host', '127.0.0.1'], /--admin-host is of an admin port: adminPort \(--admin-port\) is missing/],
    [['--admin-open'], /--admin-open is of an admin port: /],
    [['--admin-port', '65536'], /--admin-port must be an integer from 0 to 65535, got 65536/],
    [
      ['--admin-port', '0', '--admin-token-file', join(folder, 'nowhere')],
      /--admin-token-file must be a file that can be read \(ENOENT\)/,
    ],
    [
      ['--admin-port', '0', '--admin-token-file', file('empty', '\n')],
      /--admin-token-file must be visible ASCII .*, got an empty one/,
    ],
    [
      ['--admin-port', '0', '--admin-token-file', file('spaced', `${TOKEN} ${TOKEN}\n`)],
      /--admin-token-file must be visible ASCII .*, got another character/,
    ],
    [['--admin-port', '0', '--admin-token-file', '/dev/zero'], /--admin-token-file must be a file of at most 64 KiB/],
    [['--admin-token-file', file('unused', TOKEN)], /--admin-token-file is of an admin port: /],
    [
      ['--admin-port', '0', '--admin-open', '--admin-token-file', file('both', TOKEN)],
      /--admin-open cannot be given together with adminToken/,
    ],
    [['--ready', '/healthz'], /--ready must have another path than health, got "\/healthz" for both/],
    [
      ['--drain', '2147483', '--drain-spread', '1'],
      /--drain-spread and drainMs \(--drain\) together must be at most 2147483397 ms/,
    ],
    [['--shutdown-delay', '2147484'], /--shutdown-delay must be from 0 to 2147483\.647 seconds, got 2147484/],
  ])('refuses %j in one line, with 2', async (args, says) => {
    await using command = serve({}, ...args);
    expect(await command.ended).toBe(2);
    expect(command.stderr).toMatch(says);
    expect(command.stderr).toMatch(/^[^\n]+\n$/);
    expect(command.stderr).not.toContain(TOKEN);
  });

  it('refuses a token of the environment that cannot be one, and ignores it without an admin port', async () => {
    await using wrong = serve({ WSLOOM_ADMIN_TOKEN: 's3cret token' }, '--admin-port', '0');
    expect(await wrong.ended).toBe(2);
    expect(wrong.stderr).not.toContain('s3cret');
    expect(wrong.stderr).toMatch(/^wsloom: WSLOOM_ADMIN_TOKEN must be visible ASCII characters without spaces, .*\n$/);
    await using unused = serve({ WSLOOM_ADMIN_TOKEN: 'with space' });
    await unused.listening();
  });

  it('ends with 1 if the port is taken, and says which', async () => {
    await using first = serve({}, '--admin-port', '0');
    const { port } = new URL(await adminOf(first));
    await using second = serve({}, '--admin-port', port);
    expect(await second.ended).toBe(1);
    expect(second.stderr).toMatch(
      /^wsloom: admin port: .*EADDRINUSE.*: choose another adminPort \(--admin-port\) .*\n$/,
    );
  });
});

const TLS = ['--tls-cert', fileURLToPath(fileOf('default.crt')), '--tls-key', fileURLToPath(fileOf('default.key'))];

describe.runIf(process.platform === 'linux').each([
  ['0', []],
  ['0', TLS],
  ['1', []],
  ['1', TLS],
  ['1', ['--handshake', 'worker']],
] as const)('a server that runs out of descriptors, with threads: %s %j', (threads, more) => {
  it('answers on its admin port, and goes on when clients leave', async () => {
    const args = [
      'serve',
      '--port',
      '0',
      '--threads',
      threads,
      ...more,
      '--admin-port',
      '0',
      '--max-connections',
      '5000',
    ];
    const script = 'ulimit -n 256; exec "$@"';
    await using command = new Command('bash', ['-c', script, 'bash', process.execPath, CLI, ...args]);
    const admin = await adminOf(command);
    const url = await command.listening();
    const { port } = new URL(url);
    const clients: Socket[] = [];
    try {
      for (let i = 0; i < 300; i++) {
        const client = connect(Number(port), '127.0.0.1').resume();
        client.on('error', () => {});
        clients.push(client);
      }
      await command.says('stderr', /no descriptor is left for a connection/);
      for (let i = 0; i < 20; i++) {
        expect(await statusOf(`${admin}/readyz`)).toBe(200);
      }
    } finally {
      for (const client of clients) client.destroy();
    }
    await until(async () => {
      using again = new Client(url, { rejectUnauthorized: false });
      return await Promise.race([
        new Promise<boolean>((resolve) => again.socket.once('open', () => resolve(true))),
        again.closed.then(() => false),
      ]);
    });
  });
});

describe('the end of wsloom serve', () => {
  it('goes on serving for --shutdown-delay, then spreads the closes, and says each', async () => {
    await using command = serve({}, '--shutdown-delay', '0.5', '--drain-spread', '0.2', '--drain', '1');
    const url = await command.listening();
    using client = await Client.open(url);
    command.process.kill('SIGTERM');
    await command.says(
      'stderr',
      /SIGTERM: serving for another 0\.5 s, then draining for at most 1\.2 s; once more to exit/,
    );
    await command.says(
      'stderr',
      /close: the server is not ready any more, and goes on serving for 500 ms \(shutdownDelayMs\)/,
    );
    await command.says('stderr', /close: connections are closed one after the other, over 200 ms \(drainSpreadMs\)/);
    expect(await client.closed).toMatchObject({ code: 1001 });
    expect(await command.ended).toBe(0);
  });

  it('comes at once by a second signal, also during the delay', async () => {
    await using command = serve({}, '--shutdown-delay', '600');
    await command.listening();
    command.process.kill('SIGTERM');
    await command.says('stderr', /SIGTERM: serving for another 600 s/);
    command.process.kill('SIGTERM');
    expect(await command.ended).toBe(1);
  });
});
