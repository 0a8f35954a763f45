import type { Content } from '#dist/study/texts.js';
import type { Operation } from '../candidates.js';
import { BY_DIRECTION, type Engine, FASTEST_JS, FASTEST_JS_OF_VIEWS, isOfView, leadText, size } from '../findings.js';
import { enumeration, markdownTable } from '../markdown.js';
import type { Study } from '../results.js';
import { ALONE_BYTES, gainsByContent } from '../servers.js';
import { copiesInShort, isOlder } from './cautions.js';
import { javaScriptOf } from './javascript.js';
import { asFast, asFastAs, KIB, paragraph, said, sentenceOf, times } from './wording.js';

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
  const thatJavaScript = isOlder(study)
    ? 'That JavaScript finds its bytes in WebAssembly memory, without a copy.'
    : 'That JavaScript finds its bytes in ordinary memory, too.';
  const ofCopies = sentenceOf(
    'If the bytes have to be copied in and out, it is',
    [KIB, 64].map((bytes) => () => {
      const where = bytes === KIB ? 'at 1 KiB' : 'at 64 bytes';
      return `${asFastAs(ratio('unmask', COPYING, FASTEST_JS_OF_VIEWS, 'any', bytes))} ${jsOfViews(bytes)} ${where}`;
    }),
  );
  return paragraph(
    said(
      () =>
        `WebAssembly with SIMD unmasks 1 KiB ${asFastAs(ratio('unmask', 'wasm', FASTEST_JS))} ${js('unmask')}, which is written for speed (${engine.name}; the bytes are in WebAssembly memory already).`,
    ),
    said(() =>
      engine.fastestJs({ op: 'unmask', bytes: KIB }) === 'js'
        ? ''
        : `It is ${asFastAs(ratio('unmask', 'wasm', 'js'))} the JavaScript of this package.`,
    ),
    plainLoops(engine),
    ofCopies === '' ? '' : `${ofCopies} ${thatJavaScript}`,
    isOlder(study) ? '' : aheadOfViews(engine),
    sentenceOf('WebAssembly validates 1 KiB', [
      () => `of ASCII ${asFastAs(ratio('validate', 'wasm', FASTEST_JS, 'ascii'))} ${js('validate', 'ascii')}`,
      () =>
        `of JSON with other characters ${asFastAs(ratio('validate', 'wasm', FASTEST_JS, 'json'))} ${js('validate', 'json')}`,
    ]),
    sentenceOf(
      'If the text is in a Buffer, `buffer.isUtf8` of Node needs no copy. Against WebAssembly that has its bytes in its memory already, it is',
      [
        () => `${asFast(ratio('validate', 'isUtf8', 'wasm', 'ascii'))} on that ASCII`,
        () => `${asFast(ratio('validate', 'isUtf8', 'wasm', 'json'))} on that JSON`,
      ],
    ),
    wholeServer(study.endToEnd),
  );
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
    () => `${asFastAs(ratio('wasm', 'js-byte'))} the naive loop over bytes`,
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

const COPYING = 'wasm, copy in and out';

const KINDS = { binary: 'binary messages', ascii: 'ASCII text', utf8: 'other text' } as const;

/** What the whole server gains, as a range for each kind of messages: each figure by itself would say more of the noise. */
export function gainsInServer(results: Study['endToEnd']): string {
  return enumeration(
    gainsByContent(results, 'auto').map(([content, gains]) => {
      const values = gains.map(({ value }) => value);
      const [least, most] = [Math.min(...values), Math.max(...values)].map((value) => value.toFixed(1));
      return `${least === most ? '' : `${least} to `}${most} times for ${KINDS[content]}`;
    }),
  );
}

function wholeServer(results: Study['endToEnd']): string {
  const gains = gainsInServer(results);
  if (gains === '') return '';
  return `In a whole server, which also pays for system calls, the kernel \`auto\` (it chooses between these by size) carries more messages per core than the kernel \`js\`. From ${size(ALONE_BYTES)} on the gain is ${gains}. Of binary messages unmasking is all that differs; of text, validation does too. What \`auto\` gains with smaller messages is not the gain of a kernel alone: there it also finds headers and gathers replies, in one call for each read.`;
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
      .map(([op, content, candidate, name]) => [
        name,
        ...sizes.map((bytes) => engine.spreadCell({ op, content, candidate, bytes })),
      ])
      .filter(([, ...cells]) => cells.some((cell) => cell !== '–'));
    return shown.length === 0 ? 'Nothing of that was measured.' : markdownTable(['', ...sizes.map(size)], shown);
  };
  const changes = all
    .map((one) => [
      one.name,
      one.crossoverCell('unmask', 'any', FASTEST_JS_OF_VIEWS, COPYING) === '–'
        ? '–'
        : leadText(one.lead('unmask', 'any', FASTEST_JS_OF_VIEWS, COPYING)),
      one.fastestJsCell({ op: 'unmask', bytes: KIB }, FASTEST_JS_OF_VIEWS),
    ])
    .filter(([, cell]) => cell !== '–');
  return `## On one page

A WebSocket server XORs every byte that it receives with a masking key, and checks that text is UTF-8. Here both are done in JavaScript, in
WebAssembly and in native code, one message after the other.${study.format === 1 ? '' : ' Each figure was measured several times, far apart, each time in another process.'}
Nanoseconds per call on ${engine.name}, with the bytes in cache (\`~\`: not steady, \`${BY_DIRECTION}\`: another figure by what was measured before, \`?\`: cannot
be right). In brackets the median of the attempts, and their spread from the least to the upper quartile.

The bytes are **in WebAssembly memory**, which whoever reads the socket can choose:

${tableOf(ROWS)}

The bytes are **in a Buffer**, as a socket leaves them:

${tableOf(ROWS_OF_BUFFERS)}

${changes.length === 0 ? '' : `Where WebAssembly with copies in and out is surely faster than the fastest JavaScript, of the sizes measured. Outside of this range they are alike, or JavaScript is faster. ${copiesInShort([study])}${withoutClosure(engine)}\n\n${markdownTable(['', 'WASM with copies is ahead', 'the fastest JavaScript at 1 KiB'], changes)}\n\n`}${meaning}`;
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
