import { CONTENTS } from '#dist/study/texts.js';
import { processorText } from '../../machine.js';
import { median, percentile } from '../../statistics.js';
import { ASSUMED_BYTES, MAX_BYTES } from '../cache-bytes.js';
import { USUAL_ALIGNMENT } from '../design.js';
import { differsByDirection, STEADY_BOUND } from '../estimate.js';
import { BY_DIRECTION, ALIKE, candidatesOn, type Engine, mainNodeOf, size } from '../findings.js';
import { STRINGS_FROM_BYTES } from '../gate.js';
import { enumeration } from '../markdown.js';
import type { Figure, Study } from '../results.js';
import { candidatesList } from './candidates.js';
import { copies, isOlder } from './cautions.js';
import { clocks } from './clocks.js';
import { mebibytes, percent } from './wording.js';

export function method(study: Study, all: readonly Engine[]): string {
  const { cores, memoryGiB, kernel } = study.machine;
  const engines = all.map(({ name, result }) => `${name} (${result.version}, ${result.compiler})`);
  const [first] = all;
  const sizes = (op: 'unmask' | 'validate' | 'unmaskText', content: 'any' | 'json') => {
    const values = first?.values('bytes', { op, content, pattern: 'hot', alignment: USUAL_ALIGNMENT }) ?? [];
    return `${size(values[0])} to ${size(values.at(-1))}`;
  };
  return `## Method

${processorText(study.machine)}, ${cores} cores, ${memoryGiB} GiB, ${kernel}; ${study.date.slice(0, 10)}, commit ${study.commit}.
Engines: ${enumeration(engines)}. The servers ran on Node ${mainNodeOf(study)}.

### What is compared

Candidates in place get an offset or a view that exists already, and leave the bytes where they are${isOlder(study) ? '' : ', in WebAssembly memory'}. ${copies(study)}

${candidatesList((op) => candidatesOn(all, op))}

### How it is measured

- **Cases.** All combinations would take days, so each group of cases varies one property. Sizes: unmasking
  ${sizes('unmask', 'any')}, and validation of ASCII and of JSON in several scripts, at ${USUAL_ALIGNMENT} bytes behind a multiple of
  8, where the payload of a small frame lies, and in cache. Alignments, contents (${enumeration(CONTENTS.map((name) => `*${name}*`))}) ${isOlder(study) ? 'and\n  a cold cache at a few sizes' : 'at 1 KiB; a cold cache,\n  many texts and latency at a few sizes'}. An engine that lacks a case has \`–\` in its place.
- **Measurement.** Each candidate is compiled into a loop of its own, which runs in batches of about 0.05 ms in a process of its engine that is bound
  to a core. Cold: up to 256 places are visited once, after ${mebibytes(2 * study.cacheBytes)} of other bytes were written: twice
  the size of the last cache as the system says it, which counts as ${mebibytes(ASSUMED_BYTES)} where it says nothing, and as ${mebibytes(MAX_BYTES)} where it is larger.
  The threads of the engine, which compile and collect, share that core.
${clocks(all)}${figures(study, all)}
- **Noise.** Sentences call what differs by up to ${percent(ALIKE)} about as fast. That is what two measurements of one thing differ by; another place of the same code, or
  another alignment, may make a tenth. So factors of less than 1.1 say little.
- **Correctness.** Every verdict of every measured batch is checked. Unmasked bytes are checked at the end, because the number of
  calls says what they must be. Before and after, each candidate is tried once with a real key. A wrong result ends the run.`;
}

