/**
 * The text of bench/STUDY.md. Every figure comes from the study that is the parameter. A sentence is left out if one of its figures is
 * not reported (see {@link said}), or if it is not true of these figures. Each chapter is a file in `report/`.
 */
import { enginesOf } from './findings.js';
import type { Fingerprints } from './fingerprints.js';
import { escapeMarkdown } from './markdown.js';
import { mapTexts } from '../plain-text.js';
import { alignment } from './report/alignment.js';
import { belief } from './report/belief.js';
import { both } from './report/both.js';
import { cold } from './report/cold.js';
import { compression } from './report/compression.js';
import { counters } from './report/counters.js';
import { crossovers } from './report/crossovers.js';
import { endToEnd } from './report/end-to-end.js';
import { framingLoop } from './report/framing-loop.js';
import { latency } from './report/latency.js';
import { limits } from './report/limits.js';
import { machines } from './report/machines.js';
import { manyTexts } from './report/many.js';
import { masking } from './report/masking.js';
import { meaning } from './report/meaning.js';
import { memory } from './report/memory.js';
import { method } from './report/method.js';
import { onEngines } from './report/on-engines.js';
import { QUESTION } from './report/question.js';
import { RUN } from './report/run-it-yourself.js';
import { start } from './report/start.js';
import { inOneParagraph, onOnePage } from './report/summary.js';
import { surprises } from './report/surprises.js';
import { threads } from './report/threads.js';
import { utf8 } from './report/utf8.js';
import { warnings } from './report/warnings.js';
import type { Study } from './results.js';

/**
 * @param measured the study, whose names and other texts may be those of strangers
 * @param now the fingerprints of the sources as they are
 * @param contributed the studies of other machines
 */
export function studyMarkdown(measured: Study, now: Fingerprints, contributed: readonly Study[] = []): string {
  const study = mapTexts(measured, escapeMarkdown);
  const others = mapTexts(contributed, escapeMarkdown);
  const { all, main } = enginesOf(study);
  const sections = [
    '# JavaScript, WebAssembly or native code: where each is the fastest, and whether it matters',
    warnings(study, now),
    inOneParagraph(study, main),
    onOnePage(study, main, all, meaning(study, main, all)),
    '## All of it',
    QUESTION,
    method(study, all),
    belief(study, all, main),
    '## Results',
    masking(study, main, all),
    utf8(study, main, all),
    both(study, main),
    alignment(main),
    cold(study, main),
    manyTexts(study, main),
    latency(main),
    framingLoop(study),
    counters(study, main.name),
    start(study, all),
    onEngines(all),
    compression(main),
    '## Crossover points',
    crossovers(all, main),
    '## End to end',
    endToEnd(study, all),
    threads(study),
    memory(study),
    machines([study, ...others]),
    '## What surprised',
    surprises(study, main, all),
    '## Limits of validity',
    limits(study, others, all),
    '## Run it yourself',
    RUN,
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}
