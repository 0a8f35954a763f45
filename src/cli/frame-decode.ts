import { type Command, InvalidArgumentError, Option as Flag } from 'commander';
import { drawFrame } from '../anatomy/draw-frame.js';
import { explainFrame, summarizeFrame, summarizeMessage } from '../anatomy/explain-frame.js';
import type { DissectedFrame } from '../anatomy/dissected-frame.js';
import { FrameDissector } from '../anatomy/frame-dissector.js';
import { frameJson } from '../anatomy/frame-json.js';
import { HexReader } from '../anatomy/hex.js';
import { OptionError } from '../options/option-error.js';
import { RSV1 } from '../protocol/opcode.js';
import { printableJson } from '../telemetry/printable.js';
import type { FrameOutput } from './frame-output.js';
import { messageInflater } from './message-deflate.js';
import { parseSize } from './values.js';

/** The side that sends frames. */
export const SIDES = ['client', 'server'] as const;

interface DecodeFlags {
  readonly from?: (typeof SIDES)[number];
  readonly deflate?: true;
  readonly midMessage?: true;
  /** Bytes. */
  readonly payload: number;
  readonly raw?: true;
  readonly json?: true;
}

/** How much of a payload is shown, in bytes: by default, and at most. */
export const SHOWN_BYTES = 64;
const MAX_SHOWN_BYTES = 64 * 1024;

/** How many bytes of input are taken apart before what they say is written: each may bring half as many frames. */
const SLICE_BYTES = 4096;

const HELP = `
Hex may have white space, colons or commas between bytes, and 0x or \\x in front of them. There may be several frames, one behind
the other. A message that comes in fragments is shown with the last of them.

Each frame is drawn as RFC 6455 section 5.2 draws it, with its bits, and each field is explained. To the right of the payload
stands what it says: as ASCII, and unmasked if it is masked. Characters that a terminal would obey, and those that turn the
direction of text, are escaped.

The input may have any length: of a payload, and of a message, only as much is kept as --payload says, unless --deflate has to
decompress it: then up to 16 MiB. A frame that comes on standard input is shown as soon as it is whole.

Exit codes: 0, 1 if a frame breaks a rule of RFC 6455 or is cut off, or 2 for wrong usage, such as input that is no hex.

Examples:
  wsloom frame decode 818537fa213d7f9f4d5158
  wsloom frame decode --from server '01 03 48 65 6c' '80 02 6c 6f'
  wsloom frame decode --json - < frames.txt
  wsloom frame decode --raw --payload none < frames.bin`;

/** Adds `wsloom frame decode`. */
export function addFrameDecode(frame: Command, output: FrameOutput): void {
  frame
    .command('decode')
    .description('draw frames, and say what each field means and which rules are broken')
    .argument('[hex...]', 'frames in hex; -: standard input')
    .addOption(
      new Flag('--from <side>', 'who sends the frames: a client has to mask them, a server must not').choices(SIDES),
    )
    .option('--deflate', 'permessage-deflate is agreed on: RSV1 may be set, and compressed messages are decompressed')
    .option('--mid-message', 'the frames begin in the middle of a message, so that the first one may be a continuation')
    .addOption(
      new Flag('--payload <size>', 'how much of a payload is shown; none, or up to 64KiB')
        .argParser(parseShown)
        .default(SHOWN_BYTES, String(SHOWN_BYTES)),
    )
    .option('--raw', 'read bytes, not hex, from standard input')
    .option('--json', 'print each frame as one line of JSON')
    .addHelpText('after', HELP)
    .action((texts: readonly string[], flags: DecodeFlags) => decode(texts, flags, output));
}

/** How much of a payload is shown, in bytes. */
export function parseShown(text: string): number {
  const bytes = text === 'none' ? 0 : parseSize(text);
  if (bytes > MAX_SHOWN_BYTES) throw new InvalidArgumentError('It must be none, or a size of up to 64KiB.');
  return bytes;
}

