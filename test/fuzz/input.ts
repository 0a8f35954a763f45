/** Inputs of the fuzzer: valid streams, mutated, and how they are cut into reads. */
import { constants, deflateRawSync } from 'node:zlib';
import type { DeflateDirection } from '../../dist/protocol/deflate/agreement.js';
import { ODD_STREAMS } from '../deflate/odd-streams.js';
import { randomBlock } from '../deflate/random-block.js';
import { anyOptions, content } from '../kernels/deflated.js';
import {
  BINARY,
  bytesOf,
  CLOSE,
  CONTINUATION,
  type FrameParts,
  frame,
  headerWithoutKey,
  longText,
  noise,
  PING,
  PONG,
  TEXT,
} from '../protocol/client-frames.js';
import { Dice } from './dice.js';

/** How a stream is fed, and to which reader. */
export interface Setting {
  /** Sizes of the reads, used in turn. */
  readonly sizes: readonly number[];
  readonly maxPayloadBytes: number;
  readonly maxEmptyFragments: number;
  /** Whether the arena is so full that messages must go to the heap. */
  readonly fullArena: boolean;
  /** After this many events the listener makes a pause, again and again; 0 for no pauses. */
  readonly pauseEach: number;
  /** Whether the slabs of messages are detached, as a write that is not finished at once does. */
  readonly detaches: boolean;
  /** Whether the framing loop goes on behind a Close frame, which no server does. */
  readonly readsOnAfterClose: boolean;
  /** Whether the connection is given up (by a hook, for example) while the next read goes to the end of a message. */
  readonly endsWhileLent: boolean;
  /** How the client compresses, if it may. */
  readonly deflate: DeflateDirection | undefined;
  /** Whether the listener makes a pause whenever a part of a message was inflated. */
  readonly pausesInflating: boolean;
}

export interface Input {
  readonly stream: Buffer;
  readonly setting: Setting;
}

