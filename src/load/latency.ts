import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js';

/** A summary of latencies, in ms: average, standard deviation, least, percentiles, greatest. All are 0 if nothing was noted. */
export interface LatencySummary {
  /** The mean, in ms. */
  readonly average: number;
  /** The standard deviation, in ms. */
  readonly stddev: number;
  /** The shortest latency, in ms. */
  readonly min: number;
  /** Half of the latencies are at most this long, in ms. */
  readonly p50: number;
  /** 75 % of the latencies are at most this long, in ms. */
  readonly p75: number;
  /** 90 % of the latencies are at most this long, in ms. */
  readonly p90: number;
  /** 99 % of the latencies are at most this long, in ms. */
  readonly p99: number;
  /** 99.9 % of the latencies are at most this long, in ms. */
  readonly p99_9: number;
  /** The longest latency, in ms. */
  readonly max: number;
}

const MICROS_PER_MS = 1000;

/** Times are kept in microseconds, to three digits. The range grows with the longest time. */
const HISTOGRAM = {
  bitBucketSize: 64,
  highestTrackableValue: 60e6,
  numberOfSignificantValueDigits: 3,
  autoResize: true,
} as const;

/** Shorter times, in microseconds, are counted one by one, and go to the histogram together. */
const COUNTED_MICROS = 64 * 1024;

/**
 * How long things took: an HdrHistogram (Gil Tene), so that the few long times are as exact as the many short ones. In front
 * of it stands a plain count for each microsecond: to note a time there takes 10 ns, and 90 in the histogram, which finds its
 * buckets by logarithms and powers.
 */
export class Latency {
  readonly #histogram: Histogram = build(HISTOGRAM);
  readonly #counts = new Float64Array(COUNTED_MICROS);

  /** @param ms how long each of `count` took; clocks that go back count as no time. */
  note(ms: number, count: number): void {
    const micros = Math.round(ms * MICROS_PER_MS);
    if (micros < 0) this.#counts[0] = (this.#counts[0] as number) + count;
    else if (micros < COUNTED_MICROS) this.#counts[micros] = (this.#counts[micros] as number) + count;
    else this.#histogram.recordValueWithCount(micros, count);
  }

  reset(): void {
    this.#histogram.reset();
    this.#counts.fill(0);
  }

  /** For another thread: see {@link Latency.add}. */
  encode(): string {
    return encodeIntoCompressedBase64(this.#whole());
  }

  /** Adds what another thread has encoded. */
  add(encoded: string): void {
    this.#histogram.add(decodeFromCompressedBase64(encoded, 64));
  }

  summary(): LatencySummary {
    const histogram = this.#whole();
    const ms = (micros: number) => (histogram.totalCount === 0 ? 0 : micros / MICROS_PER_MS);
    const percentile = (percent: number) => ms(histogram.getValueAtPercentile(percent));
    return {
      average: ms(histogram.mean),
      stddev: ms(histogram.stdDeviation),
      min: ms(histogram.minNonZeroValue),
      p50: percentile(50),
      p75: percentile(75),
      p90: percentile(90),
      p99: percentile(99),
      p99_9: percentile(99.9),
      max: ms(histogram.maxValue),
    };
  }

  #whole(): Histogram {
    this.#counts.forEach((count, micros) => {
      if (count > 0) this.#histogram.recordValueWithCount(micros, count);
    });
    this.#counts.fill(0);
    return this.#histogram;
  }
}