function figures(study: Study, all: readonly Engine[]): string {
  const cases = all.flatMap(({ result }) => result.figures);
  const unsteady = cases.filter(({ isSteady }) => !isSteady).length;
  if (study.format === 1)
    return `- **Figures** are medians over the batches of one attempt. GB/s are 10^9 payload bytes per second. Where the middle half of the batches spread
  over more than a tenth, the case was measured again, up to 8 times. \`~\`: it still did. That happened to ${unsteady} of ${cases.length} cases.
${WRONG_MARK}`;
  const rounds = Math.max(0, ...all.map(({ result }) => result.rounds));
  return `- **Rounds.** There are ${rounds}. In each, every engine in turn starts a process, in which every case has one attempt: the median of its batches. Every
  other round goes backwards, and the rounds have three kinds of loops in turn, because the same code is faster or slower by what is around it. So the
  attempts of a case are far apart, and each is from another process.
- **Warm code.** Each loop first warms up with all contents and several sizes in turns.${isOlder(study) ? '' : ' One whose calls make views or strings then runs as long again before its\n  first case, so that no stretch has work of the compiler in it.'} A process has one kernel of a kind, as a thread of a server
  has: closures of a second one can be slower. So a pair of candidates has the same kernels as each of them alone.
${isOlder(study) ? '' : COLLECTOR}- **Figures** are the lower quartile over all attempts of a case: a disturbance only adds time, and may last longer than an attempt. (Compression
  has fewer attempts: their lower quartile is the least of them.) GB/s are 10^9 payload bytes per second. \`~\`: the case is not steady, because the median of its attempts is more than ${percent(STEADY_BOUND)} above the least of
  them. No sentence is made of it without this mark. That happened to ${unsteady} of ${cases.length} cases. ${medians(cases)}
${byDirection(cases)}${WRONG_MARK}
- **Gate.** The run ends with an error if a part could not be measured, if a case has no attempt in a round, if the sentinel does not take the same
  time in most rounds, if of two powers of two the larger takes a candidate less time than the smaller beyond the noise (except where strings of
  ${size(STRINGS_FROM_BYTES)} and more are made), if a server takes more CPU time for binary messages than for the same as text, or if
  the [cross-check](#can-the-figures-be-believed) disagrees, which covers a few ${isOlder(study) ? 'hot cases of one engine' : 'cases of two engines'}. It does not look at compression${isOlder(study) ? '' : ', nor at the framing loop'}.${isOlder(study) ? '' : AUTO}`;
}

const COLLECTOR = `- **The collector** of an engine comes once in many batches. So what makes a view or a string in each call is measured in three stretches of
  4 ms of batches, in which it comes several times, and the attempt is the median of their means: \`TextDecoder\`, \`native\`, \`auto\` for text, copies out, JavaScript that makes a view of a view, and pairs with
  these. Cold batches are too short for it. Words of 64 bits (BigInt) are objects of the collector's too, unless the engine compiles them away;
  they are measured in short batches nevertheless. So where BigInt is slow, as on Bun, it is even slower with the pauses of the collector.
`;

const AUTO = ` Of \`auto\`
  it does not compare sizes between which it changes from one implementation to another: that change is right for a mixture of texts, and not for each.`;

const WRONG_MARK =
  '  `?`: the figure cannot be right, because more bytes take less time; no sentence is made of it either.';

/** What is said of cases whose attempts differ by the direction of their rounds. */
function byDirection(cases: readonly Figure[]): string {
  const found = cases.filter(({ attempts }) => differsByDirection(attempts));
  if (found.length === 0) return '';
  const unmarked = found.filter(({ isSteady }) => isSteady).length;
  return `  \`${BY_DIRECTION}\`: the attempts fall into two groups by the direction of their rounds, more than ${percent(STEADY_BOUND)} apart: what was measured before decides the case. The figure
  is that of the faster direction, and a program may see the slower one. No sentence is made of it without this mark. That happened to ${found.length} of ${cases.length} cases, of which ${unmarked} have no \`~\`.
`;
}

/** What difference it would make to take the median. */
function medians(cases: readonly Figure[]): string {
  const above = cases.map(({ ns, median: middle }) => middle / ns - 1);
  if (above.length === 0) return '';
  return `The medians of the attempts are ${percentOf(median(above))} above the figures in the middle case, and ${percentOf(percentile(above, 0.95))} in
  the 95th of 100.`;
}

function percentOf(part: number): string {
  return `${(part * 100).toFixed(1)} %`;
}
