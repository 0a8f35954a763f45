import { ArgumentTypeError } from '../options/argument-error.js';
import { excerpt } from '../options/shown.js';
import { kindOf } from '../protocol/view-of.js';
import type { SendOptions } from './connection.js';

/**
 * Whether the options of a message allow it to be compressed.
 * @throws ArgumentTypeError if they do not say that clearly: a secret may be at stake.
 */
export function mayCompress(options: SendOptions): boolean {
  if (typeof options !== 'object' || options === null) throw wrong('options', 'an object', options);
  for (const name of Object.keys(options)) {
    if (name !== 'compress') throw new ArgumentTypeError('WSLOOM_SEND_OPTIONS', `there is no option ${excerpt(name)}`);
  }
  const { compress } = options;
  if (compress === undefined || typeof compress === 'boolean') return compress !== false;
  throw wrong('options.compress', 'a boolean', compress);
}

function wrong(name: string, expected: string, found: unknown): ArgumentTypeError {
  return new ArgumentTypeError('WSLOOM_SEND_OPTIONS', `${name} must be ${expected}, got ${kindOf(found)}`);
}
