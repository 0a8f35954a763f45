import { figure } from '#dist/cli/table.js';
import { size } from '../findings.js';
import { markdownTable } from '../markdown.js';
import type { Study } from '../results.js';
import { MIB, mebibytes, paragraph } from './wording.js';

export function memory({ memory: results }: Study): string {
  if (results.length === 0) return '';
  const rows = results.map(({ kernel, threads: count, arenaBytes, atStart, afterSmall, afterLarge }) => [
    `\`--kernel ${kernel} --threads ${count} --arena ${size(arenaBytes).replace(' ', '')}\``,
    ...[atStart, afterSmall, afterLarge].map((bytes) => figure(bytes / MIB)),
  ]);
  const of = (arenaBytes: number) =>
    results.find((one) => one.kernel === 'auto' && one.threads === 1 && one.arenaBytes === arenaBytes);
  const [small, large] = [of(16 * MIB), of(1024 * MIB)];
  const difference =
    small === undefined || large === undefined
      ? ''
      : `An arena of ${size(large.arenaBytes)} takes ${mebibytes(Math.max(0, large.atStart - small.atStart))} more at the start than one of ${size(small.arenaBytes)}: it is address space until bytes arrive in it.`;
  return `### What the arena costs

Resident MiB of the server's process, measured once: at the start, after echoes of 20 bytes on 100 connections, and after echoes of 1 MiB on 20.

${markdownTable(['', 'start', 'small', 'large'], rows)}

${paragraph(difference, 'Memory that was touched once is not given back.')}`;
}
