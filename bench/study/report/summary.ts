import type { Content } from '#dist/study/texts.js';
import type { Operation } from '../candidates.js';
import {
  BY_DIRECTION,
  type Engine,
  FASTEST_JS,
  FASTEST_JS_MAKING_VIEWS,
  FASTEST_JS_OF_BUFFERS,
  FASTEST_JS_OF_VIEWS,
  type FastestJs,
  isInClosure,
  isOfView,
  size,
} from '../findings.js';
import { markdownTable } from '../markdown.js';
import type { Study } from '../results.js';
import { ALONE_BYTES, leftOut } from '../servers.js';
import { copiesInShort, isOlder } from './cautions.js';
import { gainsInServer } from './gains.js';
import { javaScriptOf, naiveNs } from './javascript.js';
import { leadCell, leadText } from './lead-text.js';
import { offsetsInShort, offsetsOnPage } from './offsets.js';
import { fewerWays } from './ways.js';
import { asFast, asFastAs, COPYING, KIB, paragraph, said, sentenceOf, times } from './wording.js';

/** For a reader who reads one paragraph. */
export function inOneParagraph(study: Study, engine: Engine): string {
  return `## In one paragraph

${theParagraph(study, engine)}`;
}

/** The paragraph alone, for other documents too. */
export function theParagraph(study: Study, engine: Engine): string {
  const ratio = (
    op: 'unmask' | 'validate',
    candidate: string,
    than: string,
    content: Content | 'any' = 'any',
    bytes = KIB,
  ) => engine.ns({ op, candidate: than, content, bytes }) / engine.ns({ op, candidate, content, bytes });
  const js = (op: 'unmask' | 'validate', content: Content | 'any' = 'any', bytes = KIB) =>
    javaScriptOf(engine, { op, content, bytes });
  const jsOfViews = (bytes: number) => javaScriptOf(engine, { op: 'unmask', bytes }, FASTEST_JS_OF_VIEWS);
  const ofCopies = sentenceOf(
    'If the bytes have to be copied in and out, it is',
    [KIB, 64].map((bytes) => () => {
      const where = bytes === KIB ? 'at 1 KiB' : 'at 64 bytes';
      const found = ratio('unmask', COPYING, FASTEST_JS_OF_VIEWS, 'any', bytes);
      return bytes === KIB ? `${asFastAs(found)} ${jsOfViews(bytes)} ${where}` : `${asFast(found)} ${where}`;
    }),
  );
  return paragraph(
    said(
      () =>
        `WebAssembly with SIMD unmasks 1 KiB ${asFastAs(ratio('unmask', 'wasm', FASTEST_JS))} ${js('unmask')}, which is written for speed (${engine.name}; the bytes are in WebAssembly memory already).`,
    ),
    plainLoops(engine),
    ofCopies === '' ? '' : `${ofCopies} ${thatJavaScript(study, engine)}`,
    isOlder(study) ? '' : nativeInShort(engine),
    sentenceOf('WebAssembly validates 1 KiB', [
      () => `of ASCII ${asFastAs(ratio('validate', 'wasm', FASTEST_JS, 'ascii'))} ${js('validate', 'ascii')}`,
      () => {
        const found = ratio('validate', 'wasm', FASTEST_JS, 'json');
        const isSame = said(() => js('validate', 'ascii')) === js('validate', 'json');
        return `of JSON with other characters ${isSame ? asFast(found) : `${asFastAs(found)} ${js('validate', 'json')}`}`;
      },
    ]),
    isUtf8InShort(engine),
    wholeServer(study.endToEnd),
  );
}

/** What the JavaScript that copies are compared with takes for granted. */
function thatJavaScript(study: Study, engine: Engine): string {
  if (isOlder(study)) return 'That JavaScript finds its bytes in WebAssembly memory, without a copy.';
  const wanted = { op: 'unmask', bytes: KIB } as const;
  const ofOthers = (which: FastestJs) =>
    said(() => asFast(engine.ns({ ...wanted, candidate: which }) / engine.ns({ ...wanted, candidate: COPYING })));
  const made = ofOthers(FASTEST_JS_MAKING_VIEWS);
  return paragraph(
    made === '' || !hasClosures(engine)
      ? 'That JavaScript finds its bytes in ordinary memory, too.'
      : `That JavaScript needs one buffer that all reads go to; against JavaScript that makes a view in each call, WebAssembly is ${made}.`,
    offsetsInShort(engine),
  );
}

