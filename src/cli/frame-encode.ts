import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type Command, InvalidArgumentError, Option as Flag } from 'commander';
import type { DissectedFrame } from '../anatomy/dissected-frame.js';
import { FrameDissector } from '../anatomy/frame-dissector.js';
import { hexOf, readHex } from '../anatomy/hex.js';
import { makeFrame } from '../anatomy/make-frame.js';
import { OptionError } from '../options/option-error.js';
import { excerpt } from '../options/shown.js';
import { MASKING_KEY_BYTES } from '../protocol/client-frame.js';
import { joinCloseStatus } from '../protocol/close-payload.js';
import { Opcode, RSV1 } from '../protocol/opcode.js';
import { SHOWN_BYTES, SIDES, shownFrame } from './frame-decode.js';
import type { FrameOutput } from './frame-output.js';
import { deflatedMessage, messageInflater } from './message-deflate.js';

/** The flags that say what the frame is, of which there is one. True stands for a flag without the value that it may have. */
interface KindFlags {
  readonly text?: string;
  readonly binary?: Uint8Array;
  readonly ping?: string | true;
  readonly pong?: string | true;
  readonly close?: number | true;
  readonly continuation?: string | true;
  readonly opcode?: number;
}

interface EncodeFlags extends KindFlags {
  readonly reason?: string;
  readonly hex?: Uint8Array;
  /** The name of a file. */
  readonly file?: string;
  readonly from?: (typeof SIDES)[number];
  readonly mask: Uint8Array | 'random' | 'none' | 'by side';
  /** False with --no-fin. */
  readonly fin: boolean;
  readonly rsv1?: true;
  readonly rsv2?: true;
  readonly rsv3?: true;
  readonly length: '7' | '16' | '64' | 'fewest';
  readonly deflate?: true;
  readonly illegal?: true;
  readonly raw?: true;
  readonly diagram?: true;
}

/** The longest file, in bytes. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;

const KINDS = ['text', 'binary', 'ping', 'pong', 'close', 'continuation', 'opcode'] as const;

/** The opcodes that a flag takes by their names. */
const OPCODES: ReadonlyMap<string, number> = new Map(
  Object.entries(Opcode).map(([name, opcode]) => [name.toLowerCase(), opcode]),
);

const HELP = `
The payload of --ping, --pong, --close, --continuation and --opcode can be given by --hex or --file, too: --opcode text --hex ff
is a text that is not UTF-8. A text that begins with - goes behind an equals sign: --ping=-5.

A client has to mask its frames: --from client masks by a random key, unless --mask says by which.

Exit codes: 0, or 2 for wrong usage, such as a frame that breaks a rule of RFC 6455 without --illegal.

Examples:
  wsloom frame encode --text hello --mask 37fa213d
  wsloom frame encode --close 1001 --reason 'see you' --diagram
  wsloom frame encode --text Hel --no-fin && wsloom frame encode --continuation lo
  wsloom frame encode --opcode binary --file picture.png --from client --raw > frame.bin
  wsloom frame encode --text hello --deflate
  wsloom frame encode --ping --length 16 --illegal`;

/** Adds `wsloom frame encode`. */
export function addFrameEncode(frame: Command, output: FrameOutput): void {
  const command = frame.command('encode').description('make a frame, and print it in hex');
  const groups = { Frame: kindFlags(), Payload: payloadFlags(), Header: headerFlags(), Output: outputFlags() };
  for (const [group, flags] of Object.entries(groups)) {
    for (const flag of flags) command.addOption(flag.helpGroup(`${group}:`));
  }
  command.addHelpText('after', HELP).action((flags: EncodeFlags) => encode(flags, output));
}

