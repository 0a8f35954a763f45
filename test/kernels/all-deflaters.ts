import { constants, inflateRawSync } from 'node:zlib';
import {
  DEFLATE_LEVELS,
  DEFLATE_SCRATCH_BYTES,
  DEFLATE_SLACK_BYTES,
  type Deflater,
  NOT_SMALLER,
  UNFINISHED,
} from '../../dist/kernels/deflater.js';
import { NativeDeflater } from '../../dist/kernels/native-deflater.js';
import { wasmModule, wasmScalarModule } from '../../dist/kernels/wasm.js';
import { WasmDeflater } from '../../dist/kernels/wasm-deflater.js';
import { random } from '../e2e/pattern.js';

const MIB = 1024 * 1024;
/** Bytes that nobody may write to lie around everything. */
const CANARY = 0xa5;
const CANARIES = 64;
const WINDOW_BYTES = 32768;
/** The largest message of the tests. */
const MAX_BYTES = 4 * MIB;

const SCRATCH = 65536 + CANARIES;
const INPUT = MIB;
const OUTPUT = INPUT + MAX_BYTES + WINDOW_BYTES + MIB;

const memory = new WebAssembly.Memory({ initial: 192, maximum: 192 });
export const bytes: Buffer = Buffer.from(memory.buffer);

/** Every deflater at every level, over one memory, with one scratch. */
export const DEFLATERS: readonly (readonly [string, Deflater])[] = DEFLATE_LEVELS.flatMap((level) => [
  [`wasm, ${level}`, new WasmDeflater(wasmModule(memory), level, SCRATCH)] as const,
  [`wasm-scalar, ${level}`, new WasmDeflater(wasmScalarModule(memory), level, SCRATCH)] as const,
  [`native, ${level}`, new NativeDeflater(memory, level)] as const,
]);

/** Those of our own. */
export const WASM_DEFLATERS = DEFLATERS.filter(([name]) => name.startsWith('wasm'));

export interface Case {
  readonly message: Uint8Array;
  readonly history?: Uint8Array;
  readonly windowBits?: number;
  readonly capacity?: number;
  /** If it is given, the message is compressed in steps of so many bytes. */
  readonly budgetBytes?: number;
  /** What the scratch is filled with before. */
  readonly scratch?: number | Uint8Array;
}

/**
 * Compresses a message that lies between canaries.
 * @returns the output; undefined if the message does not get smaller.
 * @throws if anything was written outside of the output range and its slack, and the scratch.
 */
export function deflate(deflater: Deflater, one: Case): Buffer | undefined {
  const { message, history = Buffer.alloc(0), windowBits = 15, capacity = Math.max(0, message.length - 1) } = one;
  const input = INPUT + CANARIES + history.length;
  const inputEnd = input + message.length;
  bytes.fill(CANARY, SCRATCH - CANARIES, SCRATCH);
  bytes.fill(CANARY, SCRATCH + DEFLATE_SCRATCH_BYTES, SCRATCH + DEFLATE_SCRATCH_BYTES + CANARIES);
  if (one.scratch !== undefined) bytes.fill(one.scratch, SCRATCH, SCRATCH + DEFLATE_SCRATCH_BYTES);
  bytes.fill(CANARY, INPUT, INPUT + CANARIES);
  bytes.set(history, INPUT + CANARIES);
  bytes.set(message, input);
  bytes.fill(CANARY, inputEnd, inputEnd + CANARIES);
  bytes.fill(CANARY, OUTPUT - CANARIES, OUTPUT + capacity + CANARIES);

  const task = { input, length: message.length, historyBytes: history.length, windowBits, output: OUTPUT, capacity };
  const size = one.budgetBytes === undefined ? deflater.deflate(task) : inSteps(deflater, task, one.budgetBytes);

  const isUntouched = (from: number, to: number) => bytes.subarray(from, to).every((byte) => byte === CANARY);
  const isSame = (what: Uint8Array, at: number) => bytes.compare(what, 0, what.length, at, at + what.length) === 0;
  if (!isUntouched(SCRATCH - CANARIES, SCRATCH)) throw new Error('wrote in front of the scratch');
  const scratchEnd = SCRATCH + DEFLATE_SCRATCH_BYTES;
  if (!isUntouched(scratchEnd, scratchEnd + CANARIES)) throw new Error('wrote behind the scratch');
  if (!isUntouched(INPUT, INPUT + CANARIES)) throw new Error('wrote in front of the history');
  if (!isSame(history, INPUT + CANARIES)) throw new Error('wrote into the history');
  if (!isSame(message, input)) throw new Error('wrote into the message');
  if (!isUntouched(inputEnd, inputEnd + CANARIES)) throw new Error('wrote behind the message');
  if (!isUntouched(OUTPUT - CANARIES, OUTPUT)) throw new Error('wrote in front of the output');
  if (!isUntouched(OUTPUT + capacity + DEFLATE_SLACK_BYTES, OUTPUT + capacity + CANARIES)) {
    throw new Error('wrote behind the output and its slack');
  }
  if (size === NOT_SMALLER) return undefined;
  if (size < 1 || size > capacity || size >= message.length) throw new Error(`${size} bytes of ${message.length}`);
  return Buffer.from(bytes.subarray(OUTPUT, OUTPUT + size));
}

