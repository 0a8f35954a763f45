/**
 * One round of the study on the engine that this runs on: `node measure.js full|quick CACHE_BYTES ROUND`, started by ./run for each
 * engine and each round. Prints an {@link EngineRound} without answers, as one line of JSON.
 */
import { studyKernels } from '#dist/study/study-kernels.js';
import { measureCompression } from './compression.js';
import { allCases, FULL_EFFORT, Harness, QUICK_EFFORT } from './harness.js';
import type { EngineRound } from './join.js';
import { Workplace } from './workplace.js';

/** For the thresholds of `auto`, which need finer steps than the cases have. */
const THRESHOLD_SECONDS = { full: 4, quick: 1 };
/** Compression is measured in one of so many rounds: each of its passes takes long, and is disturbed less. */
const COMPRESSION_EVERY = 3;

async function main([kind, cacheBytes, roundText]: string[]): Promise<void> {
  const isQuick = kind === 'quick';
  const effort = isQuick ? 'quick' : 'full';
  const round = Number(roundText);
  const harness = new Harness(new Workplace(Number(cacheBytes)), isQuick ? QUICK_EFFORT : FULL_EFFORT, round);
  const measured = harness.measure(allCases(isQuick));
  const { thresholds } = studyKernels(THRESHOLD_SECONDS[effort]);
  const compression = round % COMPRESSION_EVERY === 0 ? await measureCompression(isQuick) : undefined;
  const { version, versions } = process;
  const result: Omit<EngineRound, 'answers'> = {
    name: `Node ${versions.node.split('.')[0]}`,
    version,
    compiler: `V8 ${versions.v8}`,
    ...measured,
    thresholds,
    ...(compression === undefined ? {} : { compression }),
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

await main(process.argv.slice(2));
