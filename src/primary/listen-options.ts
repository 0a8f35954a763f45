import { resolve } from 'node:path';
import { count, OptionSet, other, WrongValue } from '../options/define.js';
import { ConfigError } from '../options/option-error.js';
import { shown } from '../options/shown.js';
import { hasDescriptors } from '../system/descriptor.js';
import { resolveMethod } from './method-options.js';

/** Options of {@link Server.listen} for a port. */
export interface TcpListenOptions {
  /**
   * The port to listen on. With 0 the system chooses a free one, which the result of `listen` names. From 0 to 65 535.
   *
   * @default 8080
   */
  readonly port?: number;
  /**
   * The address or name to listen on: '127.0.0.1' for this machine only, '0.0.0.0' or '::' for every interface.
   *
   * @default '127.0.0.1'
   */
  readonly host?: string;
  readonly path?: undefined;
  readonly mode?: undefined;
  readonly fd?: undefined;
}

/** Options of {@link Server.listen} for a unix socket. */
export interface UnixListenOptions {
  /**
   * The path of the unix socket to listen on, of at most 107 bytes when it is absolute (103 outside of Linux). The server makes the
   * file, and removes it at its end. A socket that was left there by a server that has died is replaced. Anything else that is there
   * is an error. Abstract sockets of Linux are refused, because everybody may connect to them.
   */
  readonly path: string;
  /**
   * Who may connect: the permissions of the file, as a number like `0o660`, or in octal as for chmod: `'660'`. To connect, a
   * process needs the right to write. The file never has more permissions than these, not even while it is made.
   *
   * @default 0o660, which is the user of this process and its group
   */
  readonly mode?: number | string;
  readonly port?: undefined;
  readonly host?: undefined;
  readonly fd?: undefined;
}

/** Options of {@link Server.listen} for a socket that somebody else has made. */
export interface DescriptorListenOptions {
  /**
   * The descriptor of a TCP or unix socket that is bound to its address, as systemd passes it. The server owns it from now on, and
   * child processes do not inherit it. The file of a unix socket belongs to whoever has made it, and is not removed.
   */
  readonly fd: number;
  readonly port?: undefined;
  readonly host?: undefined;
  readonly path?: undefined;
  readonly mode?: undefined;
}

/**
 * Options of {@link Server.listen}: a port, a unix socket, or a descriptor. An option that cannot be used, or that there is not, is
 * a {@link ConfigError}, and so are options of two of these.
 */
export type ListenOptions = TcpListenOptions | UnixListenOptions | DescriptorListenOptions;

/** Where a server is to listen. */
export type ListenPlace =
  | { readonly kind: 'tcp'; readonly port: number; readonly host: string }
  | { readonly kind: 'unix'; readonly path: string; readonly mode: number }
  | { readonly kind: 'descriptor'; readonly fd: number };

/** The longest path of a unix socket, in bytes: `sun_path` of unix(7), without the null byte at its end. */
export const MAX_PATH_BYTES = process.platform === 'linux' ? 107 : 103;

/** The options of `server.listen`. */
export const LISTEN_ROWS = {
  port: count({
    least: 0,
    most: 65535,
    byDefault: 8080,
    flag: '--port',
    help: 'port to listen on; 0 for any',
  }),
  host: other({
    kind: 'text',
    flag: '--host',
    placeholder: 'address',
    help: 'address to listen on; 0.0.0.0 for all',
    defaultText: '127.0.0.1',
    read: readHost,
  }),
  path: other({
    kind: 'text',
    flag: '--socket',
    placeholder: 'path',
    help: 'unix socket to listen on, instead of a port',
    read: readPath,
  }),
  mode: other({
    flag: '--socket-mode',
    placeholder: 'mode',
    help: 'permissions of the unix socket, in octal: who may connect',
    defaultText: '660',
    read: readMode,
  }),
  fd: other({
    flag: '--fd',
    placeholder: 'number',
    help: 'descriptor of a socket to listen on, as systemd passes it',
    read: readDescriptor,
  }),
} as const;

const LISTEN_OPTIONS = new OptionSet(LISTEN_ROWS, { error: ConfigError });

