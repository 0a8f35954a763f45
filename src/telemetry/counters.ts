import { CLOSE_LABELS, closeLabelOf } from './close-codes.js';
import { DISTRIBUTION_NAMES, DISTRIBUTIONS, type DistributionName, sizeRange } from './distributions.js';
import { FIGURE_NAMES, type FigureName, figureOf } from './figures.js';

declare const place: unique symbol;

/** The place of a figure in {@link Counters}: a small integer. */
export type Counter = number & { readonly [place]: true };

/** The place of every figure, by its name in the table: `Counter.MESSAGES_IN`. */
export const Counter = Object.fromEntries(FIGURE_NAMES.map((name, index) => [name, index])) as Readonly<
  Record<FigureName, Counter>
>;

const GAUGES = FIGURE_NAMES.filter((name) => figureOf(name).kind === 'gauge').map((name) => Counter[name]);

/** Where a distribution lies in {@link Counters}. */
export interface Distribution {
  /** Where each range ends; there is one more above all of them. */
  readonly bounds: readonly number[];
  /** The place of the sum of all values. */
  readonly sum: number;
  /** The place of the first range. Those of the others follow. */
  readonly first: number;
}

/** The places of every distribution, by its name: `Distribution.HOOK_SECONDS`. They are behind those of the figures. */
export const Distribution = placesOf(FIGURE_NAMES.length);

/** Where the connections are counted that were closed with each code, in the order of {@link CLOSE_LABELS}. */
const CLOSED = DISTRIBUTION_NAMES.reduce(
  (end, name) => Math.max(end, Distribution[name].first + Distribution[name].bounds.length + 1),
  FIGURE_NAMES.length,
);

/** How many places there are. */
const PLACES = CLOSED + CLOSE_LABELS.length;

function placesOf(from: number): Readonly<Record<DistributionName, Distribution>> {
  let end = from;
  const places = DISTRIBUTION_NAMES.map((name) => {
    const { bounds } = DISTRIBUTIONS[name];
    const sum = end;
    end += bounds.length + 2;
    return [name, { bounds, sum, first: sum + 1 }] as const;
  });
  const byName: Record<string, Distribution> = Object.fromEntries(places);
  return byName as Record<DistributionName, Distribution>;
}

/**
 * The figures of one thread, in memory that it shares with the primary: the primary can read them at any time, also when the thread
 * is blocked or gone. Only the thread writes. Each is a float64 at the index that {@link Counter} names; behind them are those of
 * {@link Distribution}, and how many connections were closed with each code.
 */
export class Counters {
  /** To be handed to the thread, or to whoever reads. */
  readonly buffer: SharedArrayBuffer;
  readonly values: Float64Array;

  constructor(buffer = new SharedArrayBuffer(PLACES * Float64Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer;
    this.values = new Float64Array(buffer);
  }

  get(counter: Counter): number {
    return this.values[counter] as number;
  }

  set(counter: Counter, value: number): void {
    this.values[counter] = value;
  }

  /** Hot. A private method would be asked for in each call whether this object has it. */
  add(counter: Counter, amount: number): void {
    this.values[counter] = (this.values[counter] as number) + amount;
  }

  /** Counts a value, or several that are alike. */
  observe({ bounds, sum, first }: Distribution, value: number, times = 1): void {
    let range = 0;
    while (range < bounds.length && value > (bounds[range] as number)) range++;
    this.#add(sum, times * value);
    this.#add(first + range, times);
  }

  /** Counts a size of up to 2^32 less 1 bytes, or several that are alike. Hot: it is called in each read. */
  observeSize({ sum, first }: Distribution, bytes: number, times = 1): void {
    const { values } = this;
    const range = first + sizeRange(bytes);
    values[sum] = (values[sum] as number) + times * bytes;
    values[range] = (values[range] as number) + times;
  }

  /** How many values there were in each range of a distribution, from the first to the one above all bounds. */
  ranges({ bounds, first }: Distribution): Float64Array {
    return this.values.subarray(first, first + bounds.length + 1);
  }

  /** The sum of all values of a distribution. */
  sum({ sum }: Distribution): number {
    return this.values[sum] as number;
  }

  /** Counts a connection that was closed with this code. */
  addClosed(code: number): void {
    this.#add(CLOSED + closeLabelOf(code), 1);
  }

  /** How many connections were closed in each way, in the order of {@link CLOSE_LABELS}. */
  get closed(): Float64Array {
    return this.values.subarray(CLOSED, PLACES);
  }

  /** Adds each figure of another thread to ours. */
  addAll(others: Counters): void {
    for (let at = 0; at < PLACES; at++) this.#add(at, others.values[at] as number);
  }

  /** Sets every gauge to 0: what a thread that has ended had open or in use, it has no more. */
  clearGauges(): void {
    for (const gauge of GAUGES) this.values[gauge] = 0;
  }

  #add(at: number, amount: number): void {
    this.values[at] = (this.values[at] as number) + amount;
  }
}
