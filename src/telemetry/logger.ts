import { errorText } from './error-text.js';
import { ignoreErrors, StandardError } from './standard-error.js';

/** Where a server reports what happens: one call for each report, without a line's end. A report with a stack has several lines. */
export interface Logger {
  info(line: string): void;
  warn(line: string): void;
  error(line: string): void;
}

/** The methods of a {@link Logger}. */
export const LOG_LEVELS = ['info', 'warn', 'error'] as const satisfies readonly (keyof Logger)[];

const standardError = new StandardError();

/**
 * All to standard error, with the level in front. No call throws. None waits for a reader, unless standard error cannot be opened
 * again: it belongs to another user, or is a terminal on a system other than Linux.
 */
export const stderrLogger: Logger = {
  info: (line) => standardError.write(`wsloom: info: ${line}\n`),
  warn: (line) => standardError.write(`wsloom: warning: ${line}\n`),
  error: (line) => standardError.write(`wsloom: error: ${line}\n`),
};

/**
 * A logger of the application's, at the boundary: when it throws, or returns a promise that rejects, the line goes to
 * `fallback`, and nothing else of the server notices. The first failure is reported there too. What it writes to standard
 * output and standard error fails without harm.
 */
export function guardLogger(log: Logger, fallback: Logger = stderrLogger): Logger {
  let hasFailed = false;
  const pass = (level: keyof Logger) => (line: string) => {
    const fail = (error: unknown) => {
      if (!hasFailed) {
        fallback.warn(`${level}() of the option log failed, what it does not take goes here: ${errorText(error)}`);
      }
      hasFailed = true;
      fallback[level](line);
    };
    try {
      // It may write there, like `console`, and then an error is reported to nobody but the process.
      ignoreErrors(process.stdout);
      ignoreErrors(process.stderr);
      // A logger that is typed to return nothing may still be an async function.
      const result = log[level](line) as unknown as PromiseLike<unknown> | null | undefined;
      if (typeof result?.then === 'function') result.then(undefined, fail);
    } catch (error) {
      fail(error);
    }
  };
  return { info: pass('info'), warn: pass('warn'), error: pass('error') };
}
