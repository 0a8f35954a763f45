import { parseArgs } from 'node:util';
import { UsageError, usageOf } from '../settings.js';
import { ENGINES, type EngineName } from './engines.js';

export interface StudySettings {
  readonly isQuick: boolean;
  /** The engines that the study runs on. */
  readonly engines: readonly EngineName[];
  /** Whether servers are measured, too. */
  readonly hasServers: boolean;
  readonly out: string | undefined;
  /** Whether the results are written for others: see ./contribute. */
  readonly contributes: boolean;
}

export const HELP = `Usage: npm run study -- [options]

  --quick            fewer cases and shorter ones: takes eight minutes, and its figures are only a hint
  --engines <list>   engines to run on (${ENGINES.join(',')}; 24 means node-24). Node and
                     Bun are installed into bench/engines; firefox and chromium are Debian's firefox-esr and chromium, which have to be
                     installed, run without a window, and measure fewer cases
  --kernels-only     leave out the servers
  --contribute       write one file to send to this project, bench/results/machines/<processor>-<system>-<date>.json: bench/machines.md
                     says what is in it. Not with --quick. It overwrites nothing
  --out <file>       where to write the results as JSON (bench/results/study.json; with --quick latest-study.json beside it, with
                     --contribute a file that is not there yet)
  --help             print this

npm run study:report writes bench/STUDY.md and its charts from bench/results/study.json, and all files in bench/results/machines.

Exit codes: 0 measured, 1 not all of it could be measured or the figures cannot be right (only then, a file is not
fit to be contributed), 2 wrong usage.`;

/** @throws UsageError */
export function parseStudySettings(args: readonly string[]): StudySettings | 'help' {
  const flags = parseFlags(args);
  if (flags.help === true) return 'help';
  if (flags.contribute === true && flags.quick === true)
    throw new UsageError('--contribute needs the whole study: the figures of --quick are only a hint');
  return {
    isQuick: flags.quick === true,
    engines: flags.engines === undefined ? ENGINES : parseEngines(flags.engines),
    hasServers: flags['kernels-only'] !== true,
    out: flags.out,
    contributes: flags.contribute === true,
  };
}

function parseFlags(args: readonly string[]) {
  return usageOf(
    () =>
      parseArgs({
        args: [...args],
        options: {
          quick: { type: 'boolean' },
          engines: { type: 'string' },
          'kernels-only': { type: 'boolean' },
          contribute: { type: 'boolean' },
          out: { type: 'string' },
          help: { type: 'boolean' },
        },
      }).values,
  );
}

function parseEngines(list: string): EngineName[] {
  const names = list.split(',').map((name) => (/^\d+$/.test(name) ? `node-${name}` : name));
  const isRight = names.every((name) => ENGINES.some((known) => known === name));
  if (isRight) return ENGINES.filter((known) => names.includes(known));
  throw new UsageError(`--engines must be some of ${ENGINES.join(',')}, got "${list}"`);
}
