import type { CLIENT_DEFLATE_ROWS, ResolvedDeflateOptions } from '../client/deflate-options.js';
import type { ValuesOf } from '../options/define.js';
import type { LatencySummary } from './latency.js';
import type { LoadMode } from './load-options.js';
import type { ResolvedLoadOptions } from './resolved-load-options.js';
import type { Tally } from './tally.js';

/** The result of {@link load}. Fields that mean the same as in autocannon's result have the same names. */
export interface LoadResult {
  /** The title that the load was given. */
  readonly title: string | undefined;
  /** The server. */
  readonly url: string;
  /** What was done with the connections. */
  readonly mode: LoadMode;
  /** The options that were used, defaults included. */
  readonly options: LoadResultOptions;
  /** When the measurement began. */
  readonly start: Date;
  /** When the measurement ended. */
  readonly finish: Date;
  /** How long the measurement took, in seconds. */
  readonly duration: number;
  /** Connections, from the beginning of the load to its end. */
  readonly connections: {
    /** Connections that were opened. */
    readonly opened: number;
    /** Connections that could not be opened. */
    readonly failed: number;
    /** Connections that were open, and that the load generator did not close. */
    readonly lost: number;
    /** Connections opened per second, in the mode 'connect'; 0 in the others. */
    readonly average: number;
  };
  /**
   * Messages that came back as they were sent; in 'broadcast', deliveries to subscribers; if no answer is expected, messages that were
   * sent. Both figures are 0 in the modes 'connect' and 'idle'.
   */
  readonly messages: {
    /** Messages per second. */
    readonly average: number;
    /** All messages of the measurement. */
    readonly total: number;
  };
  /** The payload of these messages, one way, in bytes. */
  readonly throughput: {
    /** Bytes per second. */
    readonly average: number;
    /** All bytes of the measurement. */
    readonly total: number;
  };
  /**
   * The time from a message to its answer, in ms; in 'broadcast', until the last subscriber has the message; in 'connect' and 'idle', the
   * time to open a connection. All figures are 0 if no answer is expected.
   */
  readonly latency: LatencySummary;
  /** What has become of compression; undefined if it was not offered. */
  readonly compression:
    | {
        /** Connections on which it was agreed on: on the others the server has declined. */
        readonly connections: number;
        /**
         * The length of a message as it was sent on those, in bytes: `sizeBytes` if it was too short or did not get smaller. 0 without such
         * connections.
         */
        readonly sentBytes: number;
        /**
         * The length of an answer as it came on those, in bytes; if the server kept its window, of the last one that was noted. 0 without
         * answers.
         */
        readonly answerBytes: number;
      }
    | undefined;
  /** How often something went wrong, timeouts included. */
  readonly errors: number;
  /** How often each kind of error occurred, by what it is called: `connect: ECONNREFUSED`. */
  readonly errorsByKind: Readonly<Record<string, number>>;
  /** Messages, and opening handshakes, that were not answered in time. */
  readonly timeouts: number;
  /** How many connections ended with each close code: 1000 if the load generator closed and the server agreed, 1006 without a Close. */
  readonly closes: Readonly<Record<string, number>>;
  /** The time that the load generator itself needed. */
  readonly client: {
    /** The load of the event loop of its busiest thread, from 0 to 1. Near 1 the figures are those of the client, not of the server. */
    readonly utilization: number;
    /** The CPU time of this process per second; 1 is one core. */
    readonly cpu: number;
    /** The CPU time of each message (in 'connect', of each connection), in microseconds. */
    readonly microsPerMessage: number;
  };
}

/** The parts of the option `deflate`, defaults included. */
type DeflateParts = ValuesOf<typeof CLIENT_DEFLATE_ROWS>;

/** Options of a load, as its result names them. */
export type LoadResultOptions = Omit<
  ResolvedLoadOptions,
  'url' | 'title' | 'mode' | 'payload' | 'ca' | 'headers' | 'deflate' | 'durationMs' | 'amount' | 'ratePerSecond'
> & {
  /** The length of the message, in bytes. */
  readonly sizeBytes: number;
  /** How long the measurement was to take, in ms; undefined without a limit. */
  readonly durationMs: number | undefined;
  /** The number of messages after which the load was to end; undefined without a limit. */
  readonly amount: number | undefined;
  /** Messages per second of all connections together; undefined without a limit. */
  readonly ratePerSecond: number | undefined;
  /** How compression was offered; undefined if it was not. */
  readonly deflate: DeflateParts | undefined;
};

/** Above this the client is the bottleneck: see {@link LoadResult.client}. */
export const SATURATED = 0.9;

export function resultOf(options: ResolvedLoadOptions, tally: Tally, finish: Date): LoadResult {
  const { url, title, mode, payload, ca, headers, deflate, durationMs, amount, ratePerSecond, ...others } = options;
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
      deflate: deflate && deflateOptions(deflate),
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
    compression:
      deflate === undefined
        ? undefined
        : { connections: tally.deflated, sentBytes: tally.deflatedBytes, answerBytes: tally.answerBytes },
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

function deflateOptions({ level, thresholdBytes, settings }: ResolvedDeflateOptions): DeflateParts {
  const { contextTakeover, windowBits, allowsFullWindows: fullWindows } = settings;
  return { level, thresholdBytes, contextTakeover, windowBits, fullWindows };
}
