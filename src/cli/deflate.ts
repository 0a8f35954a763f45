import type { Command } from 'commander';
import { count, milliseconds, OptionSet } from '../options/define.js';
import { OptionError } from '../options/option-error.js';
import { readFileUpTo } from '../options/read-file-up-to.js';
import { excerpt } from '../options/shown.js';
import { sizeInWords } from '../options/units.js';
import { MIN_PEER_WINDOW_BITS } from '../protocol/deflate/agreement.js';
import { MAX_WINDOW_BITS } from '../protocol/deflate/parameters.js';
import { type DeflateFigure, type DeflateStudy, studyDeflate } from '../study/study-deflate.js';
import { flagsOf, valuesOf } from './flags.js';
import { figure, table } from './table.js';

interface DeflateFlags {
  readonly json?: boolean;
}

/** The longest message, and the longest file, in bytes. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
const MAX_FILE_BYTES = 256 * 1024 * 1024;

/** The longest measurement, in ms: a day. */
const MAX_MEASURE_MS = 86_400_000;

/** What is measured by: options of the command only. */
export const DEFLATE_STUDY_ROWS = {
  deflateMs: milliseconds({
    least: 0,
    most: MAX_MEASURE_MS,
    byDefault: 4000,
    flag: '--seconds',
    help: 'how long to measure, about; each way is measured once at least',
  }),
  windowBits: count({
    least: MIN_PEER_WINDOW_BITS,
    most: MAX_WINDOW_BITS,
    byDefault: 12,
    flag: '--window-bits',
    placeholder: 'bits',
    help: 'with context takeover, how much is kept of earlier messages: 2^bits bytes, 9 to 15',
  }),
} as const;

const FLAGS = flagsOf(DEFLATE_STUDY_ROWS);
const OPTIONS = new OptionSet(DEFLATE_STUDY_ROWS);

const HELP = `
The file has one message a line, such as a log of what your server sends; empty lines are left out. A line may have up to 16 MiB,
and the file up to 256 MiB. Messages are compressed in the order of the lines, each by itself, and then with context takeover:
as if one connection sent all of them, so that a message may refer to earlier ones.

  ratio        bytes sent, divided by the bytes of the messages; a message that does not get smaller is sent as it is (by zlib, as zlib
               makes it). Short messages are compressed too: serve leaves those below --deflate-threshold as they are
  compress     microseconds of a message, the mean of all messages in the fastest pass
  decompress   likewise, of those that were compressed

zlib is that of Node, at its levels 1 (fast) and 6 (small): one call in this thread for each message, and with takeover a stream,
which works in another thread, so that the time is the time until the message is done. The machine should have nothing else to do.

Exit codes: 0, or 2 for wrong usage, such as a file that cannot be read.

Examples:
  wsloom deflate messages.jsonl
  wsloom deflate messages.jsonl --window-bits 15 --json`;

/** Adds the command that measures compression by the user's own messages. */
export function addDeflate(program: Command): void {
  const command = program
    .command('deflate')
    .description('measure what compression (permessage-deflate) makes of your messages, and what it costs')
    .argument('<file>', 'messages, one a line');
  for (const flag of FLAGS.values()) command.addOption(flag);
  command.option('--json', 'print all figures as one JSON object').addHelpText('after', HELP).action(deflate);
}

async function deflate(path: string, { json }: DeflateFlags, command: Command): Promise<void> {
  const { deflateMs, windowBits } = OPTIONS.resolve(valuesOf(FLAGS, command));
  const messages = messagesIn(readMessages(path), path);
  const isShown = process.stderr.isTTY;
  if (isShown) process.stderr.write(`measuring for about ${deflateMs / 1000} s …`);
  const study = await studyDeflate(messages, { seconds: deflateMs / 1000, windowBits });
  if (isShown) process.stderr.write('\r\x1b[K');
  process.stdout.write(json === true ? `${JSON.stringify(study, null, 2)}\n` : showDeflateStudy(study));
}

/** @throws OptionError */
function readMessages(path: string): Buffer {
  try {
    const bytes = readFileUpTo(path, MAX_FILE_BYTES);
    if (bytes !== undefined) return bytes;
    throw new OptionError('file', `${excerpt(path)} has too much: it may have up to 256 MiB`);
  } catch (cause) {
    if (cause instanceof OptionError) throw cause;
    throw new OptionError('file', `the messages cannot be read: ${(cause as Error).message}`, { cause });
  }
}

/**
 * The lines that are not empty, without their ends.
 * @param path for messages about it.
 * @throws OptionError
 */
export function messagesIn(file: Uint8Array, path: string): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let start = 0, line = 1; start < file.length; line++) {
    const newline = file.indexOf(0x0a, start);
    const next = newline < 0 ? file.length : newline + 1;
    let end = newline < 0 ? file.length : newline;
    if (end > start && file[end - 1] === 0x0d) end--;
    if (end - start > MAX_MESSAGE_BYTES) {
      throw new OptionError(
        'file',
        `line ${line} of ${excerpt(path)} has ${end - start} bytes: it may have up to 16 MiB`,
      );
    }
    if (end > start) messages.push(file.subarray(start, end));
    start = next;
  }
  if (messages.length > 0) return messages;
  throw new OptionError('file', `${excerpt(path)} has no message: it must have one a line`);
}

/** For how many messages a second costs and savings are told. */
const RATE = 10_000;

/** All of a study as text, for people. */
export function showDeflateStudy({ node, cpu, messages, bytes, lengths, windowBits, results }: DeflateStudy): string {
  const { least, median, most } = lengths;
  const counted = messages === 1 ? '1 message' : `${messages} messages`;
  const [first] = results;
  return [
    `Node ${node}, ${cpu}`,
    `${counted}, ${bytes} bytes: from ${least} to ${most} each, half of them up to ${median}`,
    `Each by itself; µs a message\n${figures(results.filter((one) => !one.contextTakeover))}`,
    `With context takeover, windows of ${sizeInWords(2 ** windowBits)}\n${figures(results.filter((one) => one.contextTakeover))}`,
    ...(first === undefined ? [] : [`${inWords(first, bytes / messages)}\n`]),
  ].join('\n\n');
}

function figures(results: readonly DeflateFigure[]): string {
  return table(
    ['', 'ratio', 'compress', 'decompress', 'as they are'],
    results.map(({ by, level, ratio, deflateMicros, inflateMicros, uncompressed }) => [
      `${by} ${level}`,
      ratio.toFixed(3),
      figure(deflateMicros),
      inflateMicros === 0 ? '' : figure(inflateMicros),
      String(uncompressed),
    ]),
  );
}

/** What the first way costs and saves, at a rate that is easy to multiply. */
function inWords({ by, level, ratio, deflateMicros }: DeflateFigure, messageBytes: number): string {
  const megabits = (RATE * messageBytes * (1 - ratio) * 8) / 1e6;
  const percent = (RATE * deflateMicros) / 1e4;
  const saved = `saves ${figure(megabits)} of ${figure((RATE * messageBytes * 8) / 1e6)} Mbit/s`;
  return `To send ${RATE} of these messages a second, ${by} ${level} ${saved}, and takes ${figure(percent)} % of a core.`;
}
