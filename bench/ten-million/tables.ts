/** The results of simulations as tables: rows of cells, for the command line and for the document. */
import type { Handshake } from './figures-file.js';
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
export function rough(value: number | undefined): string {
  if (value === undefined) return 'not';
  if (!Number.isFinite(value)) return '–';
  const rounded = Number(value.toPrecision(2));
  return rounded >= 1000 ? count(rounded) : String(rounded);
}

export const STORM_HEAD = [
  '',
  'half back, s',
  '99 %, s',
  'all, s',
  'attempts each',
  'SYNs dropped, each',
  'given up or refused',
  'busiest primary',
  'busiest workers',
];

export function stormRow(name: string, connections: number, result: StormResult): string[] {
  const { halfSeconds, ninetyNineSeconds, allSeconds, attempts, dropped, timedOut, refused } = result;
  return [
    name,
    ...[halfSeconds, ninetyNineSeconds, allSeconds].map(rough),
    ...[attempts / connections, dropped / connections].map(rough),
    count(timedOut + refused),
    ...[result.primaryPeak, result.workerPeak].map(percent),
  ];
}

export function stormName({ event, handshake, backOff }: Omit<StormScenario, 'options'>): string {
  return `${event}${HANDSHAKES[handshake]}; clients come back ${backOff.startsWith('full jitter') ? `with ${backOff}` : backOff}`;
}

const HANDSHAKES: Readonly<Record<Handshake, string>> = {
  plain: '',
  'plain, in workers': ', `--handshake worker`',
  tls: ', TLS',
  'tls resumed': ', TLS resumed',
};

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
  const isSteady = options.messagesPerSecond <= rate;
  const times = [result.lastMedianMs, result.lastP99Ms, result.meanMs];
  return [String(options.nodes), ...times.map((time) => (isSteady ? rough(time) : 'grows')), rough(rate), by];
}

/** The rate that a topic can have, and what bounds it. */
export function mostMessages(options: TopicOptions): { readonly rate: number; readonly by: string } {
  const { threads, network, primary } = topicBounds(options);
  const rate = Math.min(threads, network, primary);
  return { rate, by: rate === threads ? 'CPU' : rate === network ? 'network' : 'the primary' };
}
