import { CONTENTS } from '#dist/study/texts.js';
import { USUAL_ALIGNMENT } from '../design.js';
import { type Engine, size } from '../findings.js';
import { enumeration } from '../markdown.js';
import type { Study } from '../results.js';
import { mebibytes, percent } from './wording.js';

export function method(study: Study, all: readonly Engine[]): string {
  const { cpu, cores, memoryGiB, kernel, node } = study.machine;
  const reported = all.reduce((sum, { result }) => sum + result.figures.length, 0);
  const unreported = all.reduce((sum, { result }) => sum + result.unreported.length, 0);
  const engines = all.map(({ result }) => `${result.node} (V8 ${result.v8})`);
  const [first] = all;
  const sizes = (op: 'unmask' | 'unmaskText', content: 'any' | 'json') => {
    const values = first?.values('bytes', { op, content, cache: 'hot', alignment: USUAL_ALIGNMENT }) ?? [];
    return `${size(values[0])} to ${size(values.at(-1))}`;
  };
  return `## Method

${cpu}, ${cores} cores, ${memoryGiB} GiB, ${kernel}; ${study.date.slice(0, 10)}, commit ${study.commit}. Node
${enumeration(engines)}. The servers ran on Node ${node}.

- **Candidates.** Masking: a JavaScript loop over bytes (\`js-byte\`), over 32-bit words (\`js\`), over 64-bit words as BigInt
  (\`js-bigint\`); WASM without SIMD (\`wasm-scalar\`) and with (\`wasm\`), in place; the latter for data in ordinary memory, copied
  in, or copied in and out again; bufferutil. Validation: an automaton in JavaScript (\`js-dfa\`), the same with a fast path
  for ASCII words (\`js\`), \`TextDecoder\` with \`fatal\`, WASM (the SIMD one after Keiser and Lemire, its tables loaded from
  memory), \`buffer.isUtf8\`, and that as the server uses it (\`native\`: a view made for each call, characters cut by the
  range's ends handled). Both in one pass (\`fused\`) against each way to unmask followed by each way to validate.
- **Cases.** All combinations would take days, so each group of cases varies one property. Sizes: unmasking
  ${sizes('unmask', 'any')}, and validation of ASCII and of JSON in several scripts, at ${USUAL_ALIGNMENT} bytes behind a multiple of
  8, where the payload of a small frame lies, and in cache. Alignments, contents (${enumeration(CONTENTS.map((name) => `*${name}*`))}) and
  a cold cache at a few sizes. Candidates in place get an offset or a view that exists already.
- **Measurement.** Each candidate is compiled into a loop of its own, which runs in batches of about 0.05 ms, timed by tinybench,
  in a process for each engine, bound to a core. Candidates of a group take turns, and the rounds of
  a case are far apart, because each goes over all cases of the study: a disturbance shows as spread. Cold: up to 256 places are
  visited once, after ${mebibytes(2 * study.cacheBytes)} of other bytes were written: twice the size of the last cache of this machine.
- **Figures** are medians over batches. GB/s are 10^9 payload bytes per second.
- **Bound.** If the middle half of the batches of a case spread over more than ${percent(study.spreadBound)} of their median, it is
  measured again, up to ${study.attempts} times in all, and then not reported (–). That happened to ${unreported} of ${reported + unreported} cases.
- **Correctness.** Every verdict of every measured batch is checked. Unmasked bytes are checked at the end, because the number of
  calls says what they must be. Before and after, each candidate is tried once with a real key. A wrong result ends the run.`;
}
