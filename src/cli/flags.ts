import { type Command, Option as Flag } from 'commander';
import type { Option, OptionKind, OptionRows } from '../options/define.js';
import { helpInWords } from '../options/in-words.js';
import type { OptionError } from '../options/option-error.js';
import { showSeconds, showSize } from '../options/units.js';
import { collect, parseCount, parseSeconds, parseSize } from './values.js';

/** Turns the text of a flag into the value of the option. @param before the value so far, of a flag that can be repeated. */
type Parser = (text: string, before: unknown) => unknown;

/** The flags of a command, by the names of the options that they set. */
export type Flags = ReadonlyMap<string, Flag>;

const PARSERS: Readonly<Partial<Record<OptionKind, Parser>>> = {
  size: parseSize,
  count: parseCount,
  milliseconds: parseSeconds,
  list: collect,
};

const PLACEHOLDERS: Readonly<Partial<Record<OptionKind, string>>> = {
  size: 'size',
  count: 'number',
  milliseconds: 'seconds',
};

/**
 * The flags of all rows that have one.
 * @param parsers of options whose kind does not say how they are written.
 */
export function flagsOf(rows: OptionRows, parsers: Readonly<Record<string, Parser>> = {}): Flags {
  const flags = new Map<string, Flag>();
  for (const [name, row] of Object.entries(rows)) {
    if (row.flag === undefined) continue;
    const value = row.kind === 'switch' ? '' : ` <${row.placeholder ?? PLACEHOLDERS[row.kind] ?? 'value'}>`;
    const flag = new Flag(`${row.flag}${value}`, helpInWords(row));
    const parser = parsers[name] ?? PARSERS[row.kind];
    if (parser !== undefined) flag.argParser(parser);
    else if (row.choices !== undefined) flag.choices(row.choices);
    if (row.group !== undefined) flag.helpGroup(`${row.group}:`);
    const byDefault = defaultOf(row);
    // It is shown only: valuesOf leaves it out.
    if (byDefault !== undefined) flag.default(byDefault, byDefault);
    flags.set(name, flag);
  }
  return flags;
}

/** The default, written as the flag takes it, or in words. */
function defaultOf({ kind, defaultText, makeDefault }: Option<unknown>): string | undefined {
  if (defaultText !== undefined || makeDefault === undefined || kind === 'switch') return defaultText;
  const value = makeDefault();
  if (typeof value !== 'number') return String(value);
  return kind === 'size' ? showSize(value) : kind === 'milliseconds' ? showSeconds(value) : String(value);
}

/** The options that the user has set by flags. Defaults are for the API to fill in. */
export function valuesOf(flags: Flags, command: Command): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [option, flag] of flags) {
    const name = flag.attributeName();
    if (command.getOptionValueSource(name) === 'cli') values[option] = command.getOptionValue(name);
  }
  return values;
}

/**
 * Says what is wrong with an option by the flag that sets it, in the units that the flag takes.
 * @param names of options that are set by something else than a flag.
 */
export function explainOption(
  { option, message, outOfRange }: OptionError,
  rows: OptionRows,
  names: Readonly<Record<string, string>> = {},
): string {
  const row = rows[option];
  const flag = names[option] ?? row?.flag?.replace(/^-\w, /, '') ?? option;
  if (outOfRange !== undefined && (row?.kind === 'milliseconds' || row?.kind === 'size')) {
    const [show, unit] = row.kind === 'size' ? [showSize, ''] : [showSeconds, ' seconds'];
    const { least, greatest, got } = outOfRange;
    return `${flag} must be from ${show(least)} to ${show(greatest)}${unit}, got ${show(got)}`;
  }
  return message.replace(option, flag);
}
