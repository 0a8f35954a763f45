import { figure } from '#dist/cli/table.js';
import { size } from '../findings.js';
import { markdownTable } from '../markdown.js';
import type { Study } from '../results.js';

/** @param engine the name of the engine that was counted */
export function counters({ counters: all, format }: Study, engine: string): string {
  if (format === 1) return '';
  const title = `### Instructions and cycles (${engine})`;
  const [first] = all ?? [];
  if (all === undefined || first === undefined) return ''; // as on most virtual machines
  const rows = all.map(({ op, candidate, instructionsPerByte, cyclesPerByte }) => [
    `${op}: ${candidate}`,
    figure(instructionsPerByte),
    figure(cyclesPerByte),
    figure(instructionsPerByte / cyclesPerByte),
  ]);
  return `${title}

By \`perf stat\`, for a byte of ${size(first.bytes)}, in user mode. They say nothing of energy.

${markdownTable(['', 'instructions per byte', 'cycles per byte', 'instructions per cycle'], rows)}`;
}
