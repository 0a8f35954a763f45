/** The command line of `npm run ten-million:simulate`. */
import { parseArgs } from 'node:util';
import { UsageError, usageOf } from '../settings.js';
import { MOST_NODES } from './arithmetic.js';
import { STORM } from './assumptions.js';
import type { Handshake } from './figures-file.js';
import type { BackOff, StormOptions } from './storm.js';
import type { TopicOptions } from './topic.js';

export type SimulateSettings =
  | { readonly kind: 'help' }
  /** All that the document shows. */
  | { readonly kind: 'all'; readonly figures: string | undefined; readonly out: string | undefined }
  | {
      readonly kind: 'storm';
      readonly figures: string | undefined;
      readonly handshake: Handshake;
      readonly options: Partial<StormOptions>;
    }
  | {
      readonly kind: 'topic';
      readonly figures: string | undefined;
      readonly bytes: number;
      readonly options: Partial<TopicOptions>;
    };

const HANDSHAKES: Readonly<Record<string, Handshake | undefined>> = {
  plain: 'plain',
  worker: 'plain, in workers',
  tls: 'tls',
  resumed: 'tls resumed',
};

/** The flags of a simulation: each sets a number of its options. */
const STORM_FLAGS = {
  nodes: ['nodes', 'nodes, of which one dies'],
  connections: ['connections', 'connections of that node'],
  'primary-micros': ['primaryMicros', 'CPU time of the primary for a handshake, in µs'],
  'worker-micros': ['workerMicros', 'CPU time of a worker for a handshake, in µs'],
  workers: ['workers', 'workers of a node that run at the same time'],
  busy: ['busyShare', 'part of the CPU that other traffic takes, 0 to 0.99'],
  backlog: ['backlog', 'connections that may wait for a primary'],
  spare: ['spareConnections', 'how many more connections a node takes'],
  timeout: ['connectTimeoutSeconds', 'when a client gives up, in seconds'],
  'round-trip': ['roundTripMs', 'in milliseconds'],
  notice: ['noticeSeconds', 'within how many seconds clients notice the death'],
  'sign-ins': ['signInsPerSecond', 'what a service does that is asked about each client; 0: none'],
  'sign-in-timeout': ['signInTimeoutSeconds', 'how long a node waits for that service'],
  horizon: ['horizonSeconds', 'when the simulation ends'],
  seed: ['seed', 'of all that is chance'],
} as const satisfies Readonly<Record<string, readonly [keyof StormOptions, string]>>;

const TOPIC_FLAGS = {
  subscribers: ['subscribers', 'subscribers of the topic'],
  nodes: ['nodes', 'nodes that they are on'],
  threads: ['threads', 'threads of a node that run at the same time'],
  'delivery-micros': ['deliveryMicros', 'CPU time for a message to one subscriber, in µs'],
  'crossing-micros': ['crossingMicros', 'CPU time for a message to come to a thread, in µs'],
  'in-micros': ['inMicros', 'CPU time of a primary for a message from the engine, in µs'],
  'engine-ms': ['engineMs', 'from the publisher to a node, in ms'],
  'wire-bytes': ['wireBytes', 'a message on the network, with all headers'],
  gigabits: ['gigabitsPerSecond', 'of the network of a node'],
  busy: ['busyShare', 'part of CPU and network that other traffic takes, 0 to 0.99'],
  'pause-every': ['pauseEverySeconds', 'how often a thread stops, on average; 0: never'],
  pause: ['pauseMs', 'for how long, in ms'],
  rate: ['messagesPerSecond', 'messages per second'],
  seconds: ['seconds', 'how long messages are published'],
  seed: ['seed', 'of all that is chance'],
} as const satisfies Readonly<Record<string, readonly [keyof TopicOptions, string]>>;

const listOf = (flags: Readonly<Record<string, readonly [string, string]>>) =>
  Object.entries(flags)
    .map(([flag, [, help]]) => `  --${`${flag} <n>`.padEnd(21)}${help}`)
    .join('\n');

export const HELP = `Usage: npm run ten-million:simulate -- [all | storm | topic] [options]

Simulates what arithmetic alone cannot tell. Without a name, all that docs/ten-million.md shows, which takes two or three minutes, and writes
bench/results/ten-million-simulation.json: npm run ten-million:report makes the document of it. What no flag sets is as there.

  --figures <file>       the measured figures (bench/results/ten-million-figures.json)
  --out <file>           all: where to write the results
  --help                 print this

storm: a node dies, and its clients connect again

  --handshake <how>      ${Object.keys(HANDSHAKES).join(', ')} (plain)
  --ends-questions       nodes take back what they ask about clients that have gone
  --back-off <how>       none, or the seconds that all wait: 1, or full jitter from BASE to CAP seconds: 1-30
${listOf(STORM_FLAGS)}

topic: a topic with very many subscribers

  --bytes <n>            the size of a message (100)
${listOf(TOPIC_FLAGS)}

Exit codes: 0 simulated, 2 wrong usage.`;

/** Of TCP, TLS and the opening handshake. */
const MOST_ROUND_TRIPS = 3;

const WORDS = { figures: { type: 'string' }, help: { type: 'boolean' } } as const;

