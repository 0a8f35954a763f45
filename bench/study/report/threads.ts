import { figure } from '#dist/cli/table.js';
import { size, UNSTEADY } from '../findings.js';
import { enumeration, markdownTable } from '../markdown.js';
import type { EndToEndResult, Study } from '../results.js';
import { gainsOf, isSameLoad, serverFigure } from '../servers.js';
import { CONTENT_NAMES } from './load-name.js';
import { paragraph, times } from './wording.js';

/** @returns nothing for a study whose servers had one thread only. */
export function threads({ endToEnd: all }: Study): string {
  const withMany = all.filter((result) => result.threads > 1);
  const base = withMany.filter(({ kernel }) => kernel === 'js');
  if (base.length === 0) return '';
  const many = Math.max(...base.map((result) => result.threads));
  const find = (load: EndToEndResult, kernel: string, count: number) =>
    all.find((one) => one.kernel === kernel && one.threads === count && isSameLoad(one, load));
  const rows = base.flatMap((load) =>
    ['js', 'auto'].flatMap((kernel) =>
      [1, many].flatMap((count) => {
        const result = find(load, kernel, count);
        if (result === undefined) return [];
        const { micros } = serverFigure(result);
        const alone = find(load, kernel, 1) ?? result;
        // No core carries more than the one of a single thread, for all that is known.
        const perCore = Math.min(1e6 / micros.value, 1e6 / serverFigure(alone).micros.value);
        const mark = micros.isSteady ? '' : UNSTEADY;
        return [
          [
            `${size(load.bytes)}, ${CONTENT_NAMES[load.content]}`,
            `\`${kernel}\``,
            String(count),
            `${figure(micros.value)}${mark} (${figure(micros.least)} to ${figure(micros.upper)})`,
            `${figure(count * perCore)}${mark}`,
          ],
        ];
      }),
    ),
  );
  const sentences = base.map((load) => {
    const [one, more, other] = [find(load, 'js', 1), find(load, 'js', many), find(load, 'auto', 1)];
    if (one === undefined || more === undefined || other === undefined) return '';
    const micros = [one, more, other].map((result) => serverFigure(result).micros);
    if (micros.some(({ isSteady }) => !isSteady)) return '';
    const [js, jsMany, auto] = micros.map(({ value }) => value) as [number, number, number];
    return `At ${size(load.bytes)}, from one thread with \`js\`, the kernel \`auto\` carries ${times(js / auto)} as many messages; ${many} threads on as many cores carry ${times(Math.min(many, (many * js) / jsMany))} as many, by the estimate.`;
  });
  return `### What a kernel buys, and what a thread buys

In all of these the server is bound to one core, and the load to another, as above: a second thread that took its time from the load would
say nothing. So threads are compared by CPU time, in µs for a message, with the least and the upper quartile of the rounds in brackets. The last
column is an estimate, and was not measured: what the server would carry if each thread had a core of its own, as many times as there are cores at the
most. It may be too low, because threads that share a core take time to change places, and too high, because a thread that has waited finds more in each
read, and because cores slow each other down.

${markdownTable(['messages', 'kernel', 'threads', 'CPU µs', 'echoes/s, a core each'], rows)}

${paragraph(
  ...sentences,
  'A thread needs a core that nothing else uses, and a kernel needs none, so the one does not replace the other.',
  `All of these are text that is not ASCII. What the kernel gains with other messages of the same sizes is in the table of [End to end](#end-to-end)${ofBinary(all, base)}.`,
)}`;
}

/** At which of these sizes the kernel gains less with binary messages, of those at which both gains are steady. */
function ofBinary(all: readonly EndToEndResult[], base: readonly EndToEndResult[]): string {
  const gain = (load: EndToEndResult, content: EndToEndResult['content']) =>
    gainsOf(all, 'auto').find(({ result }) => isSameLoad(result, { ...load, content }))?.value;
  const sizes = base.filter((load) => {
    const [binary, own] = [gain(load, 'binary'), gain(load, load.content)];
    return binary !== undefined && own !== undefined && binary < own;
  });
  return sizes.length === 0
    ? ''
    : `: with binary messages of ${enumeration(sizes.map(({ bytes }) => size(bytes)))} it is less`;
}
