/** The order of candidates in tables and charts is one of meaning: from the naive loop over other JavaScript and WASM to native code. */
const FIRST: readonly string[] = [
  'js-byte',
  'js-dfa',
  'js-words',
  'js-words-8',
  'js-words-8, closure',
  'js-view-8',
  'js-bigint',
  'js-bigint-4',
  'js-branches',
  'js',
  'js-byte, of a view',
  'js-words-8, of a view',
  'js-view-8, of a view',
  'js-bigint-4, of a view',
  'js-words-8, kept, of a view',
  'js-bigint-4, kept, of a view',
  'js-words-8, closure, of a view',
  'js-bigint-4, closure, of a view',
];

/** @param candidates names of one operation. Pairs and fused ones are in the order of what unmasks. */
export function inOrder(candidates: readonly string[]): string[] {
  return candidates.toSorted((one, other) => rank(one) - rank(other));
}

function rank(name: string): number {
  const first = FIRST.findIndex(
    (known) => name === known || name === `${known}, fused` || name.startsWith(`${known} + `),
  );
  if (first >= 0) return first;
  return FIRST.length + (name.startsWith('wasm') ? 0 : 1);
}
