import { LOG_LEVELS, type Logger } from '../telemetry/logger.js';
import { droppedInWords, StandardError } from '../telemetry/standard-error.js';
import { colouredLine, type Fields, jsonLine, type Level, type Report, textLine } from './log-line.js';

/** How the log of `wsloom serve` may be written: a JSON object a line, or for people. */
export const LOG_FORMATS = ['json', 'text'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** The least grave reports that are written, or none. */
export const LEAST_LEVELS = [...LOG_LEVELS, 'off'] as const;
export type LeastLevel = (typeof LEAST_LEVELS)[number];

/** How the log is written, and what of it. */
export interface LogSettings {
  readonly format: LogFormat;
  readonly least: LeastLevel;
  /** Whether text is coloured. JSON never is. */
  readonly hasColours: boolean;
}

/** Where lines go. */
interface Output {
  write(line: string): void;
}

/** The log of `wsloom serve`: what the server reports, and what the command itself has to say. No call throws or waits for a reader. */
export class ServeLog implements Logger {
  readonly #settings: LogSettings;
  readonly #output: Output;
  readonly #now: () => Date;

  /** @param output standard error, if it is not given. @param now the clock. */
  constructor(settings: LogSettings, output?: Output, now: () => Date = () => new Date()) {
    this.#settings = settings;
    this.#output =
      output ??
      new StandardError((dropped) => this.#line({ level: 'warn', text: droppedInWords(dropped), fields: { dropped } }));
    this.#now = now;
  }

  info(text: string): void {
    this.#report({ level: 'info', text });
  }

  warn(text: string): void {
    this.#report({ level: 'warn', text });
  }

  error(text: string): void {
    this.#report({ level: 'error', text });
  }

  /** Reports what the command itself says, such as the answer to a signal. */
  note(level: Level, text: string, fields?: Fields): void {
    this.#report({ level, text, isOwn: true, ...(fields === undefined ? {} : { fields }) });
  }

  #report(report: Report): void {
    // 'off' is behind all levels.
    if (LEAST_LEVELS.indexOf(report.level) < LEAST_LEVELS.indexOf(this.#settings.least)) return;
    this.#output.write(this.#line(report));
  }

  #line(report: Report): string {
    const { format, hasColours } = this.#settings;
    if (format === 'json') return jsonLine(report, this.#now());
    return hasColours ? colouredLine(report) : textLine(report);
  }
}
