import { type Command, InvalidArgumentError, Option } from 'commander';
import type { LoadOptions } from '../load/load-options.js';
import { LOAD_ROWS } from '../load/load-rows.js';
import { OptionError } from '../options/option-error.js';
import { readFileUpTo } from '../options/read-file-up-to.js';
import { flagsOf, valuesOf } from './flags.js';
import { diagnose, hasMeasuredNothing } from './load-diagnosis.js';
import { clearProgress, renderReport, showProgress, warnings } from './load-report.js';

/** The flags of `wsloom load` that are not options of `load()`, or that say an option in other words. */
interface OtherFlags {
  /** The name of a file. */
  readonly message?: string;
  readonly text?: true;
  readonly binary?: true;
  readonly insecure?: true;
  readonly json?: true;
  /** False with --no-progress. */
  readonly progress: boolean;
}

const FLAGS = flagsOf(LOAD_ROWS, { headers: parseHeader });

/** Adds `wsloom load`. */
export function addLoad(program: Command): void {
  const command = program
    .command('load')
    .description('put a load on a WebSocket server, and measure it')
    .argument('<url>', 'ws://host:port/path, ws+unix:/a.sock:/path, or the same with wss')
    .addHelpText('after', LOAD_HELP)
    .action(runLoad);
  FLAGS.get('sizeBytes')?.conflicts('message');
  for (const flag of FLAGS.values()) command.addOption(flag);
  command
    .addOption(new Option('--text', 'send text (default)').conflicts('binary').helpGroup('Message:'))
    .addOption(new Option('--binary', 'send binary').helpGroup('Message:'))
    .addOption(new Option('--insecure', 'take any certificate of a wss server').helpGroup('Connection:'))
    .option('-j, --json', 'print one JSON object instead of a table')
    .option('-n, --no-progress', 'show no progress; only a terminal is shown any');
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
function parseHeader(text: string, before: unknown): (readonly [string, string])[] {
  const [, name, value] = /^([^:=\s]+)\s*[:=]\s*(.*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError("It must be like 'Name: value'.");
  return [...(Array.isArray(before) ? before : []), [name, value]];
}

async function runLoad(url: string, flags: OtherFlags, command: Command): Promise<void> {
  const options: LoadOptions = {
    ...valuesOf(FLAGS, command),
    url,
    message: flags.message === undefined ? undefined : readMessage(flags.message),
    isBinary: flags.binary === true,
    rejectUnauthorized: flags.insecure !== true,
  };
  const isWatched = flags.progress && process.stderr.isTTY;
  const aborting = new AbortController();
  const stop = () => {
    if (aborting.signal.aborted) process.exit(1);
    aborting.abort();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  // Imported only now: it brings the histogram along, which takes as long to load as all the rest.
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

const MAX_MESSAGE_FILE_BYTES = 256 * 1024 * 1024;

function readMessage(path: string): Uint8Array {
  let bytes: Uint8Array | undefined;
  try {
    bytes = readFileUpTo(path, MAX_MESSAGE_FILE_BYTES);
  } catch (cause) {
    throw new OptionError('message', `message must be a file that can be read: ${(cause as Error).message}`, { cause });
  }
  if (bytes === undefined) throw new OptionError('message', 'message must be a file of at most 256 MiB');
  return bytes;
}
