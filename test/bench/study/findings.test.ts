import { describe, expect, it } from 'vitest';
import { differsByDirection } from '../../../bench/study/estimate.js';
import {
  candidatesOn,
  enginesOf,
  FASTEST_JS,
  FASTEST_JS_MAKING_VIEWS,
  FASTEST_JS_OF_BUFFERS,
  FASTEST_JS_OF_VIEWS,
  size,
  Unreported,
} from '../../../bench/study/findings.js';
import { leadCell, leadText } from '../../../bench/study/report/lead-text.js';
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
    // The spread of a steady figure counts too.
    const spread = engine([...without(64), figureOf('js', 64, [30, 64, 64, 31, 31, 31, 64]), figureOf('wasm', 64, 32)]);
    expect(spread.find({ op: 'unmask', candidate: 'js', bytes: 64 })?.isSteady).toBe(true);
    expect(cell(spread)).toBe('256 B~');
  });

  it('do not let a difference that means nothing decide a crossover', () => {
    const of = (js: readonly number[]) =>
      engine(SIZES.flatMap((bytes, i) => [figureOf('js', bytes, js[i] as number), figureOf('wasm', bytes, 100)]));
    const cell = (js: readonly number[]) => of(js).crossoverCell('unmask', 'any', 'js', 'wasm');
    expect(cell([104, 96, 104, 200])).toBe('256 B');
    expect(cell([104, 104, 104, 104])).toBe('never');
    expect(cell([106, 106, 106, 106])).toBe('4 B');
    expect(cell([50, 104, 96, 106])).toBe('256 B');
  });

  it('mark a crossover that two alike figures decide, although both are steady', () => {
    const flat = (ns: number) => [ns * 0.99, ns, ns, ns, ns, ns * 1.06, ns * 1.06];
    const figures = SIZES.flatMap((bytes) => [
      figureOf('js', bytes, bytes < 64 ? 50 : flat(107)),
      figureOf('wasm', bytes, 100),
    ]);
    expect(engine(figures).crossoverCell('unmask', 'any', 'js', 'wasm')).toBe('64 B');
    const closer = SIZES.flatMap((bytes) => [
      figureOf('js', bytes, bytes < 64 ? 50 : flat(105.5)),
      figureOf('wasm', bytes, 100),
    ]);
    expect(engine(closer).crossoverCell('unmask', 'any', 'js', 'wasm')).toBe('64 B~');
  });

  it('look for crossovers only at the sizes that all engines have measured', () => {
    const RATIOS = [0.6, 1.8, 0.6, 0.6, 1.2, 1.2];
    const own = [4, 16, 32, 64, 128, 256].flatMap((bytes, i) => [
      figureOf('js', bytes, 10 ** i * (RATIOS[i] as number)),
      figureOf('wasm', bytes, 10 ** i),
    ]);
    const other = [4, 16, 64, 256].flatMap((bytes) => [figureOf('js', bytes, 10), figureOf('wasm', bytes, 5)]);
    const few = engineOf([figureOf('js', 4, 1)], { name: 'Firefox 140' });
    const cellOf = (engines: readonly ReturnType<typeof engineOf>[]) =>
      enginesOf(studyOf([], { engines })).all[0]?.crossoverCell('unmask', 'any', 'js', 'wasm');
    expect(cellOf([engineOf(own)])).toBe('128 B');
    expect(cellOf([engineOf(own), engineOf(other, { name: 'Bun 1' })])).toBe('16 B');
    expect(cellOf([engineOf(own), few])).toBe('128 B');
    const study = studyOf([], { engines: [engineOf(own)] });
    const others = [studyOf([], { engines: [engineOf(other)] })];
    expect(enginesOf(study, others).main.crossoverCell('unmask', 'any', 'js', 'wasm')).toBe('16 B');
  });

  it('say where a candidate falls behind again at larger sizes', () => {
    const sizes = [4, 16, 64, 256, 1024, 4096];
    const ofWasm = [8, 20, 32, 100, 500, 9000];
    const figures = sizes.flatMap((bytes, i) => [
      figureOf('js', bytes, bytes),
      figureOf('wasm', bytes, ofWasm[i] as number),
    ]);
    const lead = (of: ReturnType<typeof engine>) => leadText(of.lead('unmask', 'any', 'js', 'wasm'));
    expect(engine(figures).lastAhead('unmask', 'any', 'js', 'wasm')).toBe(1024);
    expect([lead(engine(figures)), lead(engine(figures.slice(0, -2))), lead(engine(figures.slice(0, 4)))]).toEqual([
      'from 64 B to 1 KiB',
      'from 64 B on',
      'at no size',
    ]);
    const turning = sizes.flatMap((bytes, i) => [
      figureOf('js', bytes, [10, 20, 30, 40, 50, 60][i] as number),
      figureOf('wasm', bytes, [20, 10, 20, 30, 40, 90][i] as number),
    ]);
    expect(engine(turning).crossoverCell('unmask', 'any', 'js', 'wasm')).toBe('16 B to 1 KiB');
    expect(lead(engine(turning))).toBe('from 16 B to 1 KiB');
    expect(
      lead(
        engine([figureOf('js', 64, 40), figureOf('wasm', 64, 20), figureOf('js', 256, 40), figureOf('wasm', 256, 80)]),
      ),
    ).toBe('only at 64 B');
    const wide = figures.filter(({ candidate, bytes }) => candidate !== 'wasm' || bytes !== 64);
    // Where the spreads overlap, nothing leads.
    expect(lead(engine([...wide, figureOf('wasm', 64, [32, 32, 32, 32, 70, 70, 70])]))).toBe(
      'from 256 B to 1 KiB (undecided at 64 B)',
    );
  });

  it('leave open what a figure with a mark, or its spread, does not decide', () => {
    /** Four sizes, at each of which WASM takes a part of what JavaScript takes, which is more for each. */
    const lead = (...parts: readonly (readonly number[])[]) =>
      leadText(
        engine(
          parts.flatMap((attempts, i) => [
            figureOf('js', 64 << i, 1000 * 4 ** i),
            figureOf(
              'wasm',
              64 << i,
              attempts.length === 1
                ? 1000 * 4 ** i * (attempts[0] as number)
                : attempts.map((part) => 1000 * 4 ** i * part),
            ),
          ]),
        ).lead('unmask', 'any', 'js', 'wasm'),
      );
    const [more, less, alike] = [[1.2], [0.8], [1.01]];
    const turning = [0.76, 1.2, 0.77, 1.21, 0.76, 1.22, 0.78];
    expect(lead(more, turning, turning, more)).toBe('at no size (undecided from 128 B to 256 B)');
    expect(lead(more, turning, more, less)).toBe('from 512 B on (undecided at 128 B)');
    expect(lead(less, turning, less, more)).toBe('from 64 B to 256 B (undecided at 128 B)');
    expect(lead(less, more, less, more)).toBe('at 64 B and at 256 B');
    // Larger sizes that are open do not make a lead that goes on, and such as are alike do.
    expect(lead(more, less, turning, turning)).toBe('only at 128 B (undecided from 256 B on)');
    expect(lead(less, less, alike, alike)).toBe('from 64 B on');
    // It is ahead in both directions, but no sentence is made of such a figure.
    expect(lead(more, more, [0.4, 0.8, 0.41, 0.81, 0.4, 0.82, 0.41], more)).toBe('at no size (undecided at 256 B)');
    // Behind in both.
    expect(lead(more, more, [1.4, 1.8, 1.41, 1.81, 1.4, 1.82, 1.41], more)).toBe('at no size');
  });

  it('mark what differs by the direction of the rounds, and make no sentence of it', () => {
    const of = engine([figureOf('js', 64, [110, 100, 112, 101, 113, 100, 114]), figureOf('wasm', 64, 50)]);
    const js = { op: 'unmask', candidate: 'js', bytes: 64 } as const;
    expect([of.nsCell(js), of.timesCell(js, { ...js, candidate: 'wasm' })]).toEqual(['100↕', '2.00↕']);
    expect(() => of.ns(js)).toThrow(Unreported);
    expect(differsByDirection([10, 20, 10, 20, 10, 20, 10])).toBe(true);
    expect(differsByDirection([10, 20, 10, 9, 10, 20, 10])).toBe(false);
    expect(differsByDirection([100, 109, 100, 109, 100, 109, 100])).toBe(false);
    expect(differsByDirection([1, 2, 1, 2, 1])).toBe(false);
  });

  it('are looked at 64 KiB for a lead, and not at one byte less', () => {
    const of = engine([65_535, 65_536].flatMap((bytes) => [figureOf('js', bytes, 90), figureOf('wasm', bytes, 50)]));
    const lead = of.lead('unmask', 'any', 'js', 'wasm');
    expect([leadText(lead), leadCell(lead)]).toEqual(['from 64 KiB on', 'from 64 KiB on']);
    const run = (first: number, last: number) => ({ first, last, isOpen: false });
    expect(leadCell({ ahead: [run(64, 1024)], undecided: [run(32, 32), run(128, 256)] })).toBe(
      'from 64 B to 1 KiB; undecided: 32 B, 128 B to 256 B',
    );
  });

  it('look for a crossover at sizes of engines that have both candidates only', () => {
    const sizes = [4, 16, 32, 64, 256];
    const own = engineOf(sizes.flatMap((bytes) => [figureOf('wasm', bytes, bytes), figureOf('native', bytes, 40)]));
    const browser = engineOf(
      [4, 16, 256, 1024].map((bytes) => figureOf('wasm', bytes, bytes)),
      { name: 'Firefox 140' },
    );
    const [first] = enginesOf(studyOf([], { engines: [own, browser] })).all;
    expect(first?.crossoverCell('unmask', 'any', 'wasm', 'native')).toBe('64 B');
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

  it('have a median and a spread in tables', () => {
    const of = engine([figureOf('js', 64, [50, 64, 64, 65, 66, 67, 68])]);
    const wanted = { op: 'unmask', candidate: 'js', bytes: 64 } as const;
    expect(of.spreadCell(wanted)).toBe('64.0~ (65.0; 50.0 to 67.0)');
    expect(of.spreadCell({ ...wanted, bytes: 4 })).toBe('–');
  });

  it('name the candidates that took part, in the order of tables', () => {
    expect(engine([figureOf('wasm', 4, 1), figureOf('js', 4, 1)]).candidates('unmask')).toEqual(['js', 'wasm']);
  });
});

