import { parseArgs } from 'node:util';

/** The command line cannot be understood. */
export class UsageError extends Error {}

export interface Settings {
  readonly isQuick: boolean;
  /** Of the names of cases; without it all are run, or those of a quick run. */
  readonly only: RegExp | undefined;
  /** How often each server has its turn in a case. */
  readonly rounds: number;
  /** How long a turn is measured. */
  readonly seconds: number;
  /** How long a turn goes before that: code is compiled. */
  readonly warmUpSeconds: number;
  /** Connections that are opened, and held idle. */
  readonly idleConnections: number;
  /** A binary of uWebSockets that is started as `uws PORT echo|broadcast`. */
  readonly uws: string | undefined;
  readonly installsPeers: boolean;
  readonly out: string | undefined;
}

export const HELP = `Usage: npm run bench -- [options]

  --quick          fewer cases, one short round of each: two minutes, and figures that only hint
  --only <regex>   the cases whose names match (with --quick too, of all cases)
  --rounds <n>     turns of each server in a case (7)
  --seconds <s>    that a turn is measured for (1)
  --peers          install the servers to compare with: ws with bufferutil, Bun, Deno
  --uws <path>     compare with this binary of uWebSockets too, started as PATH PORT echo|broadcast
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

/** What `parse` returns. @throws UsageError for what it throws */
export function usageOf<Flags>(parse: () => Flags): Flags {
  try {
    return parse();
  } catch (error) {
    // The messages of parseArgs go on, after the first sentence, with advice that does not hold here.
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
