/** Measures everything that STUDY.md is made from: see {@link HELP}. */
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endChildrenAtExit } from '../children.js';
import { commit, machine } from '../machine.js';
import { BENCH, ROOT } from '../paths.js';
import { UsageError } from '../settings.js';
import { cacheBytes } from './cache-bytes.js';
import { refuseToOverwrite, type Written, writeForOthers } from './contribute.js';
import { browserEngine } from './browser-engine.js';
import { engines, installEngines } from './engines.js';
import { fingerprints, readerOf } from './fingerprints.js';
import { measureServers } from './measure-servers.js';
import { buildSharedModule, moduleSizes } from './modules.js';
import { programEngine } from './program-engine.js';
import { type Study, serialize } from './results.js';
import { HELP, parseStudySettings, type StudySettings } from './settings.js';
import { type Fail, type Instruments, runStudy, type StudiedEngine } from './whole.js';

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function main(args: readonly string[]): Promise<void> {
  try {
    const settings = parseStudySettings(args);
    if (settings === 'help') {
      process.stdout.write(`${HELP}\n`);
      return;
    }
    endChildrenAtExit();
    process.exitCode = await runStudy(settings, instruments(settings));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    say(`study: ${error.message} (--help lists what there is)`);
    process.exitCode = 2;
  }
}

function instruments(settings: StudySettings): Instruments {
  const { isQuick, contributes, out } = settings;
  const file = out ?? fileURLToPath(new URL(`results/${isQuick ? 'latest-study' : 'study'}.json`, BENCH));
  if (contributes) refuseToOverwrite(out);
  makeFolderOf(file);
  return {
    say,
    prepare: (fail) => prepare(settings, fail),
    servers: (plan, program, fail) => measureServers(plan, isQuick, program, say, fail),
    about: () => ({
      commit: commit(),
      machine: machine(),
      cacheBytes: cacheBytes(),
      fingerprints: fingerprints(readerOf(ROOT)),
      modules: moduleSizes(),
    }),
    write: (study) => (contributes ? writeForOthers(study, out) : writeHere(study, file)),
  };
}

/** Whatever the results are, they are of use here. */
function writeHere(study: Study, file: string): Written {
  writeFileSync(file, serialize(study));
  const shown = relative('.', file);
  const line = `written to ${shown}; npm run study:report${study.isQuick ? ` -- ${shown}` : ''} makes a report of it`;
  return { lines: [line], isFit: true };
}

/** Before anything is measured: nobody wants to learn only after half an hour that there is no room for the results. */
function makeFolderOf(file: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    accessSync(dirname(file), constants.W_OK);
  } catch (error) {
    throw new UsageError(`${file} cannot be written: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The engines that there are; all else that has to be made is made. */
function prepare({ engines: names, isQuick }: StudySettings, fail: Fail): readonly StudiedEngine[] {
  attempt('the engines', () => installEngines(say), fail);
  attempt('the module for shared memory', buildSharedModule, fail);
  const { found, missing } = engines(names);
  for (const [name, why] of missing) fail(name, why);
  return found.map((engine) => {
    const { browser } = engine;
    return browser === undefined
      ? programEngine(engine, isQuick, cacheBytes())
      : browserEngine(engine, browser, isQuick);
  });
}

function attempt(what: string, run: () => void, fail: Fail): void {
  try {
    run();
  } catch (error) {
    fail(what, error);
  }
}

await main(process.argv.slice(2));
