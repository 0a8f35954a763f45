import { type Engine, FASTEST_JS, size } from '../findings.js';
import { markdownTable } from '../markdown.js';
import { asFast, asFastAs, KIB, said, sentenceOf } from './wording.js';

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

The other tables of warm code are of throughput: a processor may begin a call before the one before it is done. A call that unmasks in place reads
what the call before it wrote, in those tables and here. Here, too, the range of each call depends on the result of the call before, so that no two overlap.
Unmasking waits for the last byte that was written. ns per call, and in brackets how many times as
long as in throughput:

${markdownTable(['', ...sizes.map(size)], rows)}

${ofWasm(engine, sizes)}`.trimEnd();
}

/** What WASM in place gains where calls wait for each other, against what it gains where they do not. */
function ofWasm(engine: Engine, sizes: readonly number[]): string {
  const ratio = (bytes: number, pattern: 'hot' | 'latency') => gainOf(engine, bytes, pattern);
  const ofEach = sizes.map((bytes) => () => {
    const throughput = said(() => ` (${asFast(ratio(bytes, 'hot'))} in throughput)`);
    return `${asFast(ratio(bytes, 'latency'))} at ${size(bytes)}${throughput}`;
  });
  return sentenceOf(
    'Where calls wait for each other, WASM unmasks, in comparison with the fastest JavaScript,',
    ofEach,
  );
}

function gainOf(engine: Engine, bytes: number, pattern: 'hot' | 'latency'): number {
  const wanted = { op: 'unmask', bytes, pattern } as const;
  return engine.ns({ ...wanted, candidate: FASTEST_JS }) / engine.ns({ ...wanted, candidate: 'wasm' });
}

/** The same of 1 KiB, for the page. */
export function latencyInShort(engine: Engine): string {
  return said(() => {
    const throughput = said(() => `, against ${asFast(gainOf(engine, KIB, 'hot'))} in throughput`);
    return `Where each call waits for the one before, WASM in place unmasks 1 KiB ${asFastAs(gainOf(engine, KIB, 'latency'))} the fastest JavaScript${throughput}.`;
  });
}
