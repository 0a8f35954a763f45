import { spawnSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { parseSettings } from '../../bench/settings.js';
import { parseStudySettings } from '../../bench/study/settings.js';
import { Engines, isInstalled } from '../backplanes/engines.js';
import { NATS, REDIS } from '../backplanes/kinds.js';
import { parseSimulateSettings } from '../../bench/ten-million/simulate-settings.js';
import { CLI, Command } from '../cli/command.js';
import { builtIn, serve } from '../e2e/serving.js';
import { ROOT } from './documents.js';

const {
  name: PACKAGE,
  scripts: SCRIPTS,
  peerDependencies: PEERS,
} = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as {
  readonly name: string;
  readonly scripts: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
};

/** The packages that a backplane needs, which are named by what the error says that misses them. */
const ENGINE_CLIENTS: readonly string[] = Object.keys(PEERS);

/** Programs of docs/ten-minutes.md, which test/docs/ten-minutes.long.test.ts follows step by step. */
const TRIED_APART = ['mkdir', 'cd', 'nginx'];

/** The commands of a block of shell, without comments and prompts. A line that ends with a backslash goes on in the next. */
export function commandsOf(text: string): string[][] {
  return text
    .replaceAll('\\\n', ' ')
    .split('\n')
    .flatMap((line) =>
      line
        .replace(/^\$ /, '')
        .replace(/\s+#.*|^#.*/, '')
        .split('&&'),
    )
    .map(words)
    .filter((command) => command.length > 0);
}

function words(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, plain]) => single ?? double ?? plain ?? '',
  );
}

/**
 * Tries a command that a document shows. Commands of this package run for a short time. For commands that take minutes or change the
 * machine, it only checks that they exist and take the arguments.
 *
 * @param folder has the files that the command names.
 * @returns the output of the command, if it was run.
 */
export async function tryCommand(command: readonly string[], folder: string): Promise<string> {
  const first = command.findIndex((word) => !/^[A-Z_]+=/.test(word));
  const [program = '', ...args] = command.slice(first);
  if (first > 0) {
    const variables = command.slice(0, first).map((word) => {
      const [name = '', value = ''] = word.split(/=(.*)/s);
      return [name, value.replace(/^'(.*)'$/s, '$1')];
    });
    expect(args.slice(0, 2)).toEqual([PACKAGE, 'serve']);
    return serveShortly(args.slice(2), folder, Object.fromEntries(variables));
  }
  if (program === 'npm') return npm(args, folder);
  if (program === 'npx' && args[0] !== PACKAGE) return npx(args);
  if (program === 'npx' && args[0] === PACKAGE) return wsloom(args.slice(1), folder);
  if (program === PACKAGE) return wsloom(args, folder);
  if (program === 'node' && args[0]?.endsWith('dist/cli.js')) return wsloom(args.slice(1), folder);
  if (program === 'node' || program === 'bash') {
    const file = args.find((arg) => !arg.startsWith('-')) ?? '';
    expect(
      existsSync(join(folder, file)) || existsSync(join(ROOT, file)),
      `${program} ${file}: there is no such file`,
    ).toBe(true);
    return '';
  }
  if (program === 'openssl') return openssl(args);
  if (TRIED_APART.includes(program)) return '';
  throw new Error(`nobody knows how to try ${program}`);
}

/** Makes what it makes in a folder of its own: other commands use what the document's folder has. */
async function openssl(args: readonly string[]): Promise<string> {
  const cwd = mkdtempSync(join(tmpdir(), 'wsloom-openssl-'));
  try {
    // Where there is no such program, only the flags that say what it makes are looked at.
    const made = spawnSync('openssl', args, { cwd, encoding: 'utf8' });
    const files = ['-keyout', '-out'].map((flag) => args[args.indexOf(flag) + 1] ?? '');
    expect(files).toEqual(['live.key', 'live.crt']);
    if (made.error !== undefined) return '';
    expect(made.status, made.stderr).toBe(0);
    const [key = '', cert = ''] = files.map((file) => readFileSync(join(cwd, file), 'utf8'));
    expect(new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))).toBe(true);
    return '';
  } finally {
    rmSync(cwd, { recursive: true });
  }
}

async function npm([what = '', ...args]: readonly string[], folder: string): Promise<string> {
  if (what === 'ci') {
    const [flag, prefix = '.'] = args;
    expect([undefined, '--prefix']).toContain(flag);
    expect(existsSync(join(ROOT, prefix, 'package-lock.json'))).toBe(true);
    return '';
  }
  if (what === 'init') {
    expect(args).toEqual(['-y']);
    return '';
  }
  if (what === 'install') {
    expect([PACKAGE, ...ENGINE_CLIENTS]).toContain(args.join(' '));
    return '';
  }
  const [script = '', ...rest] = what === 'run' ? args : [what, ...args];
  expect(Object.keys(SCRIPTS)).toContain(script);
  if (rest.length > 0) expect(rest[0], `npm passes on what stands behind --`).toBe('--');
  return runScript(script, rest.slice(1), folder);
}

