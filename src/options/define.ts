import { OptionError, type OutOfRange } from './option-error.js';
import { shown } from './shown.js';
import { unknownOption } from './unknown-option.js';

/** How an option's value is written: by it the command line parses a flag, and shows a value. */
export type OptionKind = 'size' | 'count' | 'milliseconds' | 'choice' | 'list' | 'text' | 'switch' | 'other';

/** What a row says of its option to those who read about it. */
export interface OptionText {
  /** What it is, for `--help` and docs/cli.md: a phrase without a full stop. What 0 means follows from `zero`. */
  readonly help: string;
  /** The flag that sets it, with its short form if it has one: `-c, --connections`. Without a flag it is for code only. */
  readonly flag?: string;
  /** What stands for the value of the flag in `--help`; by default the name of its kind. */
  readonly placeholder?: string;
  /** The heading that it stands under in `--help` and in docs/cli.md. */
  readonly group?: string;
  /** The default in words, if that depends on the machine or on other options. */
  readonly defaultText?: string;
  /** What 0 means, if that is special: `no limit`. */
  readonly zero?: string;
  /** Of a limit: what happens beyond it, and what a client sees of that. Such options are the rows of docs/limits.md. */
  readonly beyond?: string;
}

/** One option: what its values are, and what is said of it. */
export interface Option<Value> extends OptionText {
  readonly kind: OptionKind;
  /** Of a number. */
  readonly least?: number;
  readonly most?: number;
  /** Of a choice. */
  readonly choices?: readonly string[];
  /** Undefined for an option that reads also what is not given. */
  readonly makeDefault?: () => Value;
  /** Makes of a given value what the code works with. @throws WrongValue */
  readonly read: (value: unknown) => Value;
}

/** The options of one function, by their names. */
export type OptionRows = Readonly<Record<string, Option<unknown>>>;

/** What the options of some rows are when all are checked and complete. */
export type ValuesOf<Rows extends OptionRows> = {
  readonly [Name in keyof Rows]: Rows[Name] extends Option<infer Value> ? Value : never;
};

/** An option cannot have a value. The message goes on behind the name of the option: `must be a string, got 5`. */
export class WrongValue extends Error {
  override readonly name = 'WrongValue';
  readonly outOfRange: OutOfRange | undefined;

  constructor(message: string, options?: ErrorOptions & { readonly outOfRange?: OutOfRange | undefined }) {
    super(message, options);
    this.outOfRange = options?.outOfRange;
  }
}

interface NumberRow extends OptionText {
  readonly least: number;
  readonly most: number;
  /** A function for a default that depends on the machine; then `defaultText` says what it is. */
  readonly byDefault: number | (() => number);
}

/** A size in bytes. */
export function size(row: NumberRow): Option<number> {
  return integer('size', row);
}

/** A number of things. */
export function count(row: NumberRow): Option<number> {
  return integer('count', row);
}

/** A time in ms, which a flag takes in seconds. */
export function milliseconds(row: NumberRow): Option<number> {
  return integer('milliseconds', row);
}

function integer(kind: OptionKind, { byDefault, ...row }: NumberRow): Option<number> {
  const { least, most } = row;
  return {
    ...row,
    kind,
    makeDefault: () => (typeof byDefault === 'number' ? byDefault : byDefault()),
    read: (value) => {
      if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
      const outOfRange = typeof value === 'number' ? { got: value, least, greatest: most } : undefined;
      throw new WrongValue(`must be an integer from ${least} to ${most}, got ${shown(value)}`, { outOfRange });
    },
  };
}

/** One of several words. */
export function choice<const Choices extends readonly string[]>(
  row: OptionText & { readonly choices: Choices; readonly byDefault: Choices[number] },
): Option<Choices[number]> {
  const { byDefault, ...rest } = row;
  return {
    ...rest,
    kind: 'choice',
    makeDefault: () => byDefault,
    read: (value) => {
      const known = rest.choices.find((one) => one === value);
      if (known !== undefined) return known;
      throw new WrongValue(`must be one of ${rest.choices.join(', ')}, got ${shown(value)}`);
    },
  };
}

/** True or false; false by default. */
export function toggle(row: OptionText): Option<boolean> {
  return {
    ...row,
    kind: 'switch',
    makeDefault: () => false,
    read: (value) => {
      if (typeof value === 'boolean') return value;
      throw new WrongValue(`must be true or false, got ${shown(value)}`);
    },
  };
}

/**
 * An option that is read by a function of its own, which is given `undefined` too where the option is not given.
 * @param row its kind says what the flag takes: `list` for a flag that can be repeated, `text` for one that takes any text, `switch` for
 * one that takes nothing.
 */
export function other<Value>(
  row: OptionText & { readonly kind?: 'list' | 'text' | 'switch'; readonly read: (value: unknown) => Value },
): Option<Value> {
  return { ...row, kind: row.kind ?? 'other' };
}

/** How a set of options refuses. */
interface Refusals {
  /** The error for an option that cannot be used. */
  readonly error: new (
    option: string,
    message: string,
    options: ConstructorParameters<typeof OptionError>[2],
  ) => Error;
  /** Whether null stands for the default. Options that are read by functions of their own decide for themselves. */
  readonly isNullMissing?: boolean;
}

/** Checks objects of options by their rows, and completes them. */
export class OptionSet<Rows extends OptionRows> {
  readonly rows: Rows;
  readonly #refusals: Refusals;

  constructor(rows: Rows, refusals: Refusals = { error: OptionError }) {
    this.rows = rows;
    this.#refusals = refusals;
  }

  /**
   * Looks for an option that there is not: a wrong name would change nothing, silently.
   * @param where stands in front of the message: `listen(): `.
   * @throws the error of this set, with what may have been meant.
   */
  checkNames(options: object, where = ''): void {
    const unknown = unknownOption(options, Object.keys(this.rows));
    if (unknown !== undefined) throw new this.#refusals.error(unknown.name, `${where}${unknown.message}`, undefined);
  }

  /** Every option of the rows: as it is given, or its default. @throws the error of this set for the first that cannot be used. */
  resolve(options: object): ValuesOf<Rows> {
    const values = Object.entries(this.rows).map(([name, row]) => [
      name,
      this.#read(name, row, Reflect.get(options, name)),
    ]);
    return Object.fromEntries(values) as ValuesOf<Rows>;
  }

  #read(name: string, { makeDefault, read }: Option<unknown>, value: unknown): unknown {
    const isMissing = value === undefined || (value === null && this.#refusals.isNullMissing === true);
    if (isMissing && makeDefault !== undefined) return makeDefault();
    try {
      return read(value);
    } catch (error) {
      if (!(error instanceof WrongValue)) throw error;
      const { message, outOfRange, cause } = error;
      throw new this.#refusals.error(name, `${name} ${message}`, {
        outOfRange,
        ...(cause === undefined ? {} : { cause }),
      });
    }
  }
}
