import { errorOrigin, errorText } from './error-text.js';
import type { Logger } from './logger.js';

/** Of one kind, the first line is reported at once, and the next ones together, this often, in ms. */
const REPORTING_MS = 1000;

/** Kinds that are kept apart at a time. Those beyond count as one kind, so that no client can make many lines of many kinds. */
const MAX_KINDS = 50;
const OTHERS = '';

/** Something for the log. It can be posted to another thread. */
export interface Report {
  readonly level: keyof Logger;
  /** Reports of the same level and kind are reported together. Undefined: this one stands by itself. */
  readonly kind: string | undefined;
  /** The line of the last one. */
  readonly line: string;
  readonly times: number;
  /** Whether others of its kind were reported less than a second ago. */
  readonly isRepeated: boolean;
}

/** What is still to be reported of one kind. */
interface Pending {
  readonly level: keyof Logger;
  readonly kind: string;
  times: number;
  line: string;
  timer: NodeJS.Timeout;
}

/**
 * The log of a server. Whatever clients can cause, and hooks that fail for each client, is reported by {@link throttled}:
 * of each kind at once, and then one report a second that counts them, so that a flood of clients is no flood of lines.
 * Each worker has one, whose reports the log of the primary gathers with those of the other workers.
 */
export class ThrottledLog implements Logger {
  readonly #report: (report: Report) => void;
  readonly #pending = new Map<string, Pending>();

  /** @param report takes what is to be reported now: see {@link reportTo}. */
  constructor(report: (report: Report) => void) {
    this.#report = report;
  }

  info(line: string): void {
    this.#report({ level: 'info', kind: undefined, line, times: 1, isRepeated: false });
  }

  warn(line: string): void {
    this.#report({ level: 'warn', kind: undefined, line, times: 1, isRepeated: false });
  }

  error(line: string): void {
    this.#report({ level: 'error', kind: undefined, line, times: 1, isRepeated: false });
  }

  /**
   * Reports something that may happen for each client.
   * @param kind what it has in common with others: no numbers, and nothing of what a client has sent.
   */
  throttled(level: keyof Logger, kind: string, line: string): void {
    this.add({ level, kind, line, times: 1 });
  }

  /**
   * Reports an error that may be thrown for each client, with its stack. Errors from different places are different kinds.
   * @param kind as for {@link throttled}.
   */
  throttledError(kind: string, line: string, thrown: unknown): void {
    this.throttled('error', `${kind}: ${errorOrigin(thrown)}`, `${line}: ${errorText(thrown)}`);
  }

  /** Takes a report, also one of another thread. */
  add({ level, kind, line, times }: Omit<Report, 'isRepeated'>): void {
    if (kind === undefined) {
      this[level](line);
      return;
    }
    const known = this.#pending.get(keyOf(level, kind));
    if (known === undefined) {
      if (this.#pending.size < MAX_KINDS || kind === OTHERS) this.#begin(level, kind, line, times);
      else this.add({ level, kind: OTHERS, line, times });
      return;
    }
    known.times += times;
    known.line = line;
  }

  /** Reports what is still pending, at the end. */
  flush(): void {
    for (const pending of this.#pending.values()) {
      clearTimeout(pending.timer);
      if (pending.times > 0) this.#repeat(pending);
    }
    this.#pending.clear();
  }

  #begin(level: keyof Logger, kind: string, line: string, times: number): void {
    const timer = setTimeout(() => this.#end(pending), REPORTING_MS).unref();
    const pending: Pending = { level, kind, times: 0, line, timer };
    this.#pending.set(keyOf(level, kind), pending);
    this.#report({ level, kind, line, times, isRepeated: false });
  }

  /** A second is over: what has come in it is reported, and another begins; or the kind is forgotten. */
  #end(pending: Pending): void {
    if (pending.times === 0) {
      this.#pending.delete(keyOf(pending.level, pending.kind));
      return;
    }
    pending.timer = setTimeout(() => this.#end(pending), REPORTING_MS).unref();
    this.#repeat(pending);
  }

  #repeat(pending: Pending): void {
    const { level, kind, line, times } = pending;
    pending.times = 0;
    this.#report({ level, kind, line, times, isRepeated: true });
  }
}

function keyOf(level: keyof Logger, kind: string): string {
  return `${level} ${kind}`;
}

/** Writes reports to a logger, in words. */
export function reportTo(log: Logger): (report: Report) => void {
  return ({ level, kind, line, times, isRepeated }) => {
    if (kind === OTHERS) log[level](`${times} of other kinds, last ${line}`);
    else if (isRepeated) log[level](`${times === 1 ? 'once' : `${times} times`} more, last ${line}`);
    else log[level](times === 1 ? line : `${times} times, last ${line}`);
  };
}
