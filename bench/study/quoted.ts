/** Documents that quote the study. What stands there between two marks is made of the results, so that it cannot grow old unnoticed. */
import { mapTexts } from '../plain-text.js';
import { quoteBetween } from '../quoting.js';
import { enginesOf } from './findings.js';
import { escapeMarkdown } from './markdown.js';
import { theParagraph } from './report/summary.js';
import type { Study } from './results.js';

/** The documents, relative to the root of the repository. */
export const QUOTING: readonly string[] = ['docs/benchmarks.md'];

const BEGIN = '<!-- npm run study:report writes this, from bench/results/study.json -->';
const END = '<!-- that was written by npm run study:report -->';

/** A document with the words of this study between its marks. @throws Error if it does not have both marks, once */
export function quote(document: string, study: Study): string {
  return quoteBetween(document, BEGIN, END, textOf(study));
}

function textOf(measured: Study): string {
  const study = mapTexts(measured, escapeMarkdown);
  if (study.format === 1)
    return 'The results are of an older format, of which nothing is quoted: `npm run study` makes new ones.';
  return `${theParagraph(study, enginesOf(study).main)} (${study.machine.cpu}, ${study.date.slice(0, 10)}, commit ${study.commit})`;
}
