/** Control characters but tab and line break, which a terminal obeys, and what ends a line or turns the direction of text. */
const UNPRINTABLE = /[^\P{Cc}\t\n]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** The line breaks behind which text begins at the first column, as reports do. */
const AT_FIRST_COLUMN = /\n(?=[^ \t\n])/g;

/**
 * A report as text for people. An error may quote what a client has sent, as `JSON.parse` does: in a report it can be neither an escape
 * sequence of a terminal nor a line that looks like another report.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, escaped).replace(AT_FIRST_COLUMN, '\n  ');
}

/**
 * A value as JSON on one line, which can quote what a peer has chosen: nothing in it ends the line, is obeyed by a terminal, or turns
 * the direction of text. A reader of JSON gets the value as it was.
 */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(UNPRINTABLE, escaped);
}

/** A character of the basic plane as JSON and JavaScript escape it. */
function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
