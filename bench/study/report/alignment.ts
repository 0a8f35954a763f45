import { figure } from '#dist/cli/table.js';
import { type Engine, size } from '../findings.js';
import { markdownTable } from '../markdown.js';
import { KIB, said } from './wording.js';

export function alignment(engine: Engine): string {
  const bytes = KIB;
  const cells = (op: 'unmask' | 'validate') =>
    engine.candidates(op).flatMap((candidate) => {
      const penalty = said(() => figure(engine.alignmentPenalty(op, candidate, bytes)));
      return penalty === '' ? [] : [[`${op}: ${candidate}`, penalty]];
    });
  const rows = [...cells('unmask'), ...cells('validate')];
  if (rows.length === 0) return '';
  return `### Alignment (${engine.name})

How many times as long the worst alignment takes as the best, at ${size(bytes)}. Figures below 1.1 are within the noise.

${markdownTable(['', 'worst / best'], rows)}`;
}
