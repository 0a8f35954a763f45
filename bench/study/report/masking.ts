import { figure } from '#dist/cli/table.js';
import { ALIKE, candidatesOn, type Engine, FASTEST_JS, FASTEST_JS_OF_VIEWS, size } from '../findings.js';
import { markdownTable } from '../markdown.js';
import type { Study } from '../results.js';
import { copies, copiesInShort, isOlder } from './cautions.js';
import { javaScriptOf, naiveNote, naiveNs } from './javascript.js';
import { speeds, spreads } from './speeds-table.js';
import { aheadOfViews } from './summary.js';
import { fewerWays, isInPlace } from './ways.js';
import { asFast, asFastAs, KIB, MIB, mebibytes, paragraph, said, sentenceOf } from './wording.js';

export function masking(study: Study, engine: Engine, all: readonly Engine[]): string {
  const speed = (candidate: string, bytes: number) => engine.speed({ op: 'unmask', candidate, bytes });
  const ratio = (a: string, b: string, bytes: number) => speed(a, bytes) / speed(b, bytes);
  const js = (bytes: number) => javaScriptOf(engine, { op: 'unmask', bytes });
  const jsOfViews = (bytes: number) => javaScriptOf(engine, { op: 'unmask', bytes }, FASTEST_JS_OF_VIEWS);
  return [
    `### Masking (${engine.name})`,
    '![Throughput of unmasking by size: the table below has the figures](results/study-unmask.svg)',
    speeds(engine, 'unmask', 'any'),
    spreads(engine, 'unmask', 'any'),
    paragraph(
      sentenceOf('At 1 KiB WASM with SIMD, in place, is', [
        () => `${asFastAs(ratio('wasm', FASTEST_JS, KIB))} ${js(KIB)}`,
        () => `${asFastAs(ratio('wasm', 'js-words', KIB))} the plain loop over words`,
        () =>
          `${asFastAs(naiveNs(engine, KIB) * (speed('wasm', KIB) / KIB))} the naive loop over bytes${naiveNote(engine)}`,
      ]),
      sentenceOf('WASM with SIMD is', [
        () => `${asFastAs(ratio('wasm', 'wasm-scalar', KIB))} without at 1 KiB`,
        () => `${asFast(ratio('wasm', 'wasm-scalar', MIB))} at 1 MiB`,
      ]),
      sentenceOf('bufferutil is', [
        () => `${asFastAs(ratio('bufferutil', 'wasm', 64))} WASM in place at 64 bytes, where the call is most of it`,
        () => `${asFastAs(ratio('bufferutil', 'wasm', 64 * KIB))} WASM in place at 64 KiB`,
      ]),
      ...all.map(ofNode),
    ),
    paragraph(
      sentenceOf('**With copies**, WASM at 64 KiB is', [
        () => `${asFastAs(ratio('wasm, copy in', 'wasm', 64 * KIB))} in place if the bytes are copied in`,
        () => `${asFast(ratio('wasm, copy in and out', 'wasm', 64 * KIB))} if they are copied in and out`,
      ]),
      sentenceOf(
        'With both copies it is',
        [64, KIB, 64 * KIB, 16 * MIB].map(
          (bytes) => () =>
            `${asFastAs(ratio('wasm, copy in and out', FASTEST_JS_OF_VIEWS, bytes))} ${jsOfViews(bytes)} at ${size(bytes)}`,
        ),
      ),
      isOlder(study) ? '' : beside(study, engine),
      isOlder(study) ? '' : aheadOfViews(engine),
      said(() => copyingOut(engine)),
      said(
        () =>
          `bufferutil, which works where the bytes are, is ${asFastAs(ratio('bufferutil', 'wasm, copy in and out', 64 * KIB))} WASM with both copies at 64 KiB.`,
      ),
      isOlder(study) ? beside(study, engine) : '',
    ),
    study.isQuick ? '' : paragraph(said(() => largest(study, engine))),
    ladder(all),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** What a reader must know beside figures of copies. It is said in full where candidates are described. */
function beside(study: Study, engine: Engine): string {
  if (!engine.candidates('unmask').includes('wasm, copy in and out')) return '';
  return isOlder(study) ? copies(study) : copiesInShort([study]);
}

/** What some versions of Node have themselves. */
function ofNode(engine: Engine): string {
  const ratio = (than: string, bytes: number) => {
    const wanted = { op: 'unmask', bytes } as const;
    return engine.speed({ ...wanted, candidate: 'websocketUnmask' }) / engine.speed({ ...wanted, candidate: than });
  };
  return sentenceOf(`\`http.websocketUnmask\` of ${engine.name} is`, [
    () => `${asFastAs(ratio('wasm', 64))} WASM in place at 64 bytes`,
    () => `${asFastAs(ratio('wasm', 64 * KIB))} WASM in place at 64 KiB`,
    () => `${asFastAs(ratio('bufferutil', 64 * KIB))} bufferutil at 64 KiB`,
  ]);
}

/** At 64 bytes a copy is little more than the call that makes it. Browsers make it in another way. */
function copyingOut(engine: Engine): string {
  if (!/^(Node|Bun) /.test(engine.name)) return '';
  const ns = (candidate: string) => engine.ns({ op: 'unmask', candidate, bytes: 64 });
  const [both, without] = [ns('wasm, copy in and out'), ns('wasm, copy in')];
  return both > without * (1 + ALIKE)
    ? `That is a figure of the engine's copies as much as of WASM: at 64 bytes the copy out alone, one call of \`Buffer.copy\`, takes ${figure(both - without)} of ${figure(both)} ns.`
    : '';
}

/** Only if the largest range is more than the cache holds, and is unmasked by all with less difference. */
function largest({ cacheBytes }: Study, engine: Engine): string {
  const bytes = 16 * MIB;
  if (bytes <= cacheBytes) return '';
  const speed = (candidate: string, of: number) => engine.speed({ op: 'unmask', candidate, bytes: of });
  const ratio = (of: number) => speed('wasm', of) / speed(FASTEST_JS, of);
  if (ratio(bytes) >= ratio(64 * KIB) * (1 - ALIKE)) return '';
  return `At ${size(bytes)}, more than the last cache of this machine holds (${mebibytes(cacheBytes)}), WASM in place is ${asFastAs(ratio(bytes))} JavaScript, against ${asFast(ratio(64 * KIB))} at 64 KiB: with data that comes from memory, the speed of the XOR matters less.`;
}

/** What each way to write the loop in JavaScript is compared with, so that one respect is all that differs. */
const STEPS_OF_WRITING: readonly (readonly [title: string, from: string, to: string])[] = [
  ['words of 32 bits instead of bytes', 'js-byte', 'js-words'],
  ['eight words a turn instead of one', 'js-words', 'js-words-8'],
  ['views in a closure instead of fields', 'js-words-8', 'js-words-8, closure'],
  ['a `DataView` instead of an `Int32Array`', 'js-words-8, closure', 'js-view-8'],
  ['words of 64 bits (BigInt) instead of 32', 'js-words', 'js-bigint'],
  ['four of these a turn, in a closure', 'js-bigint', 'js-bigint-4'],
  ['all that this package does, against the plain loop', 'js-words', 'js'],
  ['all that this package does, against the naive loop', 'js-byte', 'js'],
];

/** How much each step in writing the JavaScript gains, on every engine. */
function ladder(all: readonly Engine[]): string {
  const names = candidatesOn(all, 'unmask');
  const steps = STEPS_OF_WRITING.filter(([, from, to]) => names.includes(from) && names.includes(to));
  if (steps.length === 0) return '';
  const cells = (bytes: number) =>
    steps.map(([title, from, to]) => [
      `${title}: \`${from}\` → \`${to}\``,
      ...all.map((engine) => {
        const wanted = { op: 'unmask', bytes } as const;
        return engine.timesCell({ ...wanted, candidate: from }, { ...wanted, candidate: to });
      }),
    ]);
  const tables = [64, KIB].map((bytes) => markdownTable([size(bytes), ...all.map(({ name }) => name)], cells(bytes)));
  return `**What each way to write the JavaScript is worth**: how many times as fast the second one is. What is below 1 makes it slower on that engine:
\`js\` and the other ways with words of 64 bits (BigInt) are written for V8.

![Ways to write the loop in JavaScript: the first table of this section has the figures](results/study-javascript.svg)

${tables.join('\n\n')}

${fastestWays(all)}`.trimEnd();
}

/** Whether there is faster JavaScript than that of this package, by engine. */
function fastestWays(all: readonly Engine[]): string {
  const ways = all.flatMap((engine) => {
    const way = said(() => fastest(engine));
    return way === '' ? [] : [`${engine.name}: ${way}`];
  });
  return ways.length === 0
    ? ''
    : paragraph(`The fastest JavaScript at 1 KiB, of all of these: ${ways.join('; ')}.`, fewerWays(all, isInPlace));
}

function fastest(engine: Engine): string {
  const wanted = { op: 'unmask', bytes: KIB } as const;
  const ways = engine
    .candidates('unmask')
    .filter(isInPlace)
    .filter((candidate) => engine.find({ ...wanted, candidate }) !== undefined);
  if (ways.length < 2) return '';
  const name = engine.fastestJs(wanted);
  const ratio = engine.speed({ ...wanted, candidate: name }) / engine.speed({ ...wanted, candidate: 'js' });
  return name === 'js' ? '`js`' : `\`${name}\`, ${asFastAs(ratio)} \`js\``;
}
