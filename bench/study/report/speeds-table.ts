import { USUAL_ALIGNMENT } from '../design.js';
import { type Engine, size } from '../findings.js';
import { markdownTable } from '../markdown.js';
import { KIB, MIB } from './wording.js';

/** The sizes in a table: those of the measured sizes that show most. */
const TABLE_SIZES = [4, 16, 64, 125, KIB, 4 * KIB, 64 * KIB, MIB, 16 * MIB];

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
