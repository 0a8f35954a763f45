import { type Engine, FASTEST_JS, size } from '../findings.js';
import { markdownTable } from '../markdown.js';
import type { Study } from '../results.js';
import { coldCollector, views } from './cautions.js';
import { javaScriptOf } from './javascript.js';
import { asFast, asFastAs, mebibytes, paragraph, said, times } from './wording.js';

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
  const ofSize = (bytes: number) =>
    said(() => {
      const ratio = (pattern: 'hot' | 'cold') => {
        const speed = (candidate: string) => engine.speed({ op: 'unmask', candidate, bytes, pattern });
        return speed('wasm') / speed(FASTEST_JS);
      };
      const inCache = said(() => `, and ${asFast(ratio('hot'))} in cache`);
      return `With bytes from memory WASM unmasks ${size(bytes)} ${asFastAs(ratio('cold'))} ${javaScriptOf(engine, { op: 'unmask', bytes, pattern: 'cold' })}${inCache}.`;
    });
  return `### Cold cache (${engine.name})

GB/s of bytes that are in no cache, and in brackets the part of its speed in cache that a candidate keeps; validation of JSON. Bytes that were
just read from a socket are hot. Bytes that have waited while ${mebibytes(study.cacheBytes)} of others passed are cold.

${markdownTable(['', ...sizes.map(size)], rows)}

${paragraph(
  ...sizes.map(ofSize),
  said(() => naiveIsOdd(engine, Math.max(...sizes))),
  views(study),
  coldCollector(study),
)}`.trimEnd();
}

/** The naive loop, if it is faster with bytes from memory than in cache: then how it is compiled is what its figures are of. */
function naiveIsOdd(engine: Engine, bytes: number): string {
  const ns = (pattern: 'hot' | 'cold') => engine.ns({ op: 'unmask', candidate: 'js-byte', bytes, pattern });
  return ns('hot') > ns('cold') * 1.1
    ? `The naive loop (\`js-byte\`) is ${times(ns('hot') / ns('cold'))} as fast with bytes from memory as in cache at ${size(bytes)}. Memory makes nothing faster, so the two are compiled to different loops, and figures of this loop are a rough measure.`
    : '';
}
