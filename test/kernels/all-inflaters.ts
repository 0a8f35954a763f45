import {
  ALL_WORK,
  INFLATE_REGION_BYTES,
  InflateResult,
  type Inflater,
  MAX_HISTORY_BYTES,
} from '../../dist/kernels/inflater.js';
import { NativeInflater } from '../../dist/kernels/native-inflater.js';
import { wasmModule, wasmScalarModule } from '../../dist/kernels/wasm.js';
import { WasmInflater } from '../../dist/kernels/wasm-inflater.js';
import { FREE, newMemory } from './all-kernels.js';

const KIB = 1024;
const memory = newMemory(64);
const bytes = Buffer.from(memory.buffer);

/** Where the inflaters work, with canaries around each region, and where input and output lie. */
const REGIONS = FREE + 64;
const REGION_STRIDE = INFLATE_REGION_BYTES + 64;
const INPUT = FREE + 128 * KIB;
const HISTORY = FREE + 1024 * KIB;
const OUTPUT = HISTORY + 64 + MAX_HISTORY_BYTES;

/** More than any output of these tests. */
export const MOST_BYTES = bytes.length - OUTPUT - 1024;

const CANARY = 0xc5;
const CANARIES = Buffer.alloc(64, CANARY);

function guard(start: number, end: number): void {
  bytes.fill(CANARY, start - CANARIES.length, start);
  bytes.fill(CANARY, end, end + CANARIES.length);
}

function isUntouched(start: number, end: number): boolean {
  return (
    bytes.compare(CANARIES, 0, CANARIES.length, start - CANARIES.length, start) === 0 &&
    bytes.compare(CANARIES, 0, CANARIES.length, end, end + CANARIES.length) === 0
  );
}

const regionAt = (index: number) => REGIONS + index * REGION_STRIDE;
for (const index of [0, 1]) guard(regionAt(index), regionAt(index) + INFLATE_REGION_BYTES);

/** The inflaters in WebAssembly, and all of them. */
export const WASM_INFLATERS: readonly (readonly [string, Inflater])[] = [
  ['wasm', new WasmInflater(wasmModule(memory), regionAt(0))],
  ['wasm-scalar', new WasmInflater(wasmScalarModule(memory), regionAt(1))],
];
export const NATIVE: Inflater = new NativeInflater(memory);
export const INFLATERS: readonly (readonly [string, Inflater])[] = [...WASM_INFLATERS, ['native', NATIVE]];

const NAMES = Object.keys(InflateResult);

/** The name of a result. */
export function nameOf(result: number): string {
  return NAMES[result] ?? String(result);
}

export interface Inflated {
  readonly verdict: string;
  /** What is there of the output. */
  readonly output: Buffer;
}

export interface Inflation {
  readonly history?: Uint8Array;
  /** How many bytes there is room for. */
  readonly room?: number;
  readonly work?: number;
  /** Where the input begins, more than at a multiple of 64. */
  readonly shift?: number;
}

/**
 * Puts a message and its history where the inflater wants them, with canaries around both and behind the room for the output, and
 * begins with it. It throws if a canary, the input or the history has changed.
 */
export function begin(inflater: Inflater, message: Uint8Array, inflation: Inflation = {}): Inflated {
  const { history = new Uint8Array(), room = MOST_BYTES, work = ALL_WORK, shift = 0 } = inflation;
  const from = INPUT + shift;
  bytes.set(message, from);
  guard(from, from + message.length);
  bytes.set(history, OUTPUT - history.length);
  guard(OUTPUT - history.length, OUTPUT + room);
  const result = inflater.inflate(from, message.length, OUTPUT, history.length, OUTPUT + room, work);
  check(message, history, from, room);
  return { verdict: nameOf(result), output: output(inflater) };
}

/** Goes on with the message, with so much room in all. */
export function goOn(inflater: Inflater, room = MOST_BYTES, work = ALL_WORK): Inflated {
  bytes.fill(CANARY, OUTPUT + room, OUTPUT + room + CANARIES.length);
  const result = inflater.goOn(OUTPUT + room, work);
  if (bytes.compare(CANARIES, 0, CANARIES.length, OUTPUT + room, OUTPUT + room + CANARIES.length) !== 0) {
    throw new Error(`wrote beyond the limit of ${room}`);
  }
  return { verdict: nameOf(result), output: output(inflater) };
}

function output(inflater: Inflater): Buffer {
  return Buffer.from(bytes.subarray(OUTPUT, OUTPUT + inflater.written));
}

function check(message: Uint8Array, history: Uint8Array, from: number, room: number): void {
  for (const index of [0, 1]) {
    if (!isUntouched(regionAt(index), regionAt(index) + INFLATE_REGION_BYTES)) throw new Error('wrote around a region');
  }
  if (!isUntouched(from, from + message.length)) throw new Error('wrote around the input');
  if (bytes.compare(message, 0, message.length, from, from + message.length) !== 0)
    throw new Error('changed the input');
  if (!isUntouched(OUTPUT - history.length, OUTPUT + room)) throw new Error('wrote around the output');
  if (bytes.compare(history, 0, history.length, OUTPUT - history.length, OUTPUT) !== 0) {
    throw new Error('changed the history');
  }
}
