import type { LOG_LEVELS } from '../telemetry/logger.js';
import { printable, printableJson } from '../telemetry/printable.js';

/** How grave a report is. */
export type Level = (typeof LOG_LEVELS)[number];

/** What a report says beside its text, so that nobody has to take it out of the text again. */
export type Fields = Readonly<Record<string, string | number>>;

/** One report, as it is before it is written. */
export interface Report {
  readonly level: Level;
  /** Without a line break at its end. With a stack it has several lines. */
  readonly text: string;
  readonly fields?: Fields;
  /** Whether the command says it itself, as the answer to a signal or a flag. As text it has no level in front then. */
  readonly isOwn?: boolean;
}

const LABELS: Readonly<Record<Level, string>> = { info: 'info', warn: 'warning', error: 'error' };

/** Codes of terminals (ECMA-48, SGR): cyan, yellow and red. */
const COLOURS: Readonly<Record<Level, number>> = { info: 36, warn: 33, error: 31 };

/** Where the stack of an error begins. */
const STACK = /\n +at /;

/** A report as one line of JSON. Its line breaks are escaped, and a stack has a member of its own. */
export function jsonLine({ level, text, fields }: Report, time: Date): string {
  const at = text.search(STACK);
  const msg = at < 0 ? text : text.slice(0, at);
  const stack = at < 0 ? {} : { stack: text.slice(at + 1) };
  return `${printableJson({ time: time.toISOString(), level, msg, ...fields, ...stack })}\n`;
}

/** A report for people. */
export function textLine({ level, text, isOwn }: Report): string {
  const said = printable(text);
  return isOwn === true ? `wsloom: ${said}\n` : `wsloom: ${LABELS[level]}: ${said}\n`;
}

/** A report for people at a terminal that shows colours. */
export function colouredLine({ level, text, isOwn }: Report): string {
  const name = '\x1b[2mwsloom:\x1b[22m';
  const said = printable(text);
  return isOwn === true ? `${name} ${said}\n` : `${name} \x1b[${COLOURS[level]}m${LABELS[level]}:\x1b[39m ${said}\n`;
}