const LIMITS = [1, 125, 300, 5000, 70_000, 16 * 1024 * 1024, 16 * 1024 * 1024, 2 ** 32 - 1];
const LONG_LIMITS = [70_000, 16 * 1024 * 1024, 16 * 1024 * 1024, 2 ** 32 - 1];
/** From this many bytes on, streams are fed so that reads go to the ends of messages. */
const LONG_BYTES = 16 * 1024;
const EMPTY_LIMITS = [0, 1, 3, 100, 100, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
/** Where the encodings of lengths, the capacities of slabs and the thresholds of kernels change. */
const EDGES = [0, 1, 15, 16, 17, 63, 64, 65, 124, 125, 126, 127, 128, 255, 256, 1023, 1024, 3072, 16_384];
const LONG_EDGES = [65_534, 65_535, 65_536, 65_537, 131_072, 262_144, 262_145];
/** One of this many inputs has a long message. There are few, because the reference is slow. */
const LONG_EACH = 25;

/** UTF-8, and bytes that look like UTF-8: overlong, surrogates, too large, cut, out of place. */
const CHARACTERS = [
  'a',
  '~',
  '\u0080',
  '\u07ff',
  '\u0800',
  '\u20ac',
  '\ud7ff',
  '\ufffd',
  '\u{10000}',
  '\u{10ffff}',
].map((text) => Buffer.from(text));
const NO_CHARACTERS = ['80', 'c0', 'c080', 'c1bf', 'c3', 'e0', 'e09fbf', 'e282', 'eda080', 'f08fbfbf', 'f09f', 'f09f98']
  .concat(['f4908080', 'f5', 'ff', 'bf'])
  .map((hex) => Buffer.from(hex, 'hex'));

/** Makes the input with a number. */
export function inputOf(seed: number, number: number): Input {
  const dice = new Dice(seed, number);
  const client = dice.chance(0.5) ? new DeflatingClient(dice) : undefined;
  let stream: Buffer = Buffer.concat(conversation(dice, number % LONG_EACH === 0, client));
  const times = dice.pick([0, 0, 1, 1, 1, 2, 3, 8]);
  for (let i = 0; i < times; i++) stream = mutated(stream, dice);
  return { stream, setting: settingOf(dice, stream.length, dice.chance(0.95) ? client?.direction : undefined) };
}

function settingOf(dice: Dice, length: number, deflate: DeflateDirection | undefined): Setting {
  return {
    sizes: sizesOf(dice, length),
    maxPayloadBytes: dice.pick(length > LONG_BYTES ? LONG_LIMITS : LIMITS),
    maxEmptyFragments: dice.pick(EMPTY_LIMITS),
    fullArena: dice.chance(0.4),
    pauseEach: dice.pick([0, 0, 1, 2, 3]),
    detaches: dice.chance(0.3),
    readsOnAfterClose: dice.chance(0.5),
    endsWhileLent: dice.chance(0.2),
    deflate,
    pausesInflating: dice.chance(0.3),
  };
}

/** A client that compresses some of its messages, with context takeover or without, and not always in the right way. */
class DeflatingClient {
  readonly direction: DeflateDirection;
  readonly #dice: Dice;
  #history: Buffer = Buffer.alloc(0);

  constructor(dice: Dice) {
    this.#dice = dice;
    this.direction = { windowBits: 9 + dice.below(7), contextTakeover: dice.chance(0.6) };
  }

  /** @returns undefined if it sends the message as it is. */
  compress(message: Buffer): Buffer | undefined {
    const dice = this.#dice;
    if (dice.chance(0.3)) return undefined;
    if (dice.chance(0.06)) return dice.pick(ODD_STREAMS).message;
    if (dice.chance(0.04)) return randomBlock(dice);
    const stream = this.#deflate(this.#dice.chance(0.2) ? this.#other() : message);
    if (stream.length > 0 && dice.chance(0.06)) return mutated(stream, dice);
    return stream;
  }

  /** What shows best how a message is inflated: repetitions, and once in a while much of the same. */
  #other(): Buffer {
    const dice = this.#dice;
    return dice.chance(0.15) ? Buffer.alloc(dice.size(600_000), dice.below(128)) : content(dice, 4000);
  }

  #deflate(message: Buffer): Buffer {
    const { windowBits, contextTakeover } = this.direction;
    const { level = 6, memLevel = 8 } = anyOptions(this.#dice);
    const dictionary = this.#history;
    const options = { windowBits, level, memLevel, finishFlush: constants.Z_SYNC_FLUSH };
    const stream = deflateRawSync(message, dictionary.length > 0 ? { ...options, dictionary } : options);
    if (contextTakeover) this.#history = Buffer.concat([this.#history, message]).subarray(-(2 ** windowBits));
    return this.#dice.chance(0.1) ? stream : stream.subarray(0, -4);
  }
}

/** The whole at once, byte by byte, cut at one place, or in pieces of a few sizes. */
function sizesOf(dice: Dice, length: number): number[] {
  const way = dice.below(4);
  const pieces = (most: () => number) => Array.from({ length: 1 + dice.below(6) }, () => 1 + most());
  if (length > LONG_BYTES && way > 0) return pieces(() => (dice.chance(0.8) ? dice.below(60_000) : dice.size(200)));
  if (way === 0) return [Math.max(1, length)];
  if (way === 1 && length < 3000) return [1];
  if (way === 2) return [1 + dice.below(Math.max(1, length)), Math.max(1, length)];
  return pieces(() => dice.size(200));
}

/** A stream of a client: messages in fragments, control frames between them, and sometimes an error. */
function conversation(dice: Dice, isLong: boolean, client?: DeflatingClient): Buffer[] {
  const frames: Buffer[] = [];
  const messages = 1 + dice.below(5);
  for (let i = 0; i < messages; i++) {
    const isText = dice.chance(isLong && i === 0 ? 0.2 : 0.5);
    const payload = isLong && i === 0 ? longPayload(dice, isText) : isText ? textOf(dice) : binaryOf(dice);
    const compressed = client?.compress(payload);
    frames.push(...message(dice, isText ? TEXT : BINARY, compressed ?? payload, compressed === undefined ? 0 : 4));
    if (dice.chance(0.3)) frames.push(control(dice));
  }
  return frames;
}

