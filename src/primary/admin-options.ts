import { ConfigError } from '../options/option-error.js';
import { shown } from '../options/shown.js';

/** The options of the admin port. */
export interface AdminOptions {
  readonly port: number;
  readonly host: string;
  /** What a client must know to see the metrics; undefined: nothing. */
  readonly token: string | undefined;
  /** Whether the port may be reached from other machines without a token. */
  readonly isOpen: boolean;
  /** Names that the server answers to, beside those of a loopback address. */
  readonly allowedHosts: readonly string[] | undefined;
}

/** Whether a host to listen on is this machine alone, as far as its text says. */
export function isLoopback(host: string): boolean {
  return /^(localhost|(::ffff:)?127\.\d+\.\d+\.\d+|::1)$/i.test(host);
}

/** The error for an admin port that others could reach, and that nothing guards. */
export function unguardedAdmin(host: string): ConfigError {
  const token = 'give adminToken (WSLOOM_ADMIN_TOKEN or --admin-token-file)';
  const open = 'or say by adminOpen (--admin-open) that everybody who can connect may see the metrics';
  return new ConfigError('adminHost', `adminHost must be a loopback address, got ${shown(host)}: ${token}, ${open}`);
}