/** The options of each kind of place. */
const PLACES: readonly (readonly string[])[] = [['port', 'host'], ['path', 'mode'], ['fd']];

/** The first two of some options of `listen` that name different places; undefined if all name the same place. */
export function contradictionIn(names: readonly string[]): readonly [string, string] | undefined {
  const placeOf = (name: string) => PLACES.find((place) => place.includes(name));
  const [first] = names;
  const second = names.find((name) => first !== undefined && placeOf(name) !== placeOf(first));
  return first === undefined || second === undefined ? undefined : [first, second];
}

/** @throws ConfigError */
export function resolveListen(options: unknown): ListenPlace {
  const values = resolveMethod(LISTEN_OPTIONS, options, 'listen');
  const given = Object.keys(LISTEN_ROWS).filter((name) => Reflect.get(options ?? {}, name) !== undefined);
  const contradiction = contradictionIn(given);
  if (contradiction !== undefined) {
    const [one, other] = contradiction;
    throw new ConfigError(other, `${other} cannot be given together with ${one}: a server listens in one place`);
  }
  const { port, host, path, mode, fd } = values;
  if (fd !== undefined) return { kind: 'descriptor', fd };
  if (path !== undefined) return { kind: 'unix', path, mode };
  if (given.includes('mode')) throw new ConfigError('mode', 'mode is of a unix socket, whose path is missing');
  return { kind: 'tcp', port, host };
}

/** Reads `host`. An empty string is refused, because Node would listen on every interface. */
export function readHost(host: unknown): string {
  if (host === undefined) return '127.0.0.1';
  if (typeof host === 'string' && host !== '') return host;
  throw new WrongValue(`must be an address or a name, got ${shown(host)}`);
}

/** Reads the path of a unix socket. @returns it as an absolute path, which stays right when the process changes its folder */
function readPath(path: unknown): string | undefined {
  if (path === undefined) return undefined;
  if (typeof path !== 'string' || path === '') throw new WrongValue(`must be a path, got ${shown(path)}`);
  if (!hasDescriptors) throw new WrongValue('cannot be used on this system: it has no unix sockets');
  if (path.startsWith('@') || path.includes('\0')) {
    const why = 'abstract sockets are not supported, because everybody may connect to them';
    throw new WrongValue(
      `must be a path without null bytes, or './@' for a file of that name, got ${shown(path)}: ${why}`,
    );
  }
  if (/^(ws\+)?unix:/.test(path)) throw new WrongValue(`must be a path without a scheme, got ${shown(path)}`);
  const absolute = resolve(path);
  const bytes = Buffer.byteLength(absolute);
  if (bytes > MAX_PATH_BYTES) {
    throw new WrongValue(`must have at most ${MAX_PATH_BYTES} bytes, got ${bytes}: ${shown(absolute)}`);
  }
  return absolute;
}

/** The permissions by default: a proxy is let in by putting it into the group. */
const DEFAULT_MODE = 0o660;
const MAX_MODE = 0o777;

/** Reads permissions. 660 is refused, because it is 0o1224: whoever writes that has meant 0o660. */
function readMode(mode: unknown): number {
  if (mode === undefined) return DEFAULT_MODE;
  const bits = typeof mode === 'string' && /^(0o?)?[0-7]{3}$/.test(mode) ? Number.parseInt(mode.slice(-3), 8) : mode;
  if (typeof bits === 'number' && Number.isInteger(bits) && bits >= 0 && bits <= MAX_MODE) {
    if ((bits & 0o200) !== 0) return bits;
    throw new WrongValue(`must let the owner write, as 600 and 660 do, got ${bits.toString(8).padStart(3, '0')}`);
  }
  throw new WrongValue(`must be octal, such as 0o660 or '660', from 0 to 0o777, got ${shown(mode)}`);
}

function readDescriptor(fd: unknown): number | undefined {
  if (fd === undefined) return undefined;
  if (!hasDescriptors) throw new WrongValue('cannot be used on this system: it has no descriptors');
  if (typeof fd === 'number' && Number.isInteger(fd) && fd >= 0 && fd < 2 ** 31) return fd;
  throw new WrongValue(`must be the number of a descriptor, got ${shown(fd)}`);
}