async function runScript(script: string, args: readonly string[], folder: string): Promise<string> {
  switch (script) {
    case 'start':
      expect(SCRIPTS[script]).toBe('node dist/cli.js serve');
      return wsloom(['serve', ...args], folder);
    case 'bench':
      parseSettings(args);
      return '';
    case 'study':
      parseStudySettings(args);
      return '';
    case 'ten-million:simulate':
      parseSimulateSettings(args);
      return '';
    case 'fuzz':
    case 'soak': {
      const usage = readFileSync(`${ROOT}test/${script}/${script}.ts`, 'utf8');
      for (const flag of args.filter((arg) => arg.startsWith('--'))) expect(usage).toContain(`  ${flag} `);
      return '';
    }
    case 'test':
    case 'test:long':
      return vitest(args);
    default:
      expect(args).toEqual([]);
      return '';
  }
}

function npx([tool = '', ...args]: readonly string[]): string {
  expect(existsSync(`${ROOT}node_modules/.bin/${tool}`), `there is no ${tool}`).toBe(true);
  if (tool !== 'vitest') return '';
  expect(args[0]).toBe('run');
  return vitest(args.slice(1));
}

function vitest(args: readonly string[]): string {
  const config = readFileSync(`${ROOT}vitest.config.ts`, 'utf8');
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] as string;
    if (arg === '--project') expect(config).toContain(`name: '${args[++at]}'`);
    else if (arg === '-t') at++;
    else expect(existsSync(`${ROOT}${arg}`), `there is no ${arg}`).toBe(true);
  }
  return '';
}

function wsloom([command = '', ...args]: readonly string[], folder: string): Promise<string> {
  switch (command) {
    case 'serve':
      return serveShortly(args, folder);
    case 'load':
      return loadShortly(args);
    case 'frame':
      return finish(Command.run('frame', ...args));
    default:
      expect(['kernels', '--help', '--version']).toContain(command);
      return helpShortly(command, args);
  }
}

/**
 * Runs a server on any port, or on a unix socket, and ends it as Ctrl-C does. Engines are started for it, where they are installed; without one it
 * says that it goes on trying.
 */
async function serveShortly(
  args: readonly string[],
  folder: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  await using engines = new Engines();
  const own = [];
  for (const arg of args) own.push(await withEngine(arg, engines));
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) variables[name] = await withEngine(value, engines);
  const threads = args.includes('--threads') ? [] : ['--threads', '1'];
  const where = args.includes('--socket') ? [] : ['--port', '0'];
  // What is named last counts: two servers of a document cannot have the ports that it shows.
  const port = args.includes('--backplane') ? ['--port', '0'] : where;
  const admin = args.includes('--admin-port') ? ['--admin-port', '0'] : [];
  const delay = args.includes('--shutdown-delay') ? ['--shutdown-delay', '0'] : [];
  const all = [CLI, 'serve', ...own, ...threads, ...port, ...admin, ...delay];
  await using command = new Command(process.execPath, all, { cwd: folder, env: { ...process.env, ...variables } });
  await command.listening();
  command.process.kill('SIGINT');
  expect(await command.ended, command.stderr).toBe(0);
  return command.stdout;
}

/** The URL of one engine with its usual port, with another one that runs in its place; anything else as it is. */
async function withEngine(word: string, engines: Engines): Promise<string> {
  const [, scheme, address = '', rest = ''] =
    /^(nats|redis):\/\/(?:[^@]*@)?(127\.0\.0\.1:(?:4222|6379))(.*)$/.exec(word) ?? [];
  const kind = scheme === 'nats' ? NATS : REDIS;
  if (scheme === undefined || !isInstalled(kind.program)) return word;
  const engine = engines.add(await kind.start());
  expect(address.endsWith(scheme === 'nats' ? '4222' : '6379')).toBe(true);
  return `${scheme}://${engine.address}${rest}`;
}

/** Commands that take seconds or more: only their help is run, and checked for the flags. */
async function helpShortly(command: string, args: readonly string[]): Promise<string> {
  const help = await finish(Command.run(command, ...(command.startsWith('--') ? [] : ['--help'])));
  for (const flag of args.filter((arg) => arg.startsWith('--'))) expect(help).toContain(`  ${flag} `);
  return '';
}

/** Runs the load against a server of the test. */
async function loadShortly(args: readonly string[]): Promise<string> {
  const mode = args[args.indexOf('--mode') + 1] === 'broadcast' ? 'broadcast' : 'echo';
  await using served = await serve({ handler: builtIn(mode), threads: 1 });
  const own = args.map((arg) => arg.replace(/^ws:\/\/[^/]+/, served.url));
  expect(own, 'the URL').not.toEqual(args);
  return await finish(Command.run('load', ...own, '-d', '0.1', '--warmup', '0'));
}

async function finish(running: Command): Promise<string> {
  await using command = running;
  expect(await command.ended, command.stderr).toBe(0);
  return command.stdout;
}
