import { type Engine, size } from '../findings.js';
import { markdownTable } from '../markdown.js';
import type { Study } from '../results.js';
import { fewTexts, isOlder, views } from './cautions.js';

/** @returns nothing for a study that has not measured it. */
export function manyTexts(study: Study, engine: Engine): string {
  const ops = ['validate', 'unmaskText'] as const;
  const sizes = engine.values('bytes', { op: 'validate', pattern: 'many' });
  if (sizes.length === 0) return '';
  const rows = ops.flatMap((op) =>
    engine
      .candidates(op)
      .filter((candidate) => sizes.some((bytes) => engine.find({ op, candidate, bytes, pattern: 'many' })))
      .map((candidate) => [
        `${op}: ${candidate}`,
        ...sizes.map((bytes) => {
          const many = { op, candidate, bytes, pattern: 'many' } as const;
          return `${engine.nsCell(many)} (${engine.timesCell(many, { op, candidate, bytes })})`;
        }),
      ]),
  );
  return `### Many different texts (${engine.name})

A processor that sees one text again and again learns where its branches go. A server sees other texts. Here ${isOlder(study) ? '256 texts take turns, all in cache' : '4096 texts take turns, all in the last cache'}:
the words of the JSON above in other orders. ns per call, and in brackets how many times as long as with one text:

${markdownTable(['', ...sizes.map(size)], rows)}

${fewTexts(study)} ${views(study)}`;
}
