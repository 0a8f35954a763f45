import { FIGURE_NAMES, type FigureName, figureOf } from './figures.js';

declare const place: unique symbol;

/** The place of a figure in {@link Counters}: a small integer. */
export type Counter = number & { readonly [place]: true };

/** The place of every figure, by its name in the table: `Counter.MESSAGES_IN`. */
export const Counter = Object.fromEntries(FIGURE_NAMES.map((name, index) => [name, index])) as Readonly<
  Record<FigureName, Counter>
>;

const GAUGES = FIGURE_NAMES.filter((name) => figureOf(name).kind === 'gauge').map((name) => Counter[name]);

/**
 * The figures of one thread, in memory that it shares with the primary: the primary can read them at any time, also when the thread
 * is blocked or gone. Only the thread writes. Each is a float64 at the index that {@link Counter} names.
 */
export class Counters {
  /** To be handed to the thread, or to whoever reads. */
  readonly buffer: SharedArrayBuffer;
  readonly values: Float64Array;

  constructor(buffer = new SharedArrayBuffer(FIGURE_NAMES.length * Float64Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer;
    this.values = new Float64Array(buffer);
  }

  get(counter: Counter): number {
    return this.values[counter] as number;
  }

  set(counter: Counter, value: number): void {
    this.values[counter] = value;
  }

  add(counter: Counter, amount: number): void {
    this.values[counter] = (this.values[counter] as number) + amount;
  }

  /** Adds each figure of another thread to ours. */
  addAll(others: Counters): void {
    for (let counter = 0; counter < FIGURE_NAMES.length; counter++) {
      this.values[counter] = (this.values[counter] as number) + (others.values[counter] as number);
    }
  }

  /** Sets every gauge to 0: what a thread that has ended had open or in use, it has no more. */
  clearGauges(): void {
    for (const gauge of GAUGES) this.values[gauge] = 0;
  }
}
