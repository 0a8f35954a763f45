/**
 * The kernels and compression on the engine that this runs on: `node measure.js full|quick CACHE_BYTES`, started by ./run for each engine.
 * Prints an {@link EngineResult} as one line of JSON on stdout, and its progress on stderr.
 */
import { studyKernels } from '#dist/study/study-kernels.js';
import { candidatesOf } from './candidates.js';
import { measureCompression } from './compression.js';
import { groups } from './design.js';
import { FULL_EFFORT, Harness, QUICK_EFFORT } from './harness.js';
import type { EngineResult } from './results.js';
import { Workplace } from './workplace.js';

const SHOW_EVERY_MS = 5000;
/** Sizes for the thresholds of `auto`, which need finer steps than the groups of cases have. */
const THRESHOLD_SECONDS = { full: 30, quick: 4 };

async function main([kind, cacheBytes]: string[]): Promise<void> {
  const isQuick = kind === 'quick';
  const harness = new Harness(new Workplace(Number(cacheBytes)), isQuick ? QUICK_EFFORT : FULL_EFFORT);
  const cases = groups(isQuick).flatMap((group) =>
    candidatesOf(group.op)
      .filter(({ name }) => group.only?.includes(name) ?? true)
      .map((candidate) => ({ group, candidate })),
  );
  let shown = performance.now();
  const { figures, unreported } = harness.measure(cases, (done, all, attempt) => {
    if (performance.now() - shown < SHOW_EVERY_MS) return;
    shown = performance.now();
    process.stderr.write(`Node ${process.version}, attempt ${attempt}: ${done} of ${all} turns\n`);
  });
  const { thresholds } = studyKernels(THRESHOLD_SECONDS[isQuick ? 'quick' : 'full']);
  const compression = await measureCompression(isQuick);
  const { version, versions } = process;
  const result: EngineResult = { node: version, v8: versions.v8, thresholds, figures, unreported, compression };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

await main(process.argv.slice(2));
