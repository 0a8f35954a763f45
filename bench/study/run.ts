/** Measures everything that STUDY.md is made from: see {@link HELP}. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { Bench } from '../bench.js';
import { endChildrenAtExit, launch } from '../children.js';
import { buildLoadgen } from '../loadgen.js';
import { bound, commit, machine, pinning } from '../machine.js';
import { BENCH, COMPILED, ROOT } from '../paths.js';
import { parseSettings, UsageError } from '../settings.js';
import { type Check, checksOf } from './check.js';
import { countAll } from './counters.js';
import { endToEnd, memoryOfArenas } from './end-to-end.js';
import { browserRound } from './browser-engine.js';
import { engines, type FoundEngine, installEngines } from './engines.js';
import { fingerprints, readerOf } from './fingerprints.js';
import { faultsOf } from './gate.js';
import { type EngineRound, joinRounds } from './join.js';
import { type Plan, planOf, secondsOf } from './plan.js';
import { SHARED_MODULE, SHARED_PAGES } from './questions.js';
import { type EngineResult, FORMAT, type ModuleSize, type Study, serialize } from './results.js';
import { HELP, parseStudySettings, type StudySettings } from './settings.js';

/** The size of the caches where the system does not say it. */
const ASSUMED_CACHE_BYTES = 32 * 1024 * 1024;
/** With larger caches, filling them with other bytes takes too long. */
const MAX_CACHE_BYTES = 128 * 1024 * 1024;

type Fail = (what: string, error: unknown) => void;

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
  const fail: Fail = (what, error) => {
    failures.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    say(`FAILED ${failures.at(-1)}`);
  };
  const plan = planOf(isQuick);
  const found = enginesOf(settings, fail);
  const browsers = found.filter(({ browser }) => browser !== undefined).length;
  sayTime('it takes about', secondsOf(plan, isQuick, found.length - browsers, settings.hasServers, browsers));
  buildSharedModule(fail);
  const kernels = joinRounds(await measureRounds(found, plan, isQuick, fail));
  const main = mainProgram(found, kernels);
  const counters = main && countAll(main.program, pinning()?.server, isQuick);
  const servers = settings.hasServers ? await ofServers(plan, isQuick, fail) : { endToEnd: [], memory: [] };
  const results: Study = {
    format: FORMAT,
    date,
    commit: commit(),
    machine: machine(),
    isQuick,
    cacheBytes: cacheBytes(),
    fingerprints: fingerprints(readerOf(ROOT)),
    modules: moduleSizes(),
    engines: kernels,
    ...(counters === undefined ? {} : { counters }),
    ...servers,
    checks: main === undefined ? [] : await crossCheck(main, fail),
    failures,
  };
  const file = settings.out ?? fileURLToPath(new URL(`results/${isQuick ? 'latest-study' : 'study'}.json`, BENCH));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, serialize(results));
  sayResults(results);
  const shown = relative('.', file);
  say(`written to ${shown}; npm run study:report${isQuick ? ` -- ${shown}` : ''} makes a report of it`);
  const faults = faultsOf(results);
  for (const fault of faults) say(`WRONG ${fault}`);
  if (failures.length + faults.length > 0) process.exitCode = 1;
}

function sayTime(before: string, seconds: number): void {
  say(`study: ${before} ${seconds < 90 ? `${Math.round(seconds)} seconds` : `${Math.round(seconds / 60)} minutes`}`);
}

function sayResults({ engines: measured, checks }: Study): void {
  for (const { name, version, figures, rounds } of measured) {
    const unsteady = figures.filter(({ isSteady }) => !isSteady).length;
    say(`${name} (${version}): ${figures.length} cases in ${rounds} rounds, verified; ${unsteady} are not steady`);
  }
  for (const { name, own, ns } of checks) say(`cross-check of ${name}: ${own} ns, in the study ${ns} ns`);
}

function enginesOf({ engines: names }: StudySettings, fail: Fail): readonly FoundEngine[] {
  try {
    installEngines(say);
  } catch (error) {
    fail('the engines', error);
  }
  const { found, missing } = engines(names);
  for (const [name, why] of missing) fail(name, why);
  return found;
}

/** The rounds of all engines in turns, so that the attempts of a case are minutes apart. An engine that fails takes no more part. */
async function measureRounds(
  found: readonly FoundEngine[],
  { kernelRounds }: Plan,
  isQuick: boolean,
  fail: Fail,
): Promise<EngineRound[]> {
  const rounds: EngineRound[] = [];
  const left = new Set(found);
  const start = performance.now();
  for (let round = 0; round < kernelRounds; round++) {
    for (const engine of left) {
      try {
        rounds.push(await measureRound(engine, round, isQuick));
      } catch (error) {
        fail(engine.name, error);
        left.delete(engine);
      }
    }
    const seconds = (performance.now() - start) / 1000;
    const others = (seconds / (round + 1)) * (kernelRounds - round - 1);
    sayTime(`kernels: round ${round + 1} of ${kernelRounds} is done, the others take about`, others);
  }
  return rounds;
}

