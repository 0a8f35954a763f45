import { figure } from '#dist/cli/table.js';
import { candidatesOn, type Engine, size } from '../findings.js';
import { markdownTable } from '../markdown.js';
import { compilerOf } from './javascript.js';
import { KIB, said, times } from './wording.js';

export function onEngines(all: readonly Engine[]): string {
  const bytes = 64 * KIB;
  const kinds = [
    ['unmask', 'any', ''],
    ['validate', 'ascii', ', ASCII'],
    ['validate', 'json', ', JSON'],
  ] as const;
  const rows = kinds.flatMap(([op, content, suffix]) =>
    candidatesOn(all, op)
      .map((candidate) => [
        `${op}${suffix}: ${candidate}`,
        ...all.map((engine) => engine.speedCell({ op, content, bytes, candidate })),
      ])
      .filter(([, ...cells]) => cells.some((cell) => cell !== '–')),
  );
  return `### Engines side by side

![Each candidate on each engine: the table below has the figures](results/study-engines.svg)

GB/s at ${size(bytes)}. \`–\`: this engine does not have the candidate, or has not measured it.

${markdownTable(['', ...all.map(({ name }) => name)], rows)}

Not all rows compare engines alone. \`wasm\` validates with relaxed SIMD on engines that have it, and \`wasm, not relaxed\` is the same module on all
of them. Bytes are copied out by \`Buffer.copy\` on Node and Bun, and by \`subarray\` and \`set\` in browsers. \`js\` is the JavaScript of this package, which is
written for V8: see [What surprised](#what-surprised).${all
    .map(slowLongs)
    .filter((text) => text !== '')
    .map((text) => ` ${text}`)
    .join('')}`;
}

/** How many times as long `js` takes as words of 32 bits, at least, to be called slow. */
const SLOW = 2;

/** Where the words of 64 bits of `js` are slow, by how much, and why it has them nevertheless. */
function slowLongs(engine: Engine): string {
  return said(() => {
    const ns = (candidate: string) => engine.ns({ op: 'unmask', bytes: KIB, candidate });
    const [own, words] = [ns('js'), ns('js-words-8')];
    if (own < SLOW * words) return '';
    return `From 48 bytes on \`js\` has words of 64 bits (BigInt), which are slow in ${compilerOf(engine)}: on ${engine.name} it takes ${figure(own)} ns to unmask 1 KiB, ${times(own / words)} as long as words of 32 bits (\`js-words-8\`, ${figure(words)} ns). The server runs on Node only, so it is not written for ${engine.name}.`;
  });
}
