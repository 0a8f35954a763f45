import { figure } from '#dist/cli/table.js';
import { estimate } from '../estimate.js';
import { type Engine, UNSTEADY } from '../findings.js';
import { markdownTable } from '../markdown.js';
import { ONE_CORE, processes } from './cautions.js';
import { QUESTIONS, type Question } from '../questions.js';
import type { Study } from '../results.js';
import { paragraph } from './wording.js';

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

/** Answers in the order of these questions; undefined if one was not asked. */
function answersOf({ result }: Engine, parts: readonly (readonly [question: Question, subject: string])[]) {
  const found = parts.flatMap(
    ([question, subject]) => result.answers.find((one) => one.question === question && one.subject === subject) ?? [],
  );
  return found.length < parts.length ? undefined : found.map(({ attempts }) => estimate(attempts));
}

/** How long it takes to the end of the first call, in all, with the mark if a part of the sum is not steady. Undefined if not asked. */
function untilFirstCall(engine: Engine, subject: 'wasm' | 'js'): string | undefined {
  const questions =
    subject === 'wasm' ? (['compile', 'instantiate', 'first call'] as const) : (['first call'] as const);
  const parts = answersOf(
    engine,
    questions.map((question) => [question, subject] as const),
  );
  if (parts === undefined) return undefined;
  const sum = parts.reduce((micros, { value }) => micros + value, 0);
  return `${(sum / 1000).toFixed(2)}${parts.every(({ isSteady }) => isSteady) ? '' : UNSTEADY} ms`;
}

function starts(all: readonly Engine[]): string {
  const sentences = all.flatMap((engine) => {
    const [wasm, js] = [untilFirstCall(engine, 'wasm'), untilFirstCall(engine, 'js')];
    return wasm === undefined || js === undefined ? [] : [`${engine.name} ${wasm} with WASM and ${js} with JavaScript`];
  });
  if (sentences.length === 0) return '';
  return `To compile, to instantiate and to call once takes, together: ${sentences.join('; ')}. A process that lives for a few calls only has no use for either.\n\n`;
}

/** For the page: how long it takes until there is a first result, and until code is fast. */
export function startInShort(engine: Engine): string {
  const calls = (subject: string) => {
    const [found] = answersOf(engine, [['calls until fast', subject]]) ?? [];
    return found === undefined ? undefined : `${powerOf(found.value)}${found.isSteady ? '' : UNSTEADY}`;
  };
  const [wasm, js] = [calls('wasm'), calls('js')];
  const [wasmStart, jsStart] = [untilFirstCall(engine, 'wasm'), untilFirstCall(engine, 'js')];
  return paragraph(
    wasm === undefined || js === undefined
      ? ''
      : `A new process of ${engine.name} takes ${wasm} calls of 1 KiB until WASM is fast, and ${js} until JavaScript is.`,
    wasmStart === undefined || jsStart === undefined
      ? ''
      : `To the end of its first call it takes ${wasmStart} with WASM, and ${jsStart} with JavaScript.`,
  );
}
