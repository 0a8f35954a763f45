import { DEFAULT_BUS_LIMITS } from '../host/thread-publishing.js';
import { choice, count, milliseconds, size } from '../options/define.js';
import {
  defaultBufferedBytes,
  defaultConnections,
  MAX_BUFFERED_BYTES,
  MAX_CONNECTIONS,
  MIN_BUFFERED_BYTES,
} from './machine-limits.js';

/** What a timer can hold, in ms: with more, it fires at once. */
export const MAX_TIMEOUT_MS = 2 ** 31 - 1;

const KIB = 1024;
const MIB = 1024 * KIB;
const MAX_COUNT = 2 ** 31 - 1;
const MAX_FRAME_BYTES = 2 ** 32 - 1;
const TIB = 2 ** 40;

const MESSAGES = 'Limits of messages';
const OUTPUT = 'Limits of output';
const SILENCE = 'Limits of time';

/** What bounds each connection. The threads that host connections are given all of these. */
export const CONNECTION_ROWS = {
  maxPayloadBytes: size({
    least: 1,
    most: MAX_FRAME_BYTES,
    byDefault: 16 * MIB,
    flag: '--max-payload',
    group: MESSAGES,
    help: 'longest message; beyond: 1009',
    limit: {
      bounds: 'the length of one message: the payloads of its fragments together, without their headers',
      beyond: 'closed with 1009, as soon as the header has come',
    },
  }),
  messageTimeoutMs: milliseconds({
    least: 0,
    most: MAX_TIMEOUT_MS,
    byDefault: 300_000,
    zero: 'no limit',
    flag: '--message-timeout',
    group: MESSAGES,
    help: "from a message's first byte to its last; beyond: 1008; 0: no limit",
    limit: { bounds: "the time from a message's first byte to its last", beyond: 'closed with 1008' },
  }),
  maxConsecutiveEmptyFragments: count({
    least: 0,
    most: MAX_COUNT,
    byDefault: 100,
    flag: '--max-empty-fragments',
    group: MESSAGES,
    help: 'fragments without payload in a row; beyond: 1008',
    limit: { bounds: 'fragments without payload that follow each other', beyond: 'closed with 1008' },
  }),
  messagesPerSecond: count({
    least: 0,
    most: MAX_COUNT,
    byDefault: 0,
    zero: 'no limit',
    flag: '--messages-per-second',
    group: MESSAGES,
    help: 'of one client, with fragments, pings and pongs; beyond: --rate-limit; 0: no limit',
    limit: {
      bounds: 'messages of one client in a second, on average; each fragment, ping and pong counts as one',
      beyond: 'see `rateLimitAction`',
    },
  }),
  bytesPerSecond: size({
    least: 0,
    most: TIB,
    byDefault: 0,
    zero: 'no limit',
    flag: '--bytes-per-second',
    group: MESSAGES,
    help: 'of all frames of one client; beyond: --rate-limit; 0: no limit',
    limit: {
      bounds: 'bytes of frames of one client in a second, headers included; the opening handshake does not count',
      beyond: 'see `rateLimitAction`',
    },
  }),
  rateLimitAction: choice({
    choices: ['pause', 'close'],
    byDefault: 'pause',
    flag: '--rate-limit',
    placeholder: 'action',
    group: MESSAGES,
    help: 'do not read a client that sends too fast for a while, or close it with 1008',
    limit: {
      bounds: 'what happens to a client that sends too fast',
      beyond: '`pause`: not read for a while, so that its messages take longer; `close`: closed with 1008',
    },
  }),
  highWaterMarkBytes: size({
    least: 1,
    most: MAX_FRAME_BYTES,
    byDefault: MIB,
    flag: '--high-water-mark',
    group: OUTPUT,
    help: 'output that a client has not taken; beyond: it is not read',
    limit: {
      bounds: 'output that a client has not taken, before it is held back',
      beyond: 'not read until it has taken some; `send` returns false, and the hook `drain` follows',
    },
  }),
  maxBackpressureBytes: size({
    least: 1,
    most: MAX_FRAME_BYTES,
    byDefault: 16 * MIB,
    flag: '--max-backpressure',
    group: OUTPUT,
    help: 'output that is queued for a client; beyond: --slow-consumer',
    limit: {
      bounds: 'output that is queued for a client, in all; one message is always accepted when nothing is queued',
      beyond: 'see `slowConsumer`',
    },
  }),
  slowConsumer: choice({
    choices: ['close', 'drop'],
    byDefault: 'close',
    flag: '--slow-consumer',
    placeholder: 'action',
    group: OUTPUT,
    help: 'close a client that has too much to take with 1013, or drop messages to it',
    limit: {
      bounds: 'what happens to a client that has too much to take',
      beyond: '`close`: closed with 1013, behind what is queued; `drop`: it does not get the message',
    },
  }),
  stallTimeoutMs: milliseconds({
    least: 0,
    most: MAX_TIMEOUT_MS,
    byDefault: 30_000,
    zero: 'never',
    flag: '--stall-timeout',
    group: OUTPUT,
    help: 'with output queued and none of it taken; beyond: lost; 0: never',
    limit: {
      bounds: 'the time for which output is queued and the client takes none of it; HTTP clients too',
      beyond: 'lost (1006), without a Close',
    },
  }),
  heartbeatIntervalMs: milliseconds({
    least: 0,
    most: MAX_TIMEOUT_MS,
    byDefault: 30_000,
    zero: 'never',
    flag: '--heartbeat',
    group: SILENCE,
    help: 'ping a client that was silent for this time, lose it after as long again; 0: never',
    limit: {
      bounds: 'the time for which a client sends nothing at all: any byte is a sign of life',
      beyond: 'a ping; after as long again lost (1006), without a Close',
    },
  }),
  idleTimeoutMs: milliseconds({
    least: 0,
    most: MAX_TIMEOUT_MS,
    byDefault: 0,
    zero: 'never',
    flag: '--idle-timeout',
    group: SILENCE,
    help: 'without a message either way; beyond: 1001; 0: never',
    limit: {
      bounds: 'the time without a message, either way; pings and pongs do not count',
      beyond: 'closed with 1001',
    },
  }),
  closeTimeoutMs: milliseconds({
    least: 1,
    most: MAX_TIMEOUT_MS,
    byDefault: 5000,
    flag: '--close-timeout',
    group: SILENCE,
    help: 'for the closing handshake; beyond: destroyed',
    limit: {
      bounds: 'the time for the closing handshake, and to take what was sent before',
      beyond: 'the connection is destroyed',
    },
  }),
} as const;