/** Whether an engine has measured JavaScript of a view in a closure, which not every program can have. */
export function hasClosures(engine: Engine): boolean {
  return engine.candidates('unmask').some((name) => isOfView(name) && isInClosure(name));
}

/** What Node has itself for bytes in a Buffer. */
function nativeInShort(engine: Engine): string {
  if (!engine.candidates('unmask').includes('websocketUnmask') || !engine.candidates('unmask').some(isOfView))
    return '';
  return `\`http.websocketUnmask\`, which Node has from 26.12 on, copies nothing, and is ahead of the fastest JavaScript ${leadText(engine.lead('unmask', 'any', FASTEST_JS_OF_VIEWS, 'websocketUnmask'))}.`;
}

/** Text in a Buffer: WASM has to copy it in there. */
function isUtf8InShort(engine: Engine): string {
  const than = engine.candidates('validate').includes('wasm, copy in') ? 'wasm, copy in' : 'wasm';
  const what = than === 'wasm' ? 'that has its bytes in its memory already' : 'with that copy';
  const on = (content: 'ascii' | 'json', name: string) => () => {
    const part = (bytes: number) =>
      said(() => {
        const ns = (candidate: string) => engine.ns({ op: 'validate', candidate, content, bytes });
        return `${asFast(ns(than) / ns('isUtf8'))} on ${name} of ${size(bytes)}`;
      });
    return part(KIB) || part(64 * KIB);
  };
  return sentenceOf(`\`buffer.isUtf8\` of Node needs no copy of text in a Buffer. Against WebAssembly ${what} it is`, [
    on('ascii', 'ASCII'),
    on('json', 'JSON'),
  ]);
}

/** Who is ahead where the bytes are in a Buffer, and at which sizes. */
export function aheadOfViews(engine: Engine): string {
  const has = (candidate: string) => engine.candidates('unmask').includes(candidate);
  if (!engine.candidates('unmask').some(isOfView)) return '';
  const lead = (to: string) => leadText(engine.lead('unmask', 'any', FASTEST_JS_OF_VIEWS, to));
  const native = ['websocketUnmask', 'bufferutil'].filter(has);
  return paragraph(
    has(COPYING)
      ? `Of bytes in a Buffer, WebAssembly with both copies is ahead of the fastest JavaScript ${lead(COPYING)}.`
      : '',
    ...native.map((name, i) => {
      const what =
        name === 'bufferutil' ? 'bufferutil, an add-on,' : `\`http.websocketUnmask\`, which Node has from 26.12 on,`;
      return i === 0
        ? `Native code copies nothing: ${what} is ahead of that JavaScript ${lead(name)}.`
        : `${what[0]?.toUpperCase()}${what.slice(1)} is so ${lead(name)}.`;
    }),
  );
}

/** WebAssembly against JavaScript that nobody has written for speed. The naive loop may have no steady figure. */
function plainLoops(engine: Engine): string {
  const ratio = (candidate: string, than: string) => {
    const wanted = { op: 'unmask', bytes: KIB } as const;
    return engine.ns({ ...wanted, candidate: than }) / engine.ns({ ...wanted, candidate });
  };
  const sentence = sentenceOf('WebAssembly is', [
    () => `${asFastAs(ratio('wasm', 'js-words'))} a plain loop over words of 32 bits`,
    () =>
      `${asFastAs(naiveNs(engine, KIB) / engine.ns({ op: 'unmask', bytes: KIB, candidate: 'wasm' }))} the naive loop over bytes`,
  ]);
  return paragraph(
    sentence,
    said(() =>
      ratio(FASTEST_JS, 'js-words') > ratio('wasm', FASTEST_JS)
        ? 'So such a comparison says more about the JavaScript than about WebAssembly.'
        : '',
    ),
  );
}

function wholeServer(results: Study['endToEnd']): string {
  const gains = gainsInServer(results);
  if (gains === '') return '';
  return paragraph(
    `In a whole server, which also pays for system calls, the kernel \`auto\` chooses between these by size. From \`js\` to \`auto\` the gain is ${gains}${leftOut(results, 'auto').length === 0 ? '' : ` (other figures from ${size(ALONE_BYTES)} on are not steady)`}.`,
    'Of binary messages unmasking is all that differs; of text, validation does too.',
  );
}

