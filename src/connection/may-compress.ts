import { ArgumentTypeError } from '../options/argument-error.js';
import { unknownOption } from '../options/unknown-option.js';
import { kindOf } from '../protocol/view-of.js';
import type { SendOptions } from './connection.js';

const KNOWN: readonly (keyof SendOptions)[] = ['compress'];

/**
 * Whether the options of a message allow it to be compressed.
 * @throws ArgumentTypeError if they do not say that clearly: a secret may be at stake.
 */
export function mayCompress(options: SendOptions): boolean {
  if (Array.isArray(options)) throw wrong('options', 'an object', 'an array');
  if (typeof options !== 'object' || options === null) throw wrong('options', 'an object', kindOf(options));
  const unknown = unknownOption(options, KNOWN);
  if (unknown !== undefined) throw new ArgumentTypeError('WSLOOM_SEND_OPTIONS', unknown.message);
  const { compress } = options;
  if (compress === undefined || typeof compress === 'boolean') return compress !== false;
  throw wrong('options.compress', 'a boolean', kindOf(compress));
}

function wrong(name: string, expected: string, found: string): ArgumentTypeError {
  return new ArgumentTypeError('WSLOOM_SEND_OPTIONS', `${name} must be ${expected}, got ${found}`);
}