const THREADS = 'Limits of all connections together';

/** What bounds the memory of all connections. */
export const MEMORY_ROWS = {
  maxBufferedBytes: size({
    least: MIN_BUFFERED_BYTES,
    most: MAX_BUFFERED_BYTES,
    byDefault: defaultBufferedBytes,
    defaultText: 'a quarter of memory',
    flag: '--max-buffered',
    group: THREADS,
    help: 'output and unfinished messages of all; beyond: those that held it for longest go with 1013',
    limit: {
      bounds: 'queued output and unfinished messages of all connections together',
      beyond: 'the connections that have held it for longest are closed with 1013',
    },
  }),
} as const;

/** What threads may be owed of publications. */
export const BUS_ROWS = {
  maxOwedBytes: size({
    // The least lets a message of the usual size arrive.
    least: MIB,
    most: TIB,
    byDefault: DEFAULT_BUS_LIMITS.maxOwedBytes,
    flag: '--max-owed',
    group: THREADS,
    help: 'publications that a thread has not taken; beyond a quarter publishers wait, beyond: dropped',
    limit: {
      bounds: 'memory of publications that one thread has not taken from the others',
      beyond:
        'from a quarter on, connections that publish to that thread are not read; beyond it, publications that no connection can be held back for are dropped',
    },
  }),
  slowThreadTimeoutMs: milliseconds({
    least: 1,
    most: MAX_TIMEOUT_MS,
    byDefault: DEFAULT_BUS_LIMITS.slowThreadTimeoutMs,
    flag: '--slow-thread-timeout',
    group: THREADS,
    help: 'for a thread that takes no publications; beyond: it is waited for no more',
    limit: {
      bounds: 'the time that publishers wait for a thread that takes nothing',
      beyond:
        'it is waited for no more; its connections that have missed publications are closed with 1013, or only miss them with `slowConsumer: "drop"`',
    },
  }),
} as const;

const CONNECTIONS = 'Limits of connections';
const REQUESTS = 'Limits of requests';

/** What bounds connections before a thread hosts them. */
export const ARRIVAL_ROWS = {
  maxConnections: count({
    least: 1,
    most: MAX_CONNECTIONS,
    byDefault: defaultConnections,
    defaultText: '8/9 of the descriptors above 256, or of half of up to 512',
    flag: '--max-connections',
    group: CONNECTIONS,
    help: 'connections at a time; beyond: 503',
    limit: {
      bounds: 'TCP connections at a time, WebSockets or not, from when they are accepted',
      beyond: 'refused with 503, or closed without an answer when too many others wait for theirs',
    },
  }),
  maxConnectionsPerIp: count({
    least: 0,
    most: MAX_CONNECTIONS,
    byDefault: 0,
    zero: 'no limit',
    flag: '--max-connections-per-ip',
    group: CONNECTIONS,
    help: 'connections of one IPv4 address or IPv6 /64; beyond: 503; 0: no limit',
    limit: {
      bounds:
        'the same for one IPv4 address, or one IPv6 /64; leave it off behind a proxy, whose address all clients have',
      beyond: 'refused with 503, or closed without an answer when too many others wait for theirs',
    },
  }),
  handshakeTimeoutMs: milliseconds({
    least: 1,
    most: MAX_TIMEOUT_MS,
    byDefault: 10_000,
    flag: '--handshake-timeout',
    group: REQUESTS,
    help: 'for a request, and then for the hook upgrade; beyond: 408, and 503',
    limit: {
      bounds: 'the time for a request, then for the hook `upgrade`, then to take the 101: each has the whole time',
      beyond: '408 for the request, 503 for the hook; a client that does not take its 101 is lost',
    },
  }),
  maxHeaderBytes: size({
    least: 512,
    most: MIB,
    byDefault: 16 * KIB,
    flag: '--max-header-bytes',
    group: REQUESTS,
    help: 'head of a request; beyond: 431',
    limit: { bounds: 'the head of a request: its request line and headers', beyond: 'refused with 431' },
  }),
  maxHeaderCount: count({
    least: 8,
    most: 10_000,
    byDefault: 100,
    flag: '--max-header-count',
    group: REQUESTS,
    help: 'headers of a request; beyond: 431',
    limit: { bounds: 'the headers of a request', beyond: 'refused with 431' },
  }),
  handOffTimeoutMs: milliseconds({
    least: 1,
    most: MAX_TIMEOUT_MS,
    byDefault: 2000,
    group: 'Threads',
    help: 'for a worker to take a connection; beyond: another worker gets it',
    limit: {
      bounds: 'the time for a worker to take a connection',
      beyond: 'another worker gets it, and this one no more until it goes on; 503 while none takes any',
    },
  }),
} as const;
