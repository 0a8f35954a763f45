import { figure } from '#dist/cli/table.js';
import { PATTERNS, type Pattern } from '../case.js';
import type { Engine } from '../findings.js';
import { CHECK_BOUND, CHECK_NS, faultsOf, impossibleOf } from '../gate.js';
import { enumeration, list, markdownTable } from '../markdown.js';
import type { Study } from '../results.js';
import { isOlder } from './cautions.js';
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

function crossCheck(study: Study, main: Engine): string {
  const { checks } = study;
  if (checks.length === 0) return '';
  const hasEngines = checks.some(({ engine }) => engine !== undefined);
  const rows = checks.map(({ engine, name, own, slower, ns = Number.NaN }) => [
    hasEngines ? `${engine}: ${name}` : name,
    figure(ns),
    figure(own),
    Number.isNaN(ns) ? '–' : percent(own / ns - 1),
    figure(slower),
  ]);
  return `**The cross-check** is a second program, of ${isOlder(study) ? 'a page' : 'some pages'} ([study/cross-check.ts](study/cross-check.ts)). It shares with the first the kernels, the
texts, the engine and the clock, and nothing else: so it finds faults of the harness, not of the kernels, but only in such cases as it measures. It has
${whatIsChecked(study, main)} The same code is faster or slower by what is
around the call, so each call is measured by two loops. The better one counts, as the lower quartile over three kinds of loops does in the study; the
other one is in the last column. If the better one is further than ${percent(CHECK_BOUND)}${isOlder(study) ? '' : ` and ${CHECK_NS} ns`} from the study, the run ends with an error (${hasEngines ? '' : `${main.name}; `}ns per call):

${markdownTable(['', 'study', 'cross-check', 'difference', 'its other loop'], rows)}`;
}

/** Which cases it has, and which it has not. */
function whatIsChecked(study: Study, main: Engine): string {
  const { checks } = study;
  if (isOlder(study))
    return `${checks.length}, all hot, of unmasking and of validation, on ${main.name}. Nothing checks the harness with cold caches, many texts or latency, where both are done in one call, or on
other engines.`;
  const engines = [...new Set(checks.flatMap(({ engine }) => engine ?? []))];
  const on = (engine: string) => {
    const counts = PATTERNS.flatMap((pattern) => {
      const count = checks.filter((check) => check.engine === engine && check.name.endsWith(` ${pattern}`)).length;
      return count === 0 ? [] : [`${count} ${PATTERN_NAMES[pattern]}`];
    });
    return `on ${engine} ${enumeration(counts)}`;
  };
  return `${engines.map(on).join(', and ')}, of unmasking, of validation, and of both in one call. What allocates has batches of 20 ms there, with the pauses of the collector in them. It does not have
latency, and it does not run on other engines: nothing checks the harness there. ${whatIsNotChecked(study, main)}The naive loop
is left out because it depends most on how a process has compiled it: a fresh process that runs nothing else was seen to take a fifth less time.`;
}

/** The candidates that the second program has in no case. Of pairs it has none. */
function whatIsNotChecked({ checks }: Study, main: Engine): string {
  const checked = new Set(
    checks.map(({ name }) => /^(\w+ .+) (?:any|ascii|json) \d+ \d+ \w+$/.exec(name)?.[1] ?? name),
  );
  const missing = (['unmask', 'validate', 'unmaskText'] as const).flatMap((op) => {
    const names = main.candidates(op).filter((name) => !name.includes(' + ') && !checked.has(`${op} ${name}`));
    return names.length === 0 ? [] : [`${OPERATION_NAMES[op]} ${enumeration(names.map((name) => `\`${name}\``))}`];
  });
  return missing.length === 0
    ? ''
    : `These candidates it has not checked at all: ${missing.join('; ')}; and no pairs. `;
}

const OPERATION_NAMES = { unmask: 'of unmasking', validate: 'of validation', unmaskText: 'of both' } as const;

const PATTERN_NAMES: Readonly<Record<Pattern, string>> = {
  hot: 'with hot caches',
  cold: 'with cold ones',
  many: 'with many texts',
  latency: 'of latency',
};
