import { errorText } from './error-text.js';
import { printable } from './printable.js';
import { ignoreErrors, StandardError } from './standard-error.js';

/** Where a server reports what happens: one call for each report, without the line break at its end. A report with a stack has several lines. */
export interface Logger {
  /** Takes what happens in normal operation, such as a limit that was met. */
  info(line: string): void;
  /** Takes what may need attention. */
  warn(line: string): void;
  /** Takes errors, with their stacks. */
  error(line: string): void;
}

/** The methods of a {@link Logger}. */
export const LOG_LEVELS = ['info', 'warn', 'error'] as const satisfies readonly (keyof Logger)[];

const standardError = new StandardError();

/**
 * Writes every report to standard error, with its level in front. No call throws. No call waits for a reader, unless standard error
 * cannot be opened again, because it belongs to another user, or is a terminal on a system other than Linux.
 */
export const stderrLogger: Logger = {
  info: (line) => standardError.write(`wsloom: info: ${printable(line)}\n`),
  warn: (line) => standardError.write(`wsloom: warning: ${printable(line)}\n`),
  error: (line) => standardError.write(`wsloom: error: ${printable(line)}\n`),
};

/**
 * Guards the server from a logger of the application. When the logger throws, or returns a promise that rejects, the line goes to
 * `fallback`, and nothing else of the server notices. The first failure is reported there too. Errors of what the logger writes to
 * standard output and standard error do no harm.
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
      // The logger may write there, like `console`; an error of that would end the process.
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