function message(dice: Dice, opcode: number, payload: Buffer, firstRsv: number): Buffer[] {
  const frames: Buffer[] = [];
  let at = 0;
  let first = opcode;
  let rsv = firstRsv;
  while (dice.chance(0.4)) {
    const end = dice.chance(0.2) ? at : at + dice.below(payload.length - at + 1);
    // A run of empty fragments, near the limit.
    const copies = end === at ? dice.pick([1, 1, 1, 1, 1, 2, 3, 4, 100, 101]) : 1;
    for (let i = 0; i < copies; i++) {
      frames.push(nearlyFrame(dice, { opcode: first, rsv, fin: false, payload: payload.subarray(at, end) }));
      first = CONTINUATION;
      rsv = 0;
    }
    if (dice.chance(0.3)) frames.push(control(dice));
    at = end;
  }
  frames.push(nearlyFrame(dice, { opcode: first, rsv, payload: payload.subarray(at) }));
  return frames;
}

function control(dice: Dice): Buffer {
  const payload = dice.bytes(dice.chance(0.2) ? 125 : dice.size(125));
  return nearlyFrame(dice, { opcode: dice.pick([PING, PONG, CLOSE]), payload });
}

/** A frame with any key. One in some dozens has an error in its header. */
function nearlyFrame(dice: Dice, right: FrameParts): Buffer {
  const parts = { ...right, key: dice.chance(0.1) ? [0, 0, 0, 0] : [...dice.bytes(4)] };
  if (!dice.chance(0.03)) return frame(parts);
  const wrong = dice.below(7);
  if (wrong === 0) return frame({ ...parts, opcode: dice.below(16) });
  if (wrong === 1) return frame({ ...parts, fin: right.fin === false });
  if (wrong === 2) return frame({ ...parts, rsv: 1 + dice.below(7) });
  if (wrong === 3) return frame({ ...parts, key: null });
  if (wrong === 4 && bytesOf(right.payload ?? '').length < 65_536) return frame({ ...parts, lengthBits: 16 });
  if (wrong === 5) return frame({ ...parts, lengthBits: 64 });
  return Buffer.concat([
    headerWithoutKey({ ...parts, lengthBits: 64, declaredLength: anyLength(dice) }),
    dice.bytes(6),
  ]);
}

/** Lengths that have broken other servers: the top bit, more than a double or an int32 holds, sums that overflow. */
function anyLength(dice: Dice): bigint {
  const powers = [0, 7, 16, 31, 32, 33, 52, 53, 54, 62, 63];
  const length = (1n << BigInt(dice.pick(powers))) + BigInt(dice.below(3) - 1);
  return dice.chance(0.1) ? 0xffff_ffff_ffff_ffffn : length;
}

function binaryOf(dice: Dice): Buffer {
  return dice.bytes(dice.chance(0.3) ? Math.min(dice.pick(EDGES), 1024) : dice.size(600));
}

function longPayload(dice: Dice, isText: boolean): Buffer {
  if (isText) return longText(dice.pick(EDGES) + dice.size(30_000), 1 + dice.below(1e6));
  return noise(dice.chance(0.5) ? dice.pick(LONG_EDGES) : LONG_BYTES + dice.below(300_000), 1 + dice.below(1e6));
}

