import { readFileSync } from 'node:fs';

/** A member of an interface, as an editor shows it. */
export interface DocumentedMember {
  readonly name: string;
  /** The text of its comment up to the first tag, on one line. */
  readonly doc: string;
  /** The text of each tag of the comment, by the tag's name without the `@`. */
  readonly tags: ReadonlyMap<string, string>;
}

/** The members of an interface with their comments, from the source. @param path from `src/` */
export function membersOf(path: string, name: string): DocumentedMember[] {
  const text = readFileSync(new URL(`../src/${path}`, import.meta.url), 'utf8');
  const [, body] = new RegExp(`\\nexport interface ${name}\\b[^{]*\\{\\n(.*?)\\n\\}\\n`, 's').exec(text) ?? [];
  if (body === undefined) throw new Error(`there is no interface ${name} in ${path}`);
  const members = body.matchAll(/^ {2}(?:\/\*\*((?:(?!\*\/).)*)\*\/\s+)?(?:readonly )?(\w+)[?]?[:(]/gms);
  return [...members].map(([, comment = '', name = '']) => readMember(name, comment));
}

function readMember(name: string, comment: string): DocumentedMember {
  const text = comment
    .replace(/^\s*\*? ?/gm, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  const [doc = '', ...tagged] = text.split(/ ?(?<!\{)@(?=[a-z])/);
  const tags = tagged.map((tag) => {
    const [, key = '', value = ''] = /^(\w+) ?(.*)$/.exec(tag) ?? [];
    return [key, value.trim()] as const;
  });
  return { name, doc: doc.trim(), tags: new Map(tags) };
}
