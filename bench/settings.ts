import { parseArgs } from 'node:util';

/** The command line cannot be understood. */
export class UsageError extends Error {}

export interface Settings {
  readonly isQuick: boolean;
  /** Selects cases by their names. Without it, all cases are run, or those of a quick run. */
  readonly only: RegExp | undefined;
  /** How many turns each server has in a case. */
  readonly rounds: number;
  /** How long a turn is measured, in seconds. */
  readonly seconds: number;
  /** How long a turn runs before it is measured, in seconds, so that code is compiled. */
  readonly warmUpSeconds: number;
  /** How many connections are opened, and held idle. */
  readonly idleConnections: number;
  /** A binary of uWebSockets that is started as `PATH PORT echo|broadcast`; to compress, with one more argument: see README.md. */
  readonly uws: string | undefined;
  readonly installsPeers: boolean;
  readonly out: string | undefined;
}

export const HELP = `Usage: npm run bench -- [options]

  --quick          fewer cases, one short round of each: takes three minutes, and its figures are only a hint
  --only <regex>   only cases whose names match (of all cases, also with --quick)
  --rounds <n>     turns of each server in a case (7)
  --seconds <s>    how long a turn is measured (1)
  --peers          install the servers to compare with: ws with bufferutil, Bun, Deno, Socket.IO
  --uws <path>     compare with this binary of uWebSockets too, started as PATH PORT echo|broadcast [shared|dedicated]
  --out <file>     where to write the results as JSON (bench/results/latest.json)
  --help           print this, and the names of the cases

Exit codes: 0 measured, 1 not all of it could be measured, 2 wrong usage.`;

/** @throws UsageError */
export function parseSettings(args: readonly string[]): Settings | 'help' {
  const flags = parseFlags(args);
  if (flags.help === true) return 'help';
  const isQuick = flags.quick === true;
  return {
    isQuick,
    only: flags.only === undefined ? undefined : parsePattern(flags.only),
    rounds:
      flags.rounds === undefined
        ? isQuick
          ? 1
          : 7
        : parseNumber('--rounds', flags.rounds, /^\d{1,4}$/, 'an integer from 1 to 9999'),
    seconds:
      flags.seconds === undefined
        ? isQuick
          ? 0.5
          : 1
        : parseNumber('--seconds', flags.seconds, /^\d*\.?\d+$/, 'a number above 0'),
    warmUpSeconds: isQuick ? 0.4 : 1.5,
    idleConnections: isQuick ? 2000 : 8000,
    uws: flags.uws,
    installsPeers: flags.peers === true,
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
          only: { type: 'string' },
          rounds: { type: 'string' },
          seconds: { type: 'string' },
          peers: { type: 'boolean' },
          uws: { type: 'string' },
          out: { type: 'string' },
          help: { type: 'boolean' },
        },
      }).values,
  );
}

/** Returns the result of `parse`. @throws UsageError instead of the error that `parse` throws */
export function usageOf<Flags>(parse: () => Flags): Flags {
  try {
    return parse();
  } catch (error) {
    // After its first sentence, a message of parseArgs goes on with advice that is wrong here.
    const [first = ''] = (error instanceof Error ? error.message : String(error)).split(/\. |\n/);
    throw new UsageError(first.charAt(0).toLowerCase() + first.slice(1));
  }
}

function parsePattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch {
    throw new UsageError(`--only must be a regular expression, got "${text}"`);
  }
}

function parseNumber(flag: string, text: string, pattern: RegExp, what: string): number {
  const value = Number(text);
  if (!pattern.test(text) || value === 0) throw new UsageError(`${flag} must be ${what}, got "${text}"`);
  return value;
}
