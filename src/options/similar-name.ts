/** How many letters may be wrong. */
const MAX_DISTANCE = 2;

/**
 * The known name that somebody may have meant, for a message; undefined if none is near. Case does not count.
 * @param known short names: each is compared with all of `name`.
 */
export function similarName(name: string, known: readonly string[]): string | undefined {
  if (name.length > 40) return undefined;
  let nearest: string | undefined;
  let least = MAX_DISTANCE + 1;
  for (const candidate of known) {
    const far = distance(name.toLowerCase(), candidate.toLowerCase());
    // Two wrong letters are most of a short name.
    if (far >= least || far * 2 >= candidate.length) continue;
    nearest = candidate;
    least = far;
  }
  return nearest;
}

/** How many letters have to be inserted, left out, replaced or exchanged with their neighbour (optimal string alignment). */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, i) => i)];
  const at = (i: number, j: number) => rows[i]?.[j] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isExchanged = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, replaced, isExchanged ? at(i - 2, j - 2) + 1 : replaced));
    }
  }
  return at(a.length, b.length);
}