async function decode(texts: readonly string[], flags: DecodeFlags, output: FrameOutput): Promise<void> {
  const report = new FrameReport(flags);
  for await (const bytes of inputOf(texts, flags.raw === true)) {
    for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
      if (!(await output.print(report.feed(bytes.subarray(at, at + SLICE_BYTES))))) return; // nobody reads it any more
    }
  }
  await output.print(report.end());
  if (report.broken > 0) output.endWith(1);
}

/** @throws OptionError for what is no hex, and for input that cannot be read. */
async function* inputOf(texts: readonly string[], isRaw: boolean): AsyncGenerator<Uint8Array> {
  const isStdin = texts.length === 1 && texts[0] === '-';
  if (isRaw && (isStdin || texts.length === 0)) {
    yield* stdin();
    return;
  }
  if (isRaw) throw new OptionError('raw', '--raw reads standard input, so that there can be no hex beside it');
  if (texts.length === 0) throw new OptionError('hex', 'a frame is missing: give it in hex, or - for standard input');
  if (!isStdin && texts.includes('-'))
    throw new OptionError('hex', '- stands for standard input, and must stand alone');
  const reader = new HexReader();
  try {
    if (isStdin) for await (const bytes of stdin()) yield reader.feed(Buffer.from(bytes).toString('latin1'));
    else yield reader.feed(texts.join(' '));
    reader.end();
  } catch (cause) {
    if (cause instanceof SyntaxError)
      throw new OptionError('hex', `the frames must be in hex: ${cause.message}`, { cause });
    throw cause;
  }
}

async function* stdin(): AsyncGenerator<Uint8Array> {
  try {
    for await (const bytes of process.stdin) yield bytes as Uint8Array; // it has no encoding
  } catch (cause) {
    throw new OptionError('stdin', `standard input cannot be read: ${(cause as Error).message}`, { cause });
  }
}

/** What `wsloom frame decode` prints. */
class FrameReport {
  readonly #dissector: FrameDissector;
  readonly #isJson: boolean;
  #frames = 0;
  /** How many frames break a rule. */
  broken = 0;

  constructor({ from, deflate, midMessage, payload, json }: DecodeFlags) {
    this.#dissector = new FrameDissector({
      ...{ from, keptBytes: payload },
      ...(deflate === true && { allowedRsv: RSV1, inflate: messageInflater() }),
      isMidMessage: midMessage === true,
    });
    this.#isJson = json === true;
  }

  /** @returns what is to be printed. */
  feed(bytes: Uint8Array): string {
    return this.#dissector
      .feed(bytes)
      .map((frame) => this.#show(frame))
      .join('');
  }

  /** @throws OptionError if there was no frame. */
  end(): string {
    const cut = this.#dissector.end();
    const last = cut === undefined ? '' : this.#show(cut);
    if (this.#frames === 0) throw new OptionError('hex', 'there is no frame: the input is empty');
    return this.#isJson ? last : `${last}${this.#total()}`;
  }

  #show(frame: DissectedFrame): string {
    this.#frames++;
    if (frame.broken.length > 0) this.broken++;
    if (this.#isJson) return `${printableJson({ frame: this.#frames, ...frameJson(frame) })}\n`;
    return `Frame ${this.#frames}, at byte ${frame.at}: ${shownFrame(frame)}\n`;
  }

  #total(): string {
    const open = this.#dissector.isMidMessage ? 'A message is not whole: its last frame, with FIN, is missing.\n' : '';
    const frames = this.#frames === 1 ? '1 frame' : `${this.#frames} frames`;
    return `${open}${frames}, ${this.broken === 0 ? 'no rule is broken' : `${this.broken} with broken rules`}\n`;
  }
}

/** A frame for people: on one line, drawn, and explained, with the message that it ends. With a line break at the end. */
export function shownFrame(frame: DissectedFrame): string {
  const { message } = frame;
  // The frame says all about a message that it has alone, and as it is.
  const isNews = message !== undefined && (message.frames > 1 || message.compressedBytes !== undefined);
  const whole = isNews ? `\nA ${summarizeMessage(message)}\n` : '';
  return `${summarizeFrame(frame)}\n\n${drawFrame(frame)}\n\n${explainFrame(frame)}\n${whole}`;
}
