import { NEVER_BYTES, THRESHOLD_NAMES, THRESHOLDS } from '#dist/kernels/thresholds.js';
import { type Engine, STEPS, size } from '../findings.js';
import { markdownTable } from '../markdown.js';
import { said } from './wording.js';

export function crossovers(all: readonly Engine[], main: Engine): string {
  const rows = STEPS.map(([title, op, content, from, to]) => [
    title,
    ...all.map((engine) => engine.crossoverCell(op, content, from, to)),
  ]);
  return `![Where one way overtakes another](results/study-crossovers.svg)

The size from which on the second candidate is the better choice, by the least regret over all sizes. If it is always the better one, this
is the smallest size that was measured. \`never\`: there is no size from which on it is, though it may be ahead at some. \`~\`: it would be another
size if figures that are not steady were elsewhere in their spread. \`–\`: this engine has not measured both.

${markdownTable(['', ...all.map(({ name }) => name)], rows)}

${thresholds(all.filter(({ result }) => result.thresholds !== undefined))}

${said(() => autoComment(main))}`.trimEnd();
}

/** @param all the engines that have found any */
function thresholds(all: readonly Engine[]): string {
  if (all.length === 0) return '';
  return `The kernel \`auto\` has thresholds between its implementations. The best ones, in bytes, are found with \`auto\` itself, in finer steps, as
\`wsloom kernels\` does. Half of the text counts as ASCII, and half as Latin, Chinese and emoji in equal parts:

${thresholdsTable(all)}`;
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
  const ascii = main.steadyCrossover('validate', 'ascii', 'wasm', 'native');
  const json = main.steadyCrossover('validate', 'json', 'wasm', 'native');
  if (ascii <= json) return '';
  const when = ascii === NEVER_BYTES ? 'never' : `from ${size(ascii)} on`;
  return `No single threshold is right: native validation pays from ${size(json)} on if text is not ASCII, and ${when} if it is.`;
}
