import { availableParallelism } from 'node:os';
import { KERNEL_CHOICES } from '../kernels/create-kernel.js';
import { MAX_ARENA_BYTES, MIN_ARENA_BYTES } from '../memory/arena.js';
import { choice, count, milliseconds, type Option, other, size, toggle } from '../options/define.js';
import { hasDescriptors } from '../system/descriptor.js';
import { ADMIN_ROWS } from './admin-rows.js';
import { CONNECTION_ROWS } from './connection-limit-rows.js';
import { FULL_DEFLATE_ROWS, readDeflate } from './deflate-options.js';
import { FLEET_ROWS } from './fleet-rows.js';
import { Group } from './option-groups.js';
import {
  readHandler,
  readHosts,
  readLogger,
  readOrigins,
  readPaths,
  readProxyHeader,
  readResourceLimits,
  readRoute,
  readThresholds,
  readTls,
  readTrustedProxies,
} from './option-readers.js';
import { ARRIVAL_ROWS, BUS_ROWS, MEMORY_ROWS } from './server-limit-rows.js';

/** The greatest value of `startTimeoutMs`: an hour. The primary waits somewhat longer than the threads do. */
const MAX_START_MS = 3_600_000;

const PLAIN_ROWS = {
  handler: other({ help: 'the module with the hooks of the application, or the hooks themselves', read: readHandler }),
  threads: count({
    least: 0,
    most: 1024,
    byDefault: () => (hasDescriptors ? availableParallelism() : 0),
    defaultText: 'one per core',
    flag: '--threads',
    group: Group.THREADS,
    help: 'worker threads; 0 hosts connections in the primary',
  }),
  kernel: choice({
    choices: KERNEL_CHOICES,
    byDefault: 'auto',
    flag: '--kernel',
    placeholder: 'name',
    group: Group.THREADS,
    help: 'what unmasks and validates payloads',
  }),
  thresholds: other({
    flag: '--thresholds',
    placeholder: 'sizes',
    group: Group.THREADS,
    help: 'where auto changes kernels, as wsloom kernels prints it',
    defaultText: 'as measured by the study of the project',
    read: readThresholds,
  }),
  arenaBytes: size({
    least: MIN_ARENA_BYTES,
    most: MAX_ARENA_BYTES,
    byDefault: 256 * 1024 * 1024,
    flag: '--arena',
    group: Group.THREADS,
    help: 'memory reserved by each thread, touched lazily',
    beyond:
      'a message that does not fit any more is put on the heap, at the cost of a copy; a compressed one waits for room, or if that would be in vain closes its connection with 1013',
  }),
  startTimeoutMs: milliseconds({
    least: 1,
    most: MAX_START_MS,
    byDefault: 60_000,
    flag: '--start-timeout',
    group: Group.THREADS,
    help: 'for the handler to load and a thread to start; beyond: not started',
    beyond: 'nothing: the server does not start, a reload keeps the old threads, a replaced thread is tried again',
  }),
  resourceLimits: other({
    group: Group.THREADS,
    help: 'what V8 may use in each worker thread',
    defaultText: "V8's, but half of its young generation",
    beyond: 'that thread dies with its connections (1006), and is replaced',
    read: readResourceLimits,
  }),
  handshake: choice({
    choices: ['primary', 'worker'],
    byDefault: 'primary',
    flag: '--handshake',
    placeholder: 'thread',
    group: Group.THREADS,
    help: 'the thread of the opening handshake and of the hook upgrade: primary, or the worker of the connection',
  }),
  path: other({
    kind: 'list',
    flag: '--path',
    placeholder: 'path',
    group: Group.PATHS,
    help: 'accept WebSockets on this path only (repeatable)',
    defaultText: 'all paths',
    read: readPaths,
  }),
  page: other({
    kind: 'text',
    flag: '--page',
    placeholder: 'path',
    group: Group.PATHS,
    help: 'path of the page that tries the server; off: none',
    defaultText: '/',
    read: readRoute('/'),
  }),
  health: other({
    kind: 'text',
    flag: '--health',
    placeholder: 'path',
    group: Group.PATHS,
    help: 'path where load balancers ask for the health; off: none',
    defaultText: '/healthz',
    read: readRoute('/healthz'),
  }),
  ready: other({
    kind: 'text',
    flag: '--ready',
    placeholder: 'path',
    group: Group.PATHS,
    help: 'path where load balancers ask whether to send new clients; off: none',
    defaultText: '/readyz',
    read: readRoute('/readyz'),
  }),
  metrics: other({
    kind: 'text',
    flag: '--metrics',
    placeholder: 'path',
    group: Group.PATHS,
    help: 'path of the metrics, for everybody who can connect; off: on the admin port only',
    defaultText: 'off',
    read: readRoute('off'),
  }),
  trustProxy: other({
    kind: 'list',
    flag: '--trust-proxy',
    placeholder: 'network',
    group: Group.PROXIES,
    help: 'address or network of a proxy, loopback, private or unix: it tells its clients (repeatable)',
    defaultText: 'none',
    read: readTrustedProxies,
  }),
  proxyHeader: other({
    kind: 'text',
    flag: '--proxy-header',
    placeholder: 'name',
    group: Group.PROXIES,
    help: 'the one header that it sets, x-forwarded-for or forwarded; needed with --trust-proxy unless --proxy-protocol',
    defaultText: 'none',
    read: readProxyHeader,
  }),
  proxyProtocol: toggle({
    flag: '--proxy-protocol',
    group: Group.PROXIES,
    help: 'every connection begins with a header of the PROXY protocol, v1 or v2, from a proxy of --trust-proxy',
  }),
  allowedOrigins: other({
    kind: 'list',
    flag: '--allow-origin',
    placeholder: 'name',
    group: Group.CONNECTIONS,
    help: 'origin whose pages may connect, repeatable, * for all; others: 403',
    defaultText: 'pages of the same host and port',
    beyond: 'refused with 403; a client that sends no Origin is no browser, and is let in',
    read: readOrigins,
  }),
  allowedHosts: other({
    kind: 'list',
    flag: '--allow-host',
    placeholder: 'name',
    group: Group.CONNECTIONS,
    help: 'name that the server may be asked for, repeatable, * for all; others: 403',
    defaultText: 'localhost, 127.0.0.1 and [::1] on a loopback address, else all',
    beyond: 'refused with 403',
    read: readHosts,
  }),
  // Each of its parts has a flag, too.
  deflate: other({
    kind: 'switch',
    flag: '--deflate',
    group: Group.COMPRESSION,
    help: 'compress messages of clients that offer it (permessage-deflate, see docs/compression.md)',
    read: readDeflate,
  }),
  // On the command line it has a flag for each of its parts.
  tls: other({ group: Group.TLS, help: 'certificate and key of the server', read: readTls }),
  poison: toggle({ help: 'find messages that are used too late, in tests' }),
  log: other({
    help: 'where the server reports what happens',
    defaultText: 'standard error, without waiting for its reader',
    read: readLogger,
  }),
} as const;

/** Every option of a server, in the order of `--help` and of the docs. */
export const SERVER_ROWS = {
  ...PLAIN_ROWS,
  ...ADMIN_ROWS,
  ...FLEET_ROWS,
  ...ARRIVAL_ROWS,
  ...CONNECTION_ROWS,
  ...MEMORY_ROWS,
  ...BUS_ROWS,
} as const;

/** The options that are read one by one: all but those of connections, of the bus, of the fleet and of the admin port, which are handed on as groups. */
export const OWN_ROWS = { ...PLAIN_ROWS, ...ARRIVAL_ROWS, ...MEMORY_ROWS } as const;

/** Every option of a server, and every part of `deflate`: all that has a flag of its own, a limit, or both. */
export const ALL_ROWS: Readonly<Record<string, Option<unknown>>> = { ...SERVER_ROWS, ...FULL_DEFLATE_ROWS };
