import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { isatty } from 'node:tty';
import { pathToFileURL } from 'node:url';
import type { Command } from 'commander';
import { ConfigError } from '../options/option-error.js';
import { CLOSE_ROWS, LISTEN_ROWS, resolveClose } from '../primary/method-options.js';
import { SERVER_ROWS } from '../primary/option-rows.js';
import { createServer, type Server } from '../primary/server.js';
import type { ServerOptions } from '../primary/server-options.js';
import { guessForHandler } from './did-you-mean.js';
import { describeError, EXIT_ENVIRONMENT } from './errors.js';
import { flagsOf, valuesOf } from './flags.js';
import { parseThresholds } from './thresholds.js';

/** Handlers that come with wsloom. */
export const BUILT_IN: readonly string[] = ['echo', 'broadcast'];

const LISTEN_FLAGS = flagsOf(LISTEN_ROWS);
const CLOSE_FLAGS = flagsOf(CLOSE_ROWS);
const SERVER_FLAGS = flagsOf(SERVER_ROWS, { thresholds: parseThresholds });

/** Adds `wsloom serve`. @returns the flags that it takes: `--port`. */
export function addServe(program: Command): string[] {
  const command = program
    .command('serve')
    .description('run a server with a handler')
    .argument('[handler]', `${BUILT_IN.join(', ')}, or the path of a handler module`, 'echo')
    .addHelpText('after', HELP)
    .action((handler: string, _, self: Command) => serve(handler, self));
  for (const flags of [LISTEN_FLAGS, CLOSE_FLAGS, SERVER_FLAGS])
    for (const flag of flags.values()) command.addOption(flag);
  return command.options.map(({ long }) => long ?? '');
}

const HELP = `
Sizes take the suffixes KiB, MiB, GiB and TiB (or k, m, g, t); without one they are bytes.

Handlers:
  echo         sends each message back
  broadcast    the path is a room: each message goes to everybody in it
  ./file.js    a module whose default export is defineHandler({ open, message, drain, close }), or a CommonJS module;
               .ts from Node 22.18 on, or under tsx

Signals: SIGTERM and SIGINT (Ctrl-C) drain and exit with 0; a second one exits at once. SIGHUP loads the handler again:
new threads take the new connections, the old ones drain. Those that come while one loads are one more, after it.

Exit codes: 0 drained, 1 the machine cannot do it (port in use, no memory), 2 wrong usage, or a handler that is not there or
does not load.`;

async function serve(handler: string, command: Command): Promise<void> {
  const { drainMs } = resolveClose(valuesOf(CLOSE_FLAGS, command), 'close'); // before anything listens
  const server = createServer({
    ...(valuesOf(SERVER_FLAGS, command) as Partial<ServerOptions>),
    handler: handlerUrl(handler),
  });
  stopOnSignals(server, drainMs);
  const { url } = await server.listen(valuesOf(LISTEN_FLAGS, command));
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
        process.stderr.write(`wsloom: ${describeError(error)}\n`);
        process.exit(EXIT_ENVIRONMENT);
      },
    );
  };
  const askForReload = () => {
    if (reloads > 1) return; // the reload that waits serves this signal too
    reloads++;
    const when = reloads === 1 ? 'again' : 'once more after that';
    process.stderr.write(`wsloom: SIGHUP: loading the handler ${when}\n`);
    void reload(server, drainMs).finally(() => reloads--);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  const hasTerminal = isatty(1);
  process.on('SIGHUP', (signal) => {
    // The signal is also sent when a terminal is closed; then standard output is no terminal any more.
    if (hasTerminal && !isatty(1)) stop(signal);
    else if (!isStopping) askForReload();
  });
}

async function reload(server: Server, drainMs: number): Promise<void> {
  try {
    await server.reload({ drainMs });
    process.stderr.write('wsloom: the handler is loaded again; old threads drain\n');
  } catch (error) {
    process.stderr.write(`wsloom: the handler is not loaded again, the old one goes on: ${describeError(error)}\n`);
  }
}

function handlerUrl(handler: string): URL {
  if (BUILT_IN.includes(handler)) return new URL(`../handlers/${handler}.js`, import.meta.url);
  const path = resolve(handler);
  // A loader such as tsx takes chat.ts for chat.js.
  if (!existsSync(path) && !existsSync(path.replace(/js(x?)$/, 'ts$1'))) {
    const guess = guessForHandler(handler, BUILT_IN);
    throw new ConfigError(
      'handler',
      `there is no handler ${handler}: it is ${BUILT_IN.join(', ')}, or the path of a module${guess === undefined ? '' : `; did you mean: ${guess}`}`,
    );
  }
  return pathToFileURL(path);
}
