import type { Backplane } from '../fleet/backplane.js';
import { NATS_PACKAGE, needPackage } from './installed-package.js';
import { checkNames, checkTexts, type EngineTls, readAddresses, readPrefix, readTls, wrong } from './engine-options.js';
import { NatsBackplane } from './nats-backplane.js';

const DEFAULT_PORT = 4222;

/** How NATS is reached, and who asks. */
export interface NatsOptions {
  /**
   * The addresses of servers of one cluster, such as `nats.internal:4222`. One of those that answer is taken.
   * @default '127.0.0.1:4222'
   */
  readonly servers?: string | readonly string[];
  /**
   * The name of the application, of letters, digits, `-` and `_`. All subjects begin with it. Fleets with different prefixes can share a
   * server.
   * @default 'wsloom'
   */
  readonly prefix?: string;
  /** The user, with `pass`. */
  readonly user?: string;
  readonly pass?: string;
  /** A token, instead of a user. */
  readonly token?: string;
  /** The seed of an NKey (it begins with `SU`), instead of a user. */
  readonly nkey?: string;
  /** What is in a file of credentials (`.creds`, a JWT with its NKey), instead of a user. */
  readonly creds?: string;
  /**
   * Whether TLS is demanded. Without it, TLS is spoken too if the server offers it.
   * @default false
   */
  readonly tls?: boolean | EngineTls;
}

const NAMES: readonly (keyof NatsOptions)[] = ['servers', 'prefix', 'user', 'pass', 'token', 'nkey', 'creds', 'tls'];

/**
 * NATS as the engine of a fleet, for `createServer({ backplane })`. It needs the package `@nats-io/transport-node`.
 * @throws ConfigError if an option cannot be used.
 * @throws BackplaneError if the package is not installed.
 */
export function nats(options: NatsOptions = {}): Backplane {
  checkNames(options, NAMES);
  checkTexts(options, ['user', 'pass', 'token', 'nkey', 'creds']);
  const { user, pass, token, nkey, creds } = options;
  if (pass !== undefined && user === undefined) throw wrong('pass needs a user');
  if ([user, token, nkey, creds].filter((one) => one !== undefined).length > 1) {
    throw wrong('give one of user, token, nkey and creds');
  }
  if (nkey !== undefined && !/^SU[A-Z2-7]{56}$/.test(nkey)) {
    throw wrong('nkey must be the seed of a user: SU and 56 letters or digits');
  }
  const servers = readAddresses(options.servers, 'servers', DEFAULT_PORT);
  const tls = readTls(options.tls);
  const prefix = readPrefix(options.prefix);
  needPackage('NATS', NATS_PACKAGE);
  return new NatsBackplane({ servers, prefix, tls, user, pass, token, nkey, creds });
}
