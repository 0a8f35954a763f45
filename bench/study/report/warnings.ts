import { changedSince, type Fingerprints, notSaidBy } from '../fingerprints.js';
import { faultsOf } from '../gate.js';
import { enumeration, list } from '../markdown.js';
import type { Study } from '../results.js';

/** Which parts of the report are of what has changed. */
function sectionsOf(changed: readonly string[]): string {
  const parts = [
    changed.includes('`the server`')
      ? ' Of the server are [End to end](#end-to-end), and the last sentences of the paragraph.'
      : '',
    changed.includes('`candidates of the study`')
      ? ' Candidates have come that the next run will measure; those with figures here are as they were, unless another name is in this list.'
      : '',
  ];
  return parts.join('');
}

/** What a reader must know before any figure. @param now the fingerprints of the sources as they are */
export function warnings(study: Study, now: Fingerprints): string {
  const changed = changedSince(study.fingerprints, now).map((name) => `\`${name}\``);
  const notSaid = notSaidBy(study.fingerprints, now).map((name) => `\`${name}\``);
  const faults = study.format === 1 ? 0 : faultsOf(study).length;
  return [
    study.isQuick ? '**This is from a quick run: its figures are only a hint.**' : '',
    study.format === 1
      ? `**These results are of an older format, and some of them are wrong.** Each figure is the median of the first attempt that did not spread
much. A disturbance that lasts as long as an attempt does not look like one, so a figure can be steady and wrong; see
[what cannot be right](#can-the-figures-be-believed). The results do not say which sources they have measured, so this page cannot say which
kernels have changed since. They show neither attempts nor rounds, and servers with several threads are left out, because they shared a core with
their load. \`npm run study\` replaces them.`
      : '',
    faults === 0 ? '' : `**${faults} of these results cannot be right**: see [below](#can-the-figures-be-believed).`,
    study.machine.vectors === undefined
      ? `**The results do not say which vectors the processor has**: only its name is known, ${study.machine.cpu}. The speed of kernels with SIMD depends
on its microarchitecture, which the name may hide.`
      : '',
    study.failures.length === 0
      ? ''
      : `**Not all could be measured**, so that these results are no whole study:\n\n${list(study.failures)}`,
    changed.length === 0
      ? ''
      : `**Changed since it was measured: ${enumeration(changed)}.** The figures are of what was there before. (A hash of the sources and the build flags tells.)${sectionsOf(changed)}`,
    notSaid.length === 0
      ? ''
      : `The results do not say with which sources of ${enumeration(notSaid)}
they were measured, because they are older than these fingerprints. So this page cannot say whether these have changed since.`,
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}
