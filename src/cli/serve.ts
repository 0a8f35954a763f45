import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { isatty } from 'node:tty';
import { pathToFileURL } from 'node:url';
import type { Command } from 'commander';
import { ConfigError } from '../options/option-error.js';
import { LISTEN_ROWS } from '../primary/listen-options.js';
import { CLOSE_ROWS, type CloseTimes, resolveClose } from '../primary/method-options.js';
import { SERVER_ROWS } from '../primary/option-rows.js';
import { createServer, type Server } from '../primary/server.js';
import type { ServerOptions } from '../primary/server-options.js';
import { ADMIN_TOKEN_VARIABLE, addAdminFlags, adminTokenOf } from './admin-flags.js';
import { BACKPLANE_VARIABLE, backplanesOf } from './backplane-flags.js';
import { addDeflateFlags, deflateOf } from './deflate-flags.js';
import { guessForHandler } from './did-you-mean.js';
import { describeError, EXIT_ENVIRONMENT, fieldsOf } from './errors.js';
import { flagsOf, valuesOf } from './flags.js';
import { addLogFlags, logSettingsOf } from './log-flags.js';
import { ServeLog } from './serve-log.js';
import { parseThresholds } from './thresholds.js';
import { addTlsFlags, namingTlsFlags, tlsOf } from './tls-flags.js';
import { parseCount } from './values.js';
import { ACTIVATION_VARIABLES, whereToListen } from './where-to-listen.js';

/** Handlers that come with wsloom. */
export const BUILT_IN: readonly string[] = ['echo', 'broadcast'];

const LISTEN_FLAGS = flagsOf(LISTEN_ROWS, { fd: parseCount });
const CLOSE_FLAGS = flagsOf(CLOSE_ROWS);
const SERVER_FLAGS = flagsOf(SERVER_ROWS, { thresholds: parseThresholds, adminPort: parseCount });

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
  addAdminFlags(command);
  addDeflateFlags(command);
  addTlsFlags(command);
  addLogFlags(command);
  return command.options.map(({ long }) => long ?? '');
}

const HELP = `
Sizes take the suffixes KiB, MiB, GiB and TiB (or k, m, g, t); without one they are bytes.

Handlers:
  echo         sends each message back
  broadcast    the path is a room: each message goes to everybody in it
  ./file.js    a module whose default export is defineHandler({ open, message, drain, close }), or a CommonJS module;
               .ts from Node 22.18 on, or under tsx

Where it listens: on a port; on a unix socket (--socket), whose file is removed at the end, and replaced if a server that has
died has left it; or on a descriptor (--fd). Without any of these flags: on the socket that systemd passes (LISTEN_FDS), else
at PORT and WSLOOM_HOST of the environment, where they are set. A flag replaces its variable.

Several servers: with the same --backplane, what one publishes reaches the subscribers of all. Without this flag, the URLs are those of
WSLOOM_BACKPLANE of the environment, separated by spaces: a password in a flag can be seen in the list of processes. With TLS they
begin with tls:// (NATS) and rediss://. docs/scale.md has the rest of a URL.

The admin port (--admin-port) is for those who operate the server, and answers when the server is full: /healthz and /readyz
to everybody who can connect, /metrics to whoever sends Authorization: Bearer with the token, if there is one.

Signals: SIGTERM and SIGINT (Ctrl-C) drain and exit with 0; a second one exits at once. SIGHUP loads the handler again:
new threads take the new connections, the old ones drain. Those that come while one loads are one more, after it. SIGUSR2
reads only the certificates again, which SIGHUP does too: connections stay. What does not load stays as it was.

The end: with --shutdown-delay the server first goes on serving while /readyz says 503. With --drain-spread connections are
then closed one after the other.

The log goes to standard error, a line for each report: for people on a terminal, else as JSON with the members time, level and msg
(docs/cli.md). A start that fails is reported at every level, also off.

Exit codes: 0 drained, 1 the machine cannot do it (port in use, no memory), 2 wrong usage, or a handler that is not there or
does not load.`;

