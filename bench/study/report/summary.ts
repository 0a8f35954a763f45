import type { Content } from '#dist/study/texts.js';
import type { Operation } from '../candidates.js';
import { type Engine, FASTEST_JS, FASTEST_JS_OF_VIEWS, isOfView, size } from '../findings.js';
import { enumeration, markdownTable } from '../markdown.js';
import type { Study } from '../results.js';
import { gainsAlone } from '../servers.js';
import { copiesInShort, isOlder } from './cautions.js';
import { javaScriptOf } from './javascript.js';
import { asFast, asFastAs, KIB, paragraph, said, times } from './wording.js';

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
  return paragraph(
    said(
      () =>
        `WebAssembly with SIMD unmasks 1 KiB ${asFastAs(ratio('unmask', 'wasm', FASTEST_JS))} ${js('unmask')}, which is written for speed (${engine.name}; the bytes are in WebAssembly memory already).`,
    ),
    plainLoops(engine),
    said(
      () =>
        `If the bytes have to be copied in and out, it is ${asFastAs(ratio('unmask', 'wasm, copy in and out', FASTEST_JS_OF_VIEWS))} ${jsOfViews(KIB)} at 1 KiB, and ${asFastAs(ratio('unmask', 'wasm, copy in and out', FASTEST_JS_OF_VIEWS, 'any', 64))} ${jsOfViews(64)} at 64 bytes. ${isOlder(study) ? 'That JavaScript finds its bytes in WebAssembly memory, without a copy.' : 'That JavaScript finds its bytes in ordinary memory, too.'}`,
    ),
    said(
      () =>
        `WebAssembly validates 1 KiB of ASCII ${asFastAs(ratio('validate', 'wasm', FASTEST_JS, 'ascii'))} ${js('validate', 'ascii')}, and of JSON with other characters ${asFastAs(ratio('validate', 'wasm', FASTEST_JS, 'json'))} ${js('validate', 'json')}; \`buffer.isUtf8\` of Node is ${asFastAs(ratio('validate', 'isUtf8', 'wasm', 'ascii'))} WebAssembly on that ASCII, and ${asFast(ratio('validate', 'isUtf8', 'wasm', 'json'))} on that JSON.`,
    ),
    wholeServer(study.endToEnd),
  );
}

/** WebAssembly against JavaScript that nobody has written for speed. The naive loop may have no steady figure. */
function plainLoops(engine: Engine): string {
  const ratio = (candidate: string, than: string) => {
    const wanted = { op: 'unmask', bytes: KIB } as const;
    return engine.ns({ ...wanted, candidate: than }) / engine.ns({ ...wanted, candidate });
  };
  return said(() => {
    const naive = said(() => `, and ${asFastAs(ratio('wasm', 'js-byte'))} the naive loop over bytes`);
    const sentence = `WebAssembly is ${asFastAs(ratio('wasm', 'js-words'))} a plain loop over words of 32 bits${naive}.`;
    return ratio(FASTEST_JS, 'js-words') > ratio('wasm', FASTEST_JS)
      ? `${sentence} So such a comparison says more about the JavaScript than about WebAssembly.`
      : sentence;
  });
}

/** All gains where unmasking is all that differs: the least and the most of noisy figures would say more about the noise. */
function wholeServer(results: Study['endToEnd']): string {
  const gains = gainsAlone(results, 'auto');
  if (gains.length === 0) return '';
  const each = gains.map(({ result, value }, i) => {
    const what = i === 0 ? ' as many messages per core as the kernel `js`' : '';
    return `${times(value)}${what} at ${size(result.bytes)}`;
  });
  return `In a whole server, which also pays for system calls, the kernel \`auto\`, which chooses by size, carries ${enumeration(each)} (binary messages, where unmasking is all that differs). What \`auto\` gains with small messages is not the gain of a kernel alone: there it also finds headers and gathers replies, in one call for each read.`;
}

/** The rows of the page: a candidate with its name there. */
const ROWS: readonly (readonly [op: Operation, content: Content | 'any', candidate: string, name: string])[] = [
  ['unmask', 'any', 'js-byte', 'unmask: JavaScript, the naive loop over bytes'],
  ['unmask', 'any', 'js-words', 'unmask: JavaScript, a plain loop over words of 32 bits'],
  ['unmask', 'any', 'js', 'unmask: JavaScript of this package'],
  ['unmask', 'any', FASTEST_JS, 'unmask: the fastest JavaScript measured'],
  ['unmask', 'any', 'wasm', 'unmask: WASM with SIMD, in place'],
  ['unmask', 'any', 'wasm, copy in and out', 'unmask: the same, with copies in and out'],
  ['unmask', 'any', FASTEST_JS_OF_VIEWS, 'unmask: the fastest JavaScript measured, of a view in ordinary memory'],
  ['unmask', 'any', 'bufferutil', 'unmask: bufferutil, native'],
  ['validate', 'ascii', 'js', 'validate ASCII: JavaScript of this package'],
  ['validate', 'ascii', 'wasm', 'validate ASCII: WASM with SIMD'],
  ['validate', 'ascii', 'isUtf8', 'validate ASCII: `buffer.isUtf8`, native'],
  ['validate', 'json', 'js', 'validate JSON: JavaScript of this package'],
  ['validate', 'json', 'wasm', 'validate JSON: WASM with SIMD'],
  ['validate', 'json', 'isUtf8', 'validate JSON: `buffer.isUtf8`, native'],
];

/** For a reader who reads one page: what was measured, the figures that decide, and what they mean. */
export function onOnePage(study: Study, engine: Engine, all: readonly Engine[], meaning: string): string {
  const sizes = [64, KIB, 64 * KIB];
  const isOther = (candidate: string) =>
    candidate !== FASTEST_JS ||
    sizes.some((bytes) => !['', 'js'].includes(said(() => engine.fastestJs({ op: 'unmask', bytes }))));
  const hasViews = engine.candidates('unmask').some(isOfView);
  const rows = ROWS.filter(([, , candidate]) => isOther(candidate) && (candidate !== FASTEST_JS_OF_VIEWS || hasViews))
    .map(([op, content, candidate, name]) => [
      name,
      ...sizes.map((bytes) => engine.spreadCell({ op, content, candidate, bytes })),
    ])
    .filter(([, ...cells]) => cells.some((cell) => cell !== '–'));
  const changes = all.flatMap((one) => {
    const cell = one.crossoverCell('unmask', 'any', FASTEST_JS_OF_VIEWS, 'wasm, copy in and out');
    if (cell === '–') return [];
    return [
      `${one.name}: ${cell} (${said(() => `\`${one.fastestJs({ op: 'unmask', bytes: KIB }, FASTEST_JS_OF_VIEWS)}\``) || '–'})`,
    ];
  });
  return `## On one page

A WebSocket server XORs every byte that it receives with a masking key, and checks that text is UTF-8. Here both are done in JavaScript, in
WebAssembly and in native code, one message after the other.${study.format === 1 ? '' : ' Each figure was measured several times, far apart, each time in another process.'}
Nanoseconds per call on ${engine.name}, with the bytes in cache (\`~\`: not steady, \`?\`: cannot be right). In brackets the median of the attempts,
and their spread from the least to the upper quartile:

${markdownTable(['', ...sizes.map(size)], rows)}

${changes.length === 0 ? '' : `The size from which on WebAssembly with copies in and out is the better choice than the fastest JavaScript, in brackets that of 1 KiB: ${changes.join(', ')}. ${copiesInShort([study])}\n\n`}${meaning}`;
}
