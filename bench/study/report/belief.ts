import { figure } from '#dist/cli/table.js';
import type { Engine } from '../findings.js';
import { CHECK_BOUND, faultsOf, impossibleOf } from '../gate.js';
import { list, markdownTable } from '../markdown.js';
import type { Study } from '../results.js';
import { percent } from './wording.js';

/** How many faults are shown: where there are more, the study is worth nothing anyway. */
const MOST_FAULTS = 20;

export function belief(study: Study, all: readonly Engine[], main: Engine): string {
  const faults = study.format === 1 ? impossibleOf(study) : faultsOf(study);
  const shown = faults.slice(0, MOST_FAULTS);
  const more = faults.length - shown.length;
  return [
    '## Can the figures be believed?',
    faults.length === 0
      ? 'The run ends with an error if its results contradict each other: see [Method](#method). These do not.'
      : `What cannot be right:\n\n${list([...shown, ...(more === 0 ? [] : [`and ${more} more`])])}`,
    sentinel(all),
    crossCheck(study, main),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function sentinel(all: readonly Engine[]): string {
  const rows = all
    .filter(({ result }) => result.sentinel.length > 0)
    .map(({ name, result }) => [name, ...result.sentinel.map((ns) => figure(ns / 1000))]);
  if (rows.length === 0) return '';
  const rounds = Math.max(...rows.map(({ length }) => length - 1));
  const head = ['µs', ...Array.from({ length: rounds }, (_, i) => `round ${i + 1}`)];
  return `**The sentinel** is a piece of work that is not measured for itself, and always has the same number of instructions. It runs between the
turns of every round. Where it takes longer, the machine was slower. It works in registers, so it does not see neighbours that use only the last cache
and the memory:

${markdownTable(head, rows)}`;
}

function crossCheck({ checks }: Study, { name }: Engine): string {
  if (checks.length === 0) return '';
  const rows = checks.map(({ name: ofCase, own, slower, ns = Number.NaN }) => [
    ofCase,
    figure(ns),
    figure(own),
    Number.isNaN(ns) ? '–' : percent(own / ns - 1),
    figure(slower),
  ]);
  return `**The cross-check** is a second program, of a page ([study/cross-check.ts](study/cross-check.ts)). It shares with the first the kernels, the
texts, the engine and the clock, and nothing else: so it finds faults of the harness, not of the kernels, but only in such cases as it measures. It has
${checks.length}, all hot, of unmasking and of validation, on ${name}. Nothing checks the harness with cold caches, many texts or latency, where both are done in one call, or on
other engines. The same code is faster or slower by what is
around the call, so each call is measured by two loops. The better one counts, as the lower quartile over three kinds of loops does in the study; the
other one is in the last column. If the better one is further than ${percent(CHECK_BOUND)} from the study, the run ends with an error (${name}; ns per call):

${markdownTable(['', 'study', 'cross-check', 'difference', 'its other loop'], rows)}`;
}
