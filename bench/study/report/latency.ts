import { type Engine, size } from '../findings.js';
import { markdownTable } from '../markdown.js';

/** @returns nothing for a study that has not measured it. */
export function latency(engine: Engine): string {
  const sizes = engine.values('bytes', { op: 'validate', pattern: 'latency' });
  if (sizes.length === 0) return '';
  const rows = (['unmask', 'validate'] as const).flatMap((op) =>
    engine
      .candidates(op)
      .filter((candidate) => sizes.some((bytes) => engine.find({ op, candidate, bytes, pattern: 'latency' })))
      .map((candidate) => [
        `${op}: ${candidate}`,
        ...sizes.map((bytes) => {
          const alone = { op, candidate, bytes, pattern: 'latency' } as const;
          return `${engine.nsCell(alone)} (${engine.timesCell(alone, { op, candidate, bytes })})`;
        }),
      ]),
  );
  return `### Latency (${engine.name})

The other tables of warm code are of throughput: a processor may begin a call before the one before it is done. Only there, too, a call that unmasks
in place reads what the call before it wrote. Here the range of each call depends on the result of the call before, so that no two overlap.
Unmasking waits for the last byte that was written. ns per call, and in brackets how many times as
long as in throughput:

${markdownTable(['', ...sizes.map(size)], rows)}`;
}