function kindFlags(): Flag[] {
  const flags = [
    new Flag('--text <text>', 'a text message'),
    new Flag('--binary <hex>', 'a binary message').argParser(parseHex),
    new Flag('--ping [text]', 'a Ping'),
    new Flag('--pong [text]', 'a Pong'),
    new Flag('--close [code]', 'a Close frame').argParser(parseCloseCode),
    new Flag('--continuation [text]', 'a fragment of a message, but not the first'),
    new Flag('--opcode <opcode>', 'a frame with this opcode: a name, or a number from 0 to 15').argParser(parseOpcode),
  ];
  for (const flag of flags) flag.conflicts(KINDS.filter((kind) => kind !== flag.attributeName()));
  return flags;
}

function payloadFlags(): Flag[] {
  return [
    new Flag('--reason <text>', 'of --close with a code'),
    new Flag('--hex <hex>', 'the payload in hex').argParser(parseHex).conflicts('file'),
    new Flag('--file <path>', 'the payload is in a file of up to 16 MiB; -: standard input'),
    new Flag('--deflate', 'compress the message, and set RSV1 (permessage-deflate)').conflicts('rsv1'),
  ];
}

function headerFlags(): Flag[] {
  return [
    new Flag('--from <side>', 'who sends the frame: one of a client is masked').choices(SIDES),
    new Flag('--mask <key>', 'mask by four bytes in hex, or by random ones (random), or do not (none)')
      .argParser(parseMask)
      .default('by side', 'random from a client, else none'),
    new Flag('--no-fin', 'the message goes on in another frame'),
    ...[1, 2, 3].map((n) => new Flag(`--rsv${n}`, 'set a reserved bit, which breaks a rule')),
    new Flag('--length <bits>', 'how the length is encoded; more bits than it needs break a rule')
      .choices(['7', '16', '64'])
      .default('fewest', 'the fewest'),
    new Flag('--illegal', 'make the frame although it breaks a rule, and say on stderr which'),
  ];
}

function outputFlags(): Flag[] {
  return [
    new Flag('--raw', 'print the bytes as they are').conflicts('diagram'),
    new Flag('--diagram', 'draw the frame and explain it, as decode does'),
  ];
}

function parseHex(text: string): Uint8Array {
  try {
    return readHex(text);
  } catch (cause) {
    throw new InvalidArgumentError(`It must be bytes in hex, like 48656c6c6f (${(cause as Error).message}).`);
  }
}

function parseMask(text: string): Uint8Array | 'random' | 'none' {
  if (text === 'random' || text === 'none') return text;
  const key = parseHex(text);
  if (key.length !== MASKING_KEY_BYTES) {
    throw new InvalidArgumentError('It must be random, none, or four bytes in hex, like 37fa213d.');
  }
  return key;
}

function parseCloseCode(text: string): number {
  const code = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(code <= 0xffff)) throw new InvalidArgumentError('It must be a number, like 1000.');
  return code;
}

function parseOpcode(text: string): number {
  const opcode = OPCODES.get(text.toLowerCase()) ?? (/^(\d{1,2}|0x[\da-f])$/i.test(text) ? Number(text) : Number.NaN);
  if (!(opcode <= 0xf)) {
    throw new InvalidArgumentError(`It must be ${[...OPCODES.keys()].join(', ')}, or a number from 0 to 15.`);
  }
  return opcode;
}

async function encode(flags: EncodeFlags, output: FrameOutput): Promise<void> {
  const { opcode, value } = kindOf(flags);
  const bytes = frameOf(opcode, compressed(opcode, await payloadOf(flags, value), flags), flags);
  const frame = dissected(bytes, opcode, flags);
  const broken = frame.broken.map(({ found }) => `the frame breaks a rule: ${found}`);
  if (broken.length > 0 && flags.illegal !== true) {
    throw new OptionError('frame', `${broken.join('; ')}; --illegal makes it all the same`);
  }
  for (const text of broken) output.warn(text);
  if (flags.raw === true) await output.print(bytes);
  else await output.print(flags.diagram === true ? shownFrame(frame) : `${hexOf(bytes)}\n`);
}

