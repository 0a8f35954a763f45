/**
 * Measures the kernels on this machine, in seconds: the cost of each by size and text, the sizes at which one becomes better than
 * another, and the thresholds of `auto`. It blocks its thread, and wants a quiet machine.
 */
import { cpus } from 'node:os';
import { AutoKernel } from '../kernels/auto.js';
import { JsByteKernel, jsKernel } from '../kernels/js.js';
import type { Kernel } from '../kernels/kernel.js';
import { NativeKernel, nativeKernel } from '../kernels/native.js';
import { NEVER_BYTES, type Thresholds } from '../kernels/thresholds.js';
import { wasmKernel, wasmScalarKernel } from '../kernels/wasm.js';
import { PAGE_BYTES, reserveMemory } from '../memory/reserve.js';
import { websocketUnmask } from '../system/websocket-unmask.js';
import { crossover } from './crossover.js';
import { type Disturbance, disturbanceOf } from './disturbance.js';
import { type TextName, textBytes } from './texts.js';
import { type Clock, Timetable } from './timetable.js';
import { batch, type Subject, type Timing, timings } from './timing.js';
import { verify } from './verify.js';

export type Operation = 'unmask' | 'validate' | 'unmaskText';

/** The time that one kernel needs for one range. */
export interface KernelFigure {
  readonly op: Operation;
  /** `js-byte`, `js`, `wasm`, `wasm-scalar` or `native`. */
  readonly kernel: string;
  readonly bytes: number;
  /** The text; `any` if it makes no difference. */
  readonly content: TextName | 'any';
  /** Nanoseconds per call, the best of many batches. */
  readonly ns: number;
  /** The speed, in 10^9 bytes per second. */
  readonly gbps: number;
}

/** Where one kernel becomes better than another, by the least regret over all sizes. */
export interface Crossover {
  readonly op: Operation;
  readonly content: TextName | 'any';
  readonly from: string;
  readonly to: string;
  /** The size from which on `to` is better than `from`, in bytes; `NEVER_BYTES` if it never is. */
  readonly bytes: number;
}

/** With which kernel `auto` would be the fastest. */
export interface AutoChoice {
  readonly op: Operation;
  readonly content: TextName | 'any';
  readonly bytes: number;
  /** One that `auto` has for this operation: `js`, `wasm` (`wasm-scalar` where there is no SIMD) or `native`. */
  readonly kernel: string;
}

export interface KernelStudy {
  readonly node: string;
  readonly cpu: string;
  readonly results: readonly KernelFigure[];
  readonly crossovers: readonly Crossover[];
  /** One for each size and text of each operation. Measured with `auto` itself, whose JavaScript is made for a few bytes only. */
  readonly choices: readonly AutoChoice[];
  readonly disturbance: Disturbance;
  /** The thresholds for `auto` on this machine. */
  readonly thresholds: Thresholds;
}

/** Where the measured range begins: behind the kernels' own page and the 6 bytes of a small frame's header, as most payloads do. */
const OFFSET = PAGE_BYTES + 6;
const KEY = 0x3d21fa37;

const SMALL = [1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 48, 64];
const LARGE = [96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 16384, 65536];
/** In ascending order. */
const SIZES = [...SMALL, ...LARGE];
const PAGES = 2 + 65536 / PAGE_BYTES;

/**
 * Before an operation is measured with a text, all kernels run it for so many steps of the timetable, with all texts and sizes in turns.
 * The code of a kernel that meets something new later is thrown away, and takes many times as long until it is compiled again. By 50
 * calls for each size, as an earlier version had it, JavaScript was up to 45 times slower in some runs.
 */
const WARM_UP_STEPS = 5;
/** In each turn, a size has so many calls, or for large sizes so many bytes. */
const WARM_UP_CALLS = 50;
const WARM_UP_BYTES = 16384;

/**
 * The calls that are measured. A key of zeros leaves a text as it is, so that it can be unmasked and validated over and over. No
 * kernel treats that key differently.
 */
const CALLS: Readonly<Record<Operation, string>> = {
  unmask: `unmask(offset, length, ${KEY})`,
  validate: 'validate(offset, length, 0)',
  unmaskText: 'unmaskText(offset, length, 0, 0)',
};

/**
 * A text of unknown content counts as half ASCII and half one of these. Servers carry more JSON than prose, but a server for
 * people who do not write in ASCII should not be slow for that.
 */
const NOT_ASCII: readonly TextName[] = ['latin', 'cjk', 'emoji'];
const TEXTS_IN_TURN: readonly TextName[] = ['ascii', ...NOT_ASCII];

