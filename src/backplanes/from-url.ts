import type { Backplane } from '../fleet/backplane.js';
import { excerpt } from '../options/shown.js';
import { similarName } from '../options/similar-name.js';
import { type EngineTls, wrong } from './engine-options.js';
import { nats } from './nats.js';
import { redis } from './redis.js';

/** The parts of a URL that names an engine. `new URL` knows no lists of hosts, and quotes passwords in its errors. */
interface EngineUrl {
  readonly scheme: string;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** `host` or `host:port`, each. */
  readonly hosts: readonly string[];
  readonly path: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const SCHEMES: readonly string[] = ['nats', 'tls', 'redis', 'rediss'];
const SECURE: readonly string[] = ['tls', 'rediss'];
const PARAMETERS: readonly string[] = ['prefix', 'ca', 'cert', 'key'];

/**
 * The engine that a URL names: `nats://host:4222`, `tls://host:4222` (NATS with TLS), `redis://host:6379` or `rediss://host:6379` (Redis with
 * TLS; both also for a cluster). Several hosts of one cluster stand behind each other with commas. `user:password@` or, for NATS,
 * `token@` stands in front of the hosts. Parameters are `prefix`, and for TLS the paths of files: `ca`, `cert` and `key`.
 *
 * @throws ConfigError if the URL cannot be used. The message contains no password.
 * @throws BackplaneError if the package of the engine's client is not installed.
 */
export function backplaneOf(url: string): Backplane {
  const { scheme, user, password, hosts, path, parameters } = readUrl(url);
  const prefix = parameters.get('prefix');
  const common = { ...(prefix === undefined ? {} : { prefix }), ...tlsOf(scheme, parameters) };
  if (scheme === 'nats' || scheme === 'tls') {
    if (path !== '' && path !== '/') throw wrong(`a URL of NATS has no path, got ${excerpt(path)}`);
    const who = password === undefined ? { token: user } : { user, pass: password };
    return nats({ servers: hosts, ...common, ...given(who) });
  }
  if (path !== '' && path !== '/' && path !== '/0') {
    throw wrong(`a URL of Redis has no path, because all databases share their channels, got ${excerpt(path)}`);
  }
  if (user !== undefined && password === undefined) {
    throw wrong('a password alone stands behind a colon: redis://:password@host');
  }
  return redis({ nodes: hosts, ...common, ...given({ username: user === '' ? undefined : user, password }) });
}

/** The beginning of another URL, behind a host. A `/` in a password has to be encoded. */
const ANOTHER_URL = /[,;\s]\s*[a-z][a-z0-9+.-]*:\/\//i;

function readUrl(url: string): EngineUrl {
  if (url !== url.trim()) throw wrong('the URL must not begin or end with a space or a line break');
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(url) ?? [];
  const known = scheme.toLowerCase();
  if (!SCHEMES.includes(known)) {
    const meant = similarName(scheme, SCHEMES);
    const guess = meant === undefined ? '' : `; did you mean ${meant}://`;
    const found = scheme === '' ? 'something else' : excerpt(`${scheme}://`);
    throw wrong(`the URL must begin with nats://, tls://, redis:// or rediss://, got ${found}${guess}`);
  }
  if (ANOTHER_URL.test(rest)) {
    throw wrong(
      'these are several URLs, and one is needed: give several engines as a list, on the command line by --backplane for each, and in WSLOOM_BACKPLANE with spaces between them. Hosts of one cluster are redis://host1,host2',
    );
  }
  // The last @ of all: a password may contain one, but also a / or ? that somebody has forgotten to encode.
  const at = rest.lastIndexOf('@');
  const credentials = at < 0 ? undefined : rest.slice(0, at);
  if (credentials !== undefined && /[/?#@]/.test(credentials)) {
    throw wrong(
      'user, password and parameters must be percent-encoded: %40 for @, %2F for /, %3A for :, %3F for ?, %23 for #',
    );
  }
  const [, hosts = '', path = '', query = '', fragment = ''] =
    /^([^/?#]*)([^?#]*)(?:\?([^#]*))?(#.*)?$/s.exec(rest.slice(at + 1)) ?? [];
  if (fragment !== '') throw wrong(`the URL must not have a fragment, got ${excerpt(fragment)}`);
  if (hosts === '') throw wrong(`the URL must name a host: ${known}://host`);
  const colon = credentials?.indexOf(':') ?? -1;
  return {
    scheme: known,
    user: credentials === undefined ? undefined : decoded(colon < 0 ? credentials : credentials.slice(0, colon)),
    password: credentials === undefined || colon < 0 ? undefined : decoded(credentials.slice(colon + 1)),
    hosts: hosts.split(','),
    path,
    parameters: readParameters(query),
  };
}

function readParameters(query: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (!PARAMETERS.includes(name)) {
      const meant = similarName(name, PARAMETERS);
      const guess = meant === undefined ? '' : `; did you mean ${meant}`;
      throw wrong(`the URL has no parameter ${excerpt(name)}; there are ${PARAMETERS.join(', ')}${guess}`);
    }
    if (found.has(name)) throw wrong(`the URL has the parameter ${name} twice`);
    if (value === '') throw wrong(`the parameter ${name} of the URL is empty`);
    found.set(name, value);
  }
  return found;
}

function tlsOf(scheme: string, parameters: ReadonlyMap<string, string>): { readonly tls?: true | EngineTls } {
  const files = [
    ['caFile', parameters.get('ca')],
    ['certFile', parameters.get('cert')],
    ['keyFile', parameters.get('key')],
  ] as const;
  const named = Object.fromEntries(files.filter(([, file]) => file !== undefined)) as EngineTls;
  const isSecure = SECURE.includes(scheme);
  if (Object.keys(named).length === 0) return isSecure ? { tls: true } : {};
  if (!isSecure) throw wrong(`ca, cert and key are for TLS: ${scheme === 'nats' ? 'tls' : 'rediss'}://`);
  return { tls: named };
}

/** What is percent-encoded. Its text is shown nowhere: it is a password, perhaps. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw wrong('user and password must be percent-encoded in UTF-8');
  }
}

/** Without the members that are undefined. */
function given<Members extends Record<string, string | undefined>>(
  members: Members,
): { [Name in keyof Members]?: string } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never;
}