/** The rows of the page: a candidate with its name there. */
const ROWS: readonly (readonly [op: Operation, content: Content | 'any', candidate: string, name: string])[] = [
  ['unmask', 'any', 'js-byte', 'unmask: JavaScript, the naive loop over bytes'],
  ['unmask', 'any', 'js-words', 'unmask: JavaScript, a plain loop over words of 32 bits'],
  ['unmask', 'any', 'js', 'unmask: JavaScript of this package'],
  ['unmask', 'any', FASTEST_JS, 'unmask: the fastest JavaScript measured'],
  ['unmask', 'any', 'wasm', 'unmask: WASM with SIMD, in place'],
  ['validate', 'ascii', 'js', 'validate ASCII: JavaScript of this package'],
  ['validate', 'ascii', 'wasm', 'validate ASCII: WASM with SIMD'],
  ['validate', 'json', 'js', 'validate JSON: JavaScript of this package'],
  ['validate', 'json', 'wasm', 'validate JSON: WASM with SIMD'],
];

/** The same of bytes in a Buffer. Native code takes a view of any memory, so that it is the same to it. */
const ROWS_OF_BUFFERS: typeof ROWS = [
  ['unmask', 'any', 'js-byte, of a view', 'unmask: JavaScript, a naive loop over bytes'],
  ['unmask', 'any', FASTEST_JS_OF_VIEWS, 'unmask: the fastest JavaScript measured, of a view'],
  ['unmask', 'any', FASTEST_JS_OF_BUFFERS, 'unmask: the same, of any Buffer: a view is kept or made'],
  ['unmask', 'any', FASTEST_JS_MAKING_VIEWS, 'unmask: the same, with a view that each call makes'],
  ['unmask', 'any', 'wasm, copy in and out', 'unmask: WASM with SIMD, with copies in and out'],
  ['unmask', 'any', 'bufferutil', 'unmask: bufferutil, an add-on in native code'],
  ['unmask', 'any', 'websocketUnmask', 'unmask: `http.websocketUnmask` of Node, native'],
  ['validate', 'ascii', 'wasm, copy in', 'validate ASCII: WASM with SIMD, with a copy in'],
  ['validate', 'ascii', 'isUtf8', 'validate ASCII: `buffer.isUtf8` of Node, native'],
  ['validate', 'json', 'wasm, copy in', 'validate JSON: WASM with SIMD, with a copy in'],
  ['validate', 'json', 'isUtf8', 'validate JSON: `buffer.isUtf8` of Node, native'],
];

