import { inspect } from 'node:util';

const LONGEST = 200;

/**
 * Names a value that an application has given, for a message: one line of printable ASCII, of bounded length, whatever the value is.
 * None of the application's code runs for it: no getter, no `toString`, no trap of a Proxy.
 */
export function describeValue(value: unknown): string {
  let shown: string;
  try {
    shown = inspect(value, {
      depth: 0,
      breakLength: Number.POSITIVE_INFINITY,
      compact: true,
      customInspect: false,
      getters: false,
      maxArrayLength: 5,
      maxStringLength: 60,
      showProxy: true,
    });
  } catch {
    shown = `a ${typeof value}`; // a value that even inspect cannot read is named by its type
  }
  return oneLine(shown, LONGEST);
}

/** A text as one line of printable ASCII. @param longest the text is cut after this many characters. */
export function oneLine(text: string, longest: number): string {
  const cut = text.length > longest ? `${text.slice(0, longest)}...` : text;
  return cut
    .replace(/\s+/g, ' ')
    .replace(/[^ -~]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