/** The questions have a process of their own: code that they have warmed up is compiled differently, and slower. */
async function measureRound({ program, browser }: FoundEngine, round: number, isQuick: boolean): Promise<EngineRound> {
  if (browser !== undefined) return await browserRound(browser, program, { isQuick, round }, PAGE_FOLDERS);
  const answers = await jsonOf<EngineRound['answers']>([program, compiled('ask.js')]);
  const args = [isQuick ? 'quick' : 'full', String(cacheBytes()), String(round)];
  const measured = await jsonOf<Omit<EngineRound, 'answers'>>([program, compiled('measure.js'), ...args]);
  return { ...measured, answers };
}

/** What a program prints that is bound to the core of the servers. */
async function jsonOf<Result>(command: readonly string[]): Promise<Result> {
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
  return JSON.parse(said) as Result;
}

function compiled(file: string): string {
  return fileURLToPath(new URL(`study/${file}`, COMPILED));
}

/** What pages are made of. */
const PAGE_FOLDERS = { bench: COMPILED, dist: new URL('dist/', ROOT) };

interface Main {
  readonly program: string;
  readonly engine: EngineResult;
}

/** The version of Node that this runs on, or the first. Other engines have not all candidates. */
function mainProgram(found: readonly FoundEngine[], results: readonly EngineResult[]): Main | undefined {
  const nodes = found.filter(({ name }) => name.startsWith('node-')).map(({ program }) => program);
  const versionOf = (program: string) => execFileSync(program, ['--version'], { encoding: 'utf8' }).trim();
  const versions = new Map(nodes.map((program) => [versionOf(program), program]));
  const ofNode = results.filter(({ version }) => versions.has(version));
  const engine = ofNode.find(({ version }) => version === process.version) ?? ofNode[0];
  const program = versions.get(engine?.version ?? '');
  return engine === undefined || program === undefined ? undefined : { program, engine };
}

/** Ten figures once more, by a program of a page. */
async function crossCheck({ program, engine }: Main, fail: Fail): Promise<readonly Check[]> {
  try {
    return checksOf(await jsonOf<Readonly<Record<string, number>>>([program, compiled('cross-check.js')]), engine);
  } catch (error) {
    fail('the cross-check', error);
    return [];
  }
}

/** The module with SIMD for shared memory, which none of the shipped modules takes. */
function buildSharedModule(fail: Fail): void {
  try {
    const asc = fileURLToPath(new URL('node_modules/assemblyscript/bin/asc.js', ROOT));
    const memory = ['--sharedMemory', '--enable', 'threads', '--maximumMemory', String(SHARED_PAGES)];
    const out = ['--outFile', fileURLToPath(SHARED_MODULE)];
    const args = [asc, 'assembly/index.ts', '--target', 'simd', ...memory, ...out];
    execFileSync(process.execPath, args, { cwd: fileURLToPath(ROOT), stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    fail('the module for shared memory', error);
  }
}

/** All modules, and the JavaScript that does the same as one of them without compression. */
function moduleSizes(): ModuleSize[] {
  const modules = readdirSync(new URL('dist/', ROOT)).filter((file) => file.endsWith('.wasm'));
  const of = (name: string, files: readonly string[]): ModuleSize => {
    const bytes = Buffer.concat(files.map((file) => readFileSync(new URL(file, ROOT))));
    return { name, bytes: bytes.length, gzipBytes: gzipSync(bytes).length };
  };
  return [
    ...modules.map((file) => of(`${file}, with compression`, [`dist/${file}`])),
    of('js.js and utf8.js, with comments, without compression', ['dist/kernels/js.js', 'dist/kernels/utf8.js']),
  ];
}

async function ofServers(plan: Plan, isQuick: boolean, fail: Fail): Promise<Pick<Study, 'endToEnd' | 'memory'>> {
  try {
    await buildLoadgen();
  } catch (error) {
    fail('no load generator, so no servers', error);
    return { endToEnd: [], memory: [] };
  }
  const usual = parseSettings(isQuick ? ['--quick'] : []);
  if (usual === 'help') throw new Error('it was not asked for help');
  const { seconds, warmUpSeconds, serverRounds: rounds } = plan;
  const bench: Bench = {
    settings: { ...usual, seconds, warmUpSeconds, rounds },
    pinning: pinning(),
    cores: machine().cores,
    contestants: [],
    hasLoadgen: true,
    wants: () => true,
    progress: say,
    fail,
  };
  return { endToEnd: await endToEnd(bench), memory: await memoryOfArenas(bench) };
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
