import { type Command, Option } from 'commander';
import type { ConfigError } from '../primary/config-error.js';
import { DEFAULTS } from '../primary/options.js';
import type { ServerOptions } from '../primary/server-options.js';
import { collect, parseCount, parseSeconds, parseSize, showSeconds, showSize } from './values.js';

/** How a value is written. */
type Kind = 'size' | 'count' | 'seconds' | 'list' | readonly string[];

/** A flag that sets an option of `createServer`, and has its default. */
interface Flag {
  readonly flag: string;
  readonly option: keyof ServerOptions;
  readonly kind: Kind;
  readonly what: string;
  /** For defaults that depend on the machine, or on other flags. */
  readonly byDefault?: string;
}

const FLAGS: readonly Flag[] = [
  { flag: '--arena', option: 'arenaBytes', kind: 'size', what: 'memory reserved by each thread, touched lazily' },
  { flag: '--max-payload', option: 'maxPayloadBytes', kind: 'size', what: 'longest message; beyond: 1009' },
  {
    flag: '--max-connections',
    option: 'maxConnections',
    kind: 'count',
    what: 'connections at a time; beyond: 503',
    byDefault: '8/9 of the descriptors above 256, or of half of up to 512',
  },
  {
    flag: '--max-connections-per-ip',
    option: 'maxConnectionsPerIp',
    kind: 'count',
    what: 'connections of one IPv4 address or IPv6 /64; beyond: 503; 0: no limit',
  },
  {
    flag: '--handshake-timeout',
    option: 'handshakeTimeoutMs',
    kind: 'seconds',
    what: 'for a request, and then for the hook upgrade; beyond: 408, and 503',
  },
  {
    flag: '--start-timeout',
    option: 'startTimeoutMs',
    kind: 'seconds',
    what: 'for the handler to load and a thread to start; beyond: not started',
  },
  { flag: '--max-header-bytes', option: 'maxHeaderBytes', kind: 'size', what: 'head of a request; beyond: 431' },
  { flag: '--max-header-count', option: 'maxHeaderCount', kind: 'count', what: 'headers of a request; beyond: 431' },
  {
    flag: '--heartbeat',
    option: 'heartbeatIntervalMs',
    kind: 'seconds',
    what: 'ping a client that was silent for so long, lose it after as long again; 0: never',
  },
  {
    flag: '--idle-timeout',
    option: 'idleTimeoutMs',
    kind: 'seconds',
    what: 'without a message either way; beyond: 1001; 0: for ever',
  },
  {
    flag: '--message-timeout',
    option: 'messageTimeoutMs',
    kind: 'seconds',
    what: "from a message's first byte to its last; beyond: 1008; 0: for ever",
  },
  {
    flag: '--close-timeout',
    option: 'closeTimeoutMs',
    kind: 'seconds',
    what: 'for the closing handshake; beyond: destroyed',
  },
  {
    flag: '--high-water-mark',
    option: 'highWaterMarkBytes',
    kind: 'size',
    what: 'output that a client has not taken; beyond: it is not read',
  },
  {
    flag: '--max-backpressure',
    option: 'maxBackpressureBytes',
    kind: 'size',
    what: 'output that is queued for a client; beyond: --slow-consumer',
  },
  {
    flag: '--slow-consumer',
    option: 'slowConsumer',
    kind: ['close', 'drop'],
    what: 'close it with 1013, or drop messages to it',
  },
  {
    flag: '--stall-timeout',
    option: 'stallTimeoutMs',
    kind: 'seconds',
    what: 'with output queued and none taken; beyond: lost; 0: for ever',
  },
  {
    flag: '--max-buffered',
    option: 'maxBufferedBytes',
    kind: 'size',
    what: 'output and unfinished messages of all; beyond: the oldest go with 1013',
    byDefault: 'a quarter of memory',
  },
  {
    flag: '--max-owed',
    option: 'maxOwedBytes',
    kind: 'size',
    what: 'publications that a thread has not taken; beyond a quarter publishers wait, beyond: dropped',
  },
  {
    flag: '--slow-thread-timeout',
    option: 'slowThreadTimeoutMs',
    kind: 'seconds',
    what: 'for a thread that takes no publications; beyond: it is waited for no more',
  },
  {
    flag: '--messages-per-second',
    option: 'messagesPerSecond',
    kind: 'count',
    what: 'of one client, with fragments, pings, pongs; beyond: --rate-limit; 0: no limit',
  },
  {
    flag: '--bytes-per-second',
    option: 'bytesPerSecond',
    kind: 'size',
    what: 'of all frames of one client; beyond: --rate-limit; 0: no limit',
  },
  {
    flag: '--rate-limit',
    option: 'rateLimitAction',
    kind: ['pause', 'close'],
    what: 'do not read a client that is too fast for a while, or close it with 1008',
  },
  {
    flag: '--max-empty-fragments',
    option: 'maxConsecutiveEmptyFragments',
    kind: 'count',
    what: 'fragments without payload in a row; beyond: 1008',
  },
  {
    flag: '--allow-origin',
    option: 'allowedOrigins',
    kind: 'list',
    what: 'whose pages may connect, repeatable, * for all; others: 403',
    byDefault: 'pages of the same host and port',
  },
  {
    flag: '--allow-host',
    option: 'allowedHosts',
    kind: 'list',
    what: 'names that the server may be asked for, repeatable, * for all; others: 403',
    byDefault: 'localhost, 127.0.0.1 and [::1] on a loopback address, else all',
  },
];

