import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../dist/cli/program.js';
import { Client } from '../e2e/client.js';
import { CLI, Command } from './command.js';

describe('the message', () => {
  it('about a start or an end is one line', async () => {
    await using command = Command.run('serve', '--port=0', '--threads=1', '--drain=1.5');
    const url = await command.listening();
    expect(command.stdout).toBe(`listening on ${url} with 1 thread, auto kernel\n`);
    command.process.kill('SIGTERM');
    expect(await command.ended).toBe(0);
    expect(command.stderr).toBe('wsloom: SIGTERM: draining for at most 1.5 s; once more to exit at once\n');
    expect(command.stdout).toBe(`listening on ${url} with 1 thread, auto kernel\n`);
  });

  it('about a hook that fails goes to standard error, with the stack', async () => {
    const file = fileURLToPath(new URL('../e2e/handlers/commands.js', import.meta.url));
    await using command = Command.run('serve', file, '--port', '0', '--threads', '1');
    using client = await Client.open(await command.listening());
    client.run(['fail', 'on purpose']);
    expect(await client.closed).toMatchObject({ code: 1011 });
    const [said] = await command.says('stderr', /^wsloom: error: .*commands\.js:\d+/s);
    expect(said).toContain('message() of the handler failed, connection 1: Error: on purpose\n');
  });

  it.each([
    [['serve', 'nowhere.js'], /there is no handler nowhere\.js: it is echo, broadcast, or the path of a module/],
    [['./chat.mjs'], /unknown command '\.\/chat\.mjs'; did you mean: wsloom serve \.\/chat\.mjs \(--help/],
    [['--port', '0', 'echo'], /unknown option '--port'; did you mean: wsloom serve --port 0 echo \(/],
    [['serve', 'Echo'], /there is no handler Echo: .*; did you mean: wsloom serve echo\n$/],
    [['serve', 'brodcast'], /there is no handler brodcast: .*; did you mean: wsloom serve broadcast\n$/],
    [['help', 'nix'], /unknown command 'nix' \(--help lists what there is\)\n$/],
    [['help', 'laod'], /unknown command 'laod'; did you mean: wsloom help load \(/],
    [['serve', '--max-paylod', '1'], /unknown option '--max-paylod'; did you mean: --max-payload \(/],
    [['serve', 'ws://a/'], /there is no handler ws:\/\/a\/: .*; did you mean: wsloom load ws:\/\/a\/\n$/],
    [['serve', '--port'], /--port .*argument missing/],
    [['serve', '--threads', '1025', '--port', '0'], /threads must be an integer from 0 to 1024, got 1025/],
    [['serve', '--arena', '1KiB'], /--arena must be from 1MiB to 4194240KiB, got 1KiB\n$/],
    [['serve', '--max-payload', '5GiB'], /--max-payload must be from 1 to 4294967295, got 5GiB\n$/],
    [['serve', '--max-owed', '2TiB'], /--max-owed must be from 1MiB to 1TiB, got 2TiB\n$/],
    [
      ['serve', '--slow-thread-timeout', '0'],
      /--slow-thread-timeout must be from 0\.001 to 2147483\.647 seconds, got 0\n$/,
    ],
    [['serve', '--start-timeout', '3601'], /--start-timeout must be from 0\.001 to 3600 seconds, got 3601\n$/],
    [['serve', '--threads', '-1'], /--threads .* must be a whole number\./],
    [['serve', '--page', 'try'], /--page must be 'off' or a path that begins with '\/', .* got "try"/],
    [['serve', '--health', '/'], /--health must have another path than page, got "\/" for both/],
    [['serve', '--tls-cert', 'a.crt'], /--tls-key is missing: tls needs cert and key\n$/],
    [['serve', '--tls-key', 'a.key'], /--tls-cert is missing: tls needs cert and key\n$/],
    [
      ['serve', '--tls-cert', 'a.crt', '--tls-key', 'a.key', '--tls-request-cert'],
      /--tls-ca is missing: requestCert needs the authorities/,
    ],
    [['serve', '--tls-min-version', 'TLSv1.1'], /--tls-min-version .* choices are TLSv1\.2, TLSv1\.3/],
    [['serve', '--max-tls-handshakes', '0'], /maxTlsHandshakes must be an integer from 1|--max-tls-handshakes must be/],
    [['serve', '--path', '/a?b'], /path must begin with '\/' and have no query, got "\/a\?b"/],
  ])('of the mistake in %j names what is wrong and what is possible', async (args, says) => {
    await using command = Command.run(...args);
    expect(await command.ended).toBe(2);
    expect(command.stderr).toMatch(says);
    expect(command.stderr).toMatch(/^[^\n]+\n$/);
  });

  it('about an address that this machine does not have is one line', async () => {
    await using command = Command.run('serve', '--port', '0', '--host', '203.0.113.1', '--threads', '0');
    expect(await command.ended).toBe(1);
    expect(command.stderr).toMatch(/^wsloom: .*EADDRNOTAVAIL.*\n$/);
    expect(command.stdout).toBe('');
  });

  it.each(['0', '2'])('about too little address space is one line, threads: %s', async (threads) => {
    await using command = Command.runWithin(8_000_000, 'serve', '--port', '0', '--threads', threads);
    // From Node 24 on, Node itself does what the message advises.
    const ended = await Promise.race([command.ended, command.listening().catch(() => command.ended)]);
    if (typeof ended === 'string') return;
    expect(ended).toBe(1);
    expect(command.stderr).toMatch(
      /^wsloom: cannot reserve an arena of 256 MiB .*ulimit -v.*NODE_OPTIONS=--disable-wasm-trap-handler.*--arena.*\n$/,
    );
    expect(command.stdout).toBe('');
  });

  it('about too little address space gives good advice, and so does the message after that', async () => {
    const within = (kibibytes: number, ...args: string[]) => {
      const limit = `ulimit -v ${kibibytes}; export NODE_OPTIONS=--disable-wasm-trap-handler; exec "$@"`;
      return new Command('bash', ['-c', limit, 'bash', process.execPath, CLI, 'serve', '--port', '0', ...args]);
    };
    await using command = within(8_000_000, '--threads', '2');
    using client = await Client.open(await command.listening());
    client.socket.send('hello');
    expect(await client.text()).toBe('hello');
    await using large = within(5_000_000, '--threads', '0', '--arena', '4095MiB');
    expect(await large.ended).toBe(1);
    expect(large.stderr).toMatch(/^wsloom: cannot reserve an arena of 4095 MiB .*: choose a smaller .*--arena.*\n$/);
  });

  it.each([['serve', '--port', '0', '--threads', '1'], ['kernels'], ['load', 'ws://127.0.0.1:1/', '-a', '1']])(
    'about Node without WebAssembly names the flag (wsloom %s)',
    async (...args) => {
      await using command = new Command(process.execPath, ['--jitless', CLI, ...args]);
      expect(await command.ended).toBe(1);
      expect(command.stderr).toMatch(
        /^wsloom: cannot reserve .*: this Node has no WebAssembly.*without --jitless.*\n$/m,
      );
      expect(command.stderr).not.toContain('    at ');
    },
  );

  it('for --help, or for help and the name of a command, is the help of the command', async () => {
    await using named = Command.run('help', 'serve');
    await using flagged = Command.run('serve', '--help');
    expect([await named.ended, await flagged.ended]).toEqual([0, 0]);
    expect(named.stdout).toBe(flagged.stdout);
    await using all = Command.run('help');
    expect(await all.ended).toBe(0);
    expect(all.stdout).toMatch(/^Usage: wsloom /);
  });

  it.each(['', ...createProgram([]).commands.map((command) => command.name())])(
    'of the version and of the help is the same for each command, and both are listed (wsloom %s)',
    async (name) => {
      const args = name === '' ? [] : [name];
      const long = Command.run(...args, '--version');
      const short = Command.run(...args, '-V');
      const help = Command.run(...args, '--help');
      const shortHelp = Command.run(...args, '-h');
      const all = [long, short, help, shortHelp];
      expect(await Promise.all(all.map(({ ended }) => ended))).toEqual([0, 0, 0, 0]);
      expect(all.map(({ stderr }) => stderr)).toEqual(['', '', '', '']);
      expect(long.stdout).toMatch(/^\d+\.\d+\.\d+\S*\n$/);
      expect(short.stdout).toBe(long.stdout);
      expect(help.stdout).toMatch(/^ {2}-V, --version +print the version and exit$/m);
      expect(help.stdout).toMatch(/^ {2}-h, --help +print this help and exit$/m);
      expect(shortHelp.stdout).toBe(help.stdout);
    },
  );

  it('for a call without a command is the help, and the exit code is 2', async () => {
    await using command = Command.run();
    expect(await command.ended).toBe(2);
    expect(command.stderr).toContain('Usage: wsloom');
  });
});
