import { figure } from '#dist/cli/table.js';
import { estimate } from '../estimate.js';
import { type Engine, UNSTEADY } from '../findings.js';
import { markdownTable } from '../markdown.js';
import { ONE_CORE, processes } from './cautions.js';
import { QUESTIONS, type Question } from '../questions.js';
import type { Study } from '../results.js';

const NAMES: Readonly<Record<Question, string>> = {
  compile: 'compile the module',
  instantiate: 'instantiate the module',
  'first call': 'first call, 1 KiB',
  'calls until fast': 'calls of 1 KiB until fast',
  grow: 'grow memory of 16 MiB',
  'new view': 'make a view',
  'memory of its own': 'unmask 1 KiB in memory of its own',
  'shared memory': 'unmask 1 KiB in shared memory',
};

/** @returns nothing for a study that has not asked. */
export function start(study: Study, engines: readonly Engine[]): string {
  const all = engines.filter(({ result }) => result.answers.length > 0);
  if (all.length === 0) return '';
  const asked = new Map(
    all.flatMap(({ result }) => result.answers.map((answer) => [`${answer.question} ${answer.subject}`, answer])),
  );
  const rows = [...asked.values()].map(({ question, subject }) => [
    `${NAMES[question]}: ${subject}, ${QUESTIONS[question]}`,
    ...all.map(({ result }) => {
      const answer = result.answers.find((one) => one.question === question && one.subject === subject);
      if (answer === undefined) return '–';
      const { value, isSteady } = estimate(answer.attempts);
      return `${question === 'calls until fast' ? powerOf(value) : figure(value)}${isSteady ? '' : UNSTEADY}`;
    }),
  ]);
  return `### Start, memory and sharing

Each figure is from processes that had just started. Code is fast when no later calls take more than 1.5 times as long as the fastest ones; in
steps of powers of two: \`2^12\` is 4096. Growing makes all views of the memory empty, so that they have to be made again. The shipped modules do not take shared
memory: the one here is the same, built for it. The view is one of memory that did not grow.

${processes(study)} ${ONE_CORE}

${markdownTable(['', ...all.map(({ name }) => name)], rows)}

${starts(all)}What is loaded, in bytes:

${markdownTable(
  ['', 'bytes', 'with gzip'],
  study.modules.map(({ name, bytes, gzipBytes }) => [name, figure(bytes), figure(gzipBytes)]),
)}`;
}

/** A number of calls, which was found in steps of powers of two and rounded, as such a power. Few calls are written as they are. */
function powerOf(calls: number): string {
  return calls < 1000 ? figure(calls) : `2^${Math.round(Math.log2(calls))}`;
}

/** How long it takes to the end of the first call, in all. */
function starts(all: readonly Engine[]): string {
  const sentences = all.flatMap(({ name, result }) => {
    const micros = (question: Question, subject: string) => {
      const found = result.answers.find((one) => one.question === question && one.subject === subject);
      return found === undefined ? Number.NaN : estimate(found.attempts).value;
    };
    const wasm = micros('compile', 'wasm') + micros('instantiate', 'wasm') + micros('first call', 'wasm');
    const js = micros('first call', 'js');
    return Number.isNaN(wasm + js)
      ? []
      : [`${name} ${(wasm / 1000).toFixed(2)} ms with WASM and ${(js / 1000).toFixed(2)} ms with JavaScript`];
  });
  if (sentences.length === 0) return '';
  return `To compile, to instantiate and to call once takes, together: ${sentences.join('; ')}. A process that lives for a few calls only has no use for either.\n\n`;
}
