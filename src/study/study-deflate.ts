/** Measures what compression makes of the user's own messages, and what it costs, on this machine. It wants a quiet one. */
import { cpus } from 'node:os';
import { DeflateMemory } from '../client/deflate-memory.js';
import { DEFLATE_LEVELS, type DeflateLevel } from '../kernels/deflater.js';
import { type Codec, OwnCodec } from './codec.js';
import { ZlibOneShot, ZlibStreams } from './zlib-codec.js';

/** What one way to compress makes of all messages. */
export interface DeflateFigure {
  /** 'wsloom', or 'zlib' for the zlib of Node. */
  readonly by: 'wsloom' | 'zlib';
  /** For zlib, 'fast' is its level 1 and 'small' its level 6. */
  readonly level: DeflateLevel;
  /** Whether messages refer to earlier ones, as if one connection sent all of them in their order. */
  readonly contextTakeover: boolean;
  /** What is sent of all messages, in bytes: those that do not get smaller go as they are, except by zlib. */
  readonly bytes: number;
  /** These bytes, divided by the bytes of the messages. */
  readonly ratio: number;
  /** How many messages go as they are. */
  readonly uncompressed: number;
  /** The time to compress a message, in microseconds: the mean of all, of the fastest pass. */
  readonly deflateMicros: number;
  /** The time to decompress a message that was compressed, likewise. */
  readonly inflateMicros: number;
}

export interface DeflateStudy {
  readonly node: string;
  readonly cpu: string;
  readonly messages: number;
  readonly bytes: number;
  /** The lengths of the shortest, the middle and the longest message, in bytes. */
  readonly lengths: { readonly least: number; readonly median: number; readonly most: number };
  /** Of the window with context takeover, as a power of two in bytes. */
  readonly windowBits: number;
  readonly results: readonly DeflateFigure[];
}

export interface DeflateStudyOptions {
  /** How long to measure, about. It takes at least two passes of each of the eight ways. */
  readonly seconds: number;
  readonly windowBits: number;
}

/** What zlib calls the levels. */
const ZLIB_LEVELS: Readonly<Record<DeflateLevel, number>> = { fast: 1, small: 6 };

/** How many times each message is compressed and decompressed at least: the first time is not measured. */
const LEAST_PASSES = 2;

/**
 * Measures compression by messages. Every message is compressed, however short.
 * @param messages at least one.
 * @throws Error if a message does not come out as it went in.
 */
export async function studyDeflate(
  messages: readonly Uint8Array[],
  { seconds, windowBits }: DeflateStudyOptions,
): Promise<DeflateStudy> {
  const memory = new DeflateMemory();
  const ways: (Pick<DeflateFigure, 'by' | 'level' | 'contextTakeover'> & { readonly make: () => Codec })[] = [];
  for (const contextTakeover of [false, true]) {
    for (const level of DEFLATE_LEVELS) {
      const own = () => new OwnCodec(memory, level, contextTakeover ? windowBits : undefined);
      const zlibLevel = ZLIB_LEVELS[level];
      const zlib = () => (contextTakeover ? new ZlibStreams(zlibLevel, windowBits) : new ZlibOneShot(zlibLevel));
      ways.push(
        { by: 'wsloom', level, contextTakeover, make: own },
        { by: 'zlib', level, contextTakeover, make: zlib },
      );
    }
  }
  const results: DeflateFigure[] = [];
  for (const { make, ...way } of ways) {
    results.push({ ...way, ...(await measureCodec(messages, make, (seconds * 1000) / ways.length)) });
  }
  const lengths = messages.map(({ length }) => length).sort((a, b) => a - b);
  const at = (share: number) => lengths[Math.floor(share * (lengths.length - 1))] as number;
  return {
    node: process.version,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    messages: messages.length,
    bytes: bytesOf(messages),
    lengths: { least: at(0), median: at(0.5), most: at(1) },
    windowBits,
    results,
  };
}

/** What one codec makes of all messages. */
export type CodecFigure = Omit<DeflateFigure, 'by' | 'level' | 'contextTakeover'>;

/**
 * Measures one codec.
 * @param budgetMs for all passes, in ms.
 * @throws Error if a message does not come out as it went in.
 */
export async function measureCodec(
  messages: readonly Uint8Array[],
  make: () => Codec,
  budgetMs: number,
): Promise<CodecFigure> {
  const compressed = await roundTrip(messages, make);
  const end = performance.now() + budgetMs;
  let deflateMs = Number.POSITIVE_INFINITY;
  let inflateMs = Number.POSITIVE_INFINITY;
  for (let pass = 1; pass < LEAST_PASSES || performance.now() < end; pass++) {
    const codec = make();
    deflateMs = Math.min(deflateMs, await timeOf(() => deflateAll(codec, messages)));
    inflateMs = Math.min(inflateMs, await timeOf(() => inflateAll(codec, messages, compressed)));
    codec.close();
  }
  const uncompressed = compressed.filter((one) => one === undefined).length;
  const bytes = bytesOf(compressed.map((one, i) => one ?? (messages[i] as Uint8Array)));
  const inflated = messages.length - uncompressed;
  return {
    bytes,
    ratio: bytes / bytesOf(messages),
    uncompressed,
    deflateMicros: (deflateMs * 1000) / messages.length,
    inflateMicros: inflated === 0 ? 0 : (inflateMs * 1000) / inflated,
  };
}

/** Compresses and decompresses all messages once. @returns what is sent of each; undefined for those that go as they are. */
async function roundTrip(messages: readonly Uint8Array[], make: () => Codec): Promise<(Uint8Array | undefined)[]> {
  const codec = make();
  const all: (Uint8Array | undefined)[] = [];
  for (const message of messages) {
    const output = await codec.deflate(message);
    const compressed = output && Uint8Array.from(output);
    all.push(compressed);
    if (compressed === undefined) continue;
    const inflated = await codec.inflate(compressed, message.length);
    if (Buffer.compare(inflated, message) !== 0) throw new Error('a message did not come out as it went in');
  }
  codec.close();
  return all;
}

/** Awaits only promises: to await a value costs as much as to compress a short message. */
async function deflateAll(codec: Codec, messages: readonly Uint8Array[]): Promise<void> {
  for (const message of messages) {
    const output = codec.deflate(message);
    if (output instanceof Promise) await output;
  }
}

async function inflateAll(
  codec: Codec,
  messages: readonly Uint8Array[],
  compressed: readonly (Uint8Array | undefined)[],
): Promise<void> {
  for (const [i, one] of compressed.entries()) {
    if (one === undefined) continue;
    const output = codec.inflate(one, (messages[i] as Uint8Array).length);
    if (output instanceof Promise) await output;
  }
}

/** In ms. */
async function timeOf(run: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

function bytesOf(messages: readonly Uint8Array[]): number {
  return messages.reduce((sum, { length }) => sum + length, 0);
}
