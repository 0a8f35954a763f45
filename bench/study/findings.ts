/** What the figures of a study say: single figures, comparisons, crossovers. Nothing here is a constant of one machine. */
import { NEVER_BYTES } from '#dist/kernels/thresholds.js';
import { crossover } from '#dist/study/crossover.js';
import type { Content } from '#dist/study/texts.js';
import { figure as digits } from '#dist/cli/table.js';
import { candidateNames, type Operation } from './candidates.js';
import { type CaseKey, nameOf, type Pattern } from './case.js';
import { USUAL_ALIGNMENT } from './design.js';
import { disorderOf } from './gate.js';
import type { EngineResult, Figure, Study } from './results.js';

/** Selects a figure. What is left out is as usual. */
export interface Wanted {
  readonly op: Operation;
  readonly candidate: string;
  readonly bytes: number;
  readonly content?: Content | 'any';
  readonly alignment?: number;
  readonly pattern?: Pattern;
}

/** A figure that was not measured, is not steady, or cannot be right. No sentence is made of it. */
export class Unreported extends Error {}

/** The figures of one engine. */
export class Engine {
  readonly name: string;
  readonly result: EngineResult;
  readonly #figures = new Map<string, Figure>();
  /** Figures that cannot be right. */
  readonly #wrong: ReadonlySet<Figure>;

  constructor(result: EngineResult) {
    this.result = result;
    this.name = result.name;
    this.#wrong = new Set(disorderOf(result).map(({ smaller }) => smaller));
    for (const figure of result.figures) this.#figures.set(nameOf(figure), figure);
  }

  find(wanted: Wanted): Figure | undefined {
    return this.#figures.get(nameOf(caseOf(wanted)));
  }

  /** In 10^9 bytes per second. @throws Unreported */
  speed(wanted: Wanted): number {
    return wanted.bytes / this.ns(wanted);
  }

  /** In 10^9 bytes per second, steady or not; NaN if it was not measured. */
  speedOrNone(wanted: Wanted): number {
    const found = this.find(wanted);
    return found === undefined ? Number.NaN : found.bytes / found.ns;
  }

  /** Nanoseconds per call. @throws Unreported */
  ns(wanted: Wanted): number {
    const found = this.find(wanted);
    if (found === undefined || !this.#isSound(found)) throw new Unreported(nameOf(caseOf(wanted)));
    return found.ns;
  }

  /** What tables show: 10^9 bytes per second, with `~` if the case is not steady, and `?` if the figure cannot be right. */
  speedCell(wanted: Wanted): string {
    return this.#cell(this.find(wanted), ({ bytes, ns }) => bytes / ns);
  }

  /** What tables show: nanoseconds per call, with `~` if the case is not steady, and `?` if the figure cannot be right. */
  nsCell(wanted: Wanted): string {
    return this.#cell(this.find(wanted), ({ ns }) => ns);
  }

  #cell(found: Figure | undefined, value: (figure: Figure) => number): string {
    if (found === undefined) return '–';
    return `${digits(value(found))}${found.isSteady ? '' : UNSTEADY}${this.#wrong.has(found) ? WRONG : ''}`;
  }

