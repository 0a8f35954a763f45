/** Measures everything that STUDY.md is made from: see {@link HELP}. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bench } from '../bench.js';
import { endChildrenAtExit, launch } from '../children.js';
import { buildLoadgen } from '../loadgen.js';
import { bound, commit, machine, pinning } from '../machine.js';
import { BENCH, COMPILED } from '../paths.js';
import { parseSettings, UsageError } from '../settings.js';
import { endToEnd, memoryOfArenas, threadsAgainstKernels } from './end-to-end.js';
import { engines, installEngines } from './engines.js';
import { FULL_EFFORT, QUICK_EFFORT, SPREAD_BOUND } from './harness.js';
import { type EngineResult, type Study, serialize } from './results.js';
import { HELP, parseStudySettings, type StudySettings } from './settings.js';

/** The size of the caches where the system does not say it. */
const ASSUMED_CACHE_BYTES = 32 * 1024 * 1024;
/** With larger caches, filling them with other bytes takes too long. */
const MAX_CACHE_BYTES = 128 * 1024 * 1024;

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function main(args: readonly string[]): Promise<void> {
  try {
    const settings = parseStudySettings(args);
    if (settings === 'help') process.stdout.write(`${HELP}\n`);
    else await study(settings);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    say(`study: ${error.message} (--help lists what there is)`);
    process.exitCode = 2;
  }
}

async function study(settings: StudySettings): Promise<void> {
  endChildrenAtExit();
  const { isQuick } = settings;
  const date = new Date().toISOString();
  const failures: string[] = [];
  const fail = (what: string, error: unknown) => {
    failures.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    say(`FAILED ${failures.at(-1)}`);
  };
  const kernels = await onAllEngines(settings, fail);
  const servers = settings.hasServers ? await ofServers(isQuick, fail) : { endToEnd: [], threads: [], memory: [] };
  const results: Study = {
    date,
    commit: commit(),
    machine: machine(),
    isQuick,
    spreadBound: SPREAD_BOUND,
    attempts: (isQuick ? QUICK_EFFORT : FULL_EFFORT).attempts,
    cacheBytes: cacheBytes(),
    engines: kernels,
    ...servers,
    failures,
  };
  const file = settings.out ?? fileURLToPath(new URL(`results/${isQuick ? 'latest-study' : 'study'}.json`, BENCH));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, serialize(results));
  for (const { node, figures, unreported } of kernels) {
    const not = `${unreported.length} spread over more than ${SPREAD_BOUND * 100} % and are not reported`;
    say(`Node ${node}: ${figures.length} cases, verified; ${not}`);
  }
  say(
    `written to ${relative('.', file)}; npm run study:report${isQuick ? ` -- ${relative('.', file)}` : ''} makes a report of it`,
  );
  if (failures.length > 0) process.exitCode = 1;
}

async function onAllEngines(
  { majors, isQuick }: StudySettings,
  fail: (what: string, error: unknown) => void,
): Promise<EngineResult[]> {
  try {
    installEngines(say);
  } catch (error) {
    fail('the engines', error);
  }
  const { found, missing } = engines(majors);
  for (const major of missing) fail(`Node ${major}`, 'it is not there: there are packages of it for Linux on x64');
  const results: EngineResult[] = [];
  for (const program of found) {
    try {
      results.push(await onEngine(program, isQuick));
    } catch (error) {
      fail(relative('.', program), error);
    }
  }
  return results;
}

async function onEngine(program: string, isQuick: boolean): Promise<EngineResult> {
  const script = fileURLToPath(new URL('study/measure.js', COMPILED));
  const command = [program, script, isQuick ? 'quick' : 'full', String(cacheBytes())];
  const child = launch(bound(command, pinning()?.server), { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  let complaints = '';
  child.stdout?.on('data', (bytes: Buffer) => {
    said += bytes.toString();
  });
  child.stderr?.on('data', (bytes: Buffer) => {
    complaints = bytes.toString();
    process.stderr.write(bytes);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0)
    throw new Error(complaints.split('\n').find((line) => line.includes('Error')) ?? `it ended with ${code}`);
  return JSON.parse(said) as EngineResult;
}

async function ofServers(
  isQuick: boolean,
  fail: (what: string, error: unknown) => void,
): Promise<Pick<Study, 'endToEnd' | 'threads' | 'memory'>> {
  try {
    await buildLoadgen();
  } catch (error) {
    fail('no load generator, so no servers', error);
    return { endToEnd: [], threads: [], memory: [] };
  }
  const settings = parseSettings(isQuick ? ['--quick'] : ['--rounds', '3', '--seconds', '1']);
  if (settings === 'help') throw new Error('it was not asked for help');
  const bench: Bench = {
    settings,
    pinning: pinning(),
    cores: machine().cores,
    contestants: [],
    hasLoadgen: true,
    wants: () => true,
    progress: say,
    fail,
  };
  return {
    endToEnd: await endToEnd(bench),
    threads: await threadsAgainstKernels(bench),
    memory: await memoryOfArenas(bench),
  };
}

/** The size of the last level of the cache, as Linux says it. */
function cacheBytes(): number {
  try {
    const text = readFileSync('/sys/devices/system/cpu/cpu0/cache/index3/size', 'utf8');
    const [, kibibytes] = /^(\d+)K$/m.exec(text) ?? [];
    return Math.min(kibibytes === undefined ? ASSUMED_CACHE_BYTES : Number(kibibytes) * 1024, MAX_CACHE_BYTES);
  } catch {
    return ASSUMED_CACHE_BYTES; // another system, or one that does not say it
  }
}

await main(process.argv.slice(2));
