import { equalsIgnoringCase } from '../protocol/opening/header-grammar.js';
import { readIpAddress, readIpv4, readIpv6, showIpAddress } from '../protocol/opening/ip-address.js';
import type { TrustedProxies } from './trusted-proxies.js';

/** The headers in which a proxy may tell the address of its client, in small letters. */
export const CLIENT_HEADERS = ['x-forwarded-for', 'forwarded'] as const;

/** The name of such a header. */
export type ClientHeader = (typeof CLIENT_HEADERS)[number];

/** The most entries that are read. More proxies than that in a row, all of them trusted, are a loop or an attack. */
const MAX_ENTRIES = 32;

/**
 * Tells whose request it is that a peer has sent. Each proxy adds the address of its own peer at the end of the header, and what
 * stands in front of that may come from anybody. So the header is read from its end, over all of its lines, as long as the entries
 * are proxies that are trusted: the client is the first one that is not, or the very first entry if all are trusted. The peer is
 * the client if it is not trusted, if it has sent no such header, and if an entry that has to be read is no address: it is empty,
 * `unknown`, a made-up name, or wrong.
 *
 * The cost is linear in the length of the headers.
 *
 * @param rawHeaders the names and values of all header lines in turn, as they came.
 * @param peer the address of the peer; undefined if the connection is a unix socket.
 * @returns the address of the client as Node writes it; undefined for the peer of a unix socket.
 */
export function clientAddress(
  rawHeaders: readonly string[],
  peer: string | undefined,
  header: ClientHeader,
  trusted: Pick<TrustedProxies, 'trusts'>,
): string | undefined {
  if (!trusted.trusts(peer)) return peer;
  let client = peer;
  let entries = 0;
  for (const entry of fromTheEnd(rawHeaders, header)) {
    const bytes = ++entries > MAX_ENTRIES ? undefined : READERS[header](entry);
    if (bytes === undefined) return peer;
    client = showIpAddress(bytes);
    if (!trusted.trusts(client)) return client;
  }
  return client;
}

/** The entries of all lines of a header, the last one first. */
function* fromTheEnd(rawHeaders: readonly string[], header: ClientHeader): Generator<string> {
  for (let i = rawHeaders.length - 2; i >= 0; i -= 2) {
    if (!equalsIgnoringCase(rawHeaders[i] ?? '', header)) continue;
    const value = rawHeaders[i + 1] ?? '';
    yield* (header === 'forwarded' ? splitOutsideQuotes(value) : value.split(',')).reverse();
  }
}

/** Readers of one entry. They return the bytes of its address, or undefined if it has none that can be read. */
const READERS: Readonly<Record<ClientHeader, (entry: string) => Uint8Array | undefined>> = {
  'x-forwarded-for': readEntry,
  forwarded: readElement,
};

const PORT = /^\d{1,5}$/;
/** A port may have a made-up name (RFC 7239 section 6). */
const MADE_UP_PORT = /^_[A-Za-z0-9._-]+$/;

/** Reads an entry of X-Forwarded-For, which no RFC specifies: an address, and maybe a port. IPv6 needs brackets for that. */
function readEntry(entry: string): Uint8Array | undefined {
  const trimmed = entry.replace(/^[ \t]+/, '').replace(/(?<![ \t])[ \t]+$/, '');
  return readIpAddress(trimmed) ?? readNode(trimmed, isPort);
}

/**
 * One parameter of Forwarded and the separator behind it, or a separator alone (RFC 7239 section 4). Spaces are taken around
 * separators, where the grammar has none, because some proxies write them.
 */
const PARAMETER =
  /[ \t]*(?:([A-Za-z0-9!#$%&'*+.^_`|~-]+)=(?:([A-Za-z0-9!#$%&'*+.^_`|~-]+)|"((?:[^"\\]|\\.)*)")[ \t]*)?(;|$)/y;

/** Reads an element of Forwarded. @returns the address of its parameter `for`, which must come once */
function readElement(element: string): Uint8Array | undefined {
  let node: string | undefined;
  PARAMETER.lastIndex = 0;
  for (;;) {
    const found = PARAMETER.exec(element);
    if (found === null) return undefined;
    const [, name, token, quoted, separator] = found;
    if (name !== undefined && equalsIgnoringCase(name, 'for')) {
      if (node !== undefined) return undefined;
      node = token ?? quoted?.replace(/\\(.)/g, '$1');
    }
    if (separator === '')
      return node === undefined ? undefined : readNode(node, (port) => isPort(port) || MADE_UP_PORT.test(port));
  }
}

/** Reads an IPv4 address, or an IPv6 address in brackets, and maybe a port behind it (RFC 7239 section 6). */
function readNode(node: string, isPortOf: (text: string) => boolean): Uint8Array | undefined {
  const [, ipv6, ipv4 = '', port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(.*))?$/.exec(node) ?? [];
  if (port !== undefined && !isPortOf(port)) return undefined;
  return ipv6 === undefined ? readIpv4(ipv4) : readIpv6(ipv6);
}

function isPort(text: string): boolean {
  return PORT.test(text) && Number(text) <= 65535;
}

/** Splits at commas that do not stand in a quoted string (RFC 9110 section 5.6.4). */
function splitOutsideQuotes(value: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let isQuoted = false;
  for (let i = 0; i < value.length; i++) {
    const character = value[i];
    if (character === '"') isQuoted = !isQuoted;
    else if (isQuoted && character === '\\') i++;
    else if (!isQuoted && character === ',') {
      parts.push(value.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(value.slice(start));
  return parts;
}