/** The flags of options. */
const FLAG_OF: ReadonlyMap<string, string> = new Map([
  ...FLAGS.map(({ flag, option }) => [option, flag] as const),
  ...['health', 'host', 'kernel', 'page', 'path', 'port', 'threads', 'thresholds'].map(
    (option) => [option, `--${option}`] as const,
  ),
]);

/** Says what is wrong with an option by its flag, in the units that the flag takes. */
export function explainOption({ option, message, outOfRange }: ConfigError): string {
  const flag = FLAG_OF.get(option) ?? option;
  const kind = FLAGS.find((one) => one.option === option)?.kind;
  const show = kind === 'seconds' ? showSeconds : showSize;
  if (outOfRange === undefined || !(kind === 'seconds' || kind === 'size')) return message.replace(option, flag);
  const { least, greatest, got } = outOfRange;
  const unit = kind === 'seconds' ? ' seconds' : '';
  return `${flag} must be from ${show(least)} to ${show(greatest)}${unit}, got ${show(got)}`;
}

/** Adds the flags of all limits to a command. */
export function addLimits(command: Command): void {
  for (const flag of FLAGS) command.addOption(commanderOption(flag));
}

/** The options of `createServer` that the flags have set. @param flags as the command has parsed them. */
export function limitsOf(flags: Readonly<Record<string, unknown>>): Partial<ServerOptions> {
  const options: Record<string, unknown> = {};
  for (const flag of FLAGS) {
    const value = flags[new Option(placeholder(flag)).attributeName()];
    if (value !== undefined) options[flag.option] = value;
  }
  return options;
}

function placeholder({ flag, kind }: Flag): string {
  const names = { size: 'size', count: 'number', seconds: 'seconds', list: 'name' };
  return `${flag} <${typeof kind === 'string' ? names[kind] : 'action'}>`;
}

function commanderOption(flag: Flag): Option {
  const { option, kind, what, byDefault } = flag;
  const description = byDefault === undefined ? what : `${what} (default: ${byDefault})`;
  const made = new Option(placeholder(flag), description);
  const value: unknown = byDefault === undefined ? Reflect.get(DEFAULTS, option) : undefined;
  if (kind === 'list') return made.argParser(collect);
  if (kind === 'size') made.argParser(parseSize);
  else if (kind === 'count') made.argParser(parseCount);
  else if (kind === 'seconds') made.argParser(parseSeconds);
  else made.choices(kind);
  if (typeof value !== 'number') return value === undefined ? made : made.default(value);
  return made.default(
    value,
    kind === 'size' ? showSize(value) : kind === 'seconds' ? showSeconds(value) : String(value),
  );
}
