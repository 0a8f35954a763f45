import { DEFAULT_BUS_LIMITS } from '../host/thread-publishing.js';
import { count, milliseconds, size } from '../options/define.js';
import {
  defaultBufferedBytes,
  defaultConnections,
  MAX_BUFFERED_BYTES,
  MAX_CONNECTIONS,
  MAX_TIMEOUT_MS,
  MIN_BUFFERED_BYTES,
} from './machine-limits.js';
import { Group } from './option-groups.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const TIB = 2 ** 40;

/** The options that bound connections before a thread hosts them. */
export const ARRIVAL_ROWS = {
  maxConnections: count({
    least: 1,
    most: MAX_CONNECTIONS,
    byDefault: defaultConnections,
    defaultText: '8/9 of the descriptors above 256, or of half of up to 512',
    flag: '--max-connections',
    group: Group.CONNECTIONS,
    help: 'connections at a time; beyond: 503',
    beyond: 'refused with 503, or closed without an answer when too many others wait for theirs',
  }),
  maxConnectionsPerIp: count({
    least: 0,
    most: MAX_CONNECTIONS,
    byDefault: 0,
    zero: 'no limit',
    flag: '--max-connections-per-ip',
    group: Group.CONNECTIONS,
    help: 'connections of one IPv4 address or IPv6 /64; beyond: 503',
    beyond: 'refused with 503, or closed without an answer when too many others wait for theirs',
  }),
  handshakeTimeoutMs: milliseconds({
    least: 1,
    most: MAX_TIMEOUT_MS,
    byDefault: 10_000,
    flag: '--handshake-timeout',
    group: Group.REQUESTS,
    help: 'for a request, and then for the hook upgrade; beyond: 408, and 503',
    beyond: '408 for the request, 503 for the hook; a client that does not take its 101 is lost',
  }),
  maxTlsHandshakes: count({
    least: 1,
    most: MAX_CONNECTIONS,
    // One takes about 65 KiB. A thread does some thousand a second: with 1 000 at a time it is busy also if each takes half a second on
    // the network.
    byDefault: 1000,
    flag: '--max-tls-handshakes',
    group: Group.REQUESTS,
    help: 'TLS handshakes at a time in each thread; beyond: they wait',
    beyond: 'connections wait unread until another handshake is over; `handshakeTimeoutMs` goes on',
  }),
  maxHeaderBytes: size({
    least: 512,
    most: MIB,
    byDefault: 16 * KIB,
    flag: '--max-header-bytes',
    group: Group.REQUESTS,
    help: 'head of a request; beyond: 431',
    beyond: 'refused with 431',
  }),
  maxHeaderCount: count({
    least: 8,
    most: 10_000,
    byDefault: 100,
    flag: '--max-header-count',
    group: Group.REQUESTS,
    help: 'headers of a request; beyond: 431',
    beyond: 'refused with 431',
  }),
  handOffTimeoutMs: milliseconds({
    least: 1,
    most: MAX_TIMEOUT_MS,
    byDefault: 2000,
    group: Group.THREADS,
    help: 'for a worker to take a connection; beyond: another worker gets it',
    beyond: 'another worker gets it, and this one no more until it goes on; 503 while none takes any',
  }),
} as const;

/** The option that bounds the memory of all connections together. */
export const MEMORY_ROWS = {
  maxBufferedBytes: size({
    least: MIN_BUFFERED_BYTES,
    most: MAX_BUFFERED_BYTES,
    byDefault: defaultBufferedBytes,
    defaultText: 'a quarter of memory',
    flag: '--max-buffered',
    group: Group.ALL,
    help: 'output and unfinished messages of all, compressed and decompressed; beyond: those that held it for longest go with 1013',
    beyond: 'the connections that have held it for longest are closed with 1013',
  }),
} as const;

/** The options that bound the publications that a thread may be owed. */
export const BUS_ROWS = {
  maxOwedBytes: size({
    // The least value lets a message of the usual size arrive.
    least: MIB,
    most: TIB,
    byDefault: DEFAULT_BUS_LIMITS.maxOwedBytes,
    flag: '--max-owed',
    group: Group.ALL,
    help: 'publications that a thread has not taken, plain and compressed; beyond a quarter publishers wait, beyond: dropped',
    beyond:
      'from a quarter on, connections that publish to that thread are not read; beyond it, publications that no connection can be held back for are dropped',
  }),
  slowThreadTimeoutMs: milliseconds({
    least: 1,
    most: MAX_TIMEOUT_MS,
    byDefault: DEFAULT_BUS_LIMITS.slowThreadTimeoutMs,
    flag: '--slow-thread-timeout',
    group: Group.ALL,
    help: 'for a thread that takes no publications; beyond: it is waited for no more',
    beyond:
      'it is waited for no more; its connections that have missed publications are closed with 1013, or only miss them with `slowConsumer: "drop"`',
  }),
} as const;
