import { ArgumentTypeError } from '../options/argument-error.js';
import { kindOf } from '../protocol/view-of.js';
import type { SendOptions } from './connection.js';

/**
 * Whether the options of a message allow it to be compressed.
 * @throws ArgumentTypeError if they do not say that clearly: a secret may be at stake.
 */
export function mayCompress(options: SendOptions): boolean {
  if (typeof options !== 'object' || options === null) throw wrong('options', 'an object', options);
  const { compress } = options;
  if (compress === undefined || typeof compress === 'boolean') return compress !== false;
  throw wrong('options.compress', 'a boolean', compress);
}

function wrong(name: string, expected: string, found: unknown): ArgumentTypeError {
  return new ArgumentTypeError('WSLOOM_SEND_OPTIONS', `${name} must be ${expected}, got ${kindOf(found)}`);
}
