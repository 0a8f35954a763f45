import { InvalidArgumentError } from 'commander';

/** How values are written on the command line. Each returns what an option of the API wants, in bytes, ms or as a count. */

const SUFFIXES: Readonly<Record<string, number>> = { '': 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

export function parseSize(text: string): number {
  const [, digits, suffix = ''] = /^(\d+(?:\.\d+)?)(?:([kmgt])(?:i?b)?|b)?$/i.exec(text) ?? [];
  const unit = SUFFIXES[suffix.toLowerCase()];
  const size = unit === undefined || digits === undefined ? Number.NaN : Number(digits) * unit;
  if (!Number.isSafeInteger(size)) throw new InvalidArgumentError('It must be a size, like 65536, 64KiB or 16MiB.');
  return size;
}

export function showSize(bytes: number): string {
  const [unit = '', factor = 1] = UNITS.find(([, size]) => bytes >= size && bytes % size === 0) ?? [];
  return `${bytes / factor}${unit}`;
}

/** The longest first. */
const UNITS = [
  ['TiB', 2 ** 40],
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
] as const;

export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65535)) throw new InvalidArgumentError('It must be a number from 0 to 65535.');
  return port;
}

export function parseCount(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 0.');
  return Number(text);
}

/** @returns ms */
export function parseSeconds(text: string): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds <= 2_000_000)) throw new InvalidArgumentError('It must be a number of seconds, at most 2000000.');
  return Math.round(seconds * 1000);
}

export function showSeconds(ms: number): string {
  return String(ms / 1000);
}

/** For options that can be given several times. */
export function collect(text: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), text];
}