/** The names of `auto` kernels whose thresholds always choose the same implementation. Their cost includes that of the choice. */
const WAYS = ['auto: js', 'auto: wasm', 'auto: native'] as const;

/** For each size, the nanoseconds per call of each candidate, by its name. */
type Costs = readonly ReadonlyMap<string, number>[];

/** About how long the verification takes, in ms: 20 to 35. */
const VERIFICATION_MS = 25;

/** In how many steps all operations are measured with all texts. */
const STEPS = (1 + 2 * TEXTS_IN_TURN.length) * (WARM_UP_STEPS + SIZES.length);

/** All sizes of all texts. */
const SHAPES = SIZES.flatMap((size) => TEXTS_IN_TURN.map((name) => [textBytes(name, size), size] as const));

/** What a study is done with. Others are for tests, which must not depend on time. */
export interface StudyMeans {
  readonly clock?: Clock;
  /** Is given each kernel and its name in the study, and returns the one to measure in its place. */
  readonly wrap?: (kernel: Kernel, name: string) => Kernel;
}

/**
 * Measures all kernels, and finds the thresholds for `auto`.
 * @param seconds how long it takes, all in all. The less time, the less reliable the figures. It takes at least about half a second.
 * @throws Error if a result of a kernel is wrong
 */
export function studyKernels(seconds: number, means: StudyMeans = {}): KernelStudy {
  const { clock = () => performance.now(), wrap = (kernel) => kernel } = means;
  const timetable = new Timetable(clock, clock() + seconds * 1000 - VERIFICATION_MS, STEPS);
  const bench = new Bench(clock, wrap);
  const unmask = bench.measure('unmask', 'any', timetable);
  const texts = (op: Operation) => new Map(TEXTS_IN_TURN.map((name) => [name, bench.measure(op, name, timetable)]));
  const validate = texts('validate');
  const unmaskText = texts('unmaskText');
  // Not before: what V8 of Node 20 compiles for the verification validates two to three times slower, and it keeps that.
  bench.verify();
  const ofText = (costs: ReadonlyMap<TextName, Costs>, from: string, to: string) => between(expected(costs), from, to);
  const [js, wasm, native] = WAYS;
  return {
    node: process.version,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    results: bench.results,
    crossovers: bench.crossovers,
    choices: bench.choices,
    disturbance: disturbanceOf(bench.timings),
    thresholds: {
      unmaskWasmFromBytes: between(unmask, js, wasm),
      validateWasmFromBytes: ofText(validate, js, wasm),
      validateNativeFromBytes: ofText(validate, wasm, native),
      unmaskTextWasmFromBytes: ofText(unmaskText, js, wasm),
      unmaskTextNativeFromBytes: ofText(unmaskText, wasm, native),
    },
  };
}

/** All kernels over one memory, and their figures so far. */
class Bench {
  readonly results: KernelFigure[] = [];
  readonly crossovers: Crossover[] = [];
  readonly choices: AutoChoice[] = [];
  readonly timings: Timing[] = [];
  readonly #bytes: Buffer;
  readonly #clock: Clock;
  readonly #unmasksNatively: boolean;
  /** The name of the WASM kernel of this engine. */
  readonly #wasm: string;
  /** All kernels that are measured, those of {@link WAYS} included. */
  readonly #kernels: ReadonlyMap<string, Kernel>;

  constructor(clock: Clock, wrap: (kernel: Kernel, name: string) => Kernel) {
    this.#clock = clock;
    const memory = reserveMemory(PAGES, { what: 'memory to measure in' });
    this.#bytes = Buffer.from(memory.buffer);
    const wasm = wasmKernel(memory);
    this.#wasm = wasm.name;
    this.#unmasksNatively = websocketUnmask(memory) !== undefined;
    const native = new NativeKernel(memory, wasm.unmask);
    const auto = (wasmFrom: number, nativeFrom: number) =>
      new AutoKernel(memory, wasm, native, {
        unmaskWasmFromBytes: wasmFrom,
        validateWasmFromBytes: wasmFrom,
        validateNativeFromBytes: nativeFrom,
        unmaskTextWasmFromBytes: wasmFrom,
        unmaskTextNativeFromBytes: nativeFrom,
      });
    const all: readonly (readonly [string, Kernel])[] = [
      ['js-byte', new JsByteKernel(memory)],
      ['js', jsKernel(memory)],
      ['wasm-scalar', wasmScalarKernel(memory)],
      [wasm.name, wasm],
      ['native', nativeKernel(memory, wasm)],
      ['auto: js', auto(NEVER_BYTES, NEVER_BYTES)],
      ['auto: wasm', auto(0, NEVER_BYTES)],
      ['auto: native', auto(0, 0)],
    ];
    this.#kernels = new Map(all.map(([name, kernel]) => [name, wrap(kernel, name)]));
  }

