import { InvalidArgumentError } from 'commander';

/** How values are written on the command line. Each returns what an option of the API wants, in bytes, ms or as a count. */

const SUFFIXES: Readonly<Record<string, number>> = { '': 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

export function parseSize(text: string): number {
  const [, digits, suffix = ''] = /^(\d+(?:\.\d+)?)(?:([kmg])(?:i?b)?|b)?$/i.exec(text) ?? [];
  const unit = SUFFIXES[suffix.toLowerCase()];
  const size = unit === undefined || digits === undefined ? Number.NaN : Number(digits) * unit;
  if (!Number.isSafeInteger(size)) throw new InvalidArgumentError('It must be a size, like 65536, 64KiB or 16MiB.');
  return size;
}

export function showSize(bytes: number): string {
  if (bytes >= 2 ** 20 && bytes % 2 ** 20 === 0) return `${bytes / 2 ** 20}MiB`;
  return bytes >= 2 ** 10 && bytes % 2 ** 10 === 0 ? `${bytes / 2 ** 10}KiB` : String(bytes);
}

export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65535)) throw new InvalidArgumentError('It must be a number from 0 to 65535.');
  return port;
}

export function parseCount(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

/** @returns ms */
export function parseSeconds(text: string): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds <= 2_000_000)) throw new InvalidArgumentError('It must be a number of seconds, at most 2000000.');
  return Math.round(seconds * 1000);
}

/** For options that can be given several times. */
export function collect(text: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), text];
}
