import { describe, expect, it } from 'vitest';
import type { CaseKey } from '../../../bench/study/case.js';
import { studyCharts } from '../../../bench/study/charts.js';
import { studyMarkdown } from '../../../bench/study/report.js';
import { machines } from '../../../bench/study/report/machines.js';
import {
  type EndToEndResult,
  type EngineResult,
  type Figure,
  MEASURING,
  type Study,
} from '../../../bench/study/results.js';
import { engineOf, figureOf, newChecks, serverOf, studyOf } from './study.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const markdown = (study: Study) => studyMarkdown(study, study.fingerprints);
const report = (figures: readonly Figure[], more: Partial<Study> = {}) => markdown(studyOf(figures, more));
const reportOf = (...engines: EngineResult[]) => markdown(studyOf([], { engines }));

/** The lines of a text that match, as a text. */
function lines(text: string, pattern: RegExp): string {
  return text
    .split('\n')
    .filter((line) => pattern.test(line))
    .join('\n');
}

/** The chapter with this title, until the next one of its rank or above. */
function chapter(text: string, title: string): string {
  const [, found = ''] = text.split(`\n${title}`);
  return found.split(/^#{2,3} /m)[0] ?? '';
}

const SIZES = [4, 16, 64, 256, KIB, 64 * KIB];
/** One figure for each size: so many ns per byte, and so many for the call. */
const line = (candidate: string, perByte: number, call = 0, more: Partial<CaseKey> = {}) =>
  SIZES.map((bytes) => figureOf(candidate, bytes, call + perByte * bytes, more));

describe('JavaScript in the report', () => {
  const v8 = engineOf([
    ...line('js', 0.06),
    ...line('js-words', 0.1),
    ...line('js-bigint', 0.07),
    ...line('wasm', 0.01, 5),
    ...line('wasm, copy in', 0.02, 20),
    ...line('wasm, copy in and out', 0.04, 60),
  ]);
  const bun = engineOf(
    [
      ...line('js', 4),
      ...line('js-words', 0.05),
      ...line('js-words-8, closure', 0.04),
      ...line('js-bigint', 5),
      ...line('wasm', 0.01, 5),
      ...line('wasm, copy in and out', 0.04, 12),
    ],
    { name: 'Bun 1.4', version: '1.4.5', compiler: 'JavaScriptCore 0123456789' },
  );

  it('that others are compared with is the fastest of each engine, with its name', () => {
    const text = reportOf(v8, bun);
    expect(lines(text, /^\| (Node 20|Bun 1\.4) \| `/)).toBe(
      '| Node 20 | `js` | `js` | `js` | – | – |\n' +
        '| Bun 1.4 | `js-words-8, closure` | `js-words-8, closure` | `js-words-8, closure` | – | – |',
    );
    expect(text).toContain('| unmask: fastest JavaScript → WASM SIMD | 256 B | 256 B |');
    // With `js` it would be 4 B on Bun, with the copies too.
    expect(text).toMatch(
      /\| Node 20 \| from 64 KiB on \| 0\.609 \(`js`\) \|\n\| Bun 1\.4 \| at no size \| 0\.773 \(`js-words-8, closure`\) \|/,
    );
  });

  it('of this package is a finding where it is slow, with the engine and the reason', () => {
    const text = chapter(reportOf(v8, bun), '## What surprised');
    expect(text).toContain(
      '`js`, the JavaScript of this package, is written for V8. In JavaScriptCore (Bun 1.4) it takes 100 times as long to unmask 1 KiB as `js-words-8, closure`. Its words of 64 bits (BigInt) are slow there: a plain loop over them takes 100 times as long as the same loop over words of 32 bits.',
    );
    expect(text.match(/is written for V8/g)).toHaveLength(1);
    expect(text).toContain('BigInt is known to be slow, but not in V8: on Node 20 a loop over words of 64 bits');
    expect(text).toContain(
      'The fastest JavaScript unmasks the same 1.50 times as fast on Bun 1.4 (`js-words-8, closure`) as on Node 20 (`js`)',
    );
  });

  it('of this package is found slow by a browser too, which has measured all ways only at 64 KiB', () => {
    const firefox = engineOf(
      [figureOf('js', KIB, 100), figureOf('js', 64 * KIB, 6000), figureOf('js-words', 64 * KIB, 2000)],
      { name: 'Firefox 140', compiler: 'SpiderMonkey 140' },
    );
    expect(reportOf(v8, firefox)).toContain(
      'In SpiderMonkey (Firefox 140) it takes 3.00 times as long to unmask 64 KiB as `js-words`.',
    );
  });

  it('is called by its name in the paragraph and on the page if it is not that of this package', () => {
    const figures = [figureOf('js', KIB, 250), figureOf('js-words', KIB, 50), figureOf('wasm', KIB, 25)];
    const text = report(figures);
    expect(text).toContain('unmasks 1 KiB 2.00 times as fast as the fastest JavaScript measured (`js-words`)');
    expect(text).toContain('| unmask: the fastest JavaScript measured | – | 50.0 (50.0; 50.0 to 50.0) | – |');
    const own = report([figureOf('js', KIB, 50), figureOf('js-words', KIB, 250), figureOf('wasm', KIB, 25)]);
    expect(own).toContain('2.00 times as fast as the JavaScript of this package');
    expect(own).not.toContain('the fastest JavaScript measured');
  });

  it('is not said to be compared fairly with WASM that copies', () => {
    const text = reportOf(v8, bun);
    expect(chapter(text, '### What is compared')).toContain('It was not measured with bytes in ordinary memory');
    expect(chapter(text, '### Masking')).toContain(
      'WebAssembly that pays for copies with JavaScript that pays for nothing',
    );
    expect(chapter(text, '## On one page')).toContain('That JavaScript finds its bytes in WebAssembly memory');
    expect(chapter(text, '### Masking')).toContain(
      'the copy out alone, one call of `Buffer.copy`, takes 41.3 of 62.6 ns',
    );
  });

  it('is the fastest of each engine in the claims about machines', () => {
    const text = machines([studyOf([], { engines: [v8] }), studyOf([], { engines: [bun] })]);
    expect(text).toContain('| machine 2, Bun 1.4 | 41.0 (`js-words-8, closure`) | 4 096 | 15.2 |');
    expect(text).toContain(
      '`js`, the JavaScript of this package, unmasks 1 KiB no slower than a plain loop over words of 32 bits: on 1 of 2 engines, not on machine 2.',
    );
    expect(text).toContain(
      'With copies in and out, WASM is never the better choice for unmasking: on 1 of 2 engines, not on machine 1.',
    );
  });

  it('and crossovers that are not steady make no claim about machines, and have their mark', () => {
    const unsteady = (ns: number) => [ns / 4, ns, ns, ns, ns, ns, ns];
    const engine = engineOf(
      [4, 16, 64, 256, KIB].flatMap((bytes) => [
        figureOf('js', bytes, bytes === 64 ? unsteady(64) : bytes),
        figureOf('wasm', bytes, 32),
      ]),
    );
    const text = machines([studyOf([], { engines: [engine] }), studyOf([], { engines: [engine] })]);
    expect(text).toMatch(/\| machine 1, Node 20 \|.*\| 64 B~ \| – \| – \|/);
    expect(text).not.toContain('from 64 bytes on, or from fewer');
  });
});

describe('sentences of the report', () => {
  const text = { op: 'validate', content: 'json' } as const;

  it('say how many times as fast, also where something is slow', () => {
    const made = report([figureOf('js', KIB, 100), figureOf('wasm', KIB, 360)]);
    expect(made).toContain('unmasks 1 KiB 0.278 times as fast as the JavaScript of this package');
    expect(made).not.toContain('times as slow');
  });

  it('say that memory decides at 16 MiB only if the cache is smaller, and the difference has become less', () => {
    const at = (largest: number, cacheBytes: number) =>
      report(
        [
          figureOf('js', 64 * KIB, 4000),
          figureOf('wasm', 64 * KIB, 1000),
          figureOf('js', 16 * MIB, 2e6),
          figureOf('wasm', 16 * MIB, largest),
        ],
        { cacheBytes },
      ).includes('the speed of the XOR matters less');
    expect([at(1e6, 8 * MIB), at(1e6, 32 * MIB), at(1e6, 16 * MIB), at(0.5e6, 8 * MIB)]).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  it('do not call WASM with copies slower than in place where it is about as fast', () => {
    const figures = ['wasm', 'wasm, copy in', 'wasm, copy in and out'].map((name) => figureOf(name, 64 * KIB, 1000));
    expect(report(figures)).toContain(
      '**With copies**, WASM at 64 KiB is about as fast as in place if the bytes are copied in, and about as fast if they are copied in and out.',
    );
  });

  it.each([
    [
      'pays',
      0.1,
      0.01,
      '**WASM pays where the data is already in its memory.** Against the fastest JavaScript it does from 4 B on, the smallest size measured.',
    ],
    ['never pays', 0.01, 0.1, '**WASM did not pay here**, not even where the data is already in its memory'],
  ])('have a heading that fits: WASM %s', (_, js, wasm, heading) => {
    expect(report([...line('js', js), ...line('wasm', wasm)])).toContain(heading);
  });

  it('have a heading that says nothing of what is not known', () => {
    expect(report([])).toContain('**WASM wants the data in its memory.** Node can read');
    expect(report([])).toContain('**For UTF-8, know what Node has.**');
  });

  it.each([
    [
      'on both',
      0.01,
      0.01,
      '**For UTF-8, ask Node first.**',
      'overtakes WASM on JSON from 4 B on, and on ASCII from 4 B on.',
    ],
    [
      'on JSON only',
      0.01,
      0.5,
      '**For UTF-8, it depends on the text.**',
      'overtakes WASM on JSON from 4 B on, and on ASCII at no size.',
    ],
    ['on neither', 0.5, 0.5, '**For UTF-8, WASM was the better choice here.**', 'it never overtakes WASM.'],
  ])('have a heading that fits: Node validates faster %s', (_, json, ascii, heading, sentence) => {
    const made = report([
      ...line('wasm', 0.1, 0, text),
      ...line('native', json, 0, text),
      ...line('wasm', 0.1, 0, { ...text, content: 'ascii' }),
      ...line('native', ascii, 0, { ...text, content: 'ascii' }),
    ]);
    expect(made).toContain(heading);
    expect(made).toContain(sentence);
    expect(made).not.toMatch(/it does never|JSON never|ASCII never/);
  });

  it('say what is known of one kind of text if the other is open', () => {
    const made = report([...line('wasm', 0.1, 0, text), ...line('native', 0.01, 0, text)]);
    expect(made).toContain(
      '**For UTF-8, ask Node first.** `buffer.isUtf8` needs no build and no memory of its own. Called as a server calls it, it overtakes WASM on JSON from 4 B on, and on ASCII at a size that the spread of the figures leaves open.',
    );
  });

  it('leave out no more than the part whose figure is not steady', () => {
    const ofView = (bytes: number, ns: number | readonly number[]) =>
      figureOf('js-words-8, kept, of a view', bytes, ns);
    const unsteady = [20, 45, 45, 45, 45, 45, 45];
    const figures = [ofView(64, 35), ofView(KIB, 120), figureOf('wasm, copy in and out', KIB, 80)];
    const made = report([...figures, figureOf('wasm, copy in and out', 64, unsteady)], { measuring: MEASURING });
    expect(chapter(made, '## In one paragraph')).toContain(
      'it is 1.50 times as fast as the fastest JavaScript measured (`js-words-8, kept, of a view`) at 1 KiB. That JavaScript',
    );
  });

  it('say that a closure was not tried of views, only where that is so', () => {
    const figures = [
      ...line('js-words-8', 0.2),
      ...line('js-words-8, closure', 0.1),
      ...line('js-words-8, kept, of a view', 0.2),
      ...line('wasm, copy in and out', 0.1, 10),
    ];
    const page = (more: readonly Figure[]) => chapter(report([...figures, ...more]), '## On one page');
    expect(page([])).toContain('was not tried: in place that is worth 2.00 times on Node 20');
    expect(page(line('js-words-8, closure, of a view', 0.1))).not.toContain('was not tried');
  });

  it('compare with JavaScript where calls wait for each other, too', () => {
    const of = (candidate: string, ns: number, pattern: 'hot' | 'latency') => figureOf(candidate, 64, ns, { pattern });
    const made = report([
      of('js', 30, 'hot'),
      of('wasm', 10, 'hot'),
      of('js', 30, 'latency'),
      of('wasm', 20, 'latency'),
      figureOf('js', 64, 30, { ...text, pattern: 'latency' }),
    ]);
    expect(made).toContain('the fastest JavaScript, 1.50 times as fast at 64 B (3.00 times as fast in throughput).');
  });

  it('say what the kernel that chooses costs where it chooses wrong, and say how long the start takes in all', () => {
    const ascii = { op: 'validate', content: 'ascii' } as const;
    const answers = [
      { question: 'compile', subject: 'wasm', attempts: [400] },
      { question: 'instantiate', subject: 'wasm', attempts: [200] },
      { question: 'first call', subject: 'wasm', attempts: [70] },
      { question: 'first call', subject: 'js', attempts: [230] },
      { question: 'calls until fast', subject: 'js', attempts: [65540] },
    ] as const;
    const made = reportOf(engineOf([figureOf('auto', KIB, 60, ascii), figureOf('wasm', KIB, 20, ascii)], { answers }));
    expect(made).toContain('on 1 KiB of ASCII it takes 3.00 times as long as WASM');
    expect(made).toContain('together: Node 20 0.67 ms with WASM and 0.23 ms with JavaScript.');
    expect(made).toContain('| calls of 1 KiB until fast: js, calls | 2^16 |');
  });

  it('count the cases that differ by the direction of the rounds', () => {
    const made = report([figureOf('js', KIB, [110, 100, 110, 100, 110, 100, 110]), figureOf('wasm', KIB, 20)]);
    expect(made).not.toContain('`↕`: the attempts');
    const twofold = report([figureOf('js', KIB, [100, 120, 100, 120, 100, 120, 100])]);
    expect(twofold).toContain('That happened to 1 of 1 cases, of which 1 have no `~`.');
  });

  it('say what Node has for a Buffer, and where it is ahead', () => {
    const made = report(
      [
        ...line('js-bigint-4, kept, of a view', 0.1, 10),
        ...line('wasm, copy in and out', 0.08, 40),
        ...line('websocketUnmask', 0.02, 12),
        ...line('wasm', 0.1, 0, text),
        ...line('isUtf8', 0.01, 10, text),
      ],
      { measuring: MEASURING },
    );
    expect(chapter(made, '## In one paragraph')).toContain(
      '`http.websocketUnmask`, which Node has from 26.12 on, copies nothing, and is ahead of the fastest JavaScript from 64 B on.',
    );
    expect(chapter(made, '### Masking')).toContain(
      'WebAssembly with both copies is ahead of the fastest JavaScript from 64 KiB on.',
    );
    expect(chapter(made, '### Masking')).toContain(
      '`http.websocketUnmask`, which Node has from 26.12 on, is ahead of that JavaScript from 64 B on.',
    );
    expect(chapter(made, '## On one page')).toContain('which has its bytes in place, on JSON from 256 B on');
    expect(chapter(made, '## On one page')).toContain('| unmask: `http.websocketUnmask` of Node, native |');
  });

  it('call what is a little slower so many percent slower', () => {
    const ofWasm = (ns: number) => chapter(report([figureOf('js', KIB, 90), figureOf('wasm', KIB, ns)]), '## In one');
    expect(ofWasm(100)).toContain('unmasks 1 KiB 10 % slower than the JavaScript of this package');
    expect(ofWasm(92)).toContain('about as fast as the JavaScript');
    expect(ofWasm(180)).toContain('0.500 times as fast as the JavaScript');
  });

  it('compare WASM with copies with JavaScript that takes any Buffer, too', () => {
    const made = report(
      [
        ...line('js-words-8, of a view', 0.09, 30),
        ...line('js-words-8, kept, of a view', 0.09, 20),
        ...line('js-words-8, closure, of a view', 0.06, 8),
        ...line('wasm, copy in and out', 0.03, 42),
      ],
      { measuring: MEASURING },
    );
    const paragraphOf = chapter(made, '## In one paragraph');
    expect(paragraphOf).toContain(
      'needs one buffer that all reads go to; against JavaScript that makes a view in each call, WebAssembly is 1.68 times',
    );
    const page = chapter(made, '## On one page');
    expect(page).toMatch(/is about as fast as `js-words-8, closure, of a view`, which needs one buffer for all reads/);
    expect(page).toContain('1.54 times as fast as `js-words-8, kept, of a view`, which takes any Buffer');
    expect(page).toContain('1.68 times as fast as `js-words-8, of a view`, which makes a view in each call.');
    expect(page).toContain('| unmask: the same, with a view that each call makes |');
    expect(page).toContain('| Node 20 | from 64 KiB on | from 1 KiB on | 0.955 (`js-words-8, closure, of a view`) |');
  });

  it('say how much JavaScript of a view depends on where a range begins', () => {
    const name = 'js-bigint-4, closure, of a view';
    const at = (alignment: number, ns: number | readonly number[]) => figureOf(name, KIB, ns, { alignment });
    const copying = [0, 3, 6].map((alignment) => figureOf('wasm, copy in and out', KIB, 80, { alignment }));
    const figures = [...copying, at(3, 66), at(6, 76)];
    const made = report([...figures, at(0, [50, 60, 60, 60, 60, 60, 60])], { measuring: MEASURING });
    expect(chapter(made, '## In one paragraph')).toContain(
      'the offset at which it takes 76.0 ns for 1 KiB, and at others it takes 60.0~ to 66.0 ns.',
    );
    expect(chapter(made, '## On one page')).toContain(
      `That is the slowest of 3 offsets for \`${name}\`: it takes 76.0 ns for 1 KiB here, and 60.0~ to 66.0 ns at the other offsets. There WASM with copies is 25 % slower, and at best 18 % slower`,
    );
    expect(report([...figures, at(0, 75)].filter(({ alignment }) => alignment !== 3))).not.toContain('other offsets');
  });

  it('say what is the fastest for ranges that are too short for the call of Node', () => {
    const made = report(
      [
        ...line('js-byte, of a view', 1.5, 2),
        ...line('js-words-8, closure, of a view', 0.1, 16),
        ...line('js-words-8, kept, of a view', 0.1, 50),
        ...line('websocketUnmask', 0.02, 30),
      ],
      { measuring: MEASURING },
    );
    expect(chapter(made, '## On one page')).toContain(
      'For shorter ranges the fastest is `js-byte, of a view` at 4 B and `js-words-8, closure, of a view` from 16 B to 64 B. Of what takes any Buffer, it is `js-byte, of a view` from 4 B to 16 B and `websocketUnmask` at 64 B.',
    );
  });

  it('take the faster one of the naive loops as the baseline', () => {
    const made = report([
      figureOf('js', KIB, 50),
      figureOf('wasm', KIB, 25),
      figureOf('js-byte', KIB, 1500),
      figureOf('js-byte, of a view', KIB, 1250),
    ]);
    expect(chapter(made, '## In one paragraph')).toContain('WebAssembly is 50.0 times as fast as the naive loop');
    for (const title of ['### Masking', '## On one page'])
      expect(chapter(made, title)).toContain(
        'the naive loop over bytes (the faster one of two: in place it takes 1 500 ns, and of a view 1 250, so that the slower takes 20 % longer)',
      );
  });

  it('say of a cold cache what was measured there', () => {
    const of = (candidate: string, bytes: number, ns: number, pattern: 'hot' | 'cold') =>
      figureOf(candidate, bytes, ns, { pattern });
    const made = report([
      of('js', KIB, 50, 'hot'),
      of('wasm', KIB, 10, 'hot'),
      of('js', 64 * KIB, 4000, 'cold'),
      of('wasm', 64 * KIB, 2000, 'cold'),
      of('js-byte', 64 * KIB, 80_000, 'cold'),
      of('js-byte', 64 * KIB, 99_000, 'hot'),
    ]);
    const cold = chapter(made, '### Cold cache');
    expect(cold).toContain('WASM unmasks 64 KiB 2.00 times as fast as the JavaScript of this package.');
    expect(cold).not.toContain('5.00 times');
    expect(cold).toContain('is 1.24 times as fast with bytes from memory as in cache at 64 KiB');
  });

  it('say for text in a Buffer what WASM takes with a copy in', () => {
    const made = report([
      figureOf('wasm, copy in', KIB, 40, { ...text, content: 'ascii' }),
      figureOf('isUtf8', KIB, 20, { ...text, content: 'ascii' }),
      figureOf('wasm, copy in', KIB, [200, 260, 201, 261, 200, 262, 200], text),
      figureOf('isUtf8', KIB, 80, text),
      figureOf('wasm, copy in', 64 * KIB, 9000, text),
      figureOf('isUtf8', 64 * KIB, 3000, text),
    ]);
    expect(chapter(made, '## In one paragraph')).toContain(
      'Against WebAssembly with that copy it is 2.00 times as fast on ASCII of 1 KiB, and 3.00 times as fast on JSON of 64 KiB.',
    );
  });

  it('say which ways to write the JavaScript an engine has not measured at all sizes', () => {
    const ways = ['js-byte', 'js', 'js-words'];
    const firefox = engineOf(
      [
        ...ways.map((name) => figureOf(name, 64 * KIB, 5000)),
        ...ways.slice(0, 2).map((name) => figureOf(name, KIB, 90)),
      ],
      { name: 'Firefox 140' },
    );
    const node = engineOf(ways.flatMap((name) => [figureOf(name, 64 * KIB, 5000), figureOf(name, KIB, 90)]));
    const sentence =
      'At 1 KiB Firefox 140 measured only `js-byte` and `js`. So faster JavaScript may be missing there.';
    const made = reportOf(node, firefox);
    for (const title of ['### Masking', '## Crossover points']) expect(chapter(made, title)).toContain(sentence);
    expect(reportOf(node)).not.toContain('measured only');
    const validating = engineOf(
      [figureOf('js', 64 * KIB, 50, text), figureOf('js-words', 64 * KIB, 90, text), figureOf('js', KIB, 9, text)],
      { name: 'Firefox 140' },
    );
    expect(chapter(reportOf(validating), '## Crossover points')).toContain(
      'At 1 KiB Firefox 140 measured only `js` for validation. So faster',
    );
  });

  it('say which candidates the second program has not checked', () => {
    const figures = [figureOf('js', KIB, 90), figureOf('js-bigint-4', KIB, 80), figureOf('TextDecoder', KIB, 9, text)];
    const check = { engine: 'Node 20', name: 'unmask js any 1024 6 hot', own: 90, slower: 90, ns: 90 };
    const made = report(figures, { measuring: MEASURING, checks: newChecks(check) });
    expect(chapter(made, '## Can the figures')).toContain(
      'These candidates it has not checked at all: of unmasking `js-bigint-4`; of validation `TextDecoder`; and no pairs.',
    );
  });

  it('mark a sum one of whose parts is not steady, and have latency and the start on the page', () => {
    const answers = [
      { question: 'compile', subject: 'wasm', attempts: [400, 600, 600] },
      { question: 'instantiate', subject: 'wasm', attempts: [200] },
      { question: 'first call', subject: 'wasm', attempts: [70] },
      { question: 'first call', subject: 'js', attempts: [230] },
      { question: 'calls until fast', subject: 'wasm', attempts: [262_144] },
      { question: 'calls until fast', subject: 'js', attempts: [4096] },
    ] as const;
    const of = (candidate: string, ns: number, pattern: 'hot' | 'latency') => figureOf(candidate, KIB, ns, { pattern });
    const figures = [of('js', 30, 'hot'), of('wasm', 10, 'hot'), of('js', 30, 'latency'), of('wasm', 20, 'latency')];
    const made = reportOf(engineOf(figures, { answers }));
    expect(chapter(made, '### Start')).toMatch(/Node 20 0\.\d\d~ ms with WASM and 0\.23 ms with JavaScript/);
    const page = chapter(made, '## On one page');
    expect(page).toContain('1 KiB 1.50 times as fast as the fastest JavaScript, against 3.00 times as fast in');
    expect(page).toContain('takes 2^18 calls of 1 KiB until WASM is fast, and 2^12 until JavaScript is.');
    expect(page).toMatch(/To the end of its first call it takes 0\.\d\d~ ms with WASM, and 0\.23 ms with JavaScript/);
  });

  it('do not speak of one of these if only one is there', () => {
    const unsteady = figureOf('js-byte', KIB, [400, 900, 900, 900, 900, 900, 900]);
    const made = report([figureOf('js', KIB, 50), figureOf('js-words', KIB, 250), figureOf('wasm', KIB, 25), unsteady]);
    expect(made).toContain(
      'WebAssembly is 10.0 times as fast as a plain loop over words of 32 bits. So such a comparison says more about the JavaScript',
    );
    expect(made).toContain(
      'in place, is 2.00 times as fast as the JavaScript of this package, and 10.0 times as fast as the plain loop over words.',
    );
  });

  it('compare engines by the same module, and not by builds or ways to copy', () => {
    const of = (candidate: string, ns: number) => figureOf(candidate, 64 * KIB, ns, text);
    const engine = (name: string, relaxed: number, plain: number, copying: number) =>
      engineOf(
        [of('wasm', relaxed), of('wasm, not relaxed', plain), figureOf('wasm, copy in and out', 64 * KIB, copying)],
        { name },
      );
    const made = reportOf(engine('Node 24', 100, 200, 10), engine('Bun 1', 900, 300, 1000));
    expect(made).toContain('At 64 KiB, of validating JSON, `wasm, not relaxed` differs most');
    expect(made).toContain('it is 1.50 times as fast on Node 24 as on Bun 1.');
    expect(made).toContain(
      'The same module, without relaxed SIMD, validates the same JSON 1.50 times as fast on Node 24 as on Bun 1',
    );
    expect(made).toContain(
      'Bytes are copied out by `Buffer.copy` on Node and Bun, and by `subarray` and `set` in browsers.',
    );
  });

  it('do not take the fastest JavaScript of an engine for one candidate', () => {
    const engine = (name: string, words: number, js: number) =>
      engineOf([figureOf('js', 64 * KIB, js), figureOf('js-words', 64 * KIB, words)], { name });
    expect(reportOf(engine('Node 24', 100, 50), engine('Bun 1', 200, 9000))).toContain(
      'At 64 KiB, of unmasking, the fastest JavaScript differs most: it is 4.00 times as fast on Node 24 (`js`) as on Bun 1 (`js-words`).',
    );
  });

  it('say beside a figure what it is not', () => {
    const figures = [
      figureOf('isUtf8', KIB, 1, text),
      figureOf('native', KIB, 1, text),
      figureOf('isUtf8', KIB, 1, { ...text, pattern: 'many' }),
      figureOf('isUtf8', KIB, 1, { ...text, pattern: 'latency' }),
      figureOf('wasm', KIB, 1, { pattern: 'cold' }),
      figureOf('wasm + native', KIB, 1, { op: 'unmaskText', content: 'json' }),
    ];
    const compression = { contextTakeover: true, bytes: 64, ratio: 0.5, deflateMicros: 2, inflateMicros: 1 };
    const made = reportOf(
      engineOf(figures, {
        answers: [{ question: 'new view', subject: 'Uint8Array', attempts: [1] }],
        compression: [{ candidate: 'wsloom fast', ...compression }],
      }),
    );
    expect(chapter(made, '### UTF-8')).toContain('pauses of the collector fall out of it');
    expect(chapter(made, '### Both')).toContain('pauses of the collector fall out of the figures');
    expect(chapter(made, '### Cold cache')).toContain('Candidates that take views');
    expect(chapter(made, '### Many different texts')).toContain('may learn even the branches of 256 short ones');
    expect(chapter(made, '### Many different texts')).toContain('Candidates that take views');
    expect(chapter(made, '### Latency')).not.toContain('All other tables');
    expect(chapter(made, '### Start')).toContain('one process is asked everything');
    expect(chapter(made, '### Start')).toContain('The view is one of memory that did not grow.');
    expect(chapter(made, '### Start')).not.toContain('make a view after that');
    for (const title of ['### Start', '### Compression']) expect(chapter(made, title)).toContain('zlib works');
    expect(chapter(made, '### Compression')).toContain('The gate does not check them.');
    expect(chapter(made, '## Limits')).toContain('except where the start, memory and sharing are asked about');
    expect(chapter(made, '## Limits')).toContain('The kernel `auto` is in no table of kernels');
    expect(chapter(made, '### How it is measured')).toContain(
      'as 32 MiB where it says nothing, and as 128 MiB where it is larger',
    );
    expect(chapter(made, '## Can the figures')).toContain(
      'has\n10, all hot, of unmasking and of validation, on Node 20.',
    );
    expect(chapter(made, '## Can the figures')).toContain('It works in registers');
  });

  it('do not say of a study that is measured as today what was true of older ones', () => {
    const figures = [
      ...line('js', 0.06),
      ...line('js-words-8, kept, of a view', 0.08, 4),
      ...line('wasm', 0.01, 5),
      ...line('wasm, copy in', 0.02, 20),
      ...line('wasm, copy in and out', 0.04, 60),
      ...line('auto', 0.01, 6),
      figureOf('native', KIB, 1, text),
      figureOf('isUtf8', KIB, 1, { ...text, pattern: 'many' }),
      figureOf('wasm', KIB, 1, { pattern: 'cold' }),
      figureOf('wasm + native', KIB, 1, { op: 'unmaskText', content: 'json' }),
      figureOf('auto, fused', KIB, 2, { op: 'unmaskText', content: 'json' }),
    ];
    const check = { engine: 'Node 20', name: 'unmask js any 1024 6 hot', own: 61.4, slower: 70, ns: 61.4 };
    const made = report([], {
      engines: [engineOf(figures, { answers: [{ question: 'compile', subject: 'wasm', attempts: [1] }] })],
      measuring: MEASURING,
      mainNode: 'v20.1.2',
      checks: newChecks(check),
    });
    expect(made).not.toMatch(
      /without a copy\.|fall out of|may learn even the branches|is asked everything|in no table of kernels/,
    );
    expect(chapter(made, '## In one paragraph')).toContain(
      'If the bytes have to be copied in and out, it is 15 % slower than the fastest JavaScript measured (`js-words-8, kept, of a view`) at 1 KiB',
    );
    expect(chapter(made, '## On one page')).toContain('| unmask: the fastest JavaScript measured, of a view |');
    expect(chapter(made, '### What is compared')).toContain('both find their bytes in ordinary memory');
    expect(chapter(made, '### How it is measured')).toContain(
      '**The collector** of an engine comes once in many batches.',
    );
    expect(chapter(made, '### UTF-8')).toContain('the pauses of the collector are in the figures');
    expect(chapter(made, '### Both')).toMatch(/^\| auto \| – \| 512 \|/m);
    expect(chapter(made, '### Cold cache')).toContain('All candidates read an object for each range');
    expect(chapter(made, '### Many different texts')).toContain('Here 4096 texts take turns');
    expect(chapter(made, '### Start')).toContain('Each question has a process of its own');
    expect(chapter(made, '## Can the figures')).toContain(
      'on Node 20 10 with hot caches, 1 with cold ones and 1 with many texts, of unmasking',
    );
    expect(chapter(made, '## Can the figures')).toContain('further than 15 % and 4 ns from the study');
    expect(chapter(made, '## Can the figures')).toContain(
      '| Node 20: unmask js any 1024 6 hot | 61.4 | 61.4 | 0 % | 70.0 |',
    );
    expect(chapter(made, '## Limits')).toContain('The kernel `auto` is measured as it is shipped');
  });

  it('say where the words of 64 bits of the JavaScript of this package are slow, and that the server does not run there', () => {
    const bun = engineOf([figureOf('js', KIB, 4200), figureOf('js-words-8', KIB, 51)], {
      name: 'Bun 1.4',
      compiler: 'JavaScriptCore 0123456789',
    });
    const node = engineOf([figureOf('js', KIB, 40), figureOf('js-words-8', KIB, 99)]);
    expect(chapter(reportOf(node, bun), '### Engines side by side')).toContain(
      'From 48 bytes on `js` has words of 64 bits (BigInt), which are slow in JavaScriptCore: on Bun 1.4 it takes 4 200 ns to unmask 1 KiB, 82.4 times as long as words of 32 bits (`js-words-8`, 51.0 ns). The server runs on Node only',
    );
    expect(chapter(reportOf(node), '### Engines side by side')).not.toContain('From 48 bytes on');
  });

  it('have the median and the spread beside them where a table has room', () => {
    const attempts = [100, 101, 102, 103, 104, 105, 106];
    const made = report([
      figureOf('js', KIB, attempts),
      figureOf('js', 64 * KIB, 5000),
      figureOf('js', KIB, attempts, { ...text, content: 'ascii' }),
      figureOf('js', KIB, attempts, text),
    ]);
    expect(chapter(made, '### Masking')).toContain('| js | 101 (103; 100 to 105) | 5 000 (5 000; 5 000 to 5 000) |');
    expect(chapter(made, '### UTF-8').match(/\| js \| 101 \(103; 100 to 105\) \|/g)).toHaveLength(2);
    expect(chapter(made, '## On one page')).toContain(
      '| validate JSON: JavaScript of this package | – | 101 (103; 100 to 105) | – |',
    );
  });
});

describe('sentences about servers', () => {
  const engines = (...names: string[]) =>
    names.map((name) => engineOf([], { name, version: `v${name.replace(/\D/g, '')}.1.2` }));
  const both = (bytes: number, js: number, auto: number, more: Partial<EndToEndResult> = {}) => [
    serverOf('js', js, { bytes, ...more }),
    serverOf('auto', auto, { bytes, ...more }),
  ];
  const made = (endToEnd: readonly EndToEndResult[], more: Partial<Study> = {}) =>
    markdown(studyOf([], { endToEnd, ...more }));

  it('take what a kernel is worth from loads where it is all that differs, and pick no extremes', () => {
    const text = made([
      ...both(MIB, 100, 102),
      ...both(20, 100, 900),
      ...both(16 * KIB, 100, 120),
      ...both(16 * KIB, 100, 300, { content: 'utf8' }),
    ]);
    expect(chapter(text, '## In one paragraph')).toContain(
      'is 1.0 to 1.2 times for binary messages of 16 KiB and 1 MiB and 3.0 times for other text of 16 KiB. Of binary messages unmasking is all that differs',
    );
    expect(text).toContain(
      'with messages from 16 KiB on, 1.0 to 1.2 times for binary messages of 16 KiB and 1 MiB and 3.0 times for other text of 16 KiB.',
    );
    expect(text).toContain('In the middle of 4 kinds of load the server carries 2.10 times as much with `auto`');
    expect(text).not.toContain('9.00 times as');
    expect(chapter(made(both(20, 100, 900)), '## In one paragraph')).not.toContain('In a whole server');
  });

  it('say which figures they leave out, and never speak for these', () => {
    const text = made([
      ...both(16 * KIB, 100, 120),
      serverOf('js', [100, 100, 100, 80, 120], { bytes: MIB }),
      serverOf('auto', 150, { bytes: MIB }),
      serverOf('wasm', 110, { bytes: 16 * KIB }),
      serverOf('wasm', 200, { bytes: MIB }),
    ]);
    expect(chapter(text, '## In one paragraph')).toMatch(
      /From `js` to `auto` the gain is 1\.2 times for binary messages of 16 KiB \(other figures from 16 KiB on are not steady\)\./,
    );
    for (const title of ['## End to end', '## On one page'])
      expect(chapter(text, title)).toMatch(/Not steady, or disturbed: 1\.\d\d~ for binary messages of 1 MiB\./);
    expect(chapter(text, '## What surprised')).toMatch(
      /of the steady figures, is 1\.10 times with the kernel `wasm` \(100 × 16 KiB, 16 in flight, binary\), and with the kernel `auto`, which runs the same code for these, 1\.20 times .*Not steady, or disturbed: [\d.]+~ with `wasm` at 1 MiB and [\d.]+~ with `auto` at 1 MiB\./,
    );
  });

  it('say that a kernel gains less with binary messages only where that is so', () => {
    const utf8 = { content: 'utf8' } as const;
    const text = (binary: number) =>
      chapter(
        made([
          ...both(20, 100, 150, utf8),
          ...both(20, 100, binary),
          serverOf('js', 90, { ...utf8, bytes: 20, threads: 2 }),
        ]),
        '### What a kernel buys',
      );
    expect(text(120)).toContain('with binary messages of 20 B it is less.');
    expect(text(200)).not.toContain('it is less');
  });

  it('say in how many servers some rounds were disturbed, and what two kernels of the same code differ by', () => {
    const [js, auto] = both(16 * KIB, 100, 110) as [EndToEndResult, EndToEndResult];
    const wasm = serverOf('wasm', 106.8, { bytes: 16 * KIB });
    const once = { ...js, turns: js.turns.map((turn, i) => ({ ...turn, isDisturbed: i === 4 })) };
    const text = chapter(made([once, auto, wasm]), '## End to end');
    expect(text).toContain('In 1 of 3 servers fewer');
    expect(text).toContain('differ by up to 3.0 %');
    expect(chapter(made([js, auto]), '## End to end')).not.toMatch(/fewer|differ by up to/);
  });

  it('say what `native` is on the engine of the servers', () => {
    const [js] = both(20, 1, 1);
    expect(made([js as EndToEndResult])).toContain('`native` is native only in part on Node v20.1.2');
    const machine = { ...studyOf([]).machine, node: 'v26.12.1' };
    const node26 = engineOf([figureOf('websocketUnmask', 64, 1)], { name: 'Node 26', version: 'v26.12.1' });
    for (const of of [[node26], [engineOf([])]])
      expect(made([js as EndToEndResult], { machine, engines: of })).toContain(
        '`native` is native code on Node v26.12.1',
      );
    for (const node of ['v26.11.9', 'v25.13.0', 'v20.1.2'])
      expect(made([js as EndToEndResult], { machine: { ...machine, node } })).toContain(
        '`native` is native only in part',
      );
  });

  it('say that the servers did not run on the newest Node', () => {
    const [js] = both(20, 1, 1);
    const of = (...names: string[]) => made([js as EndToEndResult], { engines: engines(...names) });
    expect(of('Node 20', 'Node 26', 'Bun 99', 'Node 24')).toContain('They did not run on Node 26, the newest Node');
    expect(of('Node 20', 'Bun 99')).not.toContain('They did not run on');
  });

  it('call what threads would carry an estimate, and no more than one for each core', () => {
    const utf8 = { content: 'utf8' } as const;
    const text = made([
      ...both(20, 100_000, 200_000, utf8),
      serverOf('js', 160_000, { ...utf8, bytes: 20, threads: 2 }),
    ]);
    expect(text).toContain('2 threads on as many cores carry 2.00 times as many, by the estimate');
    expect(text).toContain('| 20 B, text, not ASCII | `js` | 2 | 6.25 (6.25 to 6.25) | 200 000 |');
    expect(chapter(text, '### What a kernel buys')).not.toMatch(/at most \d|is a bound/);
  });

  it('have the marks and the spread of what is compared', () => {
    const turn = { perSecond: 100, isDisturbed: false };
    const turns = (isClientBound: boolean, micros: readonly number[], isDisturbed = false) =>
      micros.map((microsPerMessage) => ({ ...turn, microsPerMessage, isClientBound, isDisturbed }));
    const js = { ...serverOf('js', 1), turns: turns(true, [10, 10, 10, 10]) };
    const wasm = { ...serverOf('wasm', 1), turns: turns(false, [4, 5, 5, 5]) };
    const auto = { ...serverOf('auto', 1), turns: turns(true, [5, 5, 5, 5], true) };
    const text = made([js, wasm, auto]);
    expect(text).toContain('| 100* ±0 % | 100 (2.50)~* ±13 % | – | 100 (2.00)!* ±0 % |');
    expect(JSON.stringify(studyCharts(studyOf([], { endToEnd: [js, wasm] }))['end-to-end'])).toContain(
      '"label":"2.50~"',
    );
  });
});
