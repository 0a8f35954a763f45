/**
 * The text of bench/STUDY.md. Every figure comes from the study that is the parameter. A sentence is left out if one of its figures is
 * not reported (see {@link said}), or if it is not true of these figures. Each chapter is a file in `report/`.
 */
import { enginesOf } from './findings.js';
import { alignment } from './report/alignment.js';
import { both } from './report/both.js';
import { cold } from './report/cold.js';
import { compression } from './report/compression.js';
import { crossovers } from './report/crossovers.js';
import { endToEnd } from './report/end-to-end.js';
import { limits } from './report/limits.js';
import { masking } from './report/masking.js';
import { meaning } from './report/meaning.js';
import { memory } from './report/memory.js';
import { method } from './report/method.js';
import { onEngines } from './report/on-engines.js';
import { question } from './report/question.js';
import { RUN } from './report/run-it-yourself.js';
import { surprises } from './report/surprises.js';
import { threads } from './report/threads.js';
import { utf8 } from './report/utf8.js';
import type { Study } from './results.js';

export function studyMarkdown(study: Study): string {
  const engines = enginesOf(study);
  const sections = [
    '# JavaScript, WebAssembly or native code: where each is the fastest, and whether it matters',
    question(study),
    method(study, engines.all),
    '## Results',
    masking(study, engines.main),
    utf8(engines.main),
    both(engines.main),
    alignment(engines.main),
    cold(study, engines.main),
    onEngines(engines.all, engines.main),
    compression(engines.main),
    '## Crossover points',
    crossovers(engines.all, engines.main),
    '## End to end',
    endToEnd(study),
    threads(study),
    memory(study),
    '## What surprised',
    surprises(study, engines.main, engines.all),
    '## What it means for your own code',
    meaning(study, engines.main, engines.all),
    '## Limits of validity',
    limits(study),
    '## Run it yourself',
    RUN,
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}
