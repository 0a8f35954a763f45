/** No name is longer: what is longer is cut. */
export const LONGEST_NAME = 200;

/** Control characters, what changes the direction of writing or is not seen, halves of characters, and private ones. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;

/**
 * Text of others as it is safe to print on a terminal: one line, no control characters, nothing that changes the order of what is shown.
 * Each such character becomes `�`.
 */
export function plainText(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim().replace(UNSEEN, '\ufffd');
  const characters = [...line];
  return characters.length <= LONGEST_NAME ? line : `${characters.slice(0, LONGEST_NAME - 1).join('')}…`;
}

/** The same value with another text in the place of each text in it, also of the names of fields. */
export function mapTexts<Value>(value: Value, map: (text: string) => string): Value {
  return mapped(value, map) as Value;
}

function mapped(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === 'string') return map(value);
  if (Array.isArray(value)) return value.map((item) => mapped(item, map));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [map(name), mapped(item, map)]));
}
