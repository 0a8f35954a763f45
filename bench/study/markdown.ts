import { plainText } from '../plain-text.js';

/** A table in Markdown. All columns except the first are aligned to the right. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, column) => (column === 0 ? '---' : '--:'));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

/** A list in Markdown. */
export function list(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join('\n');
}

/** `a`, `a and b`, `a, b and c`. */
export function enumeration(items: readonly string[]): string {
  const last = items.at(-1) ?? '';
  return items.length < 2 ? last : `${items.slice(0, -1).join(', ')} and ${last}`;
}

/**
 * Text of others as it is safe in Markdown, wherever it stands: in a line, a cell of a table, a heading, a list, a link or a code span.
 * What has a meaning in Markdown or HTML becomes an entity, which a reader sees as the character itself (in a code span as it is
 * written). Letters, digits, spaces, commas, hyphens and the other characters of the names that this project gives stay as they are.
 */
export function escapeMarkdown(text: string): string {
  return plainText(text)
    .replace(/(?<=\S)@(?=\S)/g, ' @ ') // an address becomes a link even if it is written with entities
    .replace(MEANINGFUL, (character) => `&#${character.charCodeAt(0)};`);
}

/** Beside single characters: the beginning of a list, a rule or a title, and of addresses, which become links by themselves. */
const MEANINGFUL = /[\\`*_[\]<>&|~$#!{}"]|^[-+=]|(?<=^\d{1,9})[.)](?=\s|$)|:(?=\/\/)|w(?=ww\.)/gi;
