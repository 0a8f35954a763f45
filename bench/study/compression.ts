/** What candidates make of JSON messages of one size, and what that costs: ours, zlib in two ways, and JavaScript. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { DeflateMemory } from '#dist/client/deflate-memory.js';
import { type Codec, OwnCodec } from '#dist/study/codec.js';
import { measureCodec } from '#dist/study/study-deflate.js';
import { ZlibOneShot, ZlibStreams } from '#dist/study/zlib-codec.js';
import { BENCH } from '../paths.js';

/** The figures of one candidate for messages of one size. */
export interface CompressionFigure {
  readonly candidate: string;
  /** Whether messages refer to earlier ones, in a window of 4 KiB. */
  readonly contextTakeover: boolean;
  /** The size of a message. */
  readonly bytes: number;
  /** What is sent, divided by the size. */
  readonly ratio: number;
  /** Microseconds of a message: the mean of all, of the fastest pass. */
  readonly deflateMicros: number;
  readonly inflateMicros: number;
  /** Whether the rounds agree. Studies of format 1 do not say it. */
  readonly isSteady?: boolean;
}

interface Candidate {
  readonly candidate: string;
  readonly contextTakeover: boolean;
  make(): Codec;
}

const KIB = 1024;
const WINDOW_BITS = 12;
const SIZES = { full: [64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB], quick: [256, 4 * KIB] };
/** The time for one candidate and one size, in ms. */
const BUDGET_MS = { full: 100, quick: 20 };
/** How many different messages there are of a size: as many as have room in so many bytes, and some hundreds at most. */
const MESSAGES_BYTES = 4 * KIB * KIB;
const MOST_MESSAGES = 300;

const FFLATE = new URL('engines/node_modules/fflate/', BENCH);

/** What we use of fflate. */
interface Fflate {
  deflateSync(data: Uint8Array, options: { readonly level: number }): Uint8Array;
  inflateSync(data: Uint8Array, options: { readonly out: Uint8Array }): Uint8Array;
}

/** JavaScript. Its messages end with a last block, which RFC 7692 allows (section 7.2.3.4). */
class FflateCodec implements Codec {
  readonly #fflate: Fflate;
  readonly #level: number;

  constructor(fflate: Fflate, level: number) {
    this.#fflate = fflate;
    this.#level = level;
  }

  deflate(message: Uint8Array): Uint8Array {
    return this.#fflate.deflateSync(message, { level: this.#level });
  }

  inflate(compressed: Uint8Array, length: number): Uint8Array {
    return this.#fflate.inflateSync(compressed, { out: new Uint8Array(length) });
  }

  close(): void {}
}

/** The candidates that can be measured: fflate may not be installed. */
function candidates(): readonly Candidate[] {
  const memory = new DeflateMemory();
  const alone = { contextTakeover: false };
  const takeover = { contextTakeover: true };
  const levels = [1, 6];
  const own = (['fast', 'small'] as const).flatMap((level) => [
    { ...alone, candidate: `wsloom ${level}`, make: () => new OwnCodec(memory, level) },
    { ...takeover, candidate: `wsloom ${level}`, make: () => new OwnCodec(memory, level, WINDOW_BITS) },
  ]);
  const zlib = levels.flatMap((level) => [
    { ...alone, candidate: `zlib one-shot ${level}`, make: () => new ZlibOneShot(level) },
    { ...takeover, candidate: `zlib stream ${level}`, make: () => new ZlibStreams(level, WINDOW_BITS) },
  ]);
  return [...own, ...zlib, ...javaScript(levels)];
}

function javaScript(levels: readonly number[]): Candidate[] {
  if (!existsSync(new URL('package.json', FFLATE))) return [];
  const fflate = createRequire(new URL('package.json', FFLATE))('fflate') as Fflate;
  return levels.map((level) => ({
    candidate: `fflate ${level}`,
    contextTakeover: false,
    make: () => new FflateCodec(fflate, level),
  }));
}

/** @throws Error if a message of a candidate does not come out as it went in. */
export async function measureCompression(isQuick: boolean): Promise<CompressionFigure[]> {
  const effort = isQuick ? 'quick' : 'full';
  const figures: CompressionFigure[] = [];
  for (const bytes of SIZES[effort]) {
    const messages = jsonMessages(bytes);
    for (const { candidate, contextTakeover, make } of candidates()) {
      const { ratio, deflateMicros, inflateMicros } = await measureCodec(messages, make, BUDGET_MS[effort]);
      figures.push({ candidate, contextTakeover, bytes, ratio, deflateMicros, inflateMicros });
    }
  }
  return figures;
}

const NAMES = ['Ada', 'Björn', 'Chiara', 'Dmitri', 'Eun-ji', 'Fatou', 'Günther', 'Hye-jin'];
const WORDS = [
  'shoe',
  'left',
  'lost',
  'where',
  'garden',
  'yesterday',
  'nobody',
  'seen',
  'under',
  'table',
  'maybe',
  'again',
];

/** Different messages of exactly this size: objects like those of a chat, cut off at the end. */
export function jsonMessages(bytes: number): Uint8Array[] {
  let state = bytes;
  const next = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
  const record = () => {
    const text = Array.from({ length: 4 + next(9) }, () => WORDS[next(WORDS.length)]).join(' ');
    return { id: next(1_000_000), from: NAMES[next(NAMES.length)], at: 1_700_000_000 + next(10_000_000), text };
  };
  const count = Math.min(MOST_MESSAGES, Math.ceil(MESSAGES_BYTES / bytes));
  return Array.from({ length: count }, () => {
    let text = '';
    while (text.length < bytes) text += JSON.stringify(record());
    return Buffer.from(text).subarray(0, bytes);
  });
}
