import { figure } from '#dist/cli/table.js';
import { estimate } from '../estimate.js';
import { mainNodeOf, size, UNSTEADY } from '../findings.js';
import { markdownTable } from '../markdown.js';
import type { LoopResult, Study } from '../results.js';

const KERNELS = ['js', 'wasm', 'native', 'auto'] as const;
const NAMES = { binary: 'binary', ascii: 'ASCII text', json: 'JSON in several scripts' } as const;

/** @returns nothing for a study that has not measured it. */
export function framingLoop(study: Study): string {
  const { loop = [] } = study;
  if (loop.length === 0) return '';
  const kinds = [...new Map(loop.map((one) => [`${one.content} ${one.bytes}`, one])).values()];
  const rows = kinds.map((kind) => {
    const find = (kernel: string) =>
      loop.find((one) => one.kernel === kernel && one.content === kind.content && one.bytes === kind.bytes);
    return [`${size(kind.bytes)}, ${NAMES[kind.content]}`, ...KERNELS.map((kernel) => cell(find(kernel), find('js')))];
  });
  return `### The framing loop, without system calls

What a message takes in the server's framing loop on Node ${mainNodeOf(study)}: its header is read, its payload is unmasked, text is validated, and the
message is reported. The frames lie in the memory that the server reads to, as many as one read brings: 32 of up to 125 B, 16 of 1 KiB, 1 of
16 KiB. Nothing reads a socket, and nothing answers. \`wasm\` and \`auto\` find whole small messages by one call for a read. Each kernel has a process of its own in each round.
ns a message, a mean over many reads, and in brackets how many times as fast as with \`js\`:

${markdownTable(['', ...KERNELS.map((kernel) => `\`${kernel}\``)], rows)}`;
}

function cell(found: LoopResult | undefined, js: LoopResult | undefined): string {
  if (found === undefined) return '–';
  const { value, isSteady } = estimate(found.attempts);
  const base = found === js || js === undefined ? undefined : estimate(js.attempts);
  const times =
    base === undefined ? '' : ` (${figure(base.value / value)}${base.isSteady && isSteady ? '' : UNSTEADY})`;
  return `${figure(value)}${isSteady ? '' : UNSTEADY}${times}`;
}
