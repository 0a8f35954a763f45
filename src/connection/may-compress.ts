import { ArgumentTypeError } from '../options/argument-error.js';
import { unknownOption } from '../options/unknown-option.js';
import { kindOf } from '../protocol/view-of.js';
import type { SendOptions } from './connection.js';

const SEND_OPTIONS: readonly (keyof SendOptions)[] = ['compress'];

/**
 * Whether the options of a message allow it to be compressed.
 * @throws ArgumentTypeError if they do not say that clearly: a secret may be at stake.
 */
export function mayCompress(options: SendOptions): boolean {
  if (typeof options !== 'object' || options === null) throw wrong('options', 'an object', options);
  const unknown = unknownOption(options, SEND_OPTIONS);
  if (unknown !== undefined) throw new ArgumentTypeError('WSLOOM_SEND_OPTIONS', unknown.message);
  const { compress } = options;
  if (compress === undefined || typeof compress === 'boolean') return compress !== false;
  throw wrong('options.compress', 'a boolean', compress);
}

function wrong(name: string, expected: string, found: unknown): ArgumentTypeError {
  return new ArgumentTypeError('WSLOOM_SEND_OPTIONS', `${name} must be ${expected}, got ${kindOf(found)}`);
}