function inSteps(deflater: Deflater, task: Parameters<Deflater['begin']>[0], budgetBytes: number): number {
  deflater.begin(task);
  for (let steps = 0; steps <= task.length / budgetBytes + 1; steps++) {
    const size = deflater.goOn(budgetBytes);
    if (size !== UNFINISHED) return size;
  }
  throw new Error('takes more steps than its budget allows');
}

/** What zlib makes of a compressed message. */
export function inflate(compressed: Uint8Array, history: Uint8Array = Buffer.alloc(0)): Buffer {
  return inflateRawSync(Buffer.concat([compressed, Buffer.from([0, 0, 0xff, 0xff])]), {
    finishFlush: constants.Z_SYNC_FLUSH,
    ...(history.length > 0 && { dictionary: history }),
  });
}

/** Compresses, and lets zlib inflate. @returns the error, if there is one */
export function fault(deflater: Deflater, one: Case): string | undefined {
  const { message, history, windowBits } = one;
  const where = `${message.length} bytes, ${history?.length ?? 0} of history, ${windowBits ?? 15} bits`;
  const compressed = deflate(deflater, one);
  if (compressed === undefined) return undefined;
  return inflate(compressed, history).equals(message) ? undefined : `is inflated to something else: ${where}`;
}

const WORDS =
  'order price update user session message channel status pending active closed limit delta volume Möwe 床前明月光 🚀'.split(
    ' ',
  );

/** Kinds of messages, each of any length. */
export const KINDS: Readonly<Record<string, (seed: number, length: number) => Buffer>> = {
  json: (seed, length) => {
    const next = random(seed);
    const word = () => WORDS[Math.floor(next() * WORDS.length)];
    return cut(length, () => {
      const id = Math.floor(next() * 1e9);
      return `${JSON.stringify({ id, type: word(), text: `${word()} ${word()} ${word()}`, price: id / 100, ok: next() < 0.5 })},`;
    });
  },
  text: (seed, length) => {
    const next = random(seed);
    return cut(length, () => `${WORDS[Math.floor(next() * WORDS.length)]}${next() < 0.1 ? '.\n' : ' '}`);
  },
  'random bytes': (seed, length) => fill(length, random(seed), (next) => next() * 256),
  'two letters': (seed, length) => fill(length, random(seed), (next) => 97 + next() * 2),
  'skewed bytes': (seed, length) => fill(length, random(seed), (next) => 256 * next() ** 6),
  'one byte': (seed, length) => Buffer.alloc(length, seed),
  runs: (seed, length) => {
    const next = random(seed);
    return cut(
      length,
      () => Buffer.alloc(1 + Math.floor(600 * next() ** 4), next() * 256).toString('latin1'),
      'latin1',
    );
  },
  'all bytes': (seed, length) => Buffer.from(Array.from({ length }, (_, i) => (i * (2 * seed + 1)) & 0xff)),
};

function fill(length: number, next: () => number, byte: (next: () => number) => number): Buffer {
  const filled = Buffer.alloc(length);
  for (let i = 0; i < length; i++) filled[i] = byte(next);
  return filled;
}

function cut(length: number, part: () => string, encoding: BufferEncoding = 'utf8'): Buffer {
  const parts: Buffer[] = [];
  for (let sum = 0; sum < length; ) {
    const next = Buffer.from(part(), encoding);
    parts.push(next);
    sum += next.length;
  }
  return Buffer.concat(parts).subarray(0, length);
}

/** A message of a kind. */
export function make(kind: string, seed: number, length: number): Buffer {
  const maker = KINDS[kind];
  if (maker === undefined) throw new Error(`no kind ${kind}`);
  return maker(seed, length);
}
