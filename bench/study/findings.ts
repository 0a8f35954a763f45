/** What the figures of a study say: single figures, comparisons, crossovers. Nothing here is a constant of one machine. */
import { NEVER_BYTES } from '#dist/kernels/thresholds.js';
import { crossover, type Pair } from '#dist/study/crossover.js';
import type { Content } from '#dist/study/texts.js';
import { figure as digits } from '#dist/cli/table.js';
import { candidateNames, type Operation } from './candidates.js';
import { type CaseKey, nameOf, type Pattern } from './case.js';
import { USUAL_ALIGNMENT } from './design.js';
import { differsByDirection } from './estimate.js';
import { disorderOf } from './gate.js';
import { type Lead, runsOf, type Verdict } from './lead.js';
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

/** Smaller differences mean nothing: two measurements of the same thing differ as much. */
export const ALIKE = 0.05;

/** In the place of a candidate's name: the fastest JavaScript that an engine has measured for the same case. See {@link Engine.fastestJs} */
export const FASTEST_JS = 'the fastest JavaScript';

/**
 * The same of bytes in ordinary memory, which is what WASM with copies is compared with. An engine that has measured none has the one above
 * in its place, as studies before December 2026.
 */
export const FASTEST_JS_OF_VIEWS = 'the fastest JavaScript of a view';

/** The same, of what takes any Buffer: its views are kept or made, and none is in a closure over one buffer that all reads go to. */
export const FASTEST_JS_OF_BUFFERS = 'the fastest JavaScript of any Buffer';

/** The same, of what makes its view in each call, or needs none. */
export const FASTEST_JS_MAKING_VIEWS = 'the fastest JavaScript that makes its views';

/** Which candidates each of these is the fastest of. */
const FASTEST = {
  [FASTEST_JS]: (name: string) => !isOfView(name),
  [FASTEST_JS_OF_VIEWS]: isOfView,
  [FASTEST_JS_OF_BUFFERS]: (name: string) => isOfView(name) && !isInClosure(name),
  [FASTEST_JS_MAKING_VIEWS]: (name: string) => isOfView(name) && !isInClosure(name) && !name.includes(', kept'),
} as const;
export type FastestJs = keyof typeof FASTEST;

function isFastestJs(candidate: string): candidate is FastestJs {
  return Object.hasOwn(FASTEST, candidate);
}

/** A figure that was not measured, is not steady, or cannot be right. No sentence is made of it, except with its mark. */
export class Unreported extends Error {}

/** The figures of one engine. */
export class Engine {
  readonly name: string;
  readonly result: EngineResult;
  readonly #figures = new Map<string, Figure>();
  /** Figures that cannot be right. */
  readonly #wrong: ReadonlySet<Figure>;
  readonly #grid: Grid;

  /** @param grid the sizes that crossovers are looked for at */
  constructor(result: EngineResult, grid: Grid = gridOf([result])) {
    this.result = result;
    this.#grid = grid;
    this.name = result.name;
    this.#wrong = new Set(disorderOf(result).map(({ smaller }) => smaller));
    for (const figure of result.figures) this.#figures.set(nameOf(figure), figure);
  }

  find(wanted: Wanted): Figure | undefined {
    const { candidate } = wanted;
    if (isFastestJs(candidate)) return this.#fastestJs(wanted, candidate);
    return this.#figures.get(nameOf(caseOf(wanted)));
  }

  /**
   * The name of the fastest JavaScript that this engine has measured for a case. It is the JavaScript of this package if no other is
   * faster by more than {@link ALIKE}. @throws Unreported if there is none
   */
  fastestJs(wanted: Omit<Wanted, 'candidate'>, which: FastestJs = FASTEST_JS): string {
    const found = this.#fastestJs(wanted, which);
    if (found === undefined) throw new Unreported(`JavaScript for ${wanted.op} ${wanted.bytes}`);
    return found.candidate;
  }

  /** What tables show: the same, with the marks of its figure. */
  fastestJsCell(wanted: Omit<Wanted, 'candidate'>, which: FastestJs = FASTEST_JS): string {
    const found = this.#fastestJs(wanted, which);
    return found === undefined ? '–' : `\`${found.candidate}\`${this.#marksOf(found)}`;
  }

