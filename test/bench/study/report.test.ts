import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { candidateNames } from '../../../bench/study/candidates.js';
import { studyCharts } from '../../../bench/study/charts.js';
import { fingerprints, readerOf } from '../../../bench/study/fingerprints.js';
import { studyMarkdown } from '../../../bench/study/report.js';
import { mapTexts } from '../../../bench/plain-text.js';
import { deserialize, type Figure, type Study } from '../../../bench/study/results.js';
import { contributedFiles, readStudies } from '../../../bench/study/study-file.js';
import { engineOf, figureOf, serverOf, studyOf, wholeStudy } from './study.js';

const ROOT = new URL('../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(`bench/${path}`, ROOT), 'utf8');
const markdown = (study: Study) => studyMarkdown(study, study.fingerprints);

describe('bench/STUDY.md', () => {
  it('is made from bench/results/study.json: no figure in it was typed (npm run study:report makes it)', () => {
    const [study, ...others] = readStudies(
      fileURLToPath(new URL('bench/results/study.json', ROOT)),
      contributedFiles(),
    );
    expect(read('STUDY.md')).toBe(studyMarkdown(study, fingerprints(readerOf(ROOT)), others));
  });

  it('has charts that exist, with a transparent background', () => {
    const charts = [...read('STUDY.md').matchAll(/!\[[^\]]+\]\((results\/study-[\w-]+\.svg)\)/g)].map(
      ([, path = '']) => path,
    );
    expect(charts).toHaveLength(Object.keys(studyCharts(deserialize(read('results/study.json')))).length);
    for (const chart of charts) {
      expect(read(chart)).toContain('<svg');
      expect(read(chart)).not.toContain('fill="white"');
    }
  });
});

