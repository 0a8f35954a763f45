import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The folder of the repository. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Every document that is written for readers, relative to {@link ROOT}. */
export const DOCUMENTS: readonly string[] = [
  'README.md',
  'CHANGELOG.md',
  'bench/README.md',
  'bench/machines.md',
  'examples/README.md',
  ...readdirSync(`${ROOT}docs`)
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  'docs/deploy/README.md',
];

/** A fenced block of code in a document. */
export interface Snippet {
  readonly document: string;
  /** The line of the opening fence, counted from 1. */
  readonly line: number;
  /** The word behind the opening fence: `js`, `sh`, … */
  readonly language: string;
  /** The file name of the block, from a comment in front of the fence: `<!-- file: chat.mjs -->`. '' if there is none. */
  readonly file: string;
  readonly text: string;
}

export function textOf(document: string): string {
  return readFileSync(`${ROOT}${document}`, 'utf8');
}

/** All fenced blocks of a document, in their order. */
export function snippetsOf(document: string, text = textOf(document)): Snippet[] {
  const lines = text.split('\n');
  const found: Snippet[] = [];
  for (let at = 0; at < lines.length; at++) {
    const fence = /^( *)```(\S*)$/.exec(lines[at] as string);
    if (fence === null) continue;
    const [, indent = '', language = ''] = fence;
    const end = lines.indexOf(`${indent}\`\`\``, at + 1);
    if (end < 0) throw new Error(`${document}:${at + 1}: a fence that is not closed`);
    const [, file = ''] = /^ *<!-- file: (\S+) -->$/.exec(lines[at - 1] ?? '') ?? [];
    const body = lines.slice(at + 1, end).map((line) => line.slice(indent.length));
    found.push({ document, line: at + 1, language, file, text: `${body.join('\n')}\n` });
    at = end;
  }
  return found;
}

/** A document without its fenced blocks, whose lines become empty. */
export function proseOf(text: string): string {
  let isInside = false;
  const lines = text.split('\n').map((line) => {
    const isFence = /^ *```/.test(line);
    if (isFence) isInside = !isInside;
    return isFence || isInside ? '' : line;
  });
  return lines.join('\n');
}
