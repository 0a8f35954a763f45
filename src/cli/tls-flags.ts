import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Command, Option as Flag } from 'commander';
import { ConfigError } from '../options/option-error.js';
import { Group } from '../primary/option-groups.js';
import type { Logger } from '../telemetry/logger.js';
import { MIN_VERSIONS } from '../tls/tls-description.js';
import type { TlsOptions } from '../tls/tls-options.js';
import { type Flags, valuesOf } from './flags.js';

/** The flags that the one option `tls` is made of, by the names of its parts. */
const TLS_FLAGS: Flags = new Map(
  [
    [
      'cert',
      new Flag('--tls-cert <file>', "the server's certificate in PEM: speak TLS (wss), with --tls-key"),
    ] as const,
    ['key', new Flag('--tls-key <file>', 'the private key of --tls-cert in PEM, not encrypted')] as const,
    ['ca', new Flag('--tls-ca <file>', "authorities of clients' certificates in PEM")] as const,
    [
      'requestCert',
      new Flag(
        '--tls-request-cert [optional]',
        'let in only clients with a certificate of --tls-ca; optional: others too',
      ).choices(['optional']),
    ] as const,
    [
      'minVersion',
      new Flag('--tls-min-version <version>', 'the lowest version of TLS')
        .choices(MIN_VERSIONS)
        .default(MIN_VERSIONS[0], MIN_VERSIONS[0]),
    ] as const,
  ].map(([name, flag]) => [name, flag.helpGroup(`${Group.TLS}:`)]),
);

/** Of these, the value is the path of a file, which is watched. */
const FILES: readonly string[] = ['cert', 'key', 'ca'];

/** What errors of the option `tls` are about, by the flags. */
export const TLS_FLAG_NAMES: Readonly<Record<string, string>> = Object.fromEntries(
  [...TLS_FLAGS].map(([name, { long }]) => [`tls.${name}`, long ?? '']),
);

/** Has the lines of a log about TLS name the flags in place of the parts of the option. */
export function namingTlsFlags(log: Logger): Logger {
  const named = (line: string) =>
    line.startsWith('tls: ') ? line.replace(/(?<=: )tls\.\w+/, (option) => TLS_FLAG_NAMES[option] ?? option) : line;
  return {
    info: (line) => log.info(named(line)),
    warn: (line) => log.warn(named(line)),
    error: (line) => log.error(named(line)),
  };
}

/** Adds the flags of TLS to a command. */
export function addTlsFlags(command: Command): void {
  for (const flag of TLS_FLAGS.values()) command.addOption(flag);
}

/**
 * The option `tls` that the flags say: empty without any of them. That it is complete is for the server to check.
 * @throws ConfigError if a path is empty.
 */
export function tlsOf(command: Command): { readonly tls?: TlsOptions } {
  const given = Object.entries(valuesOf(TLS_FLAGS, command));
  if (given.length === 0) return {};
  const parts = given.map(([name, value]) => [name, FILES.includes(name) ? fileUrl(name, value as string) : value]);
  return { tls: Object.fromEntries(parts) as TlsOptions };
}

/** @throws ConfigError if there is no path: that of a variable which is not set. */
function fileUrl(name: string, path: string): URL {
  if (path === '') {
    const flag = TLS_FLAG_NAMES[`tls.${name}`] ?? name;
    throw new ConfigError(flag, `${flag} must be the path of a file, got ""`);
  }
  return pathToFileURL(resolve(path));
}
