import type { Command } from 'commander';
import { ConfigError } from '../options/option-error.js';
import { FULL_DEFLATE_ROWS, type ServerDeflateOptions } from '../primary/deflate-options.js';
import { flagsOf, valuesOf } from './flags.js';

/** The flags of the parts of the option `deflate`. The flag that turns it on is that of the option itself. */
const DEFLATE_FLAGS = flagsOf(FULL_DEFLATE_ROWS);

/** Adds the flags of compression to a command. */
export function addDeflateFlags(command: Command): void {
  for (const flag of DEFLATE_FLAGS.values()) command.addOption(flag);
}

/**
 * The option `deflate` that the flags say: empty without any of them.
 * @throws ConfigError if parts of it are given, and it is not turned on.
 */
export function deflateOf(command: Command): { readonly deflate?: ServerDeflateOptions } {
  const parts = Object.entries(valuesOf(DEFLATE_FLAGS, command));
  if (command.getOptionValueSource('deflate') === 'cli') {
    return { deflate: Object.fromEntries(parts.map(([name, value]) => [name.replace(/^deflate\./, ''), value])) };
  }
  const [first] = parts;
  if (first === undefined) return {};
  const flag = DEFLATE_FLAGS.get(first[0])?.long ?? first[0];
  throw new ConfigError(first[0], `${flag} needs --deflate, which turns compression on`);
}
