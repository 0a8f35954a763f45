import { HandlerModuleError } from '../host/handler-module-error.js';
import { LOAD_ROWS } from '../load/load-rows.js';
import { ConfigError, OptionError } from '../options/option-error.js';
import { ListenError } from '../primary/listen-error.js';
import { LISTEN_ROWS } from '../primary/listen-options.js';
import { CLOSE_ROWS } from '../primary/method-options.js';
import { ALL_ROWS } from '../primary/option-rows.js';
import { errorText } from '../telemetry/error-text.js';
import { ADMIN_FLAG_NAMES } from './admin-flags.js';
import { DEFLATE_STUDY_ROWS } from './deflate.js';
import { explainOption } from './flags.js';
import { KERNELS_ROWS } from './kernels.js';
import type { Fields } from './log-line.js';
import { TLS_FLAG_NAMES } from './tls-flags.js';

/** Exit codes: the command line or the handler is wrong, or this machine cannot do what is asked. */
export const EXIT_USAGE = 2;
export const EXIT_ENVIRONMENT = 1;

/** What to do about errors of the system. */
const HINTS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'choose another --port (PORT), or 0 for any',
  EACCES: 'choose a --port (PORT) from 1024 on, or run with the right to use it',
  EADDRNOTAVAIL: '--host (WSLOOM_HOST) must be an address of this machine',
  ENOTFOUND: '--host (WSLOOM_HOST) must be an address or a name of this machine',
  EAI_AGAIN: '--host (WSLOOM_HOST) must be an address or a name of this machine',
};

/** Of the commands whose wrong options are no {@link ConfigError}. */
const OTHER_ROWS = { ...LOAD_ROWS, ...KERNELS_ROWS, ...DEFLATE_STUDY_ROWS };

const SERVE_ROWS = { ...LISTEN_ROWS, ...CLOSE_ROWS, ...ALL_ROWS };
const SERVE_NAMES = { ...TLS_FLAG_NAMES, ...ADMIN_FLAG_NAMES };

/** One line for a mistake that the user can correct; the stack for an error of ours. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return errorText(error);
  if (error instanceof ConfigError) return explainOption(error, SERVE_ROWS, SERVE_NAMES);
  if (error instanceof OptionError) return explainOption(error, OTHER_ROWS, { url: 'the URL' });
  if (error instanceof ListenError) return error.message;
  const { code } = error as NodeJS.ErrnoException;
  const hint = HINTS[code ?? ''];
  if (hint !== undefined) return `${error.message.replace(/^listen /, '')}: ${hint}`;
  return code === undefined ? (error.stack ?? error.message) : error.message;
}

/** What is known of an error beside its message: its code. */
export function fieldsOf(error: unknown): Fields {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' ? { code } : {};
}

/** The exit code of a command that has failed. A handler that loads in the primary, but not in a thread, is wrong usage too. */
export function exitCodeOf(error: unknown): number {
  const isUsage =
    error instanceof OptionError ||
    error instanceof HandlerModuleError ||
    (error as NodeJS.ErrnoException | undefined)?.code === 'WSLOOM_HANDLER';
  return isUsage ? EXIT_USAGE : EXIT_ENVIRONMENT;
}