  #isSound(figure: Figure): boolean {
    return figure.isSteady && !this.#wrong.has(figure);
  }

  /** All values of one property in figures like these, in ascending order. */
  values<Key extends 'bytes' | 'alignment'>(key: Key, like: Partial<Figure>): number[] {
    const values = this.result.figures
      .filter((figure) => Object.entries(like).every(([name, value]) => Reflect.get(figure, name) === value))
      .map((figure) => figure[key]);
    return [...new Set(values)].sort((a, b) => a - b);
  }

  /** The candidates of an operation that took part, in the order of tables. */
  candidates(op: Operation): string[] {
    const present = new Set(this.result.figures.filter((one) => one.op === op).map(({ candidate }) => candidate));
    return candidateNames(op).filter((name) => present.has(name));
  }

  /**
   * The size from which on `to` is the better choice, with hot caches. {@link NEVER_BYTES} if there is none, undefined if too
   * few sizes were measured for both. Sizes that are not steady count too: the least regret is over all sizes.
   */
  crossover(op: Operation, content: Content | 'any', from: string, to: string): number | undefined {
    const sizes = this.values('bytes', { op, content, pattern: 'hot', alignment: USUAL_ALIGNMENT });
    const nsOf = (candidate: string, bytes: number) => {
      const found = this.find({ op, content, bytes, candidate });
      return found === undefined || this.#wrong.has(found) ? undefined : found.ns;
    };
    const pairs = sizes.flatMap((bytes) => {
      const smaller = nsOf(from, bytes);
      const larger = nsOf(to, bytes);
      return smaller === undefined || larger === undefined ? [] : [{ bytes, smaller, larger }];
    });
    return pairs.length < FEWEST_SIZES ? undefined : crossover(pairs);
  }

  /** How many times as long the worst alignment takes as the best. @throws Unreported if there are fewer than two */
  alignmentPenalty(op: Operation, candidate: string, bytes: number): number {
    const content = op === 'unmask' ? 'any' : 'json';
    const ns = this.values('alignment', { op, candidate, bytes, content, pattern: 'hot' }).map((alignment) =>
      this.ns({ op, candidate, bytes, alignment }),
    );
    if (ns.length < 2) throw new Unreported(`${candidate} by alignment`);
    return Math.max(...ns) / Math.min(...ns);
  }
}

/** Two candidates between which there may be a crossover. */
const FEWEST_SIZES = 4;

function caseOf({ content, alignment = USUAL_ALIGNMENT, pattern = 'hot', ...wanted }: Wanted): CaseKey {
  const usual = wanted.op === 'unmask' ? 'any' : 'json';
  return { ...wanted, content: content ?? usual, alignment, pattern };
}

/** Marks of figures in tables. */
const UNSTEADY = '~';
const WRONG = '?';

/** The steps from one implementation to the next whose crossovers are reported. */
export const STEPS: readonly (readonly [
  title: string,
  op: Operation,
  content: Content | 'any',
  from: string,
  to: string,
])[] = [
  ['unmask: byte loop → 32-bit words', 'unmask', 'any', 'js-byte', 'js'],
  ['unmask: 32-bit words → WASM SIMD', 'unmask', 'any', 'js', 'wasm'],
  ['unmask: 32-bit words → WASM with copies', 'unmask', 'any', 'js', 'wasm, copy in and out'],
  ['unmask: 32-bit words → bufferutil', 'unmask', 'any', 'js', 'bufferutil'],
  ['unmask: WASM SIMD → bufferutil', 'unmask', 'any', 'wasm', 'bufferutil'],
  ['unmask: WASM SIMD → websocketUnmask', 'unmask', 'any', 'wasm', 'websocketUnmask'],
  ['UTF-8, ASCII: JavaScript → WASM SIMD', 'validate', 'ascii', 'js', 'wasm'],
  ['UTF-8, JSON: JavaScript → WASM SIMD', 'validate', 'json', 'js', 'wasm'],
  ['UTF-8, ASCII: WASM SIMD → isUtf8', 'validate', 'ascii', 'wasm', 'native'],
  ['UTF-8, JSON: WASM SIMD → isUtf8', 'validate', 'json', 'wasm', 'native'],
  ['both, ASCII: WASM fused → WASM, then isUtf8', 'unmaskText', 'ascii', 'wasm, fused', 'wasm + native'],
  ['both, JSON: WASM fused → WASM, then isUtf8', 'unmaskText', 'json', 'wasm, fused', 'wasm + native'],
];

/** The engines of a study, and the main one, which its tables are about: the engine that the servers ran on, or the first. */
export function enginesOf(study: Study): { readonly all: readonly Engine[]; readonly main: Engine } {
  const all = study.engines.map((result) => new Engine(result));
  const main = all.find(({ result }) => result.version === study.machine.node) ?? all[0];
  if (main === undefined) throw new Error('the study has figures of no engine');
  return { all, main };
}

/** A size as it is written in tables: `64 B`, `1 KiB`. @param bytes {@link NEVER_BYTES} gives `never`, undefined gives `–` */
export function size(bytes: number | undefined): string {
  if (bytes === undefined) return '–';
  if (bytes === NEVER_BYTES) return 'never';
  for (const [unit, of] of [
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ] as const) {
    if (bytes >= of && bytes % of === 0) return `${bytes / of} ${unit}`;
  }
  return `${bytes} B`;
}
