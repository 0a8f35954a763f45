/**
 * A document with `text` between two marks, in place of what was there.
 * @throws Error if it does not have both marks, once each
 */
export function quoteBetween(document: string, begin: string, end: string, text: string): string {
  const [before, between, ...more] = document.split(begin);
  const [, after, ...others] = (between ?? '').split(end);
  if (before === undefined || after === undefined || more.length + others.length > 0)
    throw new Error(`a document that quotes results must have "${begin}" and "${end}" once each`);
  return `${before}${begin}\n${text}\n${end}${after}`;
}
