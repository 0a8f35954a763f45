/**
 * A whole run of the study: what is measured after what, what becomes of a part that fails, and how the run ends. What measures is a
 * parameter, so that tests need not measure.
 */
import { type Check, checksOf, type Measured } from './check.js';
import type { Written } from './contribute.js';
import type { Counters } from './counters.js';
import type { LoopAttempt } from './framing-loop.js';
import { faultsOf } from './gate.js';
import { type EngineRound, joinLoop, joinRounds } from './join.js';
import { type Plan, planOf, secondsOf } from './plan.js';
import { type EngineResult, FORMAT, type LoopResult, MEASURING, type Study } from './results.js';
import { newerFirst } from './versions.js';
import type { StudySettings } from './settings.js';

/** Notes a part that could not be measured. The run goes on with the others. */
export type Fail = (what: string, error: unknown) => void;
/** Says a line to whoever watches. */
export type Say = (line: string) => void;

/** An engine that takes part. */
export interface StudiedEngine {
  /** For messages. */
  readonly name: string;
  /** Whether it measures the cases of browsers. */
  readonly isBrowser: boolean;
  /** Measures every case once, in a process of its own. @param round from 0 */
  measure(round: number): Promise<EngineRound>;
  /** The file that runs programs, if it is a version of Node: the servers run on the newest. Other engines have none of what follows. */
  readonly program?: string;
  /** Instructions and cycles; undefined where they cannot be counted. */
  count?(): readonly Counters[] | undefined;
  /** What the second program prints on this engine. */
  crossCheck?(): Promise<Measured>;
  /** What a message takes in the framing loop, once for each kernel and kind of messages, each kernel in a process of its own. */
  measureLoop?(): Promise<readonly LoopAttempt[]>;
}

/** What measures. ./run has the real ones. */
export interface Instruments {
  /** Makes what is missing, and returns the engines that are there. */
  prepare(fail: Fail): readonly StudiedEngine[];
  /** @param program the version of Node that they run on; undefined for that of this process */
  servers(plan: Plan, program: string | undefined, fail: Fail): Promise<Pick<Study, 'endToEnd' | 'memory'>>;
  /** The machine, and what is measured on it. */
  about(): Pick<Study, 'commit' | 'machine' | 'cacheBytes' | 'fingerprints' | 'modules'>;
  /** Writes the results. */
  write(study: Study): Written;
  readonly say: Say;
}

/**
 * Measures everything and writes the results.
 *
 * @returns the exit code: 0, or 1 if a part could not be measured or the results cannot be right. Both are said, line by line.
 */
export async function runStudy(
  { isQuick, hasServers }: Pick<StudySettings, 'isQuick' | 'hasServers'>,
  instruments: Instruments,
): Promise<0 | 1> {
  const { say } = instruments;
  const date = new Date().toISOString();
  const failures: string[] = [];
  const fail: Fail = (what, error) => {
    failures.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    say(`FAILED ${failures.at(-1)}`);
  };
  const plan = planOf(isQuick);
  const about = instruments.about();
  const engines = instruments.prepare(fail);
  const browsers = engines.filter(({ isBrowser }) => isBrowser).length;
  sayTime(
    'it takes about',
    secondsOf(plan, isQuick, about.cacheBytes, engines.length - browsers, hasServers, browsers),
    say,
  );
  const rounds = await measureRounds(engines, plan.kernelRounds, say, fail);
  const measured = joinRounds([...rounds.values()].flat());
  const nodes = nodesOf(rounds, measured);
  const [main] = nodes;
  if (main === undefined) fail('the cross-check', 'no engine that it runs on was measured');
  const attempt = async <Value>(what: string, run: () => Promise<Value> | Value, otherwise: Value): Promise<Value> => {
    try {
      return await run();
    } catch (error) {
      fail(what, error);
      return otherwise;
    }
  };
  const counters = await attempt('instructions and cycles', () => main?.engine.count?.(), undefined);
  const loop = await attempt('the framing loop', () => loopBy(main, plan.kernelRounds, say), undefined);
  const servers = hasServers
    ? await attempt('the servers', () => instruments.servers(plan, main?.engine.program, fail), NO_SERVERS)
    : NO_SERVERS;
  const checks: Check[] = [];
  for (const node of checkedOf(nodes))
    checks.push(...(await attempt(`the cross-check on ${node.result.name}`, () => checksBy(node), [])));
  const study: Study = {
    format: FORMAT,
    date,
    isQuick,
    mainNode: main?.result.version ?? about.machine.node,
    measuring: MEASURING,
    ...about,
    engines: measured,
    ...(counters === undefined ? {} : { counters }),
    ...servers,
    ...(loop === undefined ? {} : { loop }),
    checks,
    failures,
  };
  const { lines, isFit } = instruments.write(study);
  sayResults(study, say);
  for (const line of lines) say(line);
  const faults = faultsOf(study);
  for (const fault of faults) say(`WRONG ${fault}`);
  return isFit && failures.length + faults.length === 0 ? 0 : 1;
}