function textOf(dice: Dice): Buffer {
  if (dice.chance(0.1)) return longText(dice.size(600), 1 + dice.below(1e6));
  const characters = Array.from({ length: dice.size(60) }, () => dice.pick(CHARACTERS));
  // Kernels look at 16 bytes at a time: something wrong may follow a run of ASCII.
  if (dice.chance(0.3)) characters.splice(dice.below(characters.length + 1), 0, Buffer.alloc(dice.size(80), 'x'));
  if (dice.chance(0.15)) characters.splice(dice.below(characters.length + 1), 0, dice.pick(NO_CHARACTERS));
  return Buffer.concat(characters);
}

type Mutation = (stream: Buffer, dice: Dice) => Buffer;

const MUTATIONS: readonly Mutation[] = [flipBit, setByte, damageHeader, truncate, remove, duplicate, splice, insert];

function mutated(stream: Buffer, dice: Dice): Buffer {
  return stream.length === 0 ? dice.bytes(4) : dice.pick(MUTATIONS)(stream, dice);
}

function flipBit(stream: Buffer, dice: Dice): Buffer {
  const changed = Buffer.from(stream);
  const at = dice.below(stream.length);
  changed[at] = (changed[at] as number) ^ (1 << dice.below(8));
  return changed;
}

function setByte(stream: Buffer, dice: Dice): Buffer {
  const changed = Buffer.from(stream);
  changed[dice.below(stream.length)] = dice.pick([0x00, 0x7f, 0x80, 0xc1, 0xfe, 0xff, dice.below(256)]);
  return changed;
}

/** Changes one of the first two bytes of a frame, wherever frames begin in a stream that is not damaged yet. */
function damageHeader(stream: Buffer, dice: Dice): Buffer {
  const starts = frameStarts(stream);
  const changed = Buffer.from(stream);
  const at = dice.pick(starts) + dice.below(2);
  if (at < changed.length) changed[at] = (changed[at] as number) ^ (1 << dice.below(8));
  return changed;
}

function truncate(stream: Buffer, dice: Dice): Buffer {
  return stream.subarray(0, dice.below(stream.length));
}

function remove(stream: Buffer, dice: Dice): Buffer {
  const [start, end] = range(stream, dice);
  return Buffer.concat([stream.subarray(0, start), stream.subarray(end)]);
}

function duplicate(stream: Buffer, dice: Dice): Buffer {
  const [start, end] = range(stream, dice);
  return Buffer.concat([stream.subarray(0, end), stream.subarray(start)]);
}

/** Puts a part of another conversation into this one. */
function splice(stream: Buffer, dice: Dice): Buffer {
  const other = Buffer.concat(conversation(dice, false));
  const [start, end] = range(other, dice);
  const at = boundary(stream, dice);
  return Buffer.concat([stream.subarray(0, at), other.subarray(start, end), stream.subarray(at)]);
}

function insert(stream: Buffer, dice: Dice): Buffer {
  const at = boundary(stream, dice);
  return Buffer.concat([stream.subarray(0, at), dice.bytes(1 + dice.size(12)), stream.subarray(at)]);
}

function range(stream: Buffer, dice: Dice): readonly [start: number, end: number] {
  const a = boundary(stream, dice);
  const b = boundary(stream, dice);
  return a < b ? [a, b] : [b, a];
}

/** A place to cut: mostly between frames, where the rest stays valid. */
function boundary(stream: Buffer, dice: Dice): number {
  return dice.chance(0.7) ? dice.pick(frameStarts(stream)) : dice.below(stream.length + 1);
}

/** The places where frames begin, and the end of the stream. Stops at the first byte that begins no frame. */
function frameStarts(stream: Buffer): number[] {
  const starts = [0];
  for (let at = 0; at + 2 <= stream.length; ) {
    const short = (stream[at + 1] as number) & 0x7f;
    const headerBytes = short === 126 ? 8 : short === 127 ? 14 : 6;
    if (at + headerBytes > stream.length) break;
    const length =
      short === 126 ? stream.readUInt16BE(at + 2) : short === 127 ? Number(stream.readBigUInt64BE(at + 2)) : short;
    at += headerBytes + length;
    if (at > stream.length) break;
    starts.push(at);
  }
  return starts;
}
