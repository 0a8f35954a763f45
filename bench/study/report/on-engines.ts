import { candidatesOn, type Engine, size } from '../findings.js';
import { markdownTable } from '../markdown.js';
import { KIB } from './wording.js';

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

![Each candidate on each engine](results/study-engines.svg)

GB/s at ${size(bytes)}. \`–\`: this engine does not have the candidate, or has not measured it.

${markdownTable(['', ...all.map(({ name }) => name)], rows)}

Not all rows compare engines alone. \`wasm\` validates with relaxed SIMD on engines that have it, and \`wasm, not relaxed\` is the same module on all
of them. Bytes are copied out by \`Buffer.copy\` on Node and Bun, and by \`subarray\` and \`set\` in browsers. \`js\` is the JavaScript of this package, which is
written for V8: see [What surprised](#what-surprised).`;
}
