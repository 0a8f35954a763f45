import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { OptionError } from '../client/option-error.js';
import { LOAD_DEFAULTS } from '../load/load-defaults.js';
import { EXPECTATIONS, LOAD_MODES, type LoadOptions } from '../load/load-options.js';
import type { HeaderValue } from '../protocol/opening/handshake-response.js';
import { diagnose, hasMeasuredNothing } from './load-diagnosis.js';
import { clearProgress, renderReport, showProgress, warnings } from './load-report.js';
import { collect, parseCount, parseSeconds, parseSize, showSize } from './values.js';

interface LoadFlags {
  readonly connections: number;
  readonly pipelining: number;
  /** In ms, as all times. */
  readonly duration?: number;
  readonly amount?: number;
  readonly workers: number;
  readonly overallRate?: number;
  readonly warmup?: number;
  readonly timeout: number;
  readonly size?: number;
  readonly message?: string;
  readonly text?: true;
  readonly binary?: true;
  readonly mode: NonNullable<LoadOptions['mode']>;
  readonly expect: NonNullable<LoadOptions['expect']>;
  readonly subprotocol?: string[];
  readonly header?: (readonly [string, HeaderValue])[];
  readonly insecure?: true;
  readonly title?: string;
  readonly json?: true;
  /** False with --no-progress. */
  readonly progress: boolean;
}

/** The flags of the options that are wrong, for messages. */
export const LOAD_FLAG_OF: ReadonlyMap<string, string> = new Map([
  ['url', 'the URL'],
  ['connections', '--connections'],
  ['inFlight', '--pipelining'],
  ['durationMs', '--duration'],
  ['amount', '--amount'],
  ['workers', '--workers'],
  ['ratePerSecond', '--overall-rate'],
  ['warmUpMs', '--warmup'],
  ['timeoutMs', '--timeout'],
  ['sizeBytes', '--size'],
  ['message', '--message'],
  ['mode', '--mode'],
  ['expect', '--expect'],
  ['subprotocols', '--subprotocol'],
  ['headers', '--header'],
]);

/** Adds `wsloom load`. */
export function addLoad(program: Command, version: string): void {
  const { connections, inFlight, durationMs, workers, timeoutMs, sizeBytes, mode, expect } = LOAD_DEFAULTS;
  const count = (flags: string, what: string, byDefault?: number) => {
    const option = new Option(flags, what).argParser(parseCount);
    return byDefault === undefined ? option : option.default(byDefault);
  };
  program
    .command('load')
    .description('put a load on a WebSocket server, and measure it')
    .version(version, '-V, --version', 'print the version and exit')
    .argument('<url>', 'ws://host:port/path, or wss')
    .addOption(count('-c, --connections <number>', 'connections at a time', connections))
    .addOption(count('-p, --pipelining <number>', 'messages on their way on each connection', inFlight))
    .addOption(
      new Option(
        '-d, --duration <seconds>',
        `how long to measure (default: ${durationMs / 1000}, with -a for ever)`,
      ).argParser(parseSeconds),
    )
    .addOption(
      count('-a, --amount <number>', 'end when so many messages are sent and answered, or with -d, if that is earlier'),
    )
    .addOption(count('-w, --workers <number>', 'threads to put the load on with', workers))
    .addOption(
      count('-R, --overall-rate <number>', 'messages per second, in all; latency counts from when they were due'),
    )
    .addOption(
      new Option('--warmup <seconds>', 'what is done and not measured before (default: 1, with -a 0)').argParser(
        parseSeconds,
      ),
    )
    .addOption(
      new Option('-t, --timeout <seconds>', 'for an answer, and for an opening handshake')
        .argParser(parseSeconds)
        .default(timeoutMs, String(timeoutMs / 1000)),
    )
    .addOption(
      new Option('--size <bytes>', `length of the message (default: ${showSize(sizeBytes)})`)
        .argParser(parseSize)
        .conflicts('message'),
    )
    .option('--message <file>', 'send the contents of this file')
    .addOption(new Option('--text', 'send text (default)').conflicts('binary'))
    .option('--binary', 'send binary')
    .addOption(new Option('--mode <name>', 'what to do: see below').choices(LOAD_MODES).default(mode))
    .addOption(new Option('--expect <what>', 'what the server answers with').choices(EXPECTATIONS).default(expect))
    .option('--subprotocol <name>', 'offer it (repeatable)', collect)
    .addOption(
      new Option('-H, --header <name: value>', 'send it in the opening handshake (repeatable)').argParser(parseHeader),
    )
    .option('--insecure', 'take any certificate of a wss server')
    .option('-T, --title <text>', 'put it over the result')
    .option('-j, --json', 'print one JSON object instead of a table')
    .option('-n, --no-progress', 'show no progress; only a terminal is shown any')
    .helpOption('-h, --help', 'print this help and exit')
    .addHelpText('after', LOAD_HELP)
    .action(runLoad);
}

