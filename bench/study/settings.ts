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
}

export const HELP = `Usage: npm run study -- [options]

  --quick            fewer cases and shorter ones: takes two minutes, and its figures are only a hint
  --engines <list>   engines to run on (${ENGINES.join(',')}; 24 means node-24). Node and
                     Bun are installed into bench/engines; firefox and chromium are Debian's firefox-esr and chromium, which have to be
                     installed, run without a window, and measure fewer cases
  --kernels-only     leave out the servers
  --out <file>       where to write the results as JSON (bench/results/study.json; with --quick latest-study.json beside it)
  --help             print this

npm run study:report writes bench/STUDY.md and its charts from bench/results/study.json.

Exit codes: 0 measured, 1 not all of it could be measured or the figures cannot be right, 2 wrong usage.`;

/** @throws UsageError */
export function parseStudySettings(args: readonly string[]): StudySettings | 'help' {
  const flags = parseFlags(args);
  if (flags.help === true) return 'help';
  return {
    isQuick: flags.quick === true,
    engines: flags.engines === undefined ? ENGINES : parseEngines(flags.engines),
    hasServers: flags['kernels-only'] !== true,
    out: flags.out,
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
