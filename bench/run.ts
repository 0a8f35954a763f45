/** Measures everything that is published about speed: see README.md in this folder, and {@link HELP}. */
import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bench } from './bench.js';
import { CASES, LARGE_ECHO, SMALL_ECHO } from './cases.js';
import { endChildrenAtExit } from './children.js';
import { FLOOR, installPeers, peers, uWebSockets, wsloom } from './contestants.js';
import { buildLoadgen } from './loadgen.js';
import { commit, machine, pinning } from './machine.js';
import { BENCH } from './paths.js';
import { report } from './report.js';
import { type Results, writeResults } from './results.js';
import { connections } from './sections/connections.js';
import { DEFLATE_NAMES, deflate } from './sections/deflate.js';
import { http } from './sections/http.js';
import { kernels } from './sections/kernels.js';
import { SCALE_CASES, scale } from './sections/scale.js';
import { scaling } from './sections/scaling.js';
import { SCRAPES, scrapes } from './sections/scrapes.js';
import { STORMS, storms } from './sections/storms.js';
import { type Score, throughput } from './sections/throughput.js';
import { TLS_NAMES, tls } from './sections/tls.js';
import { HELP, parseSettings, type Settings, UsageError } from './settings.js';

const NAMES = [
  ...CASES.map(({ name }) => name),
  'connections',
  ...TLS_NAMES,
  ...DEFLATE_NAMES,
  STORMS,
  SCRAPES,
  ...SCALE_CASES.map(({ name }) => name),
  ...[SMALL_ECHO, LARGE_ECHO].map(({ name }) => `scaling ${name}`),
  'http',
  ...['unmask', 'validate', 'unmaskText'].map((operation) => `kernels ${operation}`),
];

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function main(args: readonly string[]): Promise<void> {
  try {
    const settings = parseSettings(args);
    if (settings === 'help') {
      process.stdout.write(`${HELP}\n\nCases:\n${NAMES.map((name) => `  ${name}\n`).join('')}`);
      return;
    }
    if (!NAMES.some((name) => settings.only?.test(name) ?? true)) {
      throw new UsageError(`no case matches --only "${settings.only?.source}"`);
    }
    if (settings.uws !== undefined && !existsSync(settings.uws)) {
      throw new UsageError(`--uws must be the path of a binary, and there is no ${settings.uws}`);
    }
    await measure(settings);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    say(`bench: ${error.message} (--help lists the options and cases)`);
    process.exitCode = 2;
  }
}

async function measure(settings: Settings): Promise<void> {
  endChildrenAtExit();
  const date = new Date().toISOString();
  const failures: string[] = [];
  const fail = (what: string, error: unknown) => {
    failures.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    say(`FAILED ${failures.at(-1)}`);
  };
  const hasLoadgen = await tryToBuildLoadgen(failures);
  const contestants = [wsloom(1), ...installedPeers(settings), FLOOR];
  const bench: Bench = {
    settings,
    pinning: pinning(),
    cores: machine().cores,
    contestants,
    hasLoadgen,
    wants: (name) => settings.only?.test(name) ?? true,
    progress: say,
    fail,
  };
  const results: Results = {
    date,
    commit: commit(),
    machine: machine(),
    versions: Object.fromEntries(contestants.map(({ name, version }) => [name, version])),
    rounds: settings.rounds,
    seconds: settings.seconds,
    isQuick: settings.isQuick,
    isPinned: bench.pinning !== undefined,
    throughput: hasLoadgen ? await throughput(bench) : [],
    connections: hasLoadgen ? await connections(bench) : [],
    tls: await tls(bench),
    deflate: await deflate(bench),
    storms: hasLoadgen ? await storms(bench) : [],
    scrapes: hasLoadgen ? await scrapes(bench) : [],
    scale: await scale(bench),
    scaling: hasLoadgen ? await scaling(bench) : [],
    http: await http(bench),
    kernels: await kernels(bench),
    failures,
  };
  const file = settings.out ?? fileURLToPath(new URL('results/latest.json', BENCH));
  writeResults(file, results);
  process.stdout.write(`\n${report(results)}`);
  warn(results);
  say(`written to ${relative('.', file)}; npm run bench:charts draws it`);
  if (failures.length > 0) process.exitCode = 1;
}

async function tryToBuildLoadgen(failures: string[]): Promise<boolean> {
  try {
    await buildLoadgen();
    return true;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    failures.push(`no load generator (${reason}): only kernels, and HTTP without load`);
    say(`bench: ${failures.at(-1)}`);
    return false;
  }
}

function installedPeers({ installsPeers, uws }: Settings) {
  if (installsPeers) installPeers();
  const { installed, missing } = peers();
  if (missing.length > 0) say(`not installed: ${missing.join(', ')}; npm run bench -- --peers installs what there is`);
  return uws === undefined ? installed : [...installed, uWebSockets(uws)];
}

type Marks = Pick<Score, 'isClientBound' | 'isDisturbed'>;

function warn({ throughput, tls, deflate, scale }: Results): void {
  const scores = [...throughput, ...tls.throughput, ...deflate.throughput, ...scale.cases].flatMap(
    (result): readonly Marks[] => result.scores,
  );
  const disturbed = scores.filter(({ isDisturbed }) => isDisturbed).length;
  const bound = scores.filter(({ isClientBound, isDisturbed }) => isClientBound && !isDisturbed).length;
  const of = `of ${scores.length} measurements`;
  if (bound > 0) say(`warning: in ${bound} ${of} the client was the bottleneck, marked with *`);
  if (disturbed > 0) say(`warning: in ${disturbed} ${of} something else ran on the same cores, marked with !`);
}

await main(process.argv.slice(2));
