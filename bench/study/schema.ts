/** Checks of data that others have written. A check returns what it was given, field by field, or says which field is wrong. */
import { LONGEST_NAME, plainText } from '../plain-text.js';

/** A field is not what it must be. The message is one line that is safe to print. */
export class InvalidField extends Error {}

/** @param path where the value stands: `engines[0].name` @throws InvalidField */
export type Check<Value> = (value: unknown, path: string) => Value;

/** A check for each field of a type. Where the type gets a field, this needs one too, or it does not compile. */
export type Shape<Fields> = {
  readonly [Name in keyof Fields]-?: Check<object extends Pick<Fields, Name> ? Fields[Name] | undefined : Fields[Name]>;
};

/** An object with these fields and no others. A field whose check returns undefined is left out. */
export function object<Fields extends object>(shape: Shape<Fields>): Check<Fields> {
  const checks = Object.entries<Check<unknown>>(shape);
  const names = new Set(checks.map(([name]) => name));
  return (value, path) => {
    const given = objectOf(value, path);
    const unknown = Object.keys(given).find((name) => !names.has(name));
    if (unknown !== undefined) throw new InvalidField(`${fieldOf(path, unknown)} is not a field that is known`);
    const checked = checks.map(([name, check]) => [name, check(own(given, name), fieldOf(path, name))] as const);
    return Object.fromEntries(checked.filter(([, item]) => item !== undefined)) as Fields;
  };
}

/** An object whose fields have any names that match the pattern. */
export function record<Value>(name: RegExp, most: number, check: Check<Value>): Check<Readonly<Record<string, Value>>> {
  return (value, path) => {
    const given = Object.entries(objectOf(value, path));
    if (given.length > most) throw new InvalidField(`${path} must have at most ${most} fields, got ${given.length}`);
    const wrong = given.find(([field]) => !name.test(field));
    if (wrong !== undefined)
      throw new InvalidField(`${path} must have fields that match ${name}, got ${shown(wrong[0])}`);
    return Object.fromEntries(given.map(([field, item]) => [field, check(item, fieldOf(path, field))]));
  };
}

/** @param least how many items there are at least @param most and at most */
export function array<Item>(least: number, most: number, check: Check<Item>): Check<readonly Item[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw wrong(path, 'an array', value);
    if (value.length < least || value.length > most)
      throw new InvalidField(`${path} must have from ${least} to ${most} items, got ${value.length}`);
    return value.map((item, i) => check(item, `${path}[${i}]`));
  };
}

/** An array with these fields in this order: a line of a table. */
export function row<Fields extends object>(
  columns: readonly (keyof Fields & string)[],
  shape: Shape<Fields>,
): Check<Fields> {
  const check = object(shape);
  return (value, path) => {
    if (!Array.isArray(value)) throw wrong(path, 'an array', value);
    if (value.length !== columns.length)
      throw new InvalidField(`${path} must have ${columns.length} items, got ${value.length}`);
    return check(Object.fromEntries(columns.map((name, i) => [name, value[i]])), path);
  };
}

/** The field may be missing. `null` is wrong nevertheless. */
export function optional<Value>(check: Check<Value>): Check<Value | undefined> {
  return (value, path) => (value === undefined ? undefined : check(value, path));
}

export function number(least: number, most: number): Check<number> {
  return (value, path) => {
    if (typeof value === 'number' && value >= least && value <= most) return value;
    throw wrong(path, `a number from ${least} to ${most}`, value);
  };
}

export function integer(least: number, most: number): Check<number> {
  return (value, path) => {
    if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return value as number;
    throw wrong(path, `an integer from ${least} to ${most}`, value);
  };
}

export const boolean: Check<boolean> = (value, path) => {
  if (typeof value === 'boolean') return value;
  throw wrong(path, 'true or false', value);
};

/** These texts in this order. */
export function exactly(texts: readonly string[]): Check<readonly string[]> {
  const check = array(texts.length, texts.length, oneOf(texts));
  return (value, path) => {
    const given = check(value, path);
    const i = texts.findIndex((expected, place) => given[place] !== expected);
    if (i !== -1) throw wrong(`${path}[${i}]`, JSON.stringify(texts[i]), given[i]);
    return given;
  };
}

/** One of these values. */
export function oneOf<Value extends string | number | boolean>(values: readonly Value[]): Check<Value> {
  return (value, path) => {
    const found = values.find((known) => known === value);
    if (found !== undefined) return found;
    throw wrong(path, values.map((known) => JSON.stringify(known)).join(' or '), value);
  };
}

/** Text that matches. @param what what is said of it if it does not */
export function matching(pattern: RegExp, what: string): Check<string> {
  return (value, path) => {
    if (typeof value === 'string' && value.length <= LONGEST_NAME && pattern.test(value)) return value;
    throw wrong(path, what, value);
  };
}

/** A name: one line that is not empty, is not long, and has nothing in it that a reader would not see. */
export const name: Check<string> = (value, path) => {
  if (typeof value === 'string' && value !== '' && value === plainText(value)) return value;
  throw wrong(
    path,
    `one line of 1 to ${LONGEST_NAME} characters, none of which is unseen or of another direction`,
    value,
  );
};

/** Text that is not printed, of any kind. */
export function text(most: number): Check<string> {
  return (value, path) => {
    if (typeof value === 'string' && value.length <= most) return value;
    throw wrong(path, `text of at most ${most} characters`, value);
  };
}

/** No two items have the same key. @param keyOf the key of an item, for people too */
export function distinct<Item>(check: Check<readonly Item[]>, keyOf: (item: Item) => string): Check<readonly Item[]> {
  return (value, path) => {
    const items = check(value, path);
    const seen = new Set<string>();
    for (const [i, item] of items.entries()) {
      const key = keyOf(item);
      if (seen.has(key)) throw new InvalidField(`${path}[${i}] is there twice: ${plainText(key)}`);
      seen.add(key);
    }
    return items;
  };
}

function objectOf(value: unknown, path: string): object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw wrong(path === '' ? 'the file' : path, 'an object', value);
}

/** Without what every object inherits. */
function own(given: object, field: string): unknown {
  return Object.hasOwn(given, field) ? Reflect.get(given, field) : undefined;
}

function fieldOf(path: string, field: string): string {
  const safe = plainText(field).slice(0, MOST_SHOWN);
  return path === '' ? safe : `${path}.${safe}`;
}

function wrong(path: string, what: string, value: unknown): InvalidField {
  return new InvalidField(value === undefined ? `${path} is missing` : `${path} must be ${what}, got ${shown(value)}`);
}

/** How much of a wrong value is shown. */
const MOST_SHOWN = 40;

/** A wrong value in a message: short, and safe to print. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = plainText(JSON.stringify(value));
  return text.length <= MOST_SHOWN ? text : `${text.slice(0, MOST_SHOWN)}…`;
}
