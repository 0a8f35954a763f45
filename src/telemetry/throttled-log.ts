import { errorOrigin, errorText } from './error-text.js';
import type { Logger } from './logger.js';

/** Reports of one kind are told at once, and then at most once in so many ms. */
const TELLING_MS = 1000;

/** Kinds that are told apart at a time. Those beyond are told as one, so that no client can make many lines of many kinds. */
const MAX_KINDS = 50;
const OTHERS = '';

/** Something to be reported. It can be posted to another thread. */
export interface Report {
  readonly level: keyof Logger;
  /** Reports of the same level and kind are told together. Undefined: it is told by itself. */
  readonly kind: string | undefined;
  /** Of the last one. */
  readonly line: string;
  readonly times: number;
  /** Whether others of its kind were told less than a second ago. */
  readonly isRepeated: boolean;
}

/** What is still to be told of one kind. */
interface Untold {
  readonly level: keyof Logger;
  readonly kind: string;
  times: number;
  line: string;
  timer: NodeJS.Timeout;
}

/**
 * The log of a server. Whatever clients can cause, and hooks that fail for each client, is reported by {@link throttled}:
 * of each kind at once, and then one report a second that counts them, so that a flood of clients is no flood of lines.
 * Each worker has one, whose reports the primary's gathers with those of the others.
 */
export class ThrottledLog implements Logger {
  readonly #tell: (report: Report) => void;
  readonly #untold = new Map<string, Untold>();

  /** @param tell takes what is to be told now: see {@link tellTo}. */
  constructor(tell: (report: Report) => void) {
    this.#tell = tell;
  }

  info(line: string): void {
    this.#tell({ level: 'info', kind: undefined, line, times: 1, isRepeated: false });
  }

  warn(line: string): void {
    this.#tell({ level: 'warn', kind: undefined, line, times: 1, isRepeated: false });
  }

  error(line: string): void {
    this.#tell({ level: 'error', kind: undefined, line, times: 1, isRepeated: false });
  }

  /**
   * Reports something that may happen for each client.
   * @param kind what it has in common with others: no numbers, and nothing of what a client has sent.
   */
  throttled(level: keyof Logger, kind: string, line: string): void {
    this.add({ level, kind, line, times: 1 });
  }

  /**
   * Reports an error that may be thrown for each client, with its stack. What comes from different places is told apart.
   * @param kind as of {@link throttled}.
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
    const known = this.#untold.get(keyOf(level, kind));
    if (known === undefined) {
      if (this.#untold.size < MAX_KINDS || kind === OTHERS) this.#begin(level, kind, line, times);
      else this.add({ level, kind: OTHERS, line, times });
      return;
    }
    known.times += times;
    known.line = line;
  }

  /** Tells what is still to be told, at the end. */
  flush(): void {
    for (const untold of this.#untold.values()) {
      clearTimeout(untold.timer);
      if (untold.times > 0) this.#repeat(untold);
    }
    this.#untold.clear();
  }

  #begin(level: keyof Logger, kind: string, line: string, times: number): void {
    const timer = setTimeout(() => this.#end(untold), TELLING_MS).unref();
    const untold: Untold = { level, kind, times: 0, line, timer };
    this.#untold.set(keyOf(level, kind), untold);
    this.#tell({ level, kind, line, times, isRepeated: false });
  }

  /** A second is over: what has come in it is told, and another begins, or the kind is forgotten. */
  #end(untold: Untold): void {
    if (untold.times === 0) {
      this.#untold.delete(keyOf(untold.level, untold.kind));
      return;
    }
    untold.timer = setTimeout(() => this.#end(untold), TELLING_MS).unref();
    this.#repeat(untold);
  }

  #repeat(untold: Untold): void {
    const { level, kind, line, times } = untold;
    untold.times = 0;
    this.#tell({ level, kind, line, times, isRepeated: true });
  }
}

function keyOf(level: keyof Logger, kind: string): string {
  return `${level} ${kind}`;
}

/** Tells reports to a logger, in its words. */
export function tellTo(log: Logger): (report: Report) => void {
  return ({ level, kind, line, times, isRepeated }) => {
    if (kind === OTHERS) log[level](`${times} of other kinds, last ${line}`);
    else if (isRepeated) log[level](`${times === 1 ? 'once' : `${times} times`} more, last ${line}`);
    else log[level](times === 1 ? line : `${times} times, last ${line}`);
  };
}
