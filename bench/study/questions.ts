/**
 * What readers ask beside the speed of warm code: how long it takes to start, after how many calls it is fast, what growing memory costs,
 * and whether shared memory is slower. Each round asks each question once, in a new process that is asked nothing else, so that the
 * answers have attempts like all figures, and none depends on what was asked before.
 */
import { existsSync, readFileSync } from 'node:fs';
import { JsWordKernel } from '#dist/kernels/js.js';
import type { Kernel } from '#dist/kernels/kernel.js';
import { COMPILED, ROOT } from '../paths.js';

/** What one round says to one question about one thing. */
export interface Answer {
  readonly question: Question;
  readonly subject: string;
  readonly value: number;
}

/** The questions, and the units of their answers. */
export const QUESTIONS = {
  compile: 'µs',
  instantiate: 'µs',
  'first call': 'µs',
  'calls until fast': 'calls',
  grow: 'µs',
  'new view': 'ns',
  'shared memory': 'ns',
  'memory of its own': 'ns',
} as const;
export type Question = keyof typeof QUESTIONS;

const PAGE = 65536;
const MIB = 1024 * 1024;
const LENGTH = 1024;
const KEY = 0x3d21fa37;
/** The module that is built for shared memory: ./run builds it. */
export const SHARED_MODULE = new URL('kernels-shared.wasm', COMPILED);
/** The size of its memory, in pages: no page is there before it is touched. */
export const SHARED_PAGES = 16;

/** In ms. */
type Clock = () => number;

/** What a new process does to answer one question about one thing, or two where the second follows from the first. */
type Ask = (now: Clock) => Answer[];

const MODULES = { wasm: 'dist/kernels.wasm', 'wasm-scalar': 'dist/kernels-scalar.wasm' } as const;
type ModuleName = keyof typeof MODULES;
const MODULE_NAMES = Object.keys(MODULES) as ModuleName[];

const bytesOf = (name: ModuleName) => readFileSync(new URL(MODULES[name], ROOT));
const ownMemory = () => new WebAssembly.Memory({ initial: 3 });

const answer = (question: Question, subject: string, value: number): Answer => ({
  question,
  subject,
  value: rounded(value),
});

function microsOf(run: () => void, now: Clock): number {
  const start = now();
  run();
  return (now() - start) * 1000;
}

/** What compiling costs depends on whether anything was compiled before, and memory on what was there: so each of these is asked alone. */
function startOf(subject: ModuleName): Record<string, Ask> {
  return {
    [`compile ${subject}`]: (now) => {
      const bytes = bytesOf(subject);
      return [
        answer(
          'compile',
          subject,
          microsOf(() => new WebAssembly.Module(bytes), now),
        ),
      ];
    },
    [`instantiate ${subject}`]: (now) => {
      const module = new WebAssembly.Module(bytesOf(subject));
      const memory = ownMemory();
      return [
        answer(
          'instantiate',
          subject,
          microsOf(() => exportsOf(module, memory), now),
        ),
      ];
    },
  };
}

/** The first call, and those until code is fast. */
function callsOf(subject: 'js' | ModuleName): Ask {
  return (now) => {
    const memory = ownMemory();
    const kernel =
      subject === 'js' ? new JsWordKernel(memory) : exportsOf(new WebAssembly.Module(bytesOf(subject)), memory);
    const { first, calls } = tierUp(kernel, now);
    return [answer('first call', subject, first), answer('calls until fast', subject, calls)];
  };
}

function growing(by: string, pages: number, hasMaximum: boolean): Record<string, Ask> {
  const initial = (16 * MIB) / PAGE;
  const subject = `by ${by}, ${hasMaximum ? 'with' : 'without'} a maximum`;
  return {
    [`grow ${subject}`]: (now) => {
      const memory = new WebAssembly.Memory(hasMaximum ? { initial, maximum: 4 * initial } : { initial });
      return [
        answer(
          'grow',
          subject,
          microsOf(() => memory.grow(pages), now),
        ),
      ];
    },
  };
}