const LOAD_HELP = `
Sizes take the suffixes KiB, MiB, GiB and TiB (or k, m, g, t); without one they are bytes.

Modes:
  echo         each connection sends, and the server sends it back (wsloom serve echo)
  broadcast    one more connection publishes, and the server sends it to all -c others (wsloom serve broadcast)
  connect      connections are opened and closed as fast as it goes, -c at a time
  idle         -c connections are opened and held for -d seconds

Messages are masked beforehand, and masking keys are reused: what is measured is the server. Every answer is compared with
what was sent. A connection that is lost, or that answers wrong or too late, is not opened again.

Ctrl-C ends it early, and prints what there is.

Exit codes: 0 all went well, 1 something went wrong (an error, a timeout, a lost connection), 2 wrong usage. What went wrong
is on standard error; if that kept everything from being measured, there is no table.

Examples:
  wsloom load ws://localhost:8080/ -c 100 -p 32 --size 1KiB -d 10
  wsloom load ws://localhost:8080/ -c 100 -R 10000
  wsloom load wss://localhost:8443/chat --mode broadcast -c 500 --insecure -H 'Authorization: Bearer abc' -j`;

/** autocannon takes both ways to write it. */
function parseHeader(text: string, before: readonly (readonly [string, string])[] = []): (readonly [string, string])[] {
  const [, name, value] = /^([^:=\s]+)\s*[:=]\s*(.*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError("It must be like 'Name: value'.");
  return [...before, [name, value]];
}

async function runLoad(url: string, flags: LoadFlags): Promise<void> {
  const options = optionsOf(url, flags);
  const isWatched = flags.progress && process.stderr.isTTY;
  const aborting = new AbortController();
  const stop = () => {
    if (aborting.signal.aborted) process.exit(1);
    aborting.abort();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  // Only now: it brings the histogram along, which takes as long to load as all the rest.
  const { load } = await import('../load/load.js');
  const result = await load(options, {
    signal: aborting.signal,
    ...(isWatched ? { onProgress: showProgress } : {}),
  });
  if (isWatched) clearProgress();
  process.off('SIGINT', stop).off('SIGTERM', stop);
  if (flags.json === true) process.stdout.write(`${JSON.stringify(result)}\n`);
  else if (!hasMeasuredNothing(result)) process.stdout.write(renderReport(result));
  for (const line of [...diagnose(result), ...warnings(result)]) process.stderr.write(`wsloom: ${line}\n`);
  if (result.errors > 0) process.exitCode = 1;
}

function optionsOf(url: string, flags: LoadFlags): LoadOptions {
  return {
    url,
    title: flags.title,
    mode: flags.mode,
    connections: flags.connections,
    inFlight: flags.pipelining,
    durationMs: flags.duration,
    amount: flags.amount,
    ratePerSecond: flags.overallRate,
    warmUpMs: flags.warmup,
    workers: flags.workers,
    message: flags.message === undefined ? undefined : readMessage(flags.message),
    sizeBytes: flags.size,
    isBinary: flags.binary === true,
    expect: flags.expect,
    timeoutMs: flags.timeout,
    subprotocols: flags.subprotocol,
    headers: flags.header,
    rejectUnauthorized: flags.insecure !== true,
  };
}

function readMessage(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new OptionError('message', `message must be a file that can be read: ${(cause as Error).message}`, { cause });
  }
}
