import { describe, expect, it } from 'vitest';
import { candidatesOn, enginesOf, size, Unreported } from '../../../bench/study/findings.js';
import { NEVER_BYTES } from '../../../dist/kernels/thresholds.js';
import { engineOf, figureOf, studyOf } from './study.js';

const SIZES = [4, 16, 64, 256];
/** One candidate takes 1 ns per byte, another takes 3, and a third takes 32 ns for everything. */
const FIGURES = SIZES.flatMap((bytes) => [
  figureOf('js', bytes, bytes),
  figureOf('wasm', bytes, 32),
  figureOf('js-byte', bytes, 3 * bytes),
]);

function engine(figures = FIGURES) {
  return enginesOf(studyOf(figures)).main;
}

describe('the figures of an engine', () => {
  it('are speeds in bytes per nanosecond, of the usual case if no other is given', () => {
    expect(engine().name).toBe('Node 20');
    expect(engine().speed({ op: 'unmask', candidate: 'wasm', bytes: 256 })).toBe(8);
    expect(engine().ns({ op: 'unmask', candidate: 'wasm', bytes: 256 })).toBe(32);
  });

  it('that were not measured cannot be read', () => {
    const wanted = { op: 'unmask', candidate: 'wasm', bytes: 256, pattern: 'cold' } as const;
    expect(() => engine().speed(wanted)).toThrow(Unreported);
    expect(() => engine().ns(wanted)).toThrow(Unreported);
    expect(engine().nsCell(wanted)).toBe('–');
  });

  it('that are not steady, or cannot be right, are shown with a mark, and cannot be read', () => {
    const unsteady = figureOf('js', 64, [50, 64, 64, 64, 64, 64, 64]);
    const wrong = [figureOf('wasm', 64, 200), figureOf('wasm', 128, 100)];
    const of = engine([unsteady, ...wrong]);
    const js = { op: 'unmask', candidate: 'js', bytes: 64 } as const;
    const wasm = { op: 'unmask', candidate: 'wasm', bytes: 64 } as const;
    expect([of.nsCell(js), of.nsCell(wasm), of.nsCell({ ...wasm, bytes: 128 })]).toEqual(['64.0~', '200?', '100']);
    expect([of.speedCell(js), of.speedCell({ ...js, bytes: 4 })]).toEqual(['1.00~', '–']);
    for (const wanted of [js, wasm]) expect(() => of.ns(wanted)).toThrow(Unreported);
    const right = { ...wasm, bytes: 128 };
    expect([of.timesCell(js, right), of.timesCell(right, wasm), of.timesCell(js, wasm)]).toEqual([
      '0.640~',
      '0.500?',
      '0.320~?',
    ]);
    expect([of.timesCell(js, { ...js, bytes: 4 }), of.timesCell({ ...js, bytes: 4 }, js)]).toEqual(['–', '–']);
    expect(of.ns({ ...wasm, bytes: 128 })).toBe(100);
  });

  it('say from which size on one candidate is the better choice', () => {
    expect(engine().crossover('unmask', 'any', 'js', 'wasm')).toBe(64);
    expect(engine().crossover('unmask', 'any', 'js', 'js-byte')).toBe(NEVER_BYTES);
  });

  it('say no crossover when too few sizes were measured', () => {
    expect(engine(FIGURES.slice(1)).crossover('unmask', 'any', 'js', 'wasm')).toBeUndefined();
    expect(engine().crossover('validate', 'json', 'js', 'wasm')).toBeUndefined();
  });

  it('mark a crossover that would be another one with unsteady figures elsewhere in their spread', () => {
    const unsteady = (candidate: string, bytes: number, ns: number) =>
      figureOf(candidate, bytes, [ns / 4, ns, ns, ns, ns, ns, ns]);
    const cell = (of: ReturnType<typeof engine>) => of.crossoverCell('unmask', 'any', 'js', 'wasm');
    const sizes = [...SIZES, 1024];
    const figures = sizes.flatMap((bytes) => [figureOf('js', bytes, bytes), figureOf('wasm', bytes, 32)]);
    const without = (bytes: number) => figures.filter((one) => one.bytes !== bytes);
    expect(cell(engine(figures))).toBe('64 B');
    const harmless = engine([...without(4), unsteady('js', 4, 4), figureOf('wasm', 4, 32)]);
    expect(cell(harmless)).toBe('64 B');
    expect(harmless.steadyCrossover('unmask', 'any', 'js', 'wasm')).toBe(64);
    const harmful = engine([...without(64), unsteady('js', 64, 64), figureOf('wasm', 64, 32)]);
    expect(cell(harmful)).toBe('64 B~');
    expect(() => harmful.steadyCrossover('unmask', 'any', 'js', 'wasm')).toThrow(Unreported);
    expect(cell(engine(figures.slice(4)))).toBe('–');
    expect(() => engine([]).steadyCrossover('unmask', 'any', 'js', 'wasm')).toThrow(Unreported);
    // It may be an unsteady figure of either candidate.
    const other = engine([
      ...sizes.map((bytes) => figureOf('js', bytes, bytes)),
      ...[4, 16, 256, 1024].map((bytes) => figureOf('wasm', bytes, bytes < 64 ? 32 : 100)),
      figureOf('wasm', 64, [50, 60, 60, 60, 60, 90, 90]),
    ]);
    expect(cell(other)).toBe('64 B~');
    // It may be an earlier one as well as a later one.
    const earlier = engine([
      ...without(16),
      figureOf('js', 16, [10, 16, 16, 20, 40, 40, 40]),
      figureOf('wasm', 16, 32),
    ]);
    expect(cell(earlier)).toBe('64 B~');
    // A steady one is not moved by its spread.
    const spread = engine([...without(64), figureOf('js', 64, [30, 64, 64, 31, 31, 31, 64]), figureOf('wasm', 64, 32)]);
    expect(cell(spread)).toBe('256 B');
  });

  it('say what the worst alignment costs, and mark it if one is not steady', () => {
    const at = (alignment: number, ns: number | number[]) => figureOf('js', 64, ns, { alignment });
    const steady = engine([at(0, 10), at(3, 15), at(6, 12)]);
    expect(steady.alignmentPenalty('unmask', 'js', 64)).toBe(1.5);
    expect(steady.alignmentCell('unmask', 'js', 64)).toBe('1.50');
    const unsteady = engine([at(0, 10), at(3, [10, 15, 15, 15, 15, 15, 15])]);
    expect(() => unsteady.alignmentPenalty('unmask', 'js', 64)).toThrow(Unreported);
    expect(unsteady.alignmentCell('unmask', 'js', 64)).toBe('1.50~');
    expect(() => engine([at(0, 10)]).alignmentPenalty('unmask', 'js', 64)).toThrow(Unreported);
    expect(engine([at(0, 10)]).alignmentCell('unmask', 'js', 64)).toBe('–');
  });

  it('name the candidates that took part, in the order of tables', () => {
    expect(engine([figureOf('wasm', 4, 1), figureOf('js', 4, 1)]).candidates('unmask')).toEqual(['js', 'wasm']);
  });
});

it('the candidates of several engines are those of any of them, in the order of tables', () => {
  const engines = [['wasm'], ['js', 'bufferutil'], []].map(
    (names, i) =>
      enginesOf(
        studyOf([], {
          engines: [
            engineOf(
              names.map((name) => figureOf(name, 4, 1)),
              { name: `${i}` },
            ),
          ],
        }),
      ).main,
  );
  expect(candidatesOn(engines, 'unmask')).toEqual(['js', 'wasm', 'bufferutil']);
  expect(candidatesOn(engines, 'validate')).toEqual([]);
});

it.each([
  [undefined, '–'],
  [NEVER_BYTES, 'never'],
  [125, '125 B'],
  [3072, '3 KiB'],
  [65535, '65535 B'],
  [2 ** 24, '16 MiB'],
])('the size %s is written %s', (bytes, text) => {
  expect(size(bytes)).toBe(text);
});
