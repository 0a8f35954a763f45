import type { Backplane } from '../fleet/backplane.js';
import { checkNames, checkTexts, type EngineTls, readAddresses, readPrefix, readTls, wrong } from './engine-options.js';
import { needPackage, REDIS_PACKAGE } from './installed-package.js';
import { RedisBackplane } from './redis-backplane.js';

const DEFAULT_PORT = 6379;

/** How Redis, or a cluster of it, is reached, and who asks. */
export interface RedisOptions {
  /**
   * The address of the server, such as `redis.internal:6379`. Of a cluster one or several nodes, from which the others are learned.
   * @default '127.0.0.1:6379'
   */
  readonly nodes?: string | readonly string[];
  /**
   * The name of the application, of letters, digits, `-` and `_`. All channels begin with it. Fleets with different prefixes can share a
   * server.
   * @default 'wsloom'
   */
  readonly prefix?: string;
  /**
   * The user of an access control list.
   * @default 'default', if there is a password
   */
  readonly username?: string;
  readonly password?: string;
  /**
   * Whether TLS is spoken.
   * @default false
   */
  readonly tls?: boolean | EngineTls;
}

const NAMES: readonly (keyof RedisOptions)[] = ['nodes', 'prefix', 'username', 'password', 'tls'];

/**
 * Redis (6 or later) or a cluster of Redis (7 or later) as the engine of a fleet, for `createServer({ backplane })`. Which of them it is, the
 * server is asked. It needs the package `redis`.
 * @throws ConfigError if an option cannot be used.
 * @throws BackplaneError if the package is not installed.
 */
export function redis(options: RedisOptions = {}): Backplane {
  checkNames(options, NAMES);
  checkTexts(options, ['username', 'password']);
  const { username, password } = options;
  if (username !== undefined && password === undefined) throw wrong('username needs a password');
  const nodes = readAddresses(options.nodes, 'nodes', DEFAULT_PORT);
  const tls = readTls(options.tls);
  const prefix = readPrefix(options.prefix);
  needPackage('Redis', REDIS_PACKAGE);
  return new RedisBackplane({ nodes, prefix, username, password, tls });
}
