import { Counter, type Counters, Distribution } from '../telemetry/counters.js';
import type { DistributionName } from '../telemetry/distributions.js';
import { type FigureName, figureOf } from '../telemetry/figures.js';
import type { MetricsReading } from './metrics-reading.js';

export type Labels = Readonly<Record<string, string>>;

/** One value of a metric. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** One histogram of a metric. */
export interface HistogramSample {
  readonly labels: Labels;
  /** Where each bucket ends, itself included; ascending. */
  readonly bounds: readonly number[];
  /** How many values there were in each bucket alone, and above all of them. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** Where the samples of a metric come from. */
export interface Source<Kind = Sample> {
  /** The labels that each sample has. */
  readonly labels: readonly string[];
  /** The figures that are shown. */
  readonly figures: readonly FigureName[];
  readonly read: (reading: MetricsReading) => readonly Kind[];
}

interface MetricText {
  /** Its name, with all that Prometheus wants: the unit, and `_total` for a counter. */
  readonly name: string;
  /** What it says, in Markdown. */
  readonly help: string;
}

export interface ValueMetric extends MetricText, Source {
  /** A counter only grows, until the server is started again. */
  readonly type: 'counter' | 'gauge';
}

export interface HistogramMetric extends MetricText, Source<HistogramSample> {
  readonly type: 'histogram';
}

export type Metric = ValueMetric | HistogramMetric;

export function counter(name: `${string}_total`, help: string, source: Source): Metric {
  return { type: 'counter', name, help, ...source };
}

export function gauge(name: string, help: string, source: Source): Metric {
  return { type: 'gauge', name, help, ...source };
}

export function histogram(name: string, help: string, source: Source<HistogramSample>): Metric {
  return { type: 'histogram', name, help, ...source };
}

/** A figure in each thread. Gauges are those of threads that live. @param factor turns it into base units */
export function eachThread(figure: FigureName, factor = 1): Source {
  return {
    labels: ['thread'],
    figures: [figure],
    read: (reading) => samplesOfThreads(reading, figure, {}, factor),
  };
}

/** Several figures in each thread, told apart by a label. @param figures by the values of the label */
export function eachThreadBy(label: string, figures: Readonly<Record<string, FigureName>>): Source {
  return {
    labels: ['thread', label],
    figures: Object.values(figures),
    read: (reading) =>
      Object.entries(figures).flatMap(([value, figure]) => samplesOfThreads(reading, figure, { [label]: value }, 1)),
  };
}

function samplesOfThreads({ threads }: MetricsReading, figure: FigureName, labels: Labels, factor: number): Sample[] {
  const isGauge = figureOf(figure).kind === 'gauge';
  return threads
    .filter(({ isAlive }) => isAlive || !isGauge)
    .map(({ thread, counters }) => ({ labels: { thread, ...labels }, value: factor * counters.get(Counter[figure]) }));
}

/** A figure, summed up over all threads. @param factor turns it into base units */
export function inSum(figure: FigureName, factor = 1): Source {
  return {
    labels: [],
    figures: [figure],
    read: ({ total }) => [{ labels: {}, value: factor * total.get(Counter[figure]) }],
  };
}

/** Several figures, summed up over all threads, told apart by a label. @param figures by the values of the label */
export function inSumBy(label: string, figures: Readonly<Record<string, FigureName>>): Source {
  return {
    labels: [label],
    figures: Object.values(figures),
    read: ({ total }) =>
      Object.entries(figures).map(([value, figure]) => ({
        labels: { [label]: value },
        value: total.get(Counter[figure]),
      })),
  };
}

/** One value that the primary knows without the figures of threads, or from more than these. @param figures those that are a part of it */
export function known(read: (reading: MetricsReading) => number, figures: readonly FigureName[] = []): Source {
  return { labels: [], figures, read: (reading) => [{ labels: {}, value: read(reading) }] };
}

/** Several such values, told apart by a label. */
export function knownBy(
  label: string,
  read: (reading: MetricsReading) => Iterable<readonly [value: string, sample: number]>,
): Source {
  return {
    labels: [label],
    figures: [],
    read: (reading) => [...read(reading)].map(([text, value]) => ({ labels: { [label]: text }, value })),
  };
}

/** A distribution, summed up over all threads. */
export function distribution(name: DistributionName): Source<HistogramSample> {
  return { labels: [], figures: [], read: ({ total }) => [histogramOf(total, name, {})] };
}

/** A distribution in each thread. */
export function distributionEachThread(name: DistributionName): Source<HistogramSample> {
  return {
    labels: ['thread'],
    figures: [],
    read: ({ threads }) => threads.map(({ thread, counters }) => histogramOf(counters, name, { thread })),
  };
}

/**
 * Distributions of sizes, summed up over all threads, told apart by labels.
 * @param from the first bound that is shown, and the last: what is below or above is shown together.
 */
export function sizes(
  parts: readonly { readonly name: DistributionName; readonly labels: Labels }[],
  from: number,
  to: number,
): Source<HistogramSample> {
  return {
    labels: Object.keys(parts[0]?.labels ?? {}),
    figures: [],
    read: ({ total }) => parts.map(({ name, labels }) => joined(histogramOf(total, name, labels), from, to)),
  };
}

function histogramOf(counters: Counters, name: DistributionName, labels: Labels): HistogramSample {
  const place = Distribution[name];
  return { labels, bounds: place.bounds, counts: [...counters.ranges(place)], sum: counters.sum(place) };
}

/** Joins the buckets below and above. */
function joined({ labels, bounds, counts, sum }: HistogramSample, from: number, to: number): HistogramSample {
  const first = bounds.indexOf(from);
  const last = bounds.indexOf(to);
  const add = (some: readonly number[]) => some.reduce((total, count) => total + count, 0);
  return {
    labels,
    bounds: bounds.slice(first, last + 1),
    counts: [add(counts.slice(0, first + 1)), ...counts.slice(first + 1, last + 1), add(counts.slice(last + 1))],
    sum,
  };
}
