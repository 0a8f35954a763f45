import { types } from 'node:util';
import { describeValue } from './describe-value.js';
import { printable } from './printable.js';

/** How many characters of an error are shown: a message may quote whatever a client has sent. */
const MAX_CHARACTERS = 8 * 1024;

/** The lines of a stack that name a place in a file: `    at name (file:///app/chat.js:10:5)`. */
const FRAMES = /^\s+at .*:\d+:\d+\)?$/gm;

/** The folders of this package's code, as stacks name them, with source maps and without. */
const OURS = ['../', '../../src/'].map((path) => new URL(path, import.meta.url).pathname);

/**
 * An error for the log: its stack, or a description of what was thrown instead of an error. Its message may quote what a client has sent, so
 * it is {@link printable}. Never throws, whatever it is given.
 */
export function errorText(error: unknown): string {
  let text: string;
  try {
    if (isError(error)) text = String(error.stack ?? error.message);
    else text = typeof error === 'string' ? error : describeValue(error);
  } catch {
    text = 'a value that cannot be shown'; // its own getters or methods throw
  }
  const { length } = text;
  const shown = length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}… (${length} characters)` : text;
  return printable(shown);
}

/**
 * What errors of the same cause have in common: their name, and the place in the application that they come from. Errors of this package
 * or of the engine, and those without a stack, are known by their message too, without its numbers and quotations. Never throws.
 */
export function errorOrigin(error: unknown): string {
  try {
    if (isError(error)) {
      // A message may look like lines of a stack.
      const frames = error.stack?.replace(error.message, '').match(FRAMES) ?? [];
      const place = frames.find((one) => !OURS.some((path) => one.includes(path)) && !one.includes('node:'));
      return `${error.name} ${place ?? `${frames[0] ?? ''} ${withoutParticulars(error.message)}`}`;
    }
  } catch {
    // Its own getters throw.
  }
  return withoutParticulars(errorText(error));
}

/** Whether it is an error, also of another realm (`node:vm`, test runners). */
function isError(value: unknown): value is Error {
  return value instanceof Error || types.isNativeError(value);
}

/** A message without its numbers and quotations, which differ from one case to the next. */
export function withoutParticulars(message: string): string {
  return message
    .replace(/"(?:[^"\\]|\\.)*"?/g, '""')
    .replace(/\d+/g, '0')
    .slice(0, 200);
}
