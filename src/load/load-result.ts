import type { LatencySummary } from './latency.js';
import type { LoadMode } from './load-options.js';
import type { ResolvedLoadOptions } from './resolved-load-options.js';
import type { Tally } from './tally.js';

/** What came of a load. Its fields are called as in autocannon's result, where they mean the same. */
export interface LoadResult {
  readonly title: string | undefined;
  readonly url: string;
  readonly mode: LoadMode;
  /** What was used, defaults included. */
  readonly options: LoadResultOptions;
  /** When the measurement began and ended. */
  readonly start: Date;
  readonly finish: Date;
  /** How long it was measured, in seconds. */
  readonly duration: number;
  readonly connections: {
    readonly opened: number;
    /** That could not be opened. */
    readonly failed: number;
    /** That were open, and ended without us. */
    readonly lost: number;
    /** Opened per second, in the mode 'connect'; else 0. */
    readonly average: number;
  };
  /**
   * That came back as they were sent; in 'broadcast', deliveries to subscribers; if no answer is expected, those sent.
   * Both are 0 in the modes 'connect' and 'idle'.
   */
  readonly messages: {
    /** Per second. */
    readonly average: number;
    readonly total: number;
  };
  /** Payload, one way, in bytes. */
  readonly throughput: {
    /** Per second. */
    readonly average: number;
    readonly total: number;
  };
  /**
   * In ms: from a message to its answer; in 'broadcast', until the last subscriber has it; in 'connect' and 'idle', of opening a
   * connection. All are 0 if no answer is expected.
   */
  readonly latency: LatencySummary;
  /** All that went wrong, timeouts included. */
  readonly errors: number;
  /** The same by kind. */
  readonly errorsByKind: Readonly<Record<string, number>>;
  /** Messages and handshakes without an answer in time. */
  readonly timeouts: number;
  /** How connections ended, by close code: 1000 if we closed and the server agreed, 1006 without a Close. */
  readonly closes: Readonly<Record<string, number>>;
  /** What the load generator itself needed. */
  readonly client: {
    /** Of the event loop of the busiest of its threads: near 1, the figures are its own, and not the server's. */
    readonly utilization: number;
    /** CPU time of this process; 1 is one core. */
    readonly cpu: number;
    /** The same by message (in 'connect', by connection), in microseconds. */
    readonly microsPerMessage: number;
  };
}

/** Options of a load, as its result names them. */
export type LoadResultOptions = Omit<
  ResolvedLoadOptions,
  'url' | 'title' | 'mode' | 'payload' | 'ca' | 'headers' | 'durationMs' | 'amount' | 'ratePerSecond'
> & {
  readonly sizeBytes: number;
  /** Undefined without a limit. */
  readonly durationMs: number | undefined;
  readonly amount: number | undefined;
  readonly ratePerSecond: number | undefined;
};

/** Above this the client is the bottleneck: see {@link LoadResult.client}. */
export const SATURATED = 0.9;

export function resultOf(options: ResolvedLoadOptions, tally: Tally, finish: Date): LoadResult {
  const { url, title, mode, payload, ca, headers, durationMs, amount, ratePerSecond, ...others } = options;
  const seconds = tally.elapsedMs / 1000;
  const perSecond = (count: number) => (seconds > 0 ? count / seconds : 0);
  const done = tally.messages;
  const messages = mode === 'connect' ? 0 : done;
  const finite = (value: number) => (Number.isFinite(value) ? value : undefined);
  return {
    title,
    url,
    mode,
    options: {
      ...others,
      sizeBytes: payload.length,
      durationMs: finite(durationMs),
      amount: finite(amount),
      ratePerSecond: finite(ratePerSecond),
    },
    start: new Date(finish.getTime() - tally.elapsedMs),
    finish,
    duration: seconds,
    connections: {
      opened: tally.opened,
      failed: tally.failed,
      lost: tally.lost,
      average: mode === 'connect' ? perSecond(done) : 0,
    },
    messages: { average: perSecond(messages), total: messages },
    throughput: { average: perSecond(messages * payload.length), total: messages * payload.length },
    latency: tally.latency.summary(),
    errors: tally.errorCount,
    errorsByKind: Object.fromEntries(tally.errors),
    timeouts: tally.timeouts,
    closes: Object.fromEntries(tally.closes),
    client: {
      utilization: tally.utilization,
      cpu: tally.cpu,
      microsPerMessage: done === 0 ? 0 : (tally.cpu * tally.elapsedMs * 1000) / done,
    },
  };
}
