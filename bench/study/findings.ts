/** What the figures of a study say: single figures, comparisons, crossovers. Nothing here is a constant of one machine. */
import { NEVER_BYTES } from '#dist/kernels/thresholds.js';
import { crossover } from '#dist/study/crossover.js';
import type { Content } from '#dist/study/texts.js';
import { figure as digits } from '#dist/cli/table.js';
import { candidateNames, type Operation } from './candidates.js';
import { type CaseKey, nameOf, type Pattern } from './case.js';
import { USUAL_ALIGNMENT } from './design.js';
import { disorderOf } from './gate.js';
import { inOrder } from './order.js';
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

  /** What tables show: how many times as long one case takes as another, with the marks of both. */
  timesCell(longer: Wanted, shorter: Wanted): string {
    const [one, other] = [this.find(longer), this.find(shorter)];
    if (one === undefined || other === undefined) return '–';
    const marks = [one, other].map((found) => this.#marksOf(found));
    return `${digits(one.ns / other.ns)}${[UNSTEADY, WRONG].filter((mark) => marks.some((own) => own.includes(mark))).join('')}`;
  }

  #cell(found: Figure | undefined, value: (figure: Figure) => number): string {
    return found === undefined ? '–' : `${digits(value(found))}${this.#marksOf(found)}`;
  }

  #marksOf(found: Figure): string {
    return `${found.isSteady ? '' : UNSTEADY}${this.#wrong.has(found) ? WRONG : ''}`;
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
    return inOrder(candidateNames(op).filter((name) => present.has(name)));
  }

  /**
   * The size from which on `to` is the better choice, with hot caches, by the least regret over all sizes. {@link NEVER_BYTES} if there is
   * none, undefined if too few sizes were measured for both.
   */
  crossover(op: Operation, content: Content | 'any', from: string, to: string): number | undefined {
    return this.#crossover(op, content, from, to)?.bytes;
  }

  /** The same, as a sentence needs it. @throws Unreported if there is none, or if it is not steady: see {@link Engine.crossoverCell} */
  steadyCrossover(op: Operation, content: Content | 'any', from: string, to: string): number {
    const found = this.#crossover(op, content, from, to);
    if (found?.isSteady !== true) throw new Unreported(`${from} to ${to}`);
    return found.bytes;
  }

  /** What tables show: the size, with `~` if it would be another one with figures elsewhere in their spread, of those that are not steady. */
  crossoverCell(op: Operation, content: Content | 'any', from: string, to: string): string {
    const found = this.#crossover(op, content, from, to);
    return found === undefined ? '–' : `${size(found.bytes)}${found.isSteady ? '' : UNSTEADY}`;
  }

  #crossover(
    op: Operation,
    content: Content | 'any',
    from: string,
    to: string,
  ): { readonly bytes: number; readonly isSteady: boolean } | undefined {
    const sizes = this.values('bytes', { op, content, pattern: 'hot', alignment: USUAL_ALIGNMENT });
    const pairs = sizes.flatMap((bytes) => {
      const [one, other] = [from, to].map((candidate) => this.find({ op, content, bytes, candidate }));
      if (one === undefined || other === undefined || this.#wrong.has(one) || this.#wrong.has(other)) return [];
      return [{ bytes, from: rangeOf(one), to: rangeOf(other) }];
    });
    if (pairs.length < FEWEST_SIZES) return undefined;
    const at = (ofFrom: keyof NsRange, ofTo: keyof NsRange) =>
      crossover(pairs.map((pair) => ({ bytes: pair.bytes, smaller: pair.from[ofFrom], larger: pair.to[ofTo] })));
    const bytes = at('ns', 'ns');
    return { bytes, isSteady: at('least', 'upper') === bytes && at('upper', 'least') === bytes };
  }

  /** How many times as long the worst alignment takes as the best. @throws Unreported if there are fewer than two, or one is not steady */
  alignmentPenalty(op: Operation, candidate: string, bytes: number): number {
    const found = this.#penalty(op, candidate, bytes);
    if (found?.isSteady !== true) throw new Unreported(`${candidate} by alignment`);
    return found.times;
  }

  /** What tables show: the same, with `~` if one is not steady. */
  alignmentCell(op: Operation, candidate: string, bytes: number): string {
    const found = this.#penalty(op, candidate, bytes);
    return found === undefined ? '–' : `${digits(found.times)}${found.isSteady ? '' : UNSTEADY}`;
  }

  #penalty(
    op: Operation,
    candidate: string,
    bytes: number,
  ): { readonly times: number; readonly isSteady: boolean } | undefined {
    const content = op === 'unmask' ? 'any' : 'json';
    const found = this.values('alignment', { op, candidate, bytes, content, pattern: 'hot' }).flatMap(
      (alignment) => this.find({ op, candidate, bytes, alignment }) ?? [],
    );
    if (found.length < 2) return undefined;
    const ns = found.map((figure) => figure.ns);
    return { times: Math.max(...ns) / Math.min(...ns), isSteady: found.every((figure) => this.#isSound(figure)) };
  }
}

/** The candidates of an operation that took part on any of the engines, in the order of tables. */
export function candidatesOn(engines: readonly Engine[], op: Operation): string[] {
  const present = new Set(engines.flatMap((engine) => engine.candidates(op)));
  return inOrder(candidateNames(op).filter((name) => present.has(name)));
}

interface NsRange {
  readonly ns: number;
  readonly least: number;
  readonly upper: number;
}

/** Where the figure may be: anywhere in its spread if it is not steady. */
function rangeOf({ ns, least, upper, isSteady }: Figure): NsRange {
  return isSteady ? { ns, least: ns, upper: ns } : { ns, least, upper };
}

/** For fewer sizes nothing is said of a crossover. */
const FEWEST_SIZES = 4;

function caseOf({ content, alignment = USUAL_ALIGNMENT, pattern = 'hot', ...wanted }: Wanted): CaseKey {
  const usual = wanted.op === 'unmask' ? 'any' : 'json';
  return { ...wanted, content: content ?? usual, alignment, pattern };
}

/** Marks of figures in tables. */
export const UNSTEADY = '~';
const WRONG = '?';

/** The steps from one implementation to the next whose crossovers are reported. `js` is JavaScript as this package ships it. */
export const STEPS: readonly (readonly [
  title: string,
  op: Operation,
  content: Content | 'any',
  from: string,
  to: string,
])[] = [
  ['unmask: byte loop → plain word loop', 'unmask', 'any', 'js-byte', 'js-words'],
  ['unmask: plain word loop → JavaScript as shipped', 'unmask', 'any', 'js-words', 'js'],
  ['unmask: JavaScript → WASM SIMD', 'unmask', 'any', 'js', 'wasm'],
  ['unmask: JavaScript → WASM with copies', 'unmask', 'any', 'js', 'wasm, copy in and out'],
  ['unmask: JavaScript → bufferutil', 'unmask', 'any', 'js', 'bufferutil'],
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
