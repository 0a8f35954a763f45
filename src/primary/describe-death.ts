import { shownModule } from '../host/module-url.js';
import { errorText } from '../telemetry/error-text.js';
import { WorkerStartError } from './worker-start-error.js';

/** The death of a worker. */
export interface Death {
  /** The error that its task was rejected with, or a description. */
  readonly why: unknown;
  /** How many connections were open in the worker. */
  readonly connections: number;
  /** The URL of the handler module. */
  readonly handler: string;
  /** The end of the first line: what happens next. */
  readonly next: string;
}

/** Describes the death of a worker for the log. After the first line comes an uncaught error of the application, if it was one. */
export function describeDeath({ why, connections, handler, next }: Death): string {
  const line = `a worker died with ${connections} connections (${causeOf(why)})${next}`;
  if (!isUncaught(why)) return line;
  return `${line}\nan error outside of hooks, in a thread with the handler ${shownModule(handler)}: ${errorText(why)}`;
}

/** Says in one line why a worker has ended. */
export function causeOf(why: unknown): string {
  return errorText(why instanceof Error ? why.message : why);
}

/** Whether the error was thrown by the application. Any other error has a stack that shows only Node and the pool. */
function isUncaught(why: unknown): boolean {
  if (!(why instanceof Error) || why instanceof WorkerStartError) return false;
  if ((why as NodeJS.ErrnoException).code?.startsWith('ERR_WORKER') === true) return false; // such as: no memory left
  return !why.message.startsWith('worker exited with code:'); // the pool says this after process.exit()
}
