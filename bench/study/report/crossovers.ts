import { NEVER_BYTES, THRESHOLD_NAMES, THRESHOLDS } from '#dist/kernels/thresholds.js';
import { ALIKE, type Engine, FASTEST_JS_OF_VIEWS, isOfView, STEPS, size } from '../findings.js';
import { markdownTable } from '../markdown.js';
import { leadCell } from './lead-text.js';
import { fewerWays, isInPlace } from './ways.js';
import { KIB, percent, said } from './wording.js';

export function crossovers(all: readonly Engine[], main: Engine): string {
  const rows = STEPS.map(([title, op, content, from, to]) => [
    title,
    ...all.map((engine) => {
      const cell = engine.crossoverCell(op, content, from, to);
      return from === FASTEST_JS_OF_VIEWS && cell !== '–' ? leadCell(engine.lead(op, content, from, to)) : cell;
    }),
  ]);
  const hasViews = all.some((engine) => engine.candidates('unmask').some(isOfView));
  return `![Where one way overtakes another: the table below has the sizes](results/study-crossovers.svg)

The size from which on the second candidate is the better choice, by the least regret over the sizes at which all of the engines that have both
have measured them. \`1 KiB to 64 KiB\`: at the largest size the first one is ahead again, and the second size is the last one at which it is not, of
all sizes of that engine. Costs that
differ by no more than ${percent(ALIKE)} count as the same. If the second one is always the better one, this is the smallest of these sizes. \`never\`: there is no
size from which on it is, though it may be ahead at some. \`~\`: it would be another size if the figures were elsewhere in their spread, steady or not.
\`–\`: this engine has not measured both. \`isUtf8\` is of a view that exists, and \`native\` is \`buffer.isUtf8\` as a server calls it, with a view for each call.

${hasViews ? 'The rows of JavaScript of a view say where the second one is surely ahead, as [On one page](#on-one-page) does: of all sizes that the engine has measured, and `undecided` where a figure has a mark or the spread leaves it open. JavaScript in all other rows finds its bytes in WebAssembly memory.\n\n' : ''}${markdownTable(['', ...all.map(({ name }) => name)], rows)}

${fastestJavaScript(all)}

${thresholds(all.filter(({ result }) => result.thresholds !== undefined))}

${said(() => autoComment(main))}`.trimEnd();
}

/** What "fastest JavaScript" is in the steps above. */
function fastestJavaScript(all: readonly Engine[]): string {
  const cases = [
    ...[64, KIB, 64 * KIB].map((bytes) => ({ op: 'unmask', content: 'any', bytes }) as const),
    ...(['ascii', 'json'] as const).map((content) => ({ op: 'validate', content, bytes: KIB }) as const),
  ];
  const rows = all
    .map((engine) => [engine.name, ...cases.map((wanted) => engine.fastestJsCell(wanted))])
    .filter(([, ...cells]) => cells.some((cell) => cell !== '–'));
  if (rows.length === 0) return '';
  const head = cases.map(({ op, content, bytes }) => `${op}${content === 'any' ? '' : ` ${content}`}, ${size(bytes)}`);
  return `**The fastest JavaScript** is that of each engine at each size: \`js\`, which this package ships, if no other that the engine has measured is faster by
more than ${percent(ALIKE)}. ${fewerWays(all, isInPlace, ['unmask', 'validate'])}

${markdownTable(['', ...head], rows)}`;
}

/** @param all the engines that have found any */
function thresholds(all: readonly Engine[]): string {
  if (all.length === 0) return '';
  const hasAuto = all.some((engine) => engine.candidates('unmask').includes('auto'));
  return `The kernel \`auto\` has thresholds between its implementations. The best ones, in bytes, are found with \`auto\` itself, in finer steps, as
\`wsloom kernels\` does. Those that are shipped are medians that were found on another machine. Half of the text counts as ASCII, and half as Latin, Chinese and emoji in equal parts.${hasAuto ? '' : ' `auto` itself is in no table of\nkernels here: it calls one of those that are.'}

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
  return `On ${main.name} no single threshold is right: native validation pays from ${size(json)} on if text is not ASCII, and ${when} if it is.`;
}
