import { describe, expect, it } from 'vitest';
import { enginesOf, size, Unreported } from '../../../bench/study/findings.js';
import { NEVER_BYTES } from '../../../dist/kernels/thresholds.js';
import { figureOf, studyOf } from './study.js';

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
    expect(engine().speedOrNone(wanted)).toBeNaN();
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

  it('say what the worst alignment costs', () => {
    const at = (alignment: number, ns: number) => figureOf('js', 64, ns, { alignment });
    expect(engine([at(0, 10), at(3, 15), at(6, 12)]).alignmentPenalty('unmask', 'js', 64)).toBe(1.5);
    expect(() => engine([at(0, 10)]).alignmentPenalty('unmask', 'js', 64)).toThrow(Unreported);
  });

  it('name the candidates that took part, in the order of tables', () => {
    expect(engine([figureOf('wasm', 4, 1), figureOf('js', 4, 1)]).candidates('unmask')).toEqual(['js', 'wasm']);
  });
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
