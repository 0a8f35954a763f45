import { figure } from '#dist/cli/table.js';
import { size } from '../findings.js';
import { markdownTable } from '../markdown.js';
import type { Study } from '../results.js';
import { CONTENT_NAMES } from './load-name.js';
import { paragraph, times } from './wording.js';

export function threads({ threads: results, machine }: Study): string {
  if (results.length === 0) return '';
  const rows = results.map(({ bytes, content, kernel, threads: count, perSecond, cpu }) => [
    `${size(bytes)}, ${CONTENT_NAMES[content]}`,
    `\`${kernel}\``,
    String(count),
    figure(perSecond),
    cpu.toFixed(2),
  ]);
  const kinds = [...new Set(results.map(({ bytes }) => bytes))];
  const sentences = kinds.map((bytes) => {
    const of = (kernel: string, isMany: boolean) =>
      results.find((one) => one.bytes === bytes && one.kernel === kernel && one.threads > 1 === isMany)?.perSecond;
    const [one, many, other] = [of('js', false), of('js', true), of('auto', false)];
    if (one === undefined || many === undefined || other === undefined) return '';
    return `At ${size(bytes)}, from one thread with \`js\`, a better kernel brings ${times(other / one)} as many messages, more threads ${times(many / one)} as many.`;
  });
  return `### Threads against kernels

Server and load generator share the ${machine.cores} cores of this machine, so a second thread of the server takes its time from the load generator.

${markdownTable(['messages', 'kernel', 'threads', 'echoes/s', 'CPU'], rows)}

${paragraph(...sentences)} The two multiply: threads need cores that nothing else uses, a kernel needs none.`;
}
