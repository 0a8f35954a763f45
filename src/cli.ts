#!/usr/bin/env node
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { isatty } from 'node:tty';
import { pathToFileURL } from 'node:url';
import { Command, CommanderError, Option } from 'commander';
import { explainMistake, guessForHandler } from './cli/did-you-mean.js';
import { addKernels } from './cli/kernels.js';
import { addLimits, explainOption, limitsOf } from './cli/limits.js';
import { addLoad, LOAD_FLAG_OF } from './cli/load.js';
import { parseThresholds } from './cli/thresholds.js';
import { collect, parseCount, parsePort, parseSeconds } from './cli/values.js';
import { OptionError } from './client/option-error.js';
import { errorText } from './telemetry/error-text.js';
import { ConfigError, createServer, HandlerModuleError, type Server, type ServerOptions } from './index.js';
import { KERNEL_CHOICES } from './kernels/create-kernel.js';
import { DEFAULTS } from './primary/options.js';

/** Exit codes: the command line cannot be understood, or this machine cannot do what it says. */
const EXIT_USAGE = 2;
const EXIT_ENVIRONMENT = 1;
const USAGE_ERRORS = [ConfigError, HandlerModuleError, OptionError];

interface ServeFlags {
  readonly host: string;
  readonly port: number;
  readonly threads?: number;
  readonly kernel: NonNullable<ServerOptions['kernel']>;
  readonly thresholds?: NonNullable<ServerOptions['thresholds']>;
  readonly path?: string[];
  readonly page: string;
  readonly health: string;
  /** In ms. */
  readonly drain: number;
  /** Those of {@link addLimits}. */
  readonly [limit: string]: unknown;
}

/** Handlers that come with wsloom. */
const BUILT_IN = ['echo', 'broadcast'];

async function main(argv: readonly string[]): Promise<void> {
  // Who reads what is printed may go (`| head`): that is no reason for a server to end.
  for (const output of [process.stdout, process.stderr]) output.on('error', () => {});
  try {
    await createProgram(argv.slice(2)).parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE; // it has printed its message
      return;
    }
    process.stderr.write(`wsloom: ${describe(error)}\n`);
    process.exitCode = isUsageError(error) ? EXIT_USAGE : EXIT_ENVIRONMENT;
  }
}

/** A handler that loads in the primary, but not in a thread, is one too. */
function isUsageError(error: unknown): boolean {
  if (USAGE_ERRORS.some((kind) => error instanceof kind)) return true;
  return (error as NodeJS.ErrnoException | undefined)?.code === 'WSLOOM_HANDLER';
}

function createProgram(args: readonly string[]): Command {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    readonly version: string;
  };
  const program = new Command('wsloom')
    .description('A WebSocket (RFC 6455) server that uses every core of the machine, and a load generator.')
    .version(version, '-V, --version', 'print the version and exit')
    .helpOption('-h, --help', 'print this help and exit')
    .exitOverride()
    .configureOutput({
      outputError: (message, write) => {
        const serveFlags = command.options.map(({ long }) => long ?? '');
        write(`wsloom: ${explainMistake(message, args, BUILT_IN, serveFlags)} (--help lists what there is)\n`);
      },
    });
  const command = program
    .command('serve', { isDefault: false })
    .description('run a server with a handler')
    .version(version, '-V, --version', 'print the version and exit')
    .argument('[handler]', `${BUILT_IN.join(', ')}, or the path of a handler module`, 'echo')
    .option('--host <address>', 'address to listen on; 0.0.0.0 for all', '127.0.0.1')
    .addOption(new Option('--port <number>', 'port to listen on; 0 for any').argParser(parsePort).default(8080))
    .addOption(
      new Option(
        '--threads <number>',
        'worker threads; 0 hosts connections in the primary (default: one per core)',
      ).argParser(parseCount),
    )
    .addOption(
      new Option('--kernel <name>', 'what unmasks and validates payloads').choices(KERNEL_CHOICES).default('auto'),
    )
    .addOption(
      new Option('--thresholds <sizes>', 'where auto changes kernels, as wsloom kernels prints it').argParser(
        parseThresholds,
      ),
    )
    .option('--path <path>', 'accept WebSockets on this path only (repeatable)', collect)
    .option('--page <path>', 'path of the page that tries the server; off: none', DEFAULTS.page)
    .option('--health <path>', 'path where load balancers ask for the health; off: none', DEFAULTS.health)
    .addOption(
      new Option('--drain <seconds>', 'how long connections have to be closed at the end')
        .argParser(parseSeconds)
        .default(5000, '5'),
    )
    .helpOption('-h, --help', 'print this help and exit')
    .addHelpText('after', SERVE_HELP)
    .action(serve);
  addLimits(command);
  addLoad(program, version);
  addKernels(program);
  return program;
}