/** @throws UsageError */
export function parseSimulateSettings(args: readonly string[]): SimulateSettings {
  const [first, ...rest] = args;
  if (first === 'storm') return parseStorm(rest);
  if (first === 'topic') return parseTopic(rest);
  const { values } = usageOf(() =>
    parseArgs({ args: first === 'all' ? rest : [...args], options: { ...WORDS, out: { type: 'string' } } }),
  );
  const { figures, out, help } = values;
  return help === true ? { kind: 'help' } : { kind: 'all', figures, out };
}

function parseStorm(args: string[]): SimulateSettings {
  const options = {
    ...WORDS,
    handshake: { type: 'string' },
    'ends-questions': { type: 'boolean' },
    'back-off': { type: 'string' },
  } as const;
  const { values } = usageOf(() => parseArgs({ args, options: { ...options, ...textFlags(STORM_FLAGS) } }));
  const { figures, help, handshake = 'plain', 'back-off': backOff } = values as Values;
  if (help === true) return { kind: 'help' };
  const numbers: Partial<StormOptions> = {
    ...numbersOf<StormOptions>(values as Values, STORM_FLAGS),
    ...((values as Values)['ends-questions'] === true ? { endsQuestions: true } : {}),
  };
  const { nodes = 2, busyShare = 0, workers = 1, backlog = 1 } = numbers;
  const { roundTripMs = STORM.roundTripMs, connectTimeoutSeconds = STORM.connectTimeoutSeconds } = numbers;
  demand(nodes >= 2 && nodes <= MOST_NODES, `--nodes must be from 2, of which one dies, to ${MOST_NODES}`);
  demand(roundTripMs > 0, '--round-trip must be above 0');
  demand(
    connectTimeoutSeconds * 1000 > MOST_ROUND_TRIPS * roundTripMs,
    '--timeout must be longer than the round trips',
  );
  demand(busyShare <= 0.99, '--busy must be from 0 to 0.99');
  demand(workers >= 1 && backlog >= 1, '--workers and --backlog must be at least 1');
  return {
    kind: 'storm',
    figures: figures as string | undefined,
    handshake: parseHandshake(String(handshake)),
    options: backOff === undefined ? numbers : { ...numbers, backOff: parseBackOff(String(backOff)) },
  };
}

function parseTopic(args: string[]): SimulateSettings {
  const options = { ...WORDS, bytes: { type: 'string' } } as const;
  const { values } = usageOf(() => parseArgs({ args, options: { ...options, ...textFlags(TOPIC_FLAGS) } }));
  const { figures, help, bytes = '100' } = values as Values;
  if (help === true) return { kind: 'help' };
  const numbers = numbersOf<TopicOptions>(values as Values, TOPIC_FLAGS);
  const { nodes = 1, threads = 1, busyShare = 0, messagesPerSecond = 1 } = numbers;
  demand(nodes >= 1 && threads >= 1, '--nodes and --threads must be at least 1');
  demand(nodes <= MOST_NODES, `--nodes must be at most ${MOST_NODES}`);
  demand(busyShare <= 0.99, '--busy must be from 0 to 0.99');
  demand(messagesPerSecond > 0, '--rate must be above 0');
  return {
    kind: 'topic',
    figures: figures as string | undefined,
    bytes: parseNumber('bytes', String(bytes)),
    options: numbers,
  };
}

type Values = Readonly<Record<string, string | boolean | undefined>>;
type Flags = Readonly<Record<string, readonly [string, string]>>;

function textFlags(flags: Flags): Record<string, { type: 'string' }> {
  return Object.fromEntries(Object.keys(flags).map((flag) => [flag, { type: 'string' }]));
}

function numbersOf<Options>(values: Values, flags: Flags): Partial<Options> {
  const given = Object.entries(flags).flatMap(([flag, [option]]) => {
    const text = values[flag];
    return text === undefined ? [] : [[option, parseNumber(flag, String(text))]];
  });
  return Object.fromEntries(given) as Partial<Options>;
}

const WHOLE = new Set(['nodes', 'connections', 'workers', 'backlog', 'subscribers', 'threads', 'seed', 'bytes']);

function parseNumber(flag: string, text: string): number {
  const isWhole = WHOLE.has(flag);
  const isRight = isWhole ? /^\d{1,9}$/.test(text) : /^\d{1,9}(\.\d{1,9})?$/.test(text);
  demand(isRight, `--${flag} must be ${isWhole ? 'an integer from 0' : 'a number from 0'}, got "${text}"`);
  return Number(text);
}

function parseHandshake(text: string): Handshake {
  const handshake = HANDSHAKES[text];
  if (handshake !== undefined) return handshake;
  throw new UsageError(`--handshake must be one of ${Object.keys(HANDSHAKES).join(', ')}, got "${text}"`);
}

function parseBackOff(text: string): BackOff {
  if (text === 'none') return { kind: 'none' };
  const [, base, cap] = /^(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))?$/.exec(text) ?? [];
  if (base === undefined) throw new UsageError(`--back-off must be none, seconds, or BASE-CAP, got "${text}"`);
  if (cap === undefined) return { kind: 'fixed', seconds: Number(base) };
  return { kind: 'jitter', baseSeconds: Number(base), capSeconds: Number(cap) };
}

function demand(isSo: boolean, message: string): void {
  if (!isSo) throw new UsageError(message);
}
