import { InvalidArgumentError } from 'commander';
import { readSeconds, readSize } from '../options/units.js';

/*
 * How values are written on the command line. Each function returns what an option of the API wants, in bytes, ms or as a count.
 * It takes numbers of any size: the row of the option has the range.
 */

/** @returns bytes */
export function parseSize(text: string): number {
  const size = readSize(text);
  if (size === undefined) throw new InvalidArgumentError('It must be a size, like 65536, 64KiB or 16MiB.');
  return size;
}

/** @returns undefined for a text that is no port */
export function readPort(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  return port <= 65535 ? port : undefined;
}

export function parseCount(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

/** @returns ms */
export function parseSeconds(text: string): number {
  const ms = readSeconds(text);
  if (ms === undefined) throw new InvalidArgumentError('It must be a number of seconds.');
  return ms;
}

/** For options that can be given several times. */
export function collect(text: string, before: unknown): string[] {
  return Array.isArray(before) ? [...before, text] : [text];
}
