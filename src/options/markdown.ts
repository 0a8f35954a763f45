/** A table in Markdown. Cells may hold Markdown. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Text as it stands, in Markdown: nothing of it is a table's border, or emphasis, or a tag. */
export function asMarkdown(text: string): string {
  return text.replace(/[|*<_]/g, '\\$&');
}

/** Text as code; '' for none. */
export function asCode(text: string | undefined): string {
  return text === undefined || text === '' ? '' : `\`${text}\``;
}

/** Puts what is generated into a page, between its two marks. @throws Error if the page lacks the marks. */
export function withGenerated(page: string, generated: string): string {
  const [before, rest] = page.split(BEGIN);
  const [, after] = (rest ?? '').split(END);
  if (before === undefined || after === undefined) throw new Error(`a page needs ${BEGIN} and ${END}`);
  return `${before}${BEGIN}\n\n${generated}\n\n${END}${after}`;
}

const BEGIN = '<!-- From here on `npm run docs` writes. -->';
const END = '<!-- Up to here. -->';