describe('the report', () => {
  it('is for three readers: one paragraph, one page, all of it', () => {
    const text = markdown(studyOf([figureOf('js', 1024, 250), figureOf('wasm', 1024, 25)]));
    const titles = [...text.matchAll(/^## (.*)$/gm)].map(([, title]) => title);
    expect(titles.slice(0, 4)).toEqual(['In one paragraph', 'On one page', 'All of it', 'Method']);
    expect(text).toContain(
      'WebAssembly with SIMD unmasks 1 KiB 10.0 times as fast as the JavaScript of this package, which is written for speed (Node 20;',
    );
    expect(text).toContain('| unmask: JavaScript of this package | – | 250 (250; 250 to 250) | – |');
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('leaves out sentences whose figures were not measured', () => {
    const text = markdown(
      studyOf([figureOf('wasm', 1024, 25), figureOf('js-words', 1024, 250), figureOf('js-byte', 1024, 1000)]),
    );
    expect(text).toContain(
      'WebAssembly is 10.0 times as fast as a plain loop over words of 32 bits, and 40.0 times as fast as the naive loop',
    );
    expect(text).not.toContain('With both copies it is');
    expect(text).not.toContain('bufferutil is');
  });

  it('prints a case that is not steady as such, and makes no sentence of it', () => {
    const unsteady = figureOf('js', 1024, [200, 250, 250, 250, 250, 250, 250]);
    const text = markdown(studyOf([unsteady, figureOf('wasm', 1024, 25)]));
    expect(text).toContain('| unmask: JavaScript of this package | – | 250~ (250; 200 to 250) | – |');
    expect(text).not.toContain('10.0 times as fast');
    expect(text).toContain('That happened to 1 of 2 cases');
  });

  it('marks a figure that cannot be right, says why, and makes no sentence of it', () => {
    const figures = [figureOf('js', 1024, 250), figureOf('js', 2048, 100), figureOf('wasm', 1024, 25)];
    const text = markdown(studyOf(figures));
    expect(text).toContain('**1 of these results cannot be right**');
    expect(text).toContain('takes 100 ns, and 1024 bytes take 250: more bytes do not take less time');
    expect(text).toContain('| unmask: JavaScript of this package | – | 250? (250; 250 to 250) | – |');
    expect(text).not.toContain('10.0 times as fast');
  });

  it('shows the median beside the figures', () => {
    const text = markdown(studyOf([figureOf('js', 1024, [100, 100, 104, 104, 104, 104, 104])]));
    expect(text).toContain('medians of the attempts are 4.0 % above the figures in the middle case');
  });

  it('says which measured kernels have changed since', () => {
    const study = studyOf([figureOf('js', 4, 1)], { fingerprints: { js: 'a', wasm: 'b', native: 'c' } });
    const text = studyMarkdown(study, { js: 'a', wasm: 'x', native: 'y' });
    expect(text).toContain(
      '**Changed since it was measured: `wasm` and `native`.** The figures are of what was there before.',
    );
    expect(studyMarkdown(study, study.fingerprints)).not.toContain('Changed since');
  });

  it('does not say that something has changed of which older results say nothing', () => {
    const study = studyOf([figureOf('js', 4, 1)], { fingerprints: { js: 'a' } });
    const text = studyMarkdown(study, { js: 'a', 'the server': 'b', 'the texts': 'c' });
    expect(text).toContain(
      'The results do not say with which sources of `the server` and `the texts`\nthey were measured',
    );
    expect(text).not.toContain('Changed since');
    expect(studyMarkdown(study, study.fingerprints)).not.toContain('do not say with which sources');
  });

  it('says that results of format 1 are of an older format, and what of them cannot be right', () => {
    const figures = [figureOf('js', 64, 200), figureOf('js', 128, 100)].map((one) => ({ ...one, attempts: [] }));
    const text = markdown(studyOf(figures, { format: 1, engines: [engineOf(figures, { rounds: 0, sentinel: [] })] }));
    expect(text).toContain('**These results are of an older format, and some of them are wrong.**');
    expect(text).toContain('more bytes do not take less time');
    expect(text).not.toContain('has 0 attempts');
    expect(text).toContain('medians over the batches of one attempt');
    expect(markdown(studyOf(figures))).not.toContain('older format');
  });

  it('lists what could not be measured', () => {
    const text = markdown(studyOf([], { failures: ['Node 24: a verdict is wrong'] }));
    expect(text).toMatch(/\*\*Not all could be measured\*\*.*\n\n- Node 24: a verdict is wrong\n/);
    expect(markdown(studyOf([]))).not.toContain('Not all could be measured');
  });

  it('names the JavaScript that WebAssembly is compared with, each time', () => {
    const of = (candidate: string, ns: number) => [64, 1024, 65536].map((bytes) => figureOf(candidate, bytes, ns));
    const text = markdown(studyOf([...of('js-byte', 400), ...of('js-words', 100), ...of('js', 50), ...of('wasm', 25)]));
    expect(text).toContain(
      'At 1 KiB WASM with SIMD, in place, is 2.00 times as fast as the JavaScript of this package, 4.00 times as fast as the plain loop over words, and 16.0 times as fast as the naive loop over bytes.',
    );
    expect(text).toContain('all that this package does, against the naive loop: `js-byte` → `js` | 8.00 |');
    expect(text).toContain('The fastest JavaScript at 1 KiB, of all of these: Node 20: `js`.');
  });

  it('says what such a comparison says, if the JavaScript differs more than WebAssembly does from it', () => {
    const text = (js: number) =>
      markdown(
        studyOf([
          figureOf('js-byte', 1024, 900),
          figureOf('js-words', 1024, 250),
          figureOf('js', 1024, js),
          figureOf('wasm', 1024, 25),
        ]),
      );
    expect(text(75)).toContain('such a comparison says more about the JavaScript than about WebAssembly');
    expect(text(100)).not.toContain('such a comparison says more about the JavaScript than about WebAssembly');
  });

  it('says when there is faster JavaScript than that of the package', () => {
    const text = markdown(
      studyOf([figureOf('js', 1024, 50), figureOf('js-bigint', 1024, 60), figureOf('js-bigint-4', 1024, 40)]),
    );
    expect(text).toContain('of all of these: Node 20: `js-bigint-4`, 1.25 times as fast as `js`.');
  });

  it('marks figures that are not steady in every table', () => {
    const unsteady = [20, 40, 40, 40, 40, 40, 40];
    const figures = (['hot', 'cold', 'many', 'latency'] as const).flatMap((pattern) =>
      (['unmask', 'validate'] as const).flatMap((op) => [
        figureOf('js', 1024, unsteady, { op, content: op === 'unmask' ? 'any' : 'json', pattern }),
        figureOf('js', 1024, unsteady, { op, content: op === 'unmask' ? 'any' : 'json', pattern, alignment: 1 }),
      ]),
    );
    const fused = figureOf('js + js', 1024, unsteady, { op: 'unmaskText', content: 'json' });
    const answers = [{ question: 'compile', subject: 'wasm', attempts: [1, 2, 2] }] as const;
    const endToEnd = [1, 2].map((threads) => serverOf('js', [120, 100, 100, 100, 80], { threads, content: 'utf8' }));
    const { thresholds: _, ...engine } = engineOf([...figures, fused], { answers });
    const text = markdown(studyOf([], { engines: [engine], endToEnd }));
    const [, results = ''] = text.split('\n## Results\n');
    const [tables = ''] = results.split('\n## What surprised\n');
    // Every cell with a figure of these cases; in brackets there may be a second one.
    const cells = tables
      .split('\n')
      .filter((line) => /^\| .*(unmask|validate|js|1 KiB|json|wasm)/.test(line) && /\d/.test(line));
    const figuresOf = cells
      .flatMap((line) => line.slice(2, -2).split(' | ').slice(1))
      .filter((cell) => /^\d[\d.]+~?( [(±]|$)/.test(cell));
    expect(figuresOf.length).toBeGreaterThanOrEqual(15);
    for (const cell of figuresOf) expect(cell).toMatch(/^[\d.]+~/);
  });

  it('copes with engines that lack cases, candidates, thresholds and answers', () => {
    const browser = engineOf([figureOf('js', 65536, 1000), figureOf('js-byte', 65536, 9000)], {
      name: 'Firefox 140',
      version: '140.5',
      compiler: 'SpiderMonkey',
    });
    const { thresholds: _, ...firefox } = browser;
    const node = engineOf([figureOf('js', 65536, 2000), figureOf('wasm', 65536, 500)]);
    for (const engines of [[node, firefox], [firefox, node], [firefox]]) {
      const study = studyOf([], { engines });
      const text = markdown(study);
      expect(text).not.toMatch(/NaN|undefined|Infinity/);
      expect(text).toContain('Firefox 140 (140.5, SpiderMonkey)');
      expect(text.includes('| `unmaskWasmFromBytes` |')).toBe(engines.includes(node));
      expect(JSON.stringify(studyCharts(study))).not.toMatch(/undefined|NaN/);
    }
    const text = markdown(studyOf([], { engines: [node, firefox] }));
    expect(text).toContain('| unmask: js-byte | – | 7.28 |');
    expect(text).toContain(
      'The fastest JavaScript unmasks the same 2.00 times as fast on Firefox 140 (`js`) as on Node 20 (`js`)',
    );
  });

  it('compares what Node has itself on the engines that have it', () => {
    const of = (candidate: string, ns: number) => [64, 65536].map((bytes) => figureOf(candidate, bytes, ns));
    const others = [...of('wasm', 10), ...of('bufferutil', 40)];
    const engines = [
      engineOf(others),
      engineOf([...others, ...of('websocketUnmask', 20)], { name: 'Node 26', version: 'v26.12.1' }),
    ];
    const text = markdown(studyOf([], { engines }));
    expect(text.match(/`http\.websocketUnmask` of .*? bufferutil at 64 KiB\./g)).toEqual([
      '`http.websocketUnmask` of Node 26 is 0.500 times as fast as WASM in place at 64 bytes, 0.500 times as fast as WASM in place at 64 KiB, and 2.00 times as fast as bufferutil at 64 KiB.',
    ]);
  });

  it('calls two candidates equally fast when their difference is within the noise', () => {
    const text = markdown(studyOf([figureOf('wasm', 1024, 100), figureOf('js', 1024, 103)]));
    expect(text).toContain('unmasks 1 KiB about as fast as the JavaScript of this package');
  });

  it('says that a quick run is quick', () => {
    expect(markdown(studyOf([], { isQuick: true }))).toContain('quick run');
    expect(markdown(studyOf([]))).not.toContain('quick run');
  });

  it('shows the sentinel of each round, and the second program beside the first', () => {
    const engines = [engineOf([], { sentinel: [200_000, 201_000, 200_000, 200_000, 200_000, 200_000, 205_000] })];
    const text = markdown(studyOf([], { engines, checks: [{ name: 'a case', own: 110, slower: 150, ns: 100 }] }));
    expect(text).toContain('| Node 20 | 200 | 201 | 200 | 200 | 200 | 200 | 205 |');
    expect(text).toContain('| a case | 100 | 110 | 10 % | 150 |');
  });

  it('compares many texts with one, and latency with throughput', () => {
    const text = { op: 'validate', content: 'json' } as const;
    const figures = [
      figureOf('js', 64, 100, text),
      figureOf('js', 64, 150, { ...text, pattern: 'many' }),
      figureOf('js', 64, 120, { ...text, pattern: 'latency' }),
    ];
    const report = markdown(studyOf(figures));
    expect(report).toContain('| validate: js | 150 (1.50) |');
    expect(report).toContain('| validate: js | 120 (1.20) |');
  });

  it('answers how long the start takes, and how large the modules are', () => {
    const answers = [{ question: 'calls until fast', subject: 'js', attempts: [127, 127, 255] }] as const;
    const modules = [{ name: 'wasm', bytes: 12_345, gzipBytes: 6789 }];
    const text = markdown(studyOf([], { engines: [engineOf([], { answers })], modules }));
    expect(text).toContain('| calls of 1 KiB until fast: js, calls | 127 |');
    expect(text).toContain('| wasm | 12 345 | 6 789 |');
  });

  it('counts instructions and cycles, and says nothing of them where the machine does not', () => {
    const counters = [
      { op: 'unmask', candidate: 'js', bytes: 1024, instructionsPerByte: 3, cyclesPerByte: 2 },
    ] as const;
    expect(markdown(studyOf([], { counters }))).toContain('| unmask: js | 3.00 | 2.00 | 1.50 |');
    expect(markdown(studyOf([]))).not.toContain('Instructions and cycles');
  });
});

describe('the machine in the report', () => {
  const machine = { ...studyOf([]).machine, identity: 'family 26, model 2', vectors: ['AVX2', 'AVX-512F'] };

  it('is named with its vectors', () => {
    const text = markdown(studyOf([], { machine }));
    expect(text).toContain('\na CPU (family 26, model 2; AVX2, AVX-512 (F)), 2 cores, 4 GiB, Linux 6; 2026-01-02');
    expect(text).not.toContain('do not say which vectors');
  });

  it('is one whose vectors are not known, if the results do not say them', () => {
    expect(markdown(studyOf([]))).toContain('**The results do not say which vectors the processor has**');
  });

  it('limits what the figures say to its architecture', () => {
    const limitOf = (more: Partial<Study['machine']>) =>
      /^- One machine .*$/m.exec(markdown(studyOf([], { machine: { ...machine, ...more } })))?.[0];
    expect(limitOf({ arch: 'x64', isVirtual: true })).toContain('One machine (a CPU, x64, virtual). ');
    expect(limitOf({ arch: 'x64' })).toContain('arm64 was not tried');
    expect(limitOf({ arch: 'arm64', isVirtual: false })).toContain('One machine (a CPU, arm64). ');
    expect(limitOf({ arch: 'arm64' })).not.toContain('arm64 was not tried');
    expect(limitOf({})).toContain('One machine (a CPU). ');
  });
});

describe('texts of strangers in the report', () => {
  const HOSTILE = 'a|b`c`[d](e)<img src=f>\n\n# g\u0000\u202eh www.i.j k@l.m n://o *p* \\';
  /** What must not be left of it, anywhere. */
  const RAW = /b`c|\[d\]|<img|^# g|[^\P{Cc}\n]|\u202e|www\.i|k@l|n:\/\/o|\*p\*|a\|b/mu;
  /** The hostile text in the place of each text that is not one of a list. */
  const KNOWN = new Set(['any', 'json', 'hot', 'unmask', 'validate', 'compile', 'binary', '2026-01-02T03:04:05.678Z']);
  const hostile = (study: Study) => mapTexts(study, (text) => (KNOWN.has(text) || isField(text) ? text : HOSTILE));
  const isField = (text: string) => FIELDS.has(text);
  const FIELDS = new Set<string>();
  JSON.stringify(wholeStudy(), (name, value: unknown) => {
    if (!/^(js|many frames in one call)$/.test(name)) FIELDS.add(name);
    return value;
  });

  it.each([
    ['format 2', wholeStudy()],
    ['format 1', wholeStudy({ format: 1 })],
  ])('are escaped wherever they are printed, in %s', (_, study) => {
    const text = studyMarkdown(hostile(study), {}, [hostile(wholeStudy({ date: '2026-01-03T03:04:05.678Z' }))]);
    expect(text).not.toMatch(RAW);
    const escaped =
      'a&#124;b&#96;c&#96;&#91;d&#93;(e)&#60;img src=f&#62; &#35; g\ufffd\ufffdh &#119;ww.i.j k @ l.m n&#58;//o &#42;p&#42; &#92;';
    expect(text.split(escaped).length).toBeGreaterThan(20);
    for (const [lines] of text.matchAll(/(^\|.*\n)+/gm)) {
      const columns = lines
        .trim()
        .split('\n')
        .map((line) => line.split('|').length);
      expect(new Set(columns).size, lines).toBe(1);
    }
  });

  it('are escaped in every place by itself: what a strange text is put into is printed as such', () => {
    const places: [string, Partial<Study>][] = [
      ['cpu', { machine: { ...studyOf([]).machine, cpu: HOSTILE } }],
      ['identity', { machine: { ...studyOf([]).machine, identity: HOSTILE } }],
      ['vectors', { machine: { ...studyOf([]).machine, vectors: [HOSTILE] } }],
      ['kernel', { machine: { ...studyOf([]).machine, kernel: HOSTILE } }],
      ['node', { machine: { ...studyOf([]).machine, node: HOSTILE } }],
      ['commit', { commit: HOSTILE }],
      ['engine', { engines: [engineOf([], { name: HOSTILE })] }],
      ['version', { engines: [engineOf([], { version: HOSTILE })] }],
      ['compiler', { engines: [engineOf([], { compiler: HOSTILE })] }],
      ['candidate', { engines: [engineOf([figureOf(HOSTILE, 64, 9), figureOf(HOSTILE, 128, 1)])] }],
      ['compression', { engines: [engineOf([], { compression: [compressionOf(HOSTILE)] })] }],
      ['subject', { engines: [engineOf([], { answers: [{ question: 'compile', subject: HOSTILE, attempts: [1] }] })] }],
      ['module', { modules: [{ name: HOSTILE, bytes: 1, gzipBytes: 1 }], ...asked() }],
      ['check', { checks: [{ name: HOSTILE, own: 1, slower: 1, ns: 1 }] }],
      ['fingerprint', { fingerprints: { [HOSTILE]: 'a' } }],
      ['server', { endToEnd: [serverOf('js', 1, { threads: 2, kernel: HOSTILE }), serverOf(HOSTILE, [1])] }],
      [
        'memory',
        { memory: [{ kernel: HOSTILE, threads: 1, arenaBytes: 1, atStart: 1, afterSmall: 1, afterLarge: 1 }] },
      ],
    ];
    for (const [place, more] of places) {
      const text = studyMarkdown(studyOf([], more), {});
      expect(text, place).toContain('a&#124;b&#96;c&#96;');
      expect(text, place).not.toMatch(RAW);
    }
  });

  it('are escaped in the charts', () => {
    const figures = [4, 16, 64, 65536].flatMap((bytes) => [figureOf('js', bytes, bytes), figureOf('wasm', bytes, 32)]);
    const engines = [engineOf(figures, { name: HOSTILE })];
    const charts = studyCharts(studyOf([], { engines, endToEnd: [serverOf('js', 1), serverOf(HOSTILE, 2)] }));
    for (const [name, spec] of Object.entries(charts).filter(([one]) => one !== 'validate')) {
      expect(JSON.stringify(spec), name).toContain('‹img src=f›');
      expect(JSON.stringify(spec), name).not.toMatch(/<img|\\u0000|\u202e|c`|\\n/);
    }
  });

  it('that pretend to be the name of a candidate are others', () => {
    const engines = [engineOf([figureOf('js', 1024, 250), figureOf('j\u200bs', 1024, 1)])];
    expect(markdown(studyOf([], { engines }))).toMatch(
      /\| unmask: JavaScript[^|]* \| – \| 250 \(250; 250 to 250\) \| – \|/,
    );
  });
});

function compressionOf(candidate: string) {
  return { candidate, contextTakeover: true, bytes: 64, ratio: 0.5, deflateMicros: 2, inflateMicros: 1 };
}

/** The sizes of modules are shown beside the answers. */
function asked(): Partial<Study> {
  return { engines: [engineOf([], { answers: [{ question: 'compile', subject: 'wasm', attempts: [1] }] })] };
}

describe('the servers in the report', () => {
  it('are shown with the spread of their rounds', () => {
    const text = markdown(studyOf([], { endToEnd: [serverOf('js', [100, 100, 100, 80, 108]), serverOf('auto', 150)] }));
    expect(text).toContain('| 100 × 1 KiB, 16 in flight, binary | 100 ±4 % | – | – | 150 (1.50) ±0 % |');
  });

  it('whose rounds do not agree are marked', () => {
    const text = markdown(studyOf([], { endToEnd: [serverOf('js', [100, 100, 100, 80, 120])] }));
    expect(text).toContain('| 100 × 1 KiB, 16 in flight, binary | 100~ ±10 % | – | – | – |');
  });

  it('with more threads make no sentence if one is not steady', () => {
    const utf8 = { content: 'utf8' } as const;
    const two = { ...utf8, threads: 2 };
    const endToEnd = [
      serverOf('js', 100, utf8),
      serverOf('js', 80, two),
      serverOf('auto', [500, 400, 400, 400, 400], utf8),
    ];
    const text = markdown(studyOf([], { endToEnd }));
    expect(text).toContain('| 1 KiB, text, not ASCII | `auto` | 1 | 2 500~ (2 000 to 2 500) | 400~ |');
    expect(text).not.toContain('the kernel `auto` carries');
  });

  it('surprise only where unmasking is all that differs: binary messages from 16 KiB on', () => {
    const at = (bytes: number) =>
      markdown(studyOf([], { endToEnd: [serverOf('js', 100, { bytes }), serverOf('wasm', 300, { bytes })] }));
    expect(at(16384)).toContain(
      'the most that WASM gains over JavaScript, of the steady figures, is 3.00 times with the kernel `wasm` (100 × 16 KiB',
    );
    expect(at(1024)).not.toContain('the most that WASM gains');
  });

  it('are marked in their chart if one of those compared is not steady', () => {
    const labels = (js: number[]) =>
      JSON.stringify(studyCharts(studyOf([], { endToEnd: [serverOf('js', js), serverOf('wasm', 150)] }))['end-to-end']);
    expect(labels([100, 100, 100])).toContain('"label":"1.50"');
    expect(labels([120, 100, 100, 100, 100])).toContain('"label":"1.50~"');
  });

  it('with more threads are compared by CPU time', () => {
    const utf8 = { content: 'utf8' } as const;
    const endToEnd = [
      serverOf('js', 100_000, utf8),
      serverOf('js', 80_000, { ...utf8, threads: 2 }),
      serverOf('auto', 400_000, utf8),
    ];
    const text = markdown(studyOf([], { endToEnd }));
    expect(text).toContain('| 1 KiB, text, not ASCII | `js` | 2 | 12.5 (12.5 to 12.5) | 160 000 |');
    expect(text).toContain(
      'the kernel `auto` carries 4.00 times as many messages; 2 threads on as many cores carry 1.60 times as many, by the estimate',
    );
    expect(text.match(/what a thread buys/g)).toHaveLength(1);
  });
});

interface Scale<Value> {
  readonly scale: { readonly domain: readonly string[]; readonly range: readonly Value[] };
}

/** What is looked at of a chart of lines. */
interface LineChart {
  readonly spec: {
    readonly layer: readonly [
      { readonly encoding: { readonly color: Scale<string>; readonly strokeDash: Scale<readonly number[]> } },
    ];
  };
}

describe('the charts', () => {
  it('draw nothing if there are no figures', () => {
    expect(Object.values(studyCharts(studyOf([])))).toEqual(Array.from({ length: 6 }));
  });

  const figures = [
    figureOf('js', 64, [20, 20, 20, 20, 20, 20, 25]),
    figureOf('js', 65536, 300),
    figureOf('wasm', 64, 10),
    figureOf('wasm', 128, [11, 22, 22, 22, 22, 22, 22]),
    figureOf('wasm', 65536, 100),
  ];
  const endToEnd = [serverOf('js', 100), serverOf('auto', 150)];
  const charts = studyCharts(studyOf(figures, { endToEnd }));
  const { unmask, engines } = charts;

  it('interrupt a line where a size was not measured', () => {
    expect(JSON.stringify(unmask)).toContain('"candidate":"js","bytes":128,"gbps":null');
    expect(JSON.stringify(unmask)).toContain('"break-paths-show-path-domains"');
  });

  it('show the spread, and what is not steady', () => {
    expect(JSON.stringify(unmask)).toContain('"gbps":3.2,"low":3.2,"high":3.2,"steady":true');
    expect(JSON.stringify(unmask)).toMatch(/"bytes":128,"gbps":5.8\d*,"low":5.8\d*,"high":11.6\d*,"steady":false/);
    for (const chart of [unmask, engines, charts['end-to-end']])
      expect(JSON.stringify(chart)).toMatch(/"type":"rule".*"field":"low".*"x?y?2":\{"field":"high"\}/);
  });

  it('show in the crossovers what is never the better choice, and what is not steady', () => {
    const never = [64, 128, 256, 512].flatMap((bytes) => [figureOf('js', bytes, 10), figureOf('wasm', bytes, 30)]);
    const drawn = (of: readonly Figure[]) => {
      const { crossovers } = studyCharts(studyOf(of));
      return JSON.stringify(crossovers);
    };
    const chart = drawn(never);
    expect(chart).toContain(`"engine":"Node 20","bytes":${4 ** 13},"steady":true`);
    expect(chart).toContain("? 'never' :");
    const unsteady = [64, 128, 256, 512].flatMap((bytes) => [
      figureOf('js', bytes, [5, 20, 20, 20, 20, 20, 20]),
      figureOf('wasm', bytes, 10),
    ]);
    expect(drawn(unsteady)).toContain('"bytes":64,"steady":false');
  });

  it('have a colour for each engine, and a colour and dashes for each candidate', () => {
    const names = ['Node 20', 'Node 22', 'Node 24', 'Node 26', 'Bun 1', 'Firefox 140', 'Chromium 143'];
    const several = names.map((name) => engineOf(figures, { name }));
    const { engines: ofSeveral } = studyCharts(studyOf([], { engines: several }));
    const drawn = JSON.stringify(ofSeveral);
    const [, range = '[]'] = /"domain":\["Node 20"[^\]]*\],"range":(\[[^\]]*\])/.exec(drawn) ?? [];
    expect(new Set(JSON.parse(range)).size).toBe(names.length);
    const ways = candidateNames('unmask').map((name) => figureOf(name, 64, 1));
    const { unmask: ofUnmask, javascript } = studyCharts(studyOf(ways));
    for (const chart of [ofUnmask, javascript]) {
      const { color, strokeDash } = (chart as LineChart).spec.layer[0].encoding;
      const { domain, range } = color.scale;
      expect(domain.length).toBeGreaterThan(5);
      expect(domain.length).toBeLessThanOrEqual(10);
      expect(strokeDash.scale.domain).toEqual(domain);
      const styles = domain.map((_, i) => JSON.stringify([range[i], strokeDash.scale.range[i]]));
      expect(new Set(styles).size).toBe(domain.length);
    }
  });

  it('have no bars on logarithmic axes, and titles on all axes of quantities', () => {
    for (const chart of Object.values(charts).filter((one) => one !== undefined)) {
      const text = JSON.stringify(chart);
      expect(text.includes('"type":"log"') && text.includes('"type":"bar"')).toBe(false);
      expect(text).not.toMatch(/"type":"quantitative","title":null/);
    }
  });
});
