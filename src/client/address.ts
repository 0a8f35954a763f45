import { isIP } from 'node:net';
import { OptionError } from '../options/option-error.js';
import { excerpt } from '../options/shown.js';

/** Where a ws or wss URI leads (RFC 6455 section 3). */
export interface Address {
  readonly isSecure: boolean;
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

/** Reads a ws or wss URI. @throws OptionError */
export function readAddress(url: string | URL): Address {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch (cause) {
    const found = `url must be like ws://host:port/path, got ${excerpt(String(url))}`;
    throw new OptionError('url', `${found}${guess(String(url))}`, { cause });
  }
  const scheme = SCHEMES.get(parsed.protocol);
  if (scheme === undefined) {
    const found = `url must begin with ws:// or wss://, got ${excerpt(parsed.protocol)}`;
    throw new OptionError('url', `${found}${guess(String(url))}`);
  }
  if (parsed.hash !== '') {
    throw new OptionError('url', `url must not have a fragment, got ${excerpt(parsed.hash)} (RFC 6455 section 3)`);
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw new OptionError('url', 'url must not name a user: send an Authorization header (RFC 6455 section 3)');
  }
  const [defaultPort, isSecure] = scheme;
  return {
    isSecure,
    host: parsed.hostname.replace(/^\[|\]$/g, ''),
    port: parsed.port === '' ? defaultPort : Number(parsed.port),
    authority: parsed.host,
    target: `${parsed.pathname}${parsed.search}`,
  };
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
