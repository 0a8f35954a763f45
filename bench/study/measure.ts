/**
 * One round of the study on the engine that this runs on: `node measure.js full|quick CACHE_BYTES ROUND`, started by ./run for each
 * engine and each round. Prints an {@link EngineRound} without answers, as one line of JSON.
 */
import { studyKernels } from '#dist/study/study-kernels.js';
import { allCases } from './all-cases.js';
import { expectFineClock, stepOf } from './clock-step.js';
import { measureCompression } from './compression.js';
import { FULL_EFFORT, Harness, QUICK_EFFORT } from './harness.js';
import type { EngineRound } from './join.js';
import { ownEngine } from './own-engine.js';
import { Workplace } from './workplace.js';

/** For the thresholds of `auto`, which need finer steps than the cases have. */
const THRESHOLD_SECONDS = { full: 4, quick: 1 };
/** Compression is measured in one of so many rounds: each of its passes takes long, and is disturbed less. */
const COMPRESSION_EVERY = 3;

async function main([kind, cacheBytes, roundText]: string[]): Promise<void> {
  const isQuick = kind === 'quick';
  const effort = isQuick ? 'quick' : 'full';
  const round = Number(roundText);
  const pace = isQuick ? QUICK_EFFORT : FULL_EFFORT;
  const clockStepMs = stepOf(() => performance.now());
  expectFineClock(clockStepMs, pace.batchMs);
  const harness = new Harness(new Workplace(Number(cacheBytes)), pace, round);
  const measured = harness.measure(allCases(isQuick));
  const engine = ownEngine(process.version, process.versions);
  // The kernel `auto` runs only in Node, as the server does.
  const thresholds = engine.name.startsWith('Node') ? studyKernels(THRESHOLD_SECONDS[effort]).thresholds : undefined;
  const compression = round % COMPRESSION_EVERY === 0 ? await measureCompression(isQuick) : undefined;
  const result: Omit<EngineRound, 'answers'> = {
    ...engine,
    ...measured,
    clockStepMs,
    ...(thresholds === undefined ? {} : { thresholds }),
    ...(compression === undefined ? {} : { compression }),
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

await main(process.argv.slice(2));