  #fastestJs(wanted: Omit<Wanted, 'candidate'>, which: FastestJs): Figure | undefined {
    const isOne = FASTEST[this.candidates(wanted.op).some(isOfView) ? which : FASTEST_JS];
    const found = candidateNames(wanted.op)
      .filter((name) => isJavaScript(name) && isOne(name))
      .flatMap((candidate) => this.find({ ...wanted, candidate }) ?? []);
    const least = Math.min(...found.map(({ ns }) => ns));
    const own = found.find(({ candidate, ns }) => OWN_JAVASCRIPT.includes(candidate) && isAlike(ns, least));
    return own ?? found.find(({ ns }) => ns === least);
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

  /** What tables show: nanoseconds per call as in {@link Engine.nsCell}, and in brackets the median and the spread of the attempts. */
  spreadCell(wanted: Wanted): string {
    const found = this.find(wanted);
    if (found === undefined) return '–';
    const { median, least, upper } = found;
    return `${this.nsCell(wanted)} (${digits(median)}; ${digits(least)} to ${digits(upper)})`;
  }

  /** What tables show: how many times as long one case takes as another, with the marks of both. */
  timesCell(longer: Wanted, shorter: Wanted): string {
    const [one, other] = [this.find(longer), this.find(shorter)];
    if (one === undefined || other === undefined) return '–';
    const marks = [one, other].map((found) => this.#marksOf(found));
    return `${digits(one.ns / other.ns)}${[UNSTEADY, BY_DIRECTION, WRONG].filter((mark) => marks.some((own) => own.includes(mark))).join('')}`;
  }

  #cell(found: Figure | undefined, value: (figure: Figure) => number): string {
    return found === undefined ? '–' : `${digits(value(found))}${this.#marksOf(found)}`;
  }

