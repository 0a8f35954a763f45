import type { Option } from './define.js';
import { countInWords, sizeInWords, timeInWords } from './units.js';

/** The default of an option as the docs say it: `16 MiB`, `30 s`, `'close'`, `0: no limit`. Undefined if it must be given, or has none. */
export function defaultInWords(row: Option<unknown>): string | undefined {
  const { defaultText, makeDefault, zero } = row;
  if (defaultText !== undefined || makeDefault === undefined) return defaultText;
  const value = makeDefault();
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value !== 'number') return String(value);
  return value === 0 && zero !== undefined ? `0: ${zero}` : numberInWords(row, value);
}

/** What an option is, for `--help` and docs/cli.md, and what 0 means if that is special. */
export function helpInWords({ help, zero }: Option<unknown>): string {
  return zero === undefined ? help : `${help}; 0: ${zero}`;
}

/** The numbers that an option can be: `1 byte to 4 GiB less 1 byte`. Undefined for what is no number. */
export function rangeInWords(row: Option<unknown>): string | undefined {
  const { least, most, zero } = row;
  if (least === undefined || most === undefined) return undefined;
  if (zero === undefined) return `${numberInWords(row, least)} to ${numberInWords(row, most)}`;
  return `${numberInWords(row, 1)} to ${numberInWords(row, most)}, or 0: ${zero}`;
}

function numberInWords({ kind }: Option<unknown>, value: number): string {
  if (kind === 'size') return sizeInWords(value);
  return kind === 'milliseconds' ? timeInWords(value) : countInWords(value);
}
