import type { Content } from '#dist/study/texts.js';
import type { Operation } from '../candidates.js';
import { type Engine, size } from '../findings.js';
import { markdownTable } from '../markdown.js';
import type { Study } from '../results.js';
import { gainsOf } from '../servers.js';
import { caseName } from './load-name.js';
import { asFast, asFastAs, KIB, paragraph, said, times } from './wording.js';

/** For a reader who reads one paragraph. */
export function inOneParagraph(study: Study, engine: Engine): string {
  return `## In one paragraph

${theParagraph(study, engine)}`;
}

/** The paragraph alone, for other documents too. */
export function theParagraph({ endToEnd }: Study, engine: Engine): string {
  const ratio = (
    op: 'unmask' | 'validate',
    candidate: string,
    than: string,
    content: Content | 'any' = 'any',
    bytes = KIB,
  ) => engine.ns({ op, candidate: than, content, bytes }) / engine.ns({ op, candidate, content, bytes });
  const gains = gainsOf(endToEnd, 'auto');
  const [least, most] = [gains[0], gains.at(-1)];
  return paragraph(
    said(
      () =>
        `WebAssembly with SIMD unmasks 1 KiB ${asFastAs(ratio('unmask', 'wasm', 'js'))} the JavaScript of this package, which is written for speed (${engine.name}; the bytes are in WebAssembly memory already).`,
    ),
    said(
      () =>
        `WebAssembly is ${asFastAs(ratio('unmask', 'wasm', 'js-words'))} a plain loop over words of 32 bits, and ${asFastAs(ratio('unmask', 'wasm', 'js-byte'))} the naive loop over bytes.`,
    ),
    said(() =>
      ratio('unmask', 'js', 'js-words') > ratio('unmask', 'wasm', 'js')
        ? 'So to compare with one of these says more about the JavaScript than about WebAssembly.'
        : '',
    ),
    said(
      () =>
        `If the bytes have to be copied in and out, it is ${asFastAs(ratio('unmask', 'wasm, copy in and out', 'js'))} the JavaScript of this package at 1 KiB, and ${asFast(ratio('unmask', 'wasm, copy in and out', 'js', 'any', 64))} at 64 bytes.`,
    ),
    said(
      () =>
        `WebAssembly validates 1 KiB of ASCII ${asFastAs(ratio('validate', 'wasm', 'js', 'ascii'))} the JavaScript of this package, and of JSON with other characters ${asFast(ratio('validate', 'wasm', 'js', 'json'))}; \`buffer.isUtf8\` of Node is ${asFastAs(ratio('validate', 'isUtf8', 'wasm', 'ascii'))} WebAssembly on that ASCII, and ${asFast(ratio('validate', 'isUtf8', 'wasm', 'json'))} on that JSON.`,
    ),
    least === undefined || most === undefined || least === most
      ? ''
      : `A whole server, which also pays for system calls, carries from ${times(least.value)} (${caseName(least.result)}) to ${times(most.value)} (${caseName(most.result)}) as many messages per core with the kernel \`auto\`, which chooses by size, as with the kernel \`js\`.`,
  );
}

/** The rows of the page: a candidate with its name there. */
const ROWS: readonly (readonly [op: Operation, content: Content | 'any', candidate: string, name: string])[] = [
  ['unmask', 'any', 'js-byte', 'unmask: JavaScript, the naive loop over bytes'],
  ['unmask', 'any', 'js-words', 'unmask: JavaScript, a plain loop over words of 32 bits'],
  ['unmask', 'any', 'js', 'unmask: JavaScript of this package'],
  ['unmask', 'any', 'wasm', 'unmask: WASM with SIMD, in place'],
  ['unmask', 'any', 'wasm, copy in and out', 'unmask: the same, with copies in and out'],
  ['unmask', 'any', 'bufferutil', 'unmask: bufferutil, native'],
  ['validate', 'ascii', 'js', 'validate ASCII: JavaScript of this package'],
  ['validate', 'ascii', 'wasm', 'validate ASCII: WASM with SIMD'],
  ['validate', 'ascii', 'isUtf8', 'validate ASCII: `buffer.isUtf8`, native'],
  ['validate', 'json', 'js', 'validate JSON: JavaScript of this package'],
  ['validate', 'json', 'wasm', 'validate JSON: WASM with SIMD'],
  ['validate', 'json', 'isUtf8', 'validate JSON: `buffer.isUtf8`, native'],
];

/** For a reader who reads one page: what was measured, the figures that decide, and what they mean. */
export function onOnePage({ format }: Study, engine: Engine, all: readonly Engine[], meaning: string): string {
  const sizes = [64, KIB, 64 * KIB];
  const rows = ROWS.map(([op, content, candidate, name]) => [
    name,
    ...sizes.map((bytes) => engine.nsCell({ op, content, candidate, bytes })),
  ]).filter(([, ...cells]) => cells.some((cell) => cell !== '–'));
  const changes = all.flatMap((one) => {
    const cell = one.crossoverCell('unmask', 'any', 'js', 'wasm, copy in and out');
    return cell === '–' ? [] : [`${one.name}: ${cell}`];
  });
  return `## On one page

A WebSocket server XORs every byte that it receives with a masking key, and checks that text is UTF-8. Here both are done in JavaScript, in
WebAssembly and in native code, one message after the other.${format === 1 ? '' : ' Each figure was measured several times, far apart, each time in another process.'}
Nanoseconds per call on ${engine.name}, with the bytes in cache (\`~\`: not steady, \`?\`: cannot be right):

${markdownTable(['', ...sizes.map(size)], rows)}

${changes.length === 0 ? '' : `The size from which on WebAssembly with copies in and out is the better choice than the JavaScript of this package: ${changes.join(', ')}.\n\n`}${meaning}`;
}