  #marksOf(found: Figure): string {
    const direction = differsByDirection(found.attempts) ? BY_DIRECTION : '';
    return `${found.isSteady ? '' : UNSTEADY}${direction}${this.#wrong.has(found) ? WRONG : ''}`;
  }

  #isSound(figure: Figure): boolean {
    return figure.isSteady && !differsByDirection(figure.attempts) && !this.#wrong.has(figure);
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
   * The size from which on `to` is the better choice, with hot caches, by the least regret over the sizes that all engines have measured.
   * Where both differ by no more than {@link ALIKE}, neither is better. {@link NEVER_BYTES} if there is no such size, undefined if too few
   * sizes were measured for both.
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

  /**
   * What tables show: the size, and where `to` falls behind again at larger sizes, the last one at which it is not; with `~` if the first would
   * be another one with the figures elsewhere in their spread.
   */
  crossoverCell(op: Operation, content: Content | 'any', from: string, to: string): string {
    const found = this.#crossover(op, content, from, to);
    if (found === undefined) return '–';
    const last = this.lastAhead(op, content, from, to);
    const upTo = last === undefined || last < found.bytes ? '' : ` to ${size(last)}`;
    return `${size(found.bytes)}${upTo}${found.isSteady ? '' : UNSTEADY}`;
  }

  /** The largest size of this engine at which `to` is not behind, if it is behind at the largest of all. Undefined otherwise. */
  lastAhead(op: Operation, content: Content | 'any', from: string, to: string): number | undefined {
    const pairs = this.#pairs(this.#ownSizes(op, content), op, content, from, to);
    const isBehind = (pair: (typeof pairs)[number]) => pair.to.ns > pair.from.ns && !isAlike(pair.to.ns, pair.from.ns);
    const largest = pairs.at(-1);
    if (largest === undefined || !isBehind(largest)) return undefined;
    return pairs.findLast((pair) => !isBehind(pair))?.bytes;
  }

  /**
   * Where `to` is ahead of `from`, of all sizes that this engine has measured. A range goes on over sizes at which they are alike or
   * nothing is decided, and ends before one at which `to` is behind. It begins and ends with a size at which `to` is surely ahead: its whole spread
   * is ahead of that of the other, by more than {@link ALIKE}, and neither figure has a mark. Where it is ahead in a part of its spread only,
   * or a figure has a mark, the size is undecided.
   */
  lead(op: Operation, content: Content | 'any', from: string, to: string): Lead {
    const sizes = this.#ownSizes(op, content);
    // 65535 B is the same size as 64 KiB to a reader.
    const pairs = this.#pairs(
      sizes.filter((bytes) => !sizes.includes(bytes + 1)),
      op,
      content,
      from,
      to,
    );
    const verdicts = pairs.map(({ bytes, from: one, to: other }) => ({ bytes, verdict: this.#verdict(one, other) }));
    return { ahead: runsOf(verdicts, 'ahead', ['alike', 'undecided']), undecided: runsOf(verdicts, 'undecided', []) };
  }

  #verdict(from: Figure, to: Figure): Verdict {
    if (isSurelyLess(to, from) && this.#isSound(from) && this.#isSound(to)) return 'ahead';
    if (to.least * (1 + ALIKE) < from.upper) return 'undecided';
    return isSurelyLess(from, to) ? 'behind' : 'alike';
  }

  #ownSizes(op: Operation, content: Content | 'any'): readonly number[] {
    return this.values('bytes', { op, content, pattern: 'hot', alignment: USUAL_ALIGNMENT });
  }

  #pairs(sizes: readonly number[], op: Operation, content: Content | 'any', from: string, to: string) {
    return sizes.flatMap((bytes) => {
      const [one, other] = [from, to].map((candidate) => this.find({ op, content, bytes, candidate }));
      if (one === undefined || other === undefined || this.#wrong.has(one) || this.#wrong.has(other)) return [];
      return [{ bytes, from: one, to: other }];
    });
  }

  #crossover(
    op: Operation,
    content: Content | 'any',
    from: string,
    to: string,
  ): { readonly bytes: number; readonly isSteady: boolean } | undefined {
    const pairs = this.#pairs(this.#grid(op, content, from, to), op, content, from, to);
    if (pairs.length < FEWEST_SIZES) return undefined;
    const at = (ofFrom: keyof NsRange, ofTo: keyof NsRange) =>
      overtaking(pairs.map((pair) => ({ bytes: pair.bytes, smaller: pair.from[ofFrom], larger: pair.to[ofTo] })));
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

/** Whether one cost is less than another wherever both are in their spread, and by more than what means nothing. */
function isSurelyLess(one: NsRange, other: NsRange): boolean {
  return one.upper < other.least && !isAlike(one.ns, other.ns);
}

/** Where a figure may be: anywhere in its spread. */
type NsRange = Pick<Figure, 'ns' | 'least' | 'upper'>;

/** Whether two costs differ by no more than what means nothing. */
function isAlike(one: number, other: number): boolean {
  return Math.max(one, other) <= Math.min(one, other) * (1 + ALIKE);
}

/** Like {@link crossover}, but costs that are alike are the same. So the size is one at which the implementation for larger sizes is better. */
function overtaking(pairs: readonly Pair[]): number {
  const judged = pairs.map((pair) => (isAlike(pair.smaller, pair.larger) ? { ...pair, larger: pair.smaller } : pair));
  const from = crossover(judged);
  return judged.find(({ bytes, smaller, larger }) => bytes >= from && larger < smaller)?.bytes ?? NEVER_BYTES;
}

/** What is nothing but JavaScript. */
function isJavaScript(candidate: string): boolean {
  return candidate.split(' + ').every((part) => part.startsWith('js'));
}

/** What gets its bytes in ordinary memory. */
export function isOfView(candidate: string): boolean {
  return candidate.endsWith(', of a view');
}

/** What has its view of ordinary memory in a closure: it needs one buffer that all reads go to. */
export function isInClosure(candidate: string): boolean {
  return candidate.includes(', closure');
}

/** The JavaScript of this package, in the place of all other JavaScript that is about as fast. */
const OWN_JAVASCRIPT: readonly string[] = ['js', 'js, fused'];

/** The sizes that crossovers from one candidate to another are looked for at, in ascending order. */
export type Grid = (op: Operation, content: Content | 'any', from: string, to: string) => readonly number[];

/**
 * The sizes at which all of these engines have measured both candidates with hot caches: regrets add up over sizes, so crossovers of engines with other sizes
 * could not be compared. An engine with too few sizes for a crossover takes no part: browsers do not have `native`, for instance.
 */
export function gridOf(results: readonly EngineResult[]): Grid {
  const known = new Map<string, readonly number[]>();
  const sizesOf = ({ figures }: EngineResult, op: Operation, content: Content | 'any', from: string, to: string) => {
    const found = figures
      .filter((one) => one.op === op && one.content === content)
      .filter(({ pattern, alignment }) => pattern === 'hot' && alignment === USUAL_ALIGNMENT);
    const [ofFrom, ofTo] = [from, to].map(
      (wanted) => new Set(found.filter(({ candidate }) => isWanted(candidate, wanted)).map(({ bytes }) => bytes)),
    ) as [Set<number>, Set<number>];
    return new Set([...ofFrom].filter((bytes) => ofTo.has(bytes)));
  };
  return (op, content, from, to) => {
    const name = `${op} ${content} ${from} ${to}`;
    const found = known.get(name);
    if (found !== undefined) return found;
    const [first, ...others] = results
      .map((result) => sizesOf(result, op, content, from, to))
      .filter(({ size: count }) => count >= FEWEST_SIZES);
    const common = [...(first ?? [])]
      .filter((bytes) => others.every((sizes) => sizes.has(bytes)))
      .sort((one, other) => one - other);
    known.set(name, common);
    return common;
  };
}

/** Whether a candidate is the one that is wanted, or JavaScript, of which the fastest is wanted. */
function isWanted(candidate: string, wanted: string): boolean {
  return isFastestJs(wanted) ? isJavaScript(candidate) : candidate === wanted;
}

/** For fewer sizes nothing is said of a crossover. */
const FEWEST_SIZES = 4;

function caseOf({ content, alignment = USUAL_ALIGNMENT, pattern = 'hot', ...wanted }: Wanted): CaseKey {
  const usual = wanted.op === 'unmask' ? 'any' : 'json';
  return { ...wanted, content: content ?? usual, alignment, pattern };
}

/** Marks of figures in tables. */
export const UNSTEADY = '~';
/** The attempts fall into two groups by the direction of their rounds: see {@link differsByDirection}. */
export const BY_DIRECTION = '↕';
const WRONG = '?';

/**
 * The steps from one implementation to the next whose crossovers are reported. `js` is JavaScript as this package ships it, and `native` is
 * `buffer.isUtf8` as a server calls it, with a view for each call.
 */
export const STEPS: readonly (readonly [
  title: string,
  op: Operation,
  content: Content | 'any',
  from: string,
  to: string,
])[] = [
  ['unmask: byte loop → plain word loop', 'unmask', 'any', 'js-byte', 'js-words'],
  ['unmask: plain word loop → JavaScript as shipped', 'unmask', 'any', 'js-words', 'js'],
  ['unmask: fastest JavaScript → WASM SIMD', 'unmask', 'any', FASTEST_JS, 'wasm'],
  [
    'unmask: fastest JavaScript of a view → WASM with copies',
    'unmask',
    'any',
    FASTEST_JS_OF_VIEWS,
    'wasm, copy in and out',
  ],
  ['unmask: fastest JavaScript of a view → bufferutil', 'unmask', 'any', FASTEST_JS_OF_VIEWS, 'bufferutil'],
  ['unmask: fastest JavaScript of a view → websocketUnmask', 'unmask', 'any', FASTEST_JS_OF_VIEWS, 'websocketUnmask'],
  ['unmask: fastest JavaScript → bufferutil', 'unmask', 'any', FASTEST_JS, 'bufferutil'],
  ['unmask: WASM SIMD → bufferutil', 'unmask', 'any', 'wasm', 'bufferutil'],
  ['unmask: WASM SIMD → websocketUnmask', 'unmask', 'any', 'wasm', 'websocketUnmask'],
  ['UTF-8, ASCII: fastest JavaScript → WASM SIMD', 'validate', 'ascii', FASTEST_JS, 'wasm'],
  ['UTF-8, JSON: fastest JavaScript → WASM SIMD', 'validate', 'json', FASTEST_JS, 'wasm'],
  ['UTF-8, ASCII: WASM SIMD → isUtf8', 'validate', 'ascii', 'wasm', 'isUtf8'],
  ['UTF-8, JSON: WASM SIMD → isUtf8', 'validate', 'json', 'wasm', 'isUtf8'],
  ['UTF-8, ASCII: WASM SIMD → native', 'validate', 'ascii', 'wasm', 'native'],
  ['UTF-8, JSON: WASM SIMD → native', 'validate', 'json', 'wasm', 'native'],
  ['both, ASCII: WASM fused → WASM, then native', 'unmaskText', 'ascii', 'wasm, fused', 'wasm + native'],
  ['both, JSON: WASM fused → WASM, then native', 'unmaskText', 'json', 'wasm, fused', 'wasm + native'],
];

/** The version of Node that the servers ran on. */
export function mainNodeOf({ mainNode, machine }: Pick<Study, 'mainNode' | 'machine'>): string {
  return mainNode ?? machine.node;
}

/**
 * The engines of a study, and the main one, which its tables are about: the Node that the servers ran on, or the first.
 * @param others studies that it is compared with, so that crossovers are looked for at sizes that these have measured too
 */
export function enginesOf(
  study: Study,
  others: readonly Study[] = [],
): { readonly all: readonly Engine[]; readonly main: Engine } {
  const grid = gridOf([study, ...others].flatMap(({ engines }) => engines));
  const all = study.engines.map((result) => new Engine(result, grid));
  const main = all.find(({ result }) => result.version === mainNodeOf(study)) ?? all[0];
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
