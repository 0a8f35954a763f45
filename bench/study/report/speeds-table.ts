import { USUAL_ALIGNMENT } from '../design.js';
import { type Engine, size } from '../findings.js';
import { markdownTable } from '../markdown.js';
import { KIB, MIB } from './wording.js';

/** The sizes in a table: those of the measured sizes that show most. */
const TABLE_SIZES = [4, 16, 64, 125, KIB, 4 * KIB, 64 * KIB, MIB, 16 * MIB];

/** The sizes whose figures are shown with their spread. */
const SPREAD_SIZES = [KIB, 64 * KIB];

/** Nanoseconds per call, with the median and the spread of the attempts. Nothing if these sizes were not measured. */
export function spreads(engine: Engine, op: 'unmask' | 'validate', content: 'any' | 'ascii' | 'json'): string {
  const sizes = engine.values('bytes', { op, content, pattern: 'hot', alignment: USUAL_ALIGNMENT });
  const shown = SPREAD_SIZES.filter((bytes) => sizes.includes(bytes));
  if (shown.length === 0) return '';
  const rows = engine
    .candidates(op)
    .map((candidate) => [candidate, ...shown.map((bytes) => engine.spreadCell({ op, content, bytes, candidate }))]);
  return `ns per call, and in brackets the median of the attempts and their spread, from the least to the upper quartile:

${markdownTable(['ns', ...shown.map(size)], rows)}`;
}

export function speeds(engine: Engine, op: 'unmask' | 'validate', content: 'any' | 'ascii' | 'json'): string {
  const sizes = engine.values('bytes', { op, content, pattern: 'hot', alignment: USUAL_ALIGNMENT });
  const candidates = engine.candidates(op);
  const shown = TABLE_SIZES.filter((bytes) => sizes.includes(bytes));
  return markdownTable(
    ['GB/s', ...shown.map(size)],
    candidates.map((candidate) => [
      candidate,
      ...shown.map((bytes) => engine.speedCell({ op, content, bytes, candidate })),
    ]),
  );
}