  verify(): void {
    for (const [name, kernel] of this.#kernels) {
      for (const size of SIZES) verify(name, kernel, this.#bytes, OFFSET, size);
    }
  }

  /** @param timetable has {@link STEPS}, in all. */
  measure(op: Operation, content: TextName | 'any', timetable: Timetable): Costs {
    const subjects = this.#subjects(op);
    this.#warmUp(subjects, timetable);
    const costs = SIZES.map((size) => {
      if (content !== 'any') this.#bytes.set(textBytes(content, size), OFFSET);
      const figures = timings([...subjects.values()], OFFSET, size, timetable.next(), this.#clock);
      this.timings.push(...figures);
      return new Map([...subjects.keys()].map((name, i) => [name, (figures[i] as Timing).best]));
    });
    this.#note(op, content, costs);
    return costs;
  }

  #warmUp(subjects: ReadonlyMap<string, Subject>, timetable: Timetable): void {
    let turn = 0;
    for (let step = 0; step < WARM_UP_STEPS; step++) {
      const end = timetable.next();
      do {
        const [text, size] = SHAPES[turn++ % SHAPES.length] as (typeof SHAPES)[number];
        this.#bytes.set(text, OFFSET);
        const calls = Math.ceil(Math.min(WARM_UP_CALLS, WARM_UP_BYTES / size));
        for (const { run, kernel } of subjects.values()) run(kernel, calls, OFFSET, size);
      } while (this.#clock() < end);
    }
  }

  #subjects(op: Operation): ReadonlyMap<string, Subject> {
    const subjects = new Map<string, Subject>();
    for (const [name, kernel] of this.#kernels) {
      if (op === 'unmask' && !this.#canUnmask(name)) continue;
      subjects.set(name, { kernel, run: batch(CALLS[op]) });
    }
    return subjects;
  }

  /** Whether a kernel unmasks by code of its own: `auto` never does by native code, and `native` does where Node has it. */
  #canUnmask(name: string): boolean {
    return name !== 'auto: native' && (name !== 'native' || this.#unmasksNatively);
  }

  #note(op: Operation, content: TextName | 'any', costs: Costs): void {
    for (const [row, bytes] of SIZES.entries()) {
      let choice = { kernel: '', ns: Number.POSITIVE_INFINITY };
      for (const [name, ns] of costs[row] as ReadonlyMap<string, number>) {
        const kernel = this.#kernelOfWay(name);
        if (kernel === undefined) {
          this.results.push({ op, kernel: name, bytes, content, ns: round(ns), gbps: round(bytes / ns) });
        } else if (ns < choice.ns) {
          choice = { kernel, ns };
        }
      }
      this.choices.push({ op, content, bytes, kernel: choice.kernel });
    }
    const steps = [['js', this.#wasm]];
    if (costs[0]?.has('native') === true) steps.push([this.#wasm, 'native']);
    for (const [from = '', to = ''] of steps) {
      this.crossovers.push({ op, content, from, to, bytes: between(costs, from, to) });
    }
  }

  /** The kernel that one of {@link WAYS} stands for. Undefined for a name that is none of them. */
  #kernelOfWay(name: string): string | undefined {
    const ways: readonly string[] = WAYS;
    return ['js', this.#wasm, 'native'][ways.indexOf(name)];
  }
}

function between(costs: Costs, from: string, to: string): number {
  return crossover(
    SIZES.map((bytes, row) => ({
      bytes,
      smaller: costs[row]?.get(from) as number,
      larger: costs[row]?.get(to) as number,
    })),
  );
}

/** The cost of a text of unknown content: half of the cost of ASCII, and half of the mean cost of the others. */
function expected(byText: ReadonlyMap<TextName, Costs>): Costs {
  const of = (name: TextName, row: number, kernel: string) => byText.get(name)?.[row]?.get(kernel) as number;
  return SIZES.map((_, row) => {
    const kernels = [...(byText.get('ascii')?.[row]?.keys() ?? [])];
    return new Map(
      kernels.map((kernel) => {
        const others = NOT_ASCII.reduce((sum, name) => sum + of(name, row, kernel), 0) / NOT_ASCII.length;
        return [kernel, (of('ascii', row, kernel) + others) / 2];
      }),
    );
  });
}

/** Rounds to four significant digits: more would mean nothing. */
function round(value: number): number {
  return Number(value.toPrecision(4));
}
