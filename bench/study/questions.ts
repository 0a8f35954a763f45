/**
 * What readers ask beside the speed of warm code: how long it takes to start, after how many calls it is fast, what growing memory costs,
 * and whether shared memory is slower. Each round asks once, in a new process, so that the answers have attempts like all figures.
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

/** @param now in ms; another one is for tests */
export function askQuestions(now: () => number = () => performance.now()): Answer[] {
  const answers: Answer[] = [];
  const add = (question: Question, subject: string, value: number) =>
    answers.push({ question, subject, value: rounded(value) });
  const micros = (run: () => void) => {
    const start = now();
    run();
    return (now() - start) * 1000;
  };

  const kernels: [string, Unmasking][] = [['js', new JsWordKernel(new WebAssembly.Memory({ initial: 3 }))]];
  for (const [subject, file] of [
    ['wasm', 'dist/kernels.wasm'],
    ['wasm-scalar', 'dist/kernels-scalar.wasm'],
  ] as const) {
    const bytes = readFileSync(new URL(file, ROOT));
    let module: WebAssembly.Module | undefined;
    let kernel: Unmasking | undefined;
    add(
      'compile',
      subject,
      micros(() => {
        module = new WebAssembly.Module(bytes);
      }),
    );
    const memory = new WebAssembly.Memory({ initial: 3 });
    add(
      'instantiate',
      subject,
      micros(() => {
        kernel = exportsOf(module as WebAssembly.Module, memory);
      }),
    );
    kernels.push([subject, kernel as unknown as Unmasking]);
  }
  for (const [subject, kernel] of kernels) {
    const { first, calls } = tierUp(kernel, now);
    add('first call', subject, first);
    add('calls until fast', subject, calls);
  }
  for (const [subject, pages] of [
    ['64 KiB', 1],
    ['16 MiB', (16 * MIB) / PAGE],
  ] as const) {
    for (const hasMaximum of [false, true]) {
      const initial = (16 * MIB) / PAGE;
      const memory = new WebAssembly.Memory(hasMaximum ? { initial, maximum: 4 * initial } : { initial });
      const name = `by ${subject}, ${hasMaximum ? 'with' : 'without'} a maximum`;
      add(
        'grow',
        name,
        micros(() => memory.grow(pages)),
      );
    }
  }
  add('new view', 'Uint8Array', newView(now));
  return answers;
}

/** Is asked last, because code that has met shared memory may be compiled differently. */
export function askAboutSharing(now: () => number = () => performance.now()): Answer[] {
  return sharing().map(([question, subject, kernel]) => ({ question, subject, value: rounded(timeOf(kernel, now)) }));
}

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

/** The same kernels on shared memory and on memory of their own. The module has to be built for shared memory. */
function sharing(): [Question, string, Unmasking][] {
  const pages = { initial: SHARED_PAGES, maximum: SHARED_PAGES };
  const shared = () => new WebAssembly.Memory({ ...pages, shared: true });
  const own = () => new WebAssembly.Memory(pages);
  const wasm = readFileSync(new URL('dist/kernels.wasm', ROOT));
  const pairs: [Question, string, Unmasking][] = [
    ['memory of its own', 'js', new JsWordKernel(own())],
    ['shared memory', 'js', new JsWordKernel(shared())],
    ['memory of its own', 'wasm', exportsOf(new WebAssembly.Module(wasm), own())],
  ];
  if (existsSync(SHARED_MODULE)) {
    const module = new WebAssembly.Module(readFileSync(SHARED_MODULE));
    pairs.push(['shared memory', 'wasm', exportsOf(module, shared())]);
  }
  return pairs;
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
