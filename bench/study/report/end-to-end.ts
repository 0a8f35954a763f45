import { figure } from '#dist/cli/table.js';
import { UNSTEADY } from '../findings.js';
import { markdownTable } from '../markdown.js';
import type { Study } from '../results.js';
import { gain, gainsOf, serverFigure } from '../servers.js';
import { caseName } from './load-name.js';
import { paragraph, times } from './wording.js';

export function endToEnd({ endToEnd: all }: Study): string {
  const results = all.filter(({ threads }) => threads === 1);
  if (results.length === 0) return 'No servers were measured.';
  const kernels = ['js', 'wasm', 'native', 'auto'];
  const cases = [...new Set(results.map(caseName))];
  const rows = cases.map((name) => [
    name,
    ...kernels.map((kernel) => {
      const result = results.find((one) => one.kernel === kernel && caseName(one) === name);
      if (result === undefined) return '–';
      const { perSecond, isDisturbed, isClientBound, isSteady } = serverFigure(result);
      const mark = `${isSteady ? '' : UNSTEADY}${isDisturbed ? '!' : isClientBound ? '*' : ''}`;
      const spread = result.turns.length < 2 ? '' : ` ±${Math.round(spreadOf(perSecond) * 100)} %`;
      const worth = kernel === 'js' ? '' : ` (${figure(gain(results, result)?.value ?? Number.NaN)})`;
      return `${figure(perSecond.value)}${worth}${mark}${spread}`;
    }),
  ]);
  const gains = gainsOf(results, 'auto');
  const [least, most] = [gains[0], gains.at(-1)];
  const rounds = Math.min(...results.map(({ turns }) => turns.length));
  return [
    '![What a kernel is worth in the server](results/study-end-to-end.svg)',
    `Echoes per second of one core (server and load generator are bound to one each), and in brackets how many times as many as with
\`--kernel js\`. \`*\`: the client was the limit, and CPU time per message is compared. \`!\`: something else used a part of the cores.${
      rounds > 1
        ? ` ${rounds} rounds,
far apart: each figure is from the lower quartile of the time for a message. Behind \`±\` is half of the distance from the upper quartile to the
fastest round; \`~\`: the middle round takes more than a tenth longer than the fastest. Sentences leave out what has \`~\` or \`!\`.`
        : ''
    }`,
    markdownTable(['connections × size', ...kernels.map((kernel) => `\`${kernel}\``)], rows),
    paragraph(
      least === undefined || most === undefined || least === most
        ? ''
        : `With \`auto\` the server carries from ${times(least.value)} (${caseName(least.result)}) to ${times(most.value)} (${caseName(most.result)}) as much as with \`js\`.`,
      'With small messages more than unmasking and validation differs: WASM also finds headers and gathers replies, in one call for a whole read. The `js` kernel does not.',
    ),
  ].join('\n\n');
}

/** Half of the spread, as a part of the figure. */
function spreadOf({
  value,
  low,
  high,
}: {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}): number {
  return (high - low) / 2 / value;
}