/** What the frame is, and the value of the flag that says so: its payload, or a part of it. */
function kindOf(flags: KindFlags): {
  readonly opcode: number;
  readonly value: string | number | Uint8Array | undefined;
} {
  const kind = KINDS.find((one) => flags[one] !== undefined);
  if (kind === undefined) {
    throw new OptionError('frame', `say which frame to make, by one of ${KINDS.map((one) => `--${one}`).join(', ')}`);
  }
  if (kind === 'opcode') return { opcode: flags.opcode as number, value: undefined }; // it was found
  const value = flags[kind];
  return { opcode: OPCODES.get(kind) as number, value: value === true ? undefined : value }; // the others are names of opcodes
}

/** @throws OptionError for a payload that is given twice, or cannot be read. */
async function payloadOf(
  { hex, file, reason, close }: EncodeFlags,
  value: string | number | Uint8Array | undefined,
): Promise<Uint8Array> {
  const given = hex ?? (file === undefined ? undefined : await readPayload(file));
  if (reason !== undefined && typeof close !== 'number') {
    throw new OptionError('reason', '--reason needs --close with a code, like --close 1000');
  }
  if (value === undefined) return given ?? new Uint8Array(0);
  if (given !== undefined) {
    const flag = hex === undefined ? '--file' : '--hex';
    throw new OptionError('payload', `${flag} is a second payload: use it with --opcode, like --opcode text ${flag} …`);
  }
  if (typeof value === 'number') return joinCloseStatus(value, Buffer.from(reason ?? ''));
  return typeof value === 'string' ? Buffer.from(value) : value;
}

/** @throws OptionError for what is no whole message. */
function compressed(opcode: number, payload: Uint8Array, { deflate, fin }: EncodeFlags): Uint8Array {
  if (deflate !== true) return payload;
  const isMessage = fin && (opcode === Opcode.TEXT || opcode === Opcode.BINARY);
  if (!isMessage) throw new OptionError('frame', '--deflate compresses a text or binary message that is one frame');
  return deflatedMessage(payload);
}

/** @throws OptionError for a file that cannot be read, or is too long. */
async function readPayload(path: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const part of path === '-' ? process.stdin : createReadStream(path)) {
      parts.push(part as Uint8Array); // neither has an encoding
      bytes += parts.at(-1)?.length ?? 0;
      if (bytes > MAX_FILE_BYTES) throw new OptionError('file', `${excerpt(path)} has more than 16 MiB`);
    }
  } catch (cause) {
    if (cause instanceof OptionError) throw cause;
    throw new OptionError('file', `--file must be a file that can be read: ${(cause as Error).message}`, { cause });
  }
  return Buffer.concat(parts);
}

function frameOf(opcode: number, payload: Uint8Array, flags: EncodeFlags): Uint8Array {
  const { length, fin, deflate, rsv1, rsv2, rsv3 } = flags;
  try {
    return makeFrame({
      ...{ opcode, payload, isFinal: fin, key: keyOf(flags) },
      rsv: (rsv1 || deflate ? RSV1 : 0) | (rsv2 ? RSV1 >>> 1 : 0) | (rsv3 ? RSV1 >>> 2 : 0),
      lengthBits: length === 'fewest' ? undefined : Number(length),
    });
  } catch (cause) {
    if (cause instanceof RangeError) throw new OptionError('length', `--length: ${cause.message}`, { cause });
    throw cause;
  }
}

function keyOf({ from, mask }: EncodeFlags): Uint8Array | undefined {
  const isRandom = mask === 'random' || (mask === 'by side' && from === 'client');
  if (isRandom) return randomBytes(MASKING_KEY_BYTES);
  return typeof mask === 'string' ? undefined : mask;
}

/** The frame as a receiver sees it. A continuation goes on with a message that is not known. */
function dissected(bytes: Uint8Array, opcode: number, { from, deflate }: EncodeFlags): DissectedFrame {
  const isMidMessage = opcode === Opcode.CONTINUATION;
  const extension = deflate === true ? { allowedRsv: RSV1, inflate: messageInflater() } : {};
  const [frame] = new FrameDissector({ from, isMidMessage, keptBytes: SHOWN_BYTES, ...extension }).feed(bytes);
  return frame as DissectedFrame; // it is whole
}
