import { NEVER_BYTES, THRESHOLD_NAMES, THRESHOLDS } from '#dist/kernels/thresholds.js';
import { type Engine, STEPS, size } from '../findings.js';
import { markdownTable } from '../markdown.js';

export function crossovers(all: readonly Engine[], main: Engine): string {
  const rows = STEPS.map(([title, op, content, from, to]) => [
    title,
    ...all.map((engine) => size(engine.crossover(op, content, from, to))),
  ]);
  return `![Where one way overtakes another](results/study-crossovers.svg)

The size from which on the second candidate is the better choice, by the least regret over all sizes. If it is always the better one, this
is the smallest size that was measured.

${markdownTable(['', ...all.map(({ name }) => name)], rows)}

The kernel \`auto\` has thresholds between its implementations. Each engine has found the best ones, in bytes, with \`auto\` itself, in
finer steps, as \`wsloom kernels\` does. Half of the text counts as ASCII, and half as Latin, Chinese and emoji in equal parts:

${thresholdsTable(all)}

${autoComment(main)}`.trimEnd();
}

function thresholdsTable(all: readonly Engine[]): string {
  const show = (bytes: number | undefined) => (bytes === NEVER_BYTES ? 'never' : String(bytes ?? '–'));
  return markdownTable(
    ['from this many bytes on', ...all.map(({ name }) => name), 'as shipped'],
    THRESHOLD_NAMES.map((name) => [
      `\`${name}\``,
      ...all.map(({ result }) => show(result.thresholds?.[name])),
      show(THRESHOLDS[name]),
    ]),
  );
}

function autoComment(main: Engine): string {
  const ascii = main.crossover('validate', 'ascii', 'wasm', 'native');
  const json = main.crossover('validate', 'json', 'wasm', 'native');
  if (ascii === undefined || json === undefined || ascii <= json) return '';
  const when = ascii === NEVER_BYTES ? 'never' : `from ${size(ascii)} on`;
  return `No single threshold is right: native validation pays from ${size(json)} on if text is not ASCII, and ${when} if it is.`;
}
