import { choice, count, milliseconds, size } from '../options/define.js';
import { MAX_TIMEOUT_MS } from './machine-limits.js';
import { Group } from './option-groups.js';

const MIB = 1024 * 1024;
const TIB = 2 ** 40;
const MAX_COUNT = 2 ** 31 - 1;
const MAX_FRAME_BYTES = 2 ** 32 - 1;

/** The options that bound each connection. Each thread that hosts connections gets all of them. */
export const CONNECTION_ROWS = {
  maxPayloadBytes: size({
    least: 1,
    most: MAX_FRAME_BYTES,
    byDefault: 16 * MIB,
    flag: '--max-payload',
    group: Group.MESSAGES,
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
    group: Group.MESSAGES,
    help: "from a message's first byte to its last; beyond: 1008; 0: no limit",
    limit: { bounds: "the time from a message's first byte to its last", beyond: 'closed with 1008' },
  }),
  maxConsecutiveEmptyFragments: count({
    least: 0,
    most: MAX_COUNT,
    byDefault: 100,
    flag: '--max-empty-fragments',
    group: Group.MESSAGES,
    help: 'fragments without payload in a row; beyond: 1008',
    limit: { bounds: 'fragments without payload that follow each other', beyond: 'closed with 1008' },
  }),
  messagesPerSecond: count({
    least: 0,
    most: MAX_COUNT,
    byDefault: 0,
    zero: 'no limit',
    flag: '--messages-per-second',
    group: Group.MESSAGES,
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
    group: Group.MESSAGES,
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
    group: Group.MESSAGES,
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
    group: Group.OUTPUT,
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
    group: Group.OUTPUT,
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
    group: Group.OUTPUT,
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
    group: Group.OUTPUT,
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
    group: Group.TIME,
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
    group: Group.TIME,
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
    group: Group.TIME,
    help: 'for the closing handshake; beyond: destroyed',
    limit: {
      bounds: 'the time for the closing handshake, and to take what was sent before',
      beyond: 'the connection is destroyed',
    },
  }),
} as const;
