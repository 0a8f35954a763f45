import { type Engine, FASTEST_JS, size } from '../findings.js';
import { markdownTable } from '../markdown.js';
import type { Study } from '../results.js';
import { coldCollector, views } from './cautions.js';
import { javaScriptOf } from './javascript.js';
import { asFastAs, KIB, mebibytes, paragraph, sentenceOf } from './wording.js';

export function cold(study: Study, engine: Engine): string {
  const sizes = engine.values('bytes', { op: 'unmask', pattern: 'cold' });
  const rows = (['unmask', 'validate'] as const).flatMap((op) =>
    engine
      .candidates(op)
      .filter((candidate) => sizes.some((bytes) => engine.find({ op, candidate, bytes, pattern: 'cold' })))
      .map((candidate) => [
        `${op}: ${candidate}`,
        ...sizes.map((bytes) => {
          const inMemory = { op, candidate, bytes, pattern: 'cold' } as const;
          return `${engine.speedCell(inMemory)} (${engine.timesCell({ op, candidate, bytes }, inMemory)})`;
        }),
      ]),
  );
  if (sizes.length === 0) return '';
  const at = sizes.find((bytes) => bytes === KIB) ?? (sizes[0] as number);
  const speed = (candidate: string, pattern: 'hot' | 'cold') =>
    engine.speed({ op: 'unmask', candidate, bytes: at, pattern });
  const js = (pattern: 'hot' | 'cold') => javaScriptOf(engine, { op: 'unmask', bytes: at, pattern });
  return `### Cold cache (${engine.name})

GB/s of bytes that are in no cache, and in brackets the part of its speed in cache that a candidate keeps; validation of JSON. Bytes that were
just read from a socket are hot. Bytes that have waited while ${mebibytes(study.cacheBytes)} of others passed are cold.

${markdownTable(['', ...sizes.map(size)], rows)}

${paragraph(
  sentenceOf(`WASM unmasks ${size(at)}`, [
    () => `${asFastAs(speed('wasm', 'hot') / speed(FASTEST_JS, 'hot'))} ${js('hot')} in cache`,
    () => `${asFastAs(speed('wasm', 'cold') / speed(FASTEST_JS, 'cold'))} ${js('cold')} with bytes from memory`,
  ]),
  views(study),
  coldCollector(study),
)}`.trimEnd();
}
