import { isIP } from 'node:net';
import { OptionError } from '../options/option-error.js';
import { excerpt } from '../options/shown.js';

/** Where a ws or wss URI leads (RFC 6455 section 3), or a ws+unix or wss+unix one. */
export interface Address {
  readonly isSecure: boolean;
  /** The path of a unix socket, which is connected to instead of the host and the port; undefined for TCP. */
  readonly socketPath: string | undefined;
  /** The name of the host, or its address without brackets. */
  readonly host: string;
  readonly port: number;
  /** The value of the Host header: the port is named unless it is the default of the scheme. */
  readonly authority: string;
  /** What is requested, such as `/path?query`, percent-encoded. */
  readonly target: string;
}

/** The default port of each scheme, and whether it speaks TLS. */
const SCHEMES: ReadonlyMap<string, readonly [port: number, isSecure: boolean]> = new Map([
  ['ws:', [80, false]],
  ['wss:', [443, true]],
]);

/**
 * The schemes of a unix socket, and whether they speak TLS. The package `ws` has the first too: `ws+unix:/run/chat.sock:/path?query`.
 */
const UNIX_SCHEMES: ReadonlyMap<string, boolean> = new Map([
  ['ws+unix:', false],
  ['wss+unix:', true],
]);

/** Reads a ws, wss, ws+unix or wss+unix URI. @throws OptionError */
export function readAddress(url: string | URL): Address {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch (cause) {
    const found = `url must be like ws://host:port/path, got ${excerpt(String(url))}`;
    throw new OptionError('url', `${found}${guess(String(url))}`, { cause });
  }
  const isUnixSecure = UNIX_SCHEMES.get(parsed.protocol);
  const scheme = SCHEMES.get(parsed.protocol);
  if (scheme === undefined && isUnixSecure === undefined) {
    const found = `url must begin with ws://, wss://, ws+unix: or wss+unix:, got ${excerpt(parsed.protocol)}`;
    throw new OptionError('url', `${found}${guess(String(url))}`);
  }
  if (parsed.hash !== '') {
    throw new OptionError('url', `url must not have a fragment, got ${excerpt(parsed.hash)} (RFC 6455 section 3)`);
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw new OptionError('url', 'url must not name a user: send an Authorization header (RFC 6455 section 3)');
  }
  if (scheme === undefined) return unixAddress(parsed, isUnixSecure === true);
  const [defaultPort, isSecure] = scheme;
  return {
    isSecure,
    socketPath: undefined,
    host: parsed.hostname.replace(/^\[|\]$/g, ''),
    port: parsed.port === '' ? defaultPort : Number(parsed.port),
    authority: parsed.host,
    target: `${parsed.pathname}${parsed.search}`,
  };
}

/** Reads what follows `ws+unix:` or `wss+unix:`. The path of the socket ends at the first colon; a colon within it is percent-encoded. */
function unixAddress({ protocol, host, pathname, search }: URL, isSecure: boolean): Address {
  const [, socketPath = '', target = '/'] = /^([^:]*)(?::(\/.*)?)?$/.exec(pathname) ?? [];
  if (host !== '' || socketPath === '') {
    throw new OptionError('url', `url must be like ${protocol}/path/of/the.sock:/path, got ${excerpt(pathname)}`);
  }
  return {
    isSecure,
    socketPath: decoded(socketPath),
    host: 'localhost',
    port: 80,
    authority: 'localhost',
    target: `${target}${search}`,
  };
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw new OptionError('url', `url must be percent-encoded in UTF-8, got ${excerpt(path)}`, { cause });
  }
}

/** What an error calls an address: the host and the port, or the path of the unix socket. */
export function nameOf({ socketPath, authority }: Address): string {
  return socketPath ?? authority;
}

/** A suggestion for a URL of HTTP, or for an address without a scheme. */
function guess(url: string): string {
  const [, secure, rest] = /^(?:http(s?):\/\/)?([\w.[\]:-]+(?::\d+)?(?:\/.*)?)$/.exec(url) ?? [];
  if (rest === undefined || (secure === undefined && !/:\d+(\/|$)/.test(rest))) return '';
  return `; did you mean ${excerpt(`ws${secure ?? ''}://${rest}`)}`;
}

/** Whether the host may be sent as a server name in TLS: addresses may not (RFC 6066 section 3). */
export function isServerName({ host }: Address): boolean {
  return isIP(host) === 0;
}
