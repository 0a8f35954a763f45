import type { ResourceLimits } from 'node:worker_threads';
import { MIN_COMPRESSING_ARENA_BYTES } from '../compression/arena-too-small.js';
import type { NegotiationOptions } from '../compression/negotiation.js';
import { createWindowMemory } from '../compression/window-memory.js';
import type { HostOptions } from '../host/host.js';
import type { HandlerModule } from '../host/module-exports.js';
import type { RouteOptions } from '../monitor/routes.js';
import { CLIENT_HEADERS } from '../opening/client-address.js';
import type { ClientsOptions } from '../opening/clients.js';
import type { GateLists } from '../opening/gate.js';
import type { OpeningOptions } from '../opening/opening.js';
import { OptionSet } from '../options/define.js';
import { ConfigError } from '../options/option-error.js';
import { hasDescriptors } from '../system/descriptor.js';
import { reportTo, ThrottledLog } from '../telemetry/throttled-log.js';
import type { TlsDescription } from '../tls/tls-description.js';
import { type AdminOptions, isLoopback, unguardedAdmin } from './admin-options.js';
import { ADMIN_ROWS } from './admin-rows.js';
import type { AdmissionOptions } from './admission.js';
import type { FleetOptions } from './fleet-options.js';
import { FLEET_ROWS } from './fleet-rows.js';
import { CONNECTION_ROWS } from './connection-limit-rows.js';
import { maxClosing } from './machine-limits.js';
import { OWN_ROWS, SERVER_ROWS } from './option-rows.js';
import { BUS_ROWS } from './server-limit-rows.js';
import type { ServerOptions } from './server-options.js';

/** {@link ServerOptions}, checked and complete. */
export interface ResolvedOptions extends ClientsOptions {
  /** The URL of the handler module; or, without worker threads, the hooks of an object of the program. */
  readonly handler: string | HandlerModule;
  readonly threads: number;
  readonly host: HostOptions;
  readonly admission: AdmissionOptions & GateLists;
  readonly maxHeaderBytes: number;
  readonly maxHeaderCount: number;
  readonly handshakeTimeoutMs: number;
  readonly handOffTimeoutMs: number;
  readonly startTimeoutMs: number;
  /** The thread that does the opening handshake. */
  readonly handshake: 'primary' | 'worker';
  /** Whether every connection has to begin with a header of the PROXY protocol. */
  readonly proxyProtocol: boolean;
  readonly resourceLimits: ResourceLimits;
  /** The paths that WebSockets are accepted on; undefined for all. */
  readonly paths: ReadonlySet<string> | undefined;
  /** The path of the page; undefined if there is no page. */
  readonly page: string | undefined;
  /** The path of the health; undefined if there is none. */
  readonly health: string | undefined;
  /** The path of the readiness; undefined if there is none. */
  readonly ready: string | undefined;
  /** The path of the metrics; undefined if there are none. */
  readonly metrics: string | undefined;
  /** Undefined without an admin port. */
  readonly admin: AdminOptions | undefined;
  /** Undefined for plain TCP. */
  readonly tls: TlsDescription | undefined;
  /** In each thread. */
  readonly maxTlsHandshakes: number;
  /** Undefined if nothing is compressed. */
  readonly negotiation: NegotiationOptions | undefined;
  /** Undefined for a server that exchanges publications with no other. */
  readonly fleet: FleetOptions | undefined;
  readonly log: ThrottledLog;
}

const REFUSALS = { error: ConfigError, isNullMissing: true };
const SERVER_OPTIONS = new OptionSet(SERVER_ROWS, REFUSALS);
const OWN_OPTIONS = new OptionSet(OWN_ROWS, REFUSALS);
const CONNECTION_LIMITS = new OptionSet(CONNECTION_ROWS, REFUSALS);
const BUS_LIMITS = new OptionSet(BUS_ROWS, REFUSALS);
const FLEET_OPTIONS = new OptionSet(FLEET_ROWS, REFUSALS);
const ADMIN_OPTIONS = new OptionSet(ADMIN_ROWS, REFUSALS);

