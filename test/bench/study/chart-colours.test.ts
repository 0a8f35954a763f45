import { expect, it } from 'vitest';
import { candidateNames } from '../../../bench/study/candidates.js';
import { engineColours, KERNEL_COLOURS, styleOf } from '../../../bench/study/chart-colours.js';

/** The relative luminance of a colour, as the guidelines for accessible pages define it. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

it.each(['#ffffff', '#0d1117'])('colours of lines have a contrast of 3 at least to a page that is %s', (page) => {
  const names = (['unmask', 'validate', 'unmaskText'] as const).flatMap(candidateNames);
  const colours = [...names.map((name) => styleOf(name).colour), ...engineColours(8), ...Object.values(KERNEL_COLOURS)];
  const low = colours.filter((colour) => {
    const [darker = 0, lighter = 0] = [luminance(colour), luminance(page)].toSorted((one, other) => one - other);
    return (lighter + 0.05) / (darker + 0.05) < 3;
  });
  expect(low).toEqual([]);
});

it.each(['unmask', 'validate'] as const)(
  'lines that a chart of %s may have differ by their colours or dashes',
  (op) => {
    const inNoChart = /^(js-branches|auto|wasm, (not relaxed|constant tables)|js.*, of a view)$/;
    const kept = candidateNames(op).filter((name) => !inNoChart.test(name) || name.includes('kept'));
    const styles = kept.map((name) => JSON.stringify(styleOf(name)));
    expect(kept.filter((_, i) => styles.indexOf(styles[i] as string) !== i)).toEqual([]);
  },
);
