import { type Engine, size } from '../findings.js';
import { markdownTable } from '../markdown.js';
import { KIB } from './wording.js';

export function alignment(engine: Engine): string {
  const bytes = KIB;
  const rows = (['unmask', 'validate'] as const).flatMap((op) =>
    engine
      .candidates(op)
      .map((candidate) => [`${op}: ${candidate}`, engine.alignmentCell(op, candidate, bytes)])
      .filter(([, cell]) => cell !== '–'),
  );
  if (rows.length === 0) return '';
  return `### Alignment (${engine.name})

How many times as long the worst alignment takes as the best, at ${size(bytes)}. Figures below 1.1 are within the noise.

${markdownTable(['', 'worst / best'], rows)}`;
}
