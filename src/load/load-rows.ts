import { readDeflateOption } from '../client/deflate-options.js';
import { choice, count, milliseconds, type Option, other, size } from '../options/define.js';
import { EXPECTATIONS, LOAD_MODES, type LoadOptions } from './load-options.js';

/** What a timer can hold, in ms. */
const MAX_TIME_MS = 2 ** 31 - 1;

/** The longest message that is sent. */
export const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

const WHAT = 'Message';
const HOW = 'Load';
const CONNECTION = 'Connection';

/** Every option of a load. */
export const LOAD_ROWS = {
  url: other({ help: 'the server', read: (url) => url }),
  title: other({
    kind: 'text',
    flag: '-T, --title',
    placeholder: 'text',
    help: 'put it over the result',
    read: (title) => title,
  }),
  mode: choice({
    choices: LOAD_MODES,
    byDefault: 'echo',
    flag: '--mode',
    placeholder: 'name',
    group: HOW,
    help: 'what to do: see below',
  }),
  connections: count({
    least: 1,
    most: 1_000_000,
    byDefault: 10,
    flag: '-c, --connections',
    group: HOW,
    help: 'connections at a time',
  }),
  inFlight: count({
    least: 1,
    most: 10_000,
    byDefault: 1,
    flag: '-p, --pipelining',
    group: HOW,
    help: 'messages on their way on each connection',
  }),
  durationMs: milliseconds({
    least: 1,
    most: MAX_TIME_MS,
    byDefault: 10_000,
    defaultText: '10 s; with an amount for ever',
    flag: '-d, --duration',
    group: HOW,
    help: 'how long to measure',
  }),
  amount: count({
    least: 1,
    most: Number.MAX_SAFE_INTEGER,
    byDefault: Number.POSITIVE_INFINITY,
    defaultText: 'no limit',
    flag: '-a, --amount',
    group: HOW,
    help: 'end when this many messages are sent and answered, or with -d, if that is earlier',
  }),
  ratePerSecond: count({
    least: 1,
    most: 1e9,
    byDefault: Number.POSITIVE_INFINITY,
    defaultText: 'as fast as it goes',
    flag: '-R, --overall-rate',
    group: HOW,
    help: 'messages per second, in all; latency counts from when they were due',
  }),
  warmUpMs: milliseconds({
    least: 0,
    most: MAX_TIME_MS,
    byDefault: 1000,
    defaultText: '1 s; with an amount 0',
    flag: '--warmup',
    group: HOW,
    help: 'what is done before, and not measured',
  }),
  workers: count({
    least: 1,
    most: 1024,
    byDefault: 1,
    flag: '-w, --workers',
    group: HOW,
    help: 'threads to put the load on with',
  }),
  timeoutMs: milliseconds({
    least: 1,
    most: MAX_TIME_MS,
    byDefault: 10_000,
    flag: '-t, --timeout',
    group: HOW,
    help: 'for an answer, and for an opening handshake',
  }),
  message: other({
    flag: '--message',
    placeholder: 'file',
    group: WHAT,
    help: 'send the contents of this file',
    read: (message) => message,
  }),
  sizeBytes: size({
    least: 0,
    most: MAX_MESSAGE_BYTES,
    byDefault: 32,
    flag: '--size',
    placeholder: 'bytes',
    group: WHAT,
    help: 'length of the message',
  }),
  isBinary: other({ help: 'whether the message is sent as binary', read: (isBinary) => isBinary }),
  expect: choice({
    choices: EXPECTATIONS,
    byDefault: 'echo',
    flag: '--expect',
    placeholder: 'what',
    group: WHAT,
    help: 'what the server answers with',
  }),
  subprotocols: other({
    kind: 'list',
    flag: '--subprotocol',
    placeholder: 'name',
    group: CONNECTION,
    help: 'offer it (repeatable)',
    read: (subprotocols) => subprotocols,
  }),
  headers: other({
    flag: '-H, --header',
    placeholder: 'name: value',
    group: CONNECTION,
    help: 'send it in the opening handshake (repeatable)',
    read: (headers) => headers,
  }),
  deflate: other({
    kind: 'switch',
    flag: '--deflate',
    group: CONNECTION,
    help: 'offer compression (permessage-deflate)',
    read: readDeflateOption,
  }),
  rejectUnauthorized: other({ help: 'whether a certificate must be trusted', read: (isWanted) => isWanted }),
  ca: other({ help: "certificates to trust instead of the machine's", read: (ca) => ca }),
} as const satisfies Record<keyof LoadOptions, Option<unknown>>;