const SERVE_HELP = `
Sizes take the suffixes KiB, MiB, GiB and TiB (or k, m, g, t); without one they are bytes.

Handlers:
  echo         sends each message back
  broadcast    the path is a room: each message goes to everybody in it
  ./file.js    a module whose default export is defineHandler({ open, message, drain, close }), or a CommonJS module;
               .ts from Node 22.18 on, or under tsx

Signals: SIGTERM and SIGINT (Ctrl-C) drain and exit with 0; a second one exits at once. SIGHUP loads the handler again:
new threads take the new connections, the old ones drain. Those that come while one loads are one more, after it.

Exit codes: 0 drained, 1 the machine cannot do it (port in use, no memory), 2 wrong usage.`;

async function serve(handler: string, flags: ServeFlags): Promise<void> {
  const server = createServer({
    handler: handlerUrl(handler),
    kernel: flags.kernel,
    page: flags.page,
    health: flags.health,
    ...limitsOf(flags),
    ...(flags.threads === undefined ? {} : { threads: flags.threads }),
    ...(flags.thresholds === undefined ? {} : { thresholds: flags.thresholds }),
    ...(flags.path === undefined ? {} : { path: flags.path }),
  });
  stopOnSignals(server, flags.drain);
  const { url } = await server.listen({ port: flags.port, host: flags.host });
  const threads = server.threads === 1 ? '1 thread' : `${server.threads} threads`;
  process.stdout.write(`listening on ${url} with ${threads}, ${server.kernel} kernel\n`);
}

/** The first signal to end drains, the second exits at once. SIGHUP reloads. */
function stopOnSignals(server: Server, drainMs: number): void {
  let isStopping = false;
  /** Reloads that run or wait. */
  let reloads = 0;
  const stop = (signal: NodeJS.Signals) => {
    if (isStopping) process.exit(EXIT_ENVIRONMENT);
    isStopping = true;
    process.stderr.write(`wsloom: ${signal}: draining for at most ${drainMs / 1000} s; once more to exit at once\n`);
    server.close({ drainMs }).then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`wsloom: ${describe(error)}\n`);
        process.exit(EXIT_ENVIRONMENT);
      },
    );
  };
  const askForReload = () => {
    if (reloads > 1) return; // the one that waits is for this signal too
    reloads++;
    const when = reloads === 1 ? 'again' : 'once more after that';
    process.stderr.write(`wsloom: SIGHUP: loading the handler ${when}\n`);
    void reload(server, drainMs).finally(() => reloads--);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  const hasTerminal = isatty(1);
  process.on('SIGHUP', (signal) => {
    // Also sent when a terminal is closed, which is then none any more.
    if (hasTerminal && !isatty(1)) stop(signal);
    else if (!isStopping) askForReload();
  });
}

async function reload(server: Server, drainMs: number): Promise<void> {
  try {
    await server.reload({ drainMs });
    process.stderr.write('wsloom: the handler is loaded again; old threads drain\n');
  } catch (error) {
    process.stderr.write(`wsloom: the handler is not loaded again, the old one goes on: ${describe(error)}\n`);
  }
}

function handlerUrl(handler: string): URL {
  if (BUILT_IN.includes(handler)) return new URL(`./handlers/${handler}.js`, import.meta.url);
  const path = resolve(handler);
  // A loader such as tsx takes chat.ts for chat.js.
  if (!existsSync(path) && !existsSync(path.replace(/js(x?)$/, 'ts$1'))) {
    const guess = guessForHandler(handler);
    throw new ConfigError(
      'handler',
      `there is no handler ${handler}: it is ${BUILT_IN.join(', ')}, or the path of a module${guess === undefined ? '' : `; did you mean: ${guess}`}`,
    );
  }
  return pathToFileURL(path);
}

/** What to do about errors of the system. */
const HINTS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'choose another --port, or 0 for any',
  EACCES: 'choose a --port from 1024 on, or run with the right to use it',
  EADDRNOTAVAIL: '--host must be an address of this machine',
  ENOTFOUND: '--host must be an address or a name of this machine',
  EAI_AGAIN: '--host must be an address or a name of this machine',
};

/** One line for mistakes that the user can mend; the stack for those that are ours. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return errorText(error);
  if (error instanceof ConfigError) return explainOption(error);
  if (error instanceof OptionError)
    return error.message.replace(error.option, LOAD_FLAG_OF.get(error.option) ?? error.option);
  const { code } = error as NodeJS.ErrnoException;
  const hint = HINTS[code ?? ''];
  if (hint !== undefined) return `${error.message.replace(/^listen /, '')}: ${hint}`;
  return code === undefined ? (error.stack ?? error.message) : error.message;
}

await main(process.argv);
