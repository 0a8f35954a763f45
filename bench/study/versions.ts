/** The numbers of a version: `v26.12.1` is 26, 12 and 1. */
export function numbersOf(version: string): number[] {
  return (/\d+(\.\d+)*/.exec(version)?.[0] ?? '').split('.').map(Number);
}

/** For sorting versions in descending order. */
export function newerFirst(one: string, other: string): number {
  const [own, others] = [numbersOf(one), numbersOf(other)];
  const at = own.findIndex((number, i) => number !== others[i]);
  return at === -1 ? 0 : (others[at] ?? 0) - (own[at] as number);
}