/** For a reader who reads one page: what was measured, the figures that decide, and what they mean. */
export function onOnePage(study: Study, engine: Engine, all: readonly Engine[], meaning: string): string {
  const sizes = [64, KIB, 64 * KIB];
  const isOther = (candidate: string) =>
    candidate !== FASTEST_JS ||
    sizes.some((bytes) => !['', 'js'].includes(said(() => engine.fastestJs({ op: 'unmask', bytes }))));
  const hasViews = engine.candidates('unmask').some(isOfView);
  const tableOf = (rows: typeof ROWS) => {
    const shown = rows
      .filter(([, , candidate]) => isOther(candidate) && (candidate !== FASTEST_JS_OF_VIEWS || hasViews))
      .filter(([, , candidate]) => !OF_ANY_BUFFER.some((name) => name === candidate) || hasClosures(engine))
      .map(([op, content, candidate, name]) => [
        name,
        ...sizes.map((bytes) => engine.spreadCell({ op, content, candidate, bytes })),
      ])
      .filter(([, ...cells]) => cells.some((cell) => cell !== '–'));
    return shown.length === 0 ? 'Nothing of that was measured.' : markdownTable(['', ...sizes.map(size)], shown);
  };
  const than: readonly FastestJs[] = all.some(hasClosures)
    ? [FASTEST_JS_OF_VIEWS, FASTEST_JS_OF_BUFFERS]
    : [FASTEST_JS_OF_VIEWS];
  const changes = all
    .map((one) => [
      one.name,
      ...than.map((which) =>
        one.crossoverCell('unmask', 'any', which, COPYING) === '–'
          ? '–'
          : leadCell(one.lead('unmask', 'any', which, COPYING)),
      ),
      `${one.timesCell({ op: 'unmask', bytes: KIB, candidate: FASTEST_JS_OF_VIEWS }, { op: 'unmask', bytes: KIB, candidate: COPYING })} (${one.fastestJsCell({ op: 'unmask', bytes: KIB }, FASTEST_JS_OF_VIEWS)})`,
    ])
    .filter(([, cell]) => cell !== '–');
  const head = [
    '',
    'ahead of the fastest JavaScript',
    ...(than.length === 1 ? [] : ['ahead of JavaScript of any Buffer']),
    'at 1 KiB, times as fast as the fastest',
  ];
  return `## On one page

A WebSocket server XORs every byte that it receives with a masking key, and checks that text is UTF-8. Here both are done in JavaScript, in
WebAssembly and in native code, one message after the other.${study.format === 1 ? '' : ' Each figure was measured several times, far apart, each time in another process.'}
Nanoseconds per call on ${engine.name}, with the bytes in cache (\`~\`: not steady, \`${BY_DIRECTION}\`: another figure by what was measured before, \`?\`: cannot
be right). In brackets the median of the attempts, and their spread from the least to the upper quartile.

The bytes are **in WebAssembly memory**, which whoever reads the socket can choose:

${tableOf(ROWS)}

The bytes are **in a Buffer**, as a socket leaves them:

${tableOf(ROWS_OF_BUFFERS)}

${verdicts(engine)}${changes.length === 0 ? '' : `Where WebAssembly with copies in and out is surely faster than JavaScript, of the sizes measured. \`undecided\`: a figure has a mark there, so that it may depend on what was measured before, or the spread leaves it open. At all other sizes they are alike, or JavaScript is faster. ${copiesInShort([study])}${withoutClosure(engine)}${paragraphOf(fewerWays(all, isOfView))}\n\n${markdownTable(head, changes)}\n\n`}${meaning}`;
}

const OF_ANY_BUFFER: readonly FastestJs[] = [FASTEST_JS_OF_BUFFERS, FASTEST_JS_MAKING_VIEWS];

/** What the table of Buffers says at 1 KiB of WASM with copies, by which JavaScript it is compared with, and what it does not say. */
function verdicts(engine: Engine): string {
  const wanted = { op: 'unmask', bytes: KIB } as const;
  const ratio = (which: FastestJs) =>
    `${asFastAs(engine.ns({ ...wanted, candidate: which }) / engine.ns({ ...wanted, candidate: COPYING }))}`;
  const name = (which: FastestJs) => `\`${engine.fastestJs(wanted, which)}\``;
  const text = hasClosures(engine)
    ? sentenceOf('At 1 KiB WASM with copies is', [
        () => `${ratio(FASTEST_JS_OF_VIEWS)} ${name(FASTEST_JS_OF_VIEWS)}, which needs one buffer for all reads`,
        () => `${ratio(FASTEST_JS_OF_BUFFERS)} ${name(FASTEST_JS_OF_BUFFERS)}, which takes any Buffer`,
        () => `${ratio(FASTEST_JS_MAKING_VIEWS)} ${name(FASTEST_JS_MAKING_VIEWS)}, which makes a view in each call`,
      ])
    : '';
  const whole = `${text}${offsetsOnPage(engine)}`.trim();
  return whole === '' ? '' : `${whole}\n\n`;
}

function paragraphOf(text: string): string {
  return text === '' ? '' : ` ${text}`;
}

/** What JavaScript of a view was not tried with, and what that is worth in place. */
function withoutClosure(engine: Engine): string {
  const views = engine.candidates('unmask').filter(isOfView);
  if (views.length === 0 || views.some((name) => name.includes('closure'))) return '';
  return said(() => {
    const ns = (candidate: string) => engine.ns({ op: 'unmask', candidate, bytes: 64 * KIB });
    const gain = ns('js-words-8') / ns('js-words-8, closure');
    return gain <= 1.1
      ? ''
      : ` JavaScript whose view is in a closure, over one buffer that all reads go to, was not tried: in place that is worth ${times(gain)} on ${engine.name}, so that JavaScript may be ahead in a part of this range.`;
  });
}
