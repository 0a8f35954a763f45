/** The results of simulations as tables: rows of cells, for the command line and for the document. */
import { figure } from '#dist/cli/table.js';
import type { StormScenario } from './scenarios.js';
import type { StormResult } from './storm.js';
import { type TopicOptions, type TopicResult, topicBounds } from './topic.js';

/** Digits of thousands are grouped with a space that does not break a line. */
export function count(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ' ');
}

export function percent(part: number): string {
  return `${part > 0 && part < 0.005 ? '< 1' : Math.round(part * 100)} %`;
}

/** Two digits that count: more would say that the model is as good as that. */
export function seconds(value: number | undefined): string {
  return value === undefined ? 'not' : figure(Number(value.toPrecision(2)));
}

export const STORM_HEAD = [
  'clients come back',
  '50 % back, s',
  '99 %, s',
  'all, s',
  'attempts each',
  'dropped SYNs each',
  'given up, refused',
  'busiest thread',
  'wait for a worker, longest, s',
];

export function stormRow(name: string, connections: number, result: StormResult): string[] {
  const each = (value: number) => figure(Number((value / connections).toPrecision(2)));
  return [
    name,
    ...[result.halfSeconds, result.ninetyNineSeconds, result.allSeconds].map(seconds),
    each(result.attempts),
    each(result.dropped),
    count(result.timedOut + result.refused),
    percent(result.peakUse),
    seconds(result.workerWaitMaxSeconds),
  ];
}

export function stormName({ event, isSecure, backOff }: Pick<StormScenario, 'event' | 'isSecure' | 'backOff'>): string {
  return `${event}${isSecure ? ', TLS' : ''}; ${backOff}`;
}

export const TOPIC_HEAD = [
  'nodes',
  'last, median, ms',
  'last, p99, ms',
  'average subscriber, ms',
  'most messages a second',
  'bounded by',
];

export function topicRow(options: TopicOptions, result: TopicResult): string[] {
  const { rate, by } = mostMessages(options);
  return [
    String(options.nodes),
    ...[result.lastMedianMs, result.lastP99Ms, result.meanMs].map(seconds),
    seconds(rate),
    by,
  ];
}

/** The rate that a topic can have, and what bounds it. */
export function mostMessages(options: TopicOptions): { readonly rate: number; readonly by: string } {
  const { threads, network, primary } = topicBounds(options);
  const rate = Math.min(threads, network, primary);
  return { rate, by: rate === threads ? 'CPU' : rate === network ? 'network' : 'the primary' };
}