/** What a process can be asked, by name. Each name is asked in a process of its own: ./ask */
export const ASKS: Readonly<Record<string, Ask>> = Object.assign(
  {},
  ...MODULE_NAMES.map(startOf),
  ...(['js', ...MODULE_NAMES] as const).map((subject) => ({ [`calls of ${subject}`]: callsOf(subject) })),
  ...[false, true].flatMap((hasMaximum) => [
    growing('64 KiB', 1, hasMaximum),
    growing('16 MiB', (16 * MIB) / PAGE, hasMaximum),
  ]),
  { 'new view': (now: Clock) => [answer('new view', 'Uint8Array', newView(now))] },
  ...(['memory of its own', 'shared memory'] as const).flatMap((question) =>
    (['js', 'wasm'] as const).map((subject) => ({
      [`${subject} in ${question}`]: (now: Clock) =>
        sharing(question, subject).map((kernel) => answer(question, subject, timeOf(kernel, now))),
    })),
  ),
);

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

type Unmasking = Pick<Kernel, 'unmask'>;

function exportsOf(module: WebAssembly.Module, memory: WebAssembly.Memory): Unmasking {
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Unmasking;
}

/** Windows of 1, 2, 4 … calls, until as many calls as a busy server makes in a second. */
const WINDOWS = 20;
/** Fast is what takes no longer than this times the fastest window. */
const FAST = 1.5;

/**
 * How many microseconds the first call takes, and how many calls there are until code is fast and stays so: the optimizing compiler
 * begins when a function has run often enough, and works while the first version still runs.
 */
export function tierUp(kernel: Unmasking, now: () => number): { readonly first: number; readonly calls: number } {
  const perCall: number[] = [];
  for (let window = 0; window < WINDOWS; window++) {
    const calls = 2 ** window;
    const start = now();
    for (let i = 0; i < calls; i++) kernel.unmask(PAGE + 6, LENGTH, KEY);
    perCall.push((now() - start) / calls);
  }
  const bound = Math.min(...perCall) * FAST;
  const lastSlow = perCall.findLastIndex((ms) => ms > bound);
  return { first: (perCall[0] as number) * 1000, calls: 2 ** (lastSlow + 1) - 1 };
}

function newView(now: () => number): number {
  const memory = new WebAssembly.Memory({ initial: 1 });
  let bytes = 0;
  const views = 100_000;
  const start = now();
  for (let i = 0; i < views; i++) bytes += new Uint8Array(memory.buffer, i & 1023, 64).length;
  const ms = now() - start;
  return bytes === 64 * views ? (ms * 1e6) / views : Number.NaN;
}

/** A kernel on shared memory or on memory of its own. None if the module has not been built for shared memory. */
function sharing(question: 'memory of its own' | 'shared memory', subject: 'js' | 'wasm'): Unmasking[] {
  const isShared = question === 'shared memory';
  const pages = { initial: SHARED_PAGES, maximum: SHARED_PAGES };
  const memory = new WebAssembly.Memory(isShared ? { ...pages, shared: true } : pages);
  if (subject === 'js') return [new JsWordKernel(memory)];
  const file = isShared ? SHARED_MODULE : new URL(MODULES.wasm, ROOT);
  return existsSync(file) ? [exportsOf(new WebAssembly.Module(readFileSync(file)), memory)] : [];
}

const CALLS = 2000;
const BATCHES = 40;

/** Nanoseconds per call, warm: the middle batch of the second half. */
function timeOf(kernel: Unmasking, now: () => number): number {
  const samples: number[] = [];
  for (let batch = 0; batch < BATCHES; batch++) {
    const start = now();
    for (let i = 0; i < CALLS; i++) kernel.unmask(PAGE + 6, LENGTH, KEY);
    samples.push(((now() - start) * 1e6) / CALLS);
  }
  const late = samples.slice(BATCHES / 2).sort((a, b) => a - b);
  return late[late.length >> 1] as number;
}