/** The rounds of all engines in turns, so that the attempts of a case are minutes apart. An engine that fails takes no more part. */
async function measureRounds(
  engines: readonly StudiedEngine[],
  count: number,
  say: Say,
  fail: Fail,
): Promise<ReadonlyMap<StudiedEngine, readonly EngineRound[]>> {
  const measured = new Map<StudiedEngine, EngineRound[]>();
  const left = new Set(engines);
  const start = performance.now();
  for (let round = 0; round < count; round++) {
    for (const engine of left) {
      try {
        measured.set(engine, [...(measured.get(engine) ?? []), await engine.measure(round)]);
      } catch (error) {
        fail(engine.name, error);
        left.delete(engine);
      }
    }
    const seconds = (performance.now() - start) / 1000;
    const others = (seconds / (round + 1)) * (count - round - 1);
    sayTime(`kernels: round ${round + 1} of ${count} is done, the others take about`, others, say);
  }
  return measured;
}

/** A version of Node that was measured. */
interface MeasuredNode {
  readonly engine: StudiedEngine;
  readonly result: EngineResult;
}

/** The versions of Node that were measured, the newest first: that is the main one, which the servers run on. */
function nodesOf(
  rounds: ReadonlyMap<StudiedEngine, readonly EngineRound[]>,
  results: readonly EngineResult[],
): MeasuredNode[] {
  const all = [...rounds].flatMap(([engine, [first]]) => {
    const result = results.find(({ name, version }) => name === first?.name && version === first.version);
    return result === undefined || engine.crossCheck === undefined ? [] : [{ engine, result }];
  });
  return all.sort((one, other) => newerFirst(one.result.version, other.result.version));
}

/** Those that the second program runs on: the newest and the oldest, whose compilers differ most. */
function checkedOf(nodes: readonly MeasuredNode[]): MeasuredNode[] {
  return nodes.filter((_, i) => i === 0 || i === nodes.length - 1);
}

async function checksBy({ engine, result }: MeasuredNode): Promise<Study['checks']> {
  return checksOf((await engine.crossCheck?.()) ?? {}, result);
}

/** Undefined if the main engine does not run it. */
async function loopBy(main: MeasuredNode | undefined, rounds: number, say: Say): Promise<LoopResult[] | undefined> {
  const measure = main?.engine.measureLoop;
  if (measure === undefined) return undefined;
  const attempts: LoopAttempt[] = [];
  for (let round = 0; round < rounds; round++) attempts.push(...(await measure()));
  say(`study: the framing loop is done, in ${rounds} rounds`);
  return joinLoop(attempts);
}

const NO_SERVERS = { endToEnd: [], memory: [] };

function sayTime(before: string, seconds: number, say: Say): void {
  say(`study: ${before} ${seconds < 90 ? `${Math.round(seconds)} seconds` : `${Math.round(seconds / 60)} minutes`}`);
}

function sayResults({ engines, checks }: Study, say: Say): void {
  for (const { name, version, figures, rounds } of engines) {
    const unsteady = figures.filter(({ isSteady }) => !isSteady).length;
    say(`${name} (${version}): ${figures.length} cases in ${rounds} rounds, verified; ${unsteady} are not steady`);
  }
  for (const { engine, name, own, slower, ns } of checks)
    say(
      `cross-check of ${name} on ${engine}: ${own} ns (by its other caller ${slower}), in the study ${ns ?? 'no figure'}`,
    );
}
