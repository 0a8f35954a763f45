import { other, toggle, WrongValue } from '../options/define.js';
import { shown } from '../options/shown.js';
import { readHost } from './listen-options.js';
import { Group } from './option-groups.js';

const MAX_PORT = 65_535;

/** The options of the admin port. On the command line the token comes from a file or from the environment, and has no flag here. */
export const ADMIN_ROWS = {
  adminPort: other({
    flag: '--admin-port',
    placeholder: 'number',
    group: Group.ADMIN,
    help: 'port of /healthz, /readyz and /metrics beside that of WebSockets, also when that is full; 0 for any',
    defaultText: 'none',
    read: readPort,
  }),
  adminHost: other({
    kind: 'text',
    flag: '--admin-host',
    placeholder: 'address',
    group: Group.ADMIN,
    help: 'address of --admin-port; other than loopback it needs a token, or --admin-open',
    defaultText: '127.0.0.1',
    read: readHost,
  }),
  adminToken: other({
    group: Group.ADMIN,
    help: 'what a client must know to see /metrics on the admin port',
    defaultText: 'none',
    read: readToken,
  }),
  adminOpen: toggle({
    flag: '--admin-open',
    group: Group.ADMIN,
    help: 'show /metrics on --admin-host to everybody who can connect, without a token',
  }),
} as const;

/** @returns undefined for no admin port. @throws WrongValue */
function readPort(port: unknown): number | undefined {
  if (port === undefined || port === null) return undefined;
  if (typeof port === 'number' && Number.isInteger(port) && port >= 0 && port <= MAX_PORT) return port;
  throw new WrongValue(`must be an integer from 0 to ${MAX_PORT}, got ${shown(port)}`);
}

/** @returns undefined for none. @throws WrongValue, whose message has nothing of the token */
function readToken(token: unknown): string | undefined {
  if (token === undefined || token === null) return undefined;
  if (typeof token !== 'string') throw new WrongValue(`must be a string, got ${typeof token}`);
  if (/^[!-~]+$/.test(token)) return token;
  const found = token === '' ? 'an empty one' : 'another character';
  throw new WrongValue(`must be visible ASCII characters without spaces, at least one, got ${found}`);
}
