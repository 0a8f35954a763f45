import { shown } from '../options/shown.js';

/** Whether pages of an origin may connect (RFC 6455 section 10.2), given the Host of the request. */
export type OriginRule = (origin: string, host: string) => boolean;

/** Whether the server answers to a Host, its port included: `example.org:8080`. */
export type HostRule = (host: string) => boolean;

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'ws:': '80', 'https:': '443', 'wss:': '443' };

/**
 * Whether an origin has the host and the port of the request's Host. The schemes are not compared, because a proxy may have ended
 * TLS. A missing port is the default port of the origin's scheme, on both sides. `null`, which browsers send for a page without
 * an origin, is never the same, and neither is a file: `file://localhost` has no host, whatever it says.
 */
export function isSameOrigin(origin: string, host: string): boolean {
  const page = parse(origin);
  if (page === undefined || page.hostname === '') return false;
  const asked = parse(`${page.protocol}//${host}`);
  return asked !== undefined && page.hostname === asked.hostname && portOf(page) === portOf(asked);
}

/** @throws Error that says what a list may hold. */
export function originRule(list: readonly string[]): OriginRule {
  if (list.includes('*')) return () => true;
  const allowed = new Set(list.map(normalOrigin));
  return (origin) => {
    const page = parse(origin);
    return allowed.has(page === undefined ? origin : originOf(page));
  };
}

/** @throws Error that says what a list may hold. */
export function hostRule(list: readonly string[]): HostRule {
  if (list.includes('*')) return () => true;
  const names = new Set<string>();
  const namesWithPort = new Set<string>();
  for (const entry of list) {
    const url = parse(`ws://${entry}`);
    if (url === undefined || !isHostOnly(entry)) {
      throw new Error(`must be names or addresses, with a port or without, or '*', got ${shown(entry)}`);
    }
    if (/:\d+$/.test(entry)) namesWithPort.add(`${url.hostname}:${portOf(url)}`);
    else names.add(url.hostname);
  }
  return (host) => {
    const url = parse(`ws://${host}`);
    return url !== undefined && (names.has(url.hostname) || namesWithPort.has(`${url.hostname}:${portOf(url)}`));
  };
}

/**
 * The names that a server on a loopback address answers to by default; undefined for any other address.
 * @param address the address that the server listens on.
 */
export function loopbackHosts(address: string): readonly string[] | undefined {
  if (!/^(::ffff:)?127\.|^::1$/i.test(address)) return undefined;
  return ['localhost', '127.0.0.1', '[::1]', address.includes(':') ? `[${address}]` : address];
}

function normalOrigin(entry: string): string {
  if (entry === 'null') return entry;
  const url = parse(entry);
  // Some embedded clients send this origin, and some browsers send it for a page from a file.
  if (entry === 'file://' && url !== undefined) return originOf(url);
  if (url === undefined || url.hostname === '' || !isHostOnly(entry.replace(/^[^:]+:\/\//, ''))) {
    throw new Error(`must be origins like 'https://example.org', or '*', got ${shown(entry)}`);
  }
  return originOf(url);
}

function originOf(url: URL): string {
  return `${url.protocol}//${url.hostname}:${portOf(url)}`;
}

function portOf({ port, protocol }: URL): string {
  return port === '' ? (DEFAULT_PORTS[protocol] ?? '') : port;
}

/** Whether a text is a host, and at most a port. A star is refused, because it would be taken for a pattern, and there are none. */
function isHostOnly(text: string): boolean {
  return text !== '' && !/[/\\?#@*\s]/.test(text);
}

function parse(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined; // what is no URL is no origin
  }
}
