import { NEVER_BYTES } from '#dist/kernels/thresholds.js';
import { type Engine, size } from '../findings.js';
import { markdownTable } from '../markdown.js';
import type { Study } from '../results.js';
import { gainsOf } from '../servers.js';
import { asFastAs, KIB, paragraph, said, times } from './wording.js';

/** For a reader who reads one paragraph. */
export function inOneParagraph(study: Study, engine: Engine): string {
  const ns = (op: 'unmask' | 'validate', candidate: string, content: 'any' | 'ascii' | 'json', bytes = KIB) =>
    engine.ns({ op, candidate, content, bytes });
  const gains = gainsOf(study.endToEnd, 'auto');
  const [least, most] = [gains[0], gains.at(-1)];
  return `## In one paragraph

${paragraph(
  said(
    () =>
      `WebAssembly with SIMD unmasks 1 KiB ${asFastAs(ns('unmask', 'js', 'any') / ns('unmask', 'wasm', 'any'))} JavaScript over 32-bit words (${engine.name}), if the bytes are in its memory already.`,
  ),
  said(
    () =>
      `If they have to be copied in and out, it is ${asFastAs(ns('unmask', 'js', 'any') / ns('unmask', 'wasm, copy in and out', 'any'))} it at 1 KiB, and ${asFastAs(ns('unmask', 'js', 'any', 64) / ns('unmask', 'wasm, copy in and out', 'any', 64))} it at 64 bytes.`,
  ),
  said(
    () =>
      `It validates UTF-8 ${asFastAs(ns('validate', 'js', 'json') / ns('validate', 'wasm', 'json'))} JavaScript, and \`buffer.isUtf8\` of Node is ${asFastAs(ns('validate', 'wasm', 'json') / ns('validate', 'isUtf8', 'json'))} WebAssembly (1 KiB of JSON).`,
  ),
  least === undefined || most === undefined
    ? ''
    : `A whole server, which also pays for system calls, carries ${times(least.value)} to ${times(most.value)} as many messages with the best kernel as with JavaScript.`,
  'Write the JavaScript well, measure it on your engine, and go on to WebAssembly where the bytes can be read straight into its memory.',
)}`;
}

/** For a reader who reads one page: what was measured, the figures that decide, and what they mean. */
export function onOnePage({ format }: Study, engine: Engine, all: readonly Engine[], meaning: string): string {
  const sizes = [64, KIB, 64 * KIB];
  const row = (op: 'unmask' | 'validate', content: 'any' | 'ascii' | 'json', candidate: string, name: string) => [
    name,
    ...sizes.map((bytes) => engine.nsCell({ op, content, candidate, bytes })),
  ];
  const rows = [
    row('unmask', 'any', 'js', 'unmask: JavaScript, 32-bit words'),
    row('unmask', 'any', 'wasm', 'unmask: WASM with SIMD, in place'),
    row('unmask', 'any', 'wasm, copy in and out', 'unmask: the same, with copies in and out'),
    row('unmask', 'any', 'bufferutil', 'unmask: bufferutil, native'),
    row('validate', 'ascii', 'js', 'validate ASCII: JavaScript'),
    row('validate', 'ascii', 'wasm', 'validate ASCII: WASM with SIMD'),
    row('validate', 'ascii', 'isUtf8', 'validate ASCII: `buffer.isUtf8`, native'),
    row('validate', 'json', 'js', 'validate JSON: JavaScript'),
    row('validate', 'json', 'wasm', 'validate JSON: WASM with SIMD'),
    row('validate', 'json', 'isUtf8', 'validate JSON: `buffer.isUtf8`, native'),
  ];
  const changes = all.flatMap((one) => {
    const bytes = one.crossover('unmask', 'any', 'js', 'wasm, copy in and out');
    return bytes === undefined ? [] : [`${one.name}: ${bytes === NEVER_BYTES ? 'never' : `from ${size(bytes)} on`}`];
  });
  return `## On one page

A WebSocket server XORs every byte that it receives with a masking key, and checks that text is UTF-8. Here both are done in JavaScript, in
WebAssembly and in native code, one message after the other. ${format === 1 ? '' : 'Each figure was measured several times, far apart, each time in another process.'}
Nanoseconds per call on ${engine.name}, with the bytes in cache (\`~\`: not steady, \`?\`: cannot be right):

${markdownTable(['', ...sizes.map(size)], rows)}

${changes.length === 0 ? '' : `WebAssembly with copies in and out is faster than JavaScript: ${changes.join('; ')}.\n\n`}${meaning}`;
}