async function serve(handler: string, command: Command): Promise<void> {
  const times = resolveClose(valuesOf(CLOSE_FLAGS, command)); // before anything listens
  const where = whereToListen(valuesOf(LISTEN_FLAGS, command), process.env, process.pid);
  // Before threads are started, which inherit the environment.
  for (const name of ACTIVATION_VARIABLES) delete process.env[name];
  const { backplane: flags, ...options } = valuesOf(SERVER_FLAGS, command);
  const { urls, explain, notes } = backplanesOf(flags as readonly string[] | undefined, process.env, options);
  delete process.env[BACKPLANE_VARIABLE]; // its passwords are no business of handlers, and of what they start
  const admin = adminTokenOf(command, process.env, 'adminPort' in options);
  delete process.env[ADMIN_TOKEN_VARIABLE];
  const log = new ServeLog(logSettingsOf(command));
  for (const note of [...where.notes, ...notes]) log.note('warn', note);
  const tls = tlsOf(command);
  const hasTls = tls.tls !== undefined;
  const server = createServer({
    ...(options as Partial<ServerOptions>),
    ...(urls === undefined ? {} : { backplane: urls }),
    ...deflateOf(command),
    ...admin,
    ...tls,
    log: hasTls ? namingTlsFlags(log) : log,
    handler: handlerUrl(handler),
  });
  stopOnSignals(server, { times, hasTls, log });
  const { url } = await server.listen(where.options).catch((error: unknown) => {
    throw explain(error);
  });
  const source = where.source === undefined ? '' : ` (${where.source})`;
  const threads = server.threads === 1 ? '1 thread' : `${server.threads} threads`;
  process.stdout.write(`listening on ${url}${source} with ${threads}, ${server.kernel} kernel\n`);
}

interface SignalOptions {
  readonly times: CloseTimes;
  readonly hasTls: boolean;
  readonly log: ServeLog;
}

/** The first signal to end drains, the second exits at once. SIGHUP reloads. */
function stopOnSignals(server: Server, options: SignalOptions): void {
  const { times, hasTls, log } = options;
  let isStopping = false;
  /** Reloads that run or wait. */
  let reloads = 0;
  const stop = (signal: NodeJS.Signals) => {
    if (isStopping) process.exit(EXIT_ENVIRONMENT);
    isStopping = true;
    log.note('info', `${signal}: ${describeEnd(times)}; once more to exit at once`, { signal });
    server.close(times).then(
      () => process.exit(0),
      (error: unknown) => {
        log.note('error', describeError(error), fieldsOf(error));
        process.exit(EXIT_ENVIRONMENT);
      },
    );
  };
  const askForReload = () => {
    if (reloads > 1) return; // the reload that waits serves this signal too
    reloads++;
    const when = reloads === 1 ? 'again' : 'once more after that';
    log.note('info', `SIGHUP: loading the handler ${when}`, { signal: 'SIGHUP' });
    void reload(server, options).finally(() => reloads--);
  };
  process.on('SIGUSR2', () => {
    if (isStopping) return;
    const signal = 'SIGUSR2';
    if (hasTls) void reloadTlsForSignal(server, log);
    else log.note('warn', `${signal}: there are no certificates to read: no TLS (--tls-cert)`, { signal });
  });
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  const hasTerminal = isatty(1);
  process.on('SIGHUP', (signal) => {
    // The signal is also sent when a terminal is closed; then standard output is no terminal any more.
    if (hasTerminal && !isatty(1)) stop(signal);
    else if (!isStopping) askForReload();
  });
}

/** What a signal begins, for the log. */
function describeEnd({ shutdownDelayMs, drainSpreadMs, drainMs }: CloseTimes): string {
  const before = shutdownDelayMs === 0 ? '' : `serving for another ${shutdownDelayMs / 1000} s, then `;
  return `${before}draining for at most ${(drainSpreadMs + drainMs) / 1000} s`;
}

/** Certificates that cannot be used do not keep the handler from being loaded again: one has nothing to do with the other. */
async function reload(server: Server, { times, hasTls, log }: SignalOptions): Promise<void> {
  const { drainMs, drainSpreadMs } = times;
  if (hasTls) await reloadTls(server, log);
  try {
    await server.reload({ drainMs, drainSpreadMs, only: 'handler' });
    log.note('info', 'the handler is loaded again; old threads drain');
  } catch (error) {
    const why = describeError(error);
    log.note('error', `the handler is not loaded again, the old one goes on: ${why}`, fieldsOf(error));
  }
}

async function reloadTlsForSignal(server: Server, log: ServeLog): Promise<void> {
  log.note('info', 'SIGUSR2: reading the certificates again', { signal: 'SIGUSR2' });
  const isRead = await reloadTls(server, log);
  if (isRead) log.note('info', 'the certificates are read again; new connections get them');
}

/** @returns whether the certificates are in use now. If not, a line has said why. */
async function reloadTls(server: Server, log: ServeLog): Promise<boolean> {
  try {
    await server.reload({ only: 'tls' });
    return true;
  } catch (error) {
    const why = describeError(error);
    log.note('error', `the certificates are not read again, the old ones stay: ${why}`, fieldsOf(error));
    return false;
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