/**
 * Whether workers do the opening handshake. With TLS they do, because its state cannot go from thread to thread. With the PROXY
 * protocol they do, because its header can be read from a descriptor, and not from a connection of Node's HTTP server.
 */
export function handshakesInWorkers(
  options: Pick<ResolvedOptions, 'threads' | 'handshake' | 'tls' | 'proxyProtocol'>,
): boolean {
  const { threads, handshake, tls, proxyProtocol } = options;
  return threads > 0 && (handshake === 'worker' || tls !== undefined || proxyProtocol);
}

/** The part of the options that the opening handshake needs, in any thread. */
export function openingOptions(options: ResolvedOptions): OpeningOptions {
  const { admission, host, maxHeaderBytes, maxHeaderCount, handshakeTimeoutMs, paths } = options;
  const { trustedProxies, proxyHeader, negotiation } = options;
  const { stallTimeoutMs } = host.limits;
  const times = { handshakeTimeoutMs, stallTimeoutMs };
  return { ...admission, ...times, maxHeaderBytes, maxHeaderCount, paths, trustedProxies, proxyHeader, negotiation };
}

/** The part of the options that says where ordinary requests are answered, in any thread. */
export function routeOptions({ paths, page, health, ready, metrics }: ResolvedOptions): RouteOptions {
  return { paths, page, health, ready, metrics };
}

/** Checks options and fills in defaults. @throws ConfigError for the first that cannot be used. */
export function resolveOptions(options: ServerOptions): ResolvedOptions {
  if (typeof options !== 'object' || options === null) {
    throw new ConfigError('options', `createServer needs an object of options, got ${String(options)}`);
  }
  SERVER_OPTIONS.checkNames(options);
  const { kernel, thresholds, arenaBytes, maxBufferedBytes, poison, ...own } = OWN_OPTIONS.resolve(options);
  const {
    maxConnections,
    maxConnectionsPerIp,
    allowedOrigins,
    allowedHosts,
    path,
    log,
    trustProxy,
    deflate,
    ...others
  } = own;
  const { threads, proxyHeader, proxyProtocol, handshake } = others;
  if (threads > 0 && !hasDescriptors) {
    throw new ConfigError('threads', 'threads must be 0 on this system: sockets cannot be handed to other threads');
  }
  if (threads === 0 && handshake === 'worker') {
    throw new ConfigError('handshake', 'handshake: "worker" needs worker threads, and threads is 0');
  }
  if (threads > 0 && options.handshake === 'primary' && (others.tls !== undefined || proxyProtocol)) {
    const [what, flag] = others.tls !== undefined ? ['tls', '--tls-cert'] : ['proxyProtocol', '--proxy-protocol'];
    const why = `with ${what} (${flag}) the worker of a connection does its opening handshake`;
    throw new ConfigError('handshake', `handshake cannot be "primary": ${why}. Leave it out, or take threads: 0`);
  }
  if (threads > 0 && typeof others.handler !== 'string') {
    throw new ConfigError(
      'handler',
      "handler must be the URL or the path of a module where threads host connections, because an object cannot be sent to them: put the hooks into a file of their own, handler: new URL('./handler.js', import.meta.url), or host the connections in this thread, threads: 0",
    );
  }
  if (threads === 0 && proxyProtocol) {
    throw new ConfigError('proxyProtocol', 'proxyProtocol needs worker threads, and threads is 0');
  }
  if (proxyProtocol && trustProxy.length === 0) {
    const why = 'a header of the PROXY protocol (--proxy-protocol) is believed only if a trusted proxy has sent it';
    throw new ConfigError('trustProxy', `trustProxy must name the proxies that connect: ${why}`);
  }
  if (options.thresholds !== undefined && kernel !== 'auto') {
    throw new ConfigError('thresholds', `thresholds are for the kernel auto, and this one is ${kernel}`);
  }
  expectDistinctPaths(others);
  if (trustProxy.length > 0 && proxyHeader === undefined && !proxyProtocol) {
    const which = `must be ${CLIENT_HEADERS.join(' or ')}, whichever the proxy sets for every request`;
    const or = 'or proxyProtocol (--proxy-protocol) instead';
    throw new ConfigError(
      'proxyHeader',
      `proxyHeader must be given with trustProxy (--trust-proxy): it ${which}, ${or}`,
    );
  }
  if (trustProxy.length === 0 && proxyHeader !== undefined) {
    const why = 'a header is believed only if a trusted proxy has sent it';
    throw new ConfigError(
      'trustProxy',
      `trustProxy must name the proxy that sets ${proxyHeader} (--proxy-header): ${why}`,
    );
  }
  if (deflate !== undefined && arenaBytes < MIN_COMPRESSING_ARENA_BYTES) {
    throw new ConfigError(
      'arenaBytes',
      `arenaBytes must be at least 2 MiB with deflate (--deflate), got ${arenaBytes}`,
    );
  }
  const windows = deflate && createWindowMemory(deflate.maxMemoryBytes);
  const limits = CONNECTION_LIMITS.resolve(options);
  return {
    ...others,
    host: {
      ...{ arenaBytes, kernel, thresholds, maxBufferedBytes, poison },
      limits,
      buffered: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT),
      bus: BUS_LIMITS.resolve(options),
      maxClosing: maxClosing(maxConnections, threads),
      ...(deflate && windows ? { compression: deflate.compression, windows } : {}),
    },
    admission: { maxConnections, maxConnectionsPerIp, allowedOrigins, allowedHosts },
    paths: path,
    trustedProxies: trustProxy,
    negotiation: deflate && windows && { settings: deflate.settings, windows },
    fleet: fleetOf(options, limits.maxPayloadBytes),
    admin: adminOf(options, allowedHosts),
    log: new ThrottledLog(reportTo(log)),
  };
}

