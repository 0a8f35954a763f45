import { median } from '../statistics.js';

/** The median of each number, with four digits that count. Other fields are the same in all, of which there is at least one. */
export function medianOf<Figure extends object>(all: readonly Figure[]): Figure {
  const [first] = all as readonly [Figure, ...Figure[]];
  const fields = Object.entries(first).map(([name, value]) => {
    if (typeof value !== 'number') return [name, value];
    const values = all.map((figure) => (figure as Readonly<Record<string, number>>)[name] ?? Number.NaN);
    return [name, Number(median(values).toPrecision(4))];
  });
  return Object.fromEntries(fields) as Figure;
}