describe('the fastest JavaScript', () => {
  const fastest = { op: 'unmask', candidate: FASTEST_JS, bytes: 64 } as const;

  it('is that of each size, of what is nothing but JavaScript', () => {
    const of = engine([
      figureOf('js', 64, 40),
      figureOf('js-words', 64, 30),
      figureOf('wasm', 64, 1),
      figureOf('js', 256, 40),
      figureOf('js-words', 256, 50),
    ]);
    expect([of.fastestJs(fastest), of.fastestJs({ ...fastest, bytes: 256 })]).toEqual(['js-words', 'js']);
    expect([of.ns(fastest), of.speed({ ...fastest, bytes: 256 })]).toEqual([30, 6.4]);
    expect([of.nsCell(fastest), of.fastestJsCell(fastest)]).toEqual(['30.0', '`js-words`']);
    const both = { op: 'unmaskText', content: 'json' } as const;
    const ofBoth = engine([figureOf('js-byte + js', 64, 9, both), figureOf('js-byte + isUtf8', 64, 5, both)]);
    expect(ofBoth.fastestJs({ op: 'unmaskText', bytes: 64 })).toBe('js-byte + js');
  });

  it('is that of this package if no other is faster by more than what means nothing', () => {
    const name = (js: number) => engine([figureOf('js', 64, js), figureOf('js-words', 64, 100)]).fastestJs(fastest);
    expect([name(90), name(104), name(106)]).toEqual(['js', 'js', 'js-words']);
  });

  it('makes no sentence if its figure is not steady, or there is none', () => {
    const unsteady = engine([figureOf('js', 64, [50, 64, 64, 64, 64, 64, 64]), figureOf('js-byte', 64, 90)]);
    expect(() => unsteady.ns(fastest)).toThrow(Unreported);
    expect([unsteady.nsCell(fastest), unsteady.fastestJsCell(fastest)]).toEqual(['64.0~', '`js`~']);
    expect(() => engine([figureOf('wasm', 64, 1)]).fastestJs(fastest)).toThrow(Unreported);
    expect(engine([figureOf('wasm', 64, 1)]).fastestJsCell(fastest)).toBe('–');
  });

  it('is another one for bytes in ordinary memory, if the engine has measured any', () => {
    const figures = [
      figureOf('js', 64, 10),
      figureOf('js-byte, of a view', 64, 90),
      figureOf('js-words-8, of a view', 64, 40),
    ];
    const of = engine(figures);
    expect([of.fastestJs(fastest), of.fastestJs(fastest, FASTEST_JS_OF_VIEWS)]).toEqual([
      'js',
      'js-words-8, of a view',
    ]);
    expect(of.ns({ ...fastest, candidate: FASTEST_JS_OF_VIEWS })).toBe(40);
    expect(engine(figures.slice(0, 1)).fastestJs(fastest, FASTEST_JS_OF_VIEWS)).toBe('js');
  });

  it('is another one for any Buffer, and for what makes its view in each call', () => {
    const of = engine([
      figureOf('js-words-8, of a view', 64, 40),
      figureOf('js-words-8, kept, of a view', 64, 30),
      figureOf('js-words-8, closure, of a view', 64, 20),
    ]);
    expect(
      [FASTEST_JS_OF_VIEWS, FASTEST_JS_OF_BUFFERS, FASTEST_JS_MAKING_VIEWS].map((candidate) =>
        of.ns({ ...fastest, candidate }),
      ),
    ).toEqual([20, 30, 40]);
  });

  it('may be another one at each size of a crossover', () => {
    const of = engine(
      SIZES.flatMap((bytes) => [
        figureOf('js', bytes, bytes < 64 ? 10 : 500),
        figureOf('js-words', bytes, bytes < 256 ? 40 : 100),
        figureOf('wasm', bytes, 50),
      ]),
    );
    expect(of.crossover('unmask', 'any', FASTEST_JS, 'wasm')).toBe(256);
    expect(of.crossover('unmask', 'any', 'js', 'wasm')).toBe(64);
  });
});

it('the main engine is the Node that the study says, or that which ran the study', () => {
  const engines = ['v20.1.2', 'v26.1.2'].map((version) => engineOf([], { version }));
  const main = (more: object) => enginesOf(studyOf([], { engines, ...more })).main.result.version;
  expect([main({}), main({ mainNode: 'v26.1.2' })]).toEqual(['v20.1.2', 'v26.1.2']);
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