/** Checks that no two ordinary answers have the same path. */
function expectDistinctPaths({ page, health, ready, metrics }: Omit<RouteOptions, 'paths'>): void {
  const routes = Object.entries({ page, health, ready, metrics });
  routes.forEach(([name, path], index) => {
    const earlier = routes.slice(0, index).find(([, taken]) => taken === path);
    if (path === undefined || earlier === undefined) return;
    const both = `${name} must have another path than ${earlier[0]}, got ${JSON.stringify(path)} for both`;
    throw new ConfigError(name, `${both}: move one of them, or turn it off`);
  });
}

/** The options of the fleet, which are checked also where there is none. */
function fleetOf(options: ServerOptions, maxPayloadBytes: number): FleetOptions | undefined {
  const { backplane, ...others } = FLEET_OPTIONS.resolve(options);
  return backplane && { engines: backplane, maxPayloadBytes, ...others };
}

/** The options of the admin port, which are checked also where there is none. */
function adminOf(options: ServerOptions, allowedHosts: readonly string[] | undefined): AdminOptions | undefined {
  const { adminPort: port, adminHost: host, adminToken: token, adminOpen: isOpen } = ADMIN_OPTIONS.resolve(options);
  if (port === undefined) {
    const useless = (['adminHost', 'adminToken', 'adminOpen'] as const).find((name) => Boolean(options[name]));
    if (useless === undefined) return undefined;
    throw new ConfigError(useless, `${useless} is of an admin port: adminPort (--admin-port) is missing`);
  }
  if (isOpen && token !== undefined) {
    const why = 'it shows the metrics to everybody, and a token keeps some out';
    throw new ConfigError('adminOpen', `adminOpen cannot be given together with adminToken: ${why}`);
  }
  if (!isOpen && token === undefined && !isLoopback(host)) throw unguardedAdmin(host);
  return { port, host, token, isOpen, allowedHosts };
}
