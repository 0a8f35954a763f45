import { figure } from '#dist/cli/table.js';
import { gain } from '../charts.js';
import { markdownTable } from '../markdown.js';
import type { Study } from '../results.js';
import { caseName } from './load-name.js';
import { paragraph, times } from './wording.js';

export function endToEnd({ endToEnd: results }: Study): string {
  if (results.length === 0) return 'No servers were measured.';
  const kernels = ['js', 'wasm', 'native', 'auto'];
  const cases = [...new Set(results.map(caseName))];
  const rows = cases.map((name) => [
    name,
    ...kernels.map((kernel) => {
      const result = results.find((one) => one.kernel === kernel && caseName(one) === name);
      if (result === undefined) return '–';
      const mark = result.isDisturbed ? '!' : result.isClientBound ? '*' : '';
      return `${figure(result.perSecond)}${kernel === 'js' ? '' : ` (${figure(gain(results, result))})`}${mark}`;
    }),
  ]);
  const gains = results
    .filter(({ kernel, isDisturbed }) => kernel === 'auto' && !isDisturbed)
    .map((result) => ({ result, value: gain(results, result) }))
    .filter(({ value }) => Number.isFinite(value))
    .sort((a, b) => a.value - b.value);
  const [least, most] = [gains[0], gains.at(-1)];
  return [
    '![What a kernel is worth in the server](results/study-end-to-end.svg)',
    `Echoes per second of one core (server and load generator are bound to one each), and in brackets how many times as many as with
\`--kernel js\`. \`*\`: the client was the limit, and CPU time per message is compared. \`!\`: something else used a part of the cores.`,
    markdownTable(['connections × size', ...kernels.map((kernel) => `\`${kernel}\``)], rows),
    paragraph(
      least === undefined || most === undefined
        ? ''
        : `With \`auto\` the server carries between ${times(least.value)} (${caseName(least.result)}) and ${times(most.value)} (${caseName(most.result)}) as much as with \`js\`.`,
      'With small messages more than the XOR differs: a WASM kernel also finds headers and gathers replies, in one call for a whole read. The `js` kernel cannot do that.',
    ),
  ].join('\n\n');
}
