import { isatty } from 'node:tty';
import { type Command, Option as Flag } from 'commander';
import { Group } from '../primary/option-groups.js';
import { type Flags, valuesOf } from './flags.js';
import { hasColours } from './log-colours.js';
import { type Fields, jsonLine, textLine } from './log-line.js';
import { LEAST_LEVELS, LOG_FORMATS, type LeastLevel, type LogFormat, type LogSettings } from './serve-log.js';

const FORMAT = '--log-format';

/** Descriptor of standard error. */
const STDERR = 2;

/** The flags of the log, by the names of the settings that they set. */
const LOG_FLAGS: Flags = new Map([
  [
    'format',
    new Flag(`${FORMAT} <format>`, 'how reports are written to standard error: a JSON object a line, or for people')
      .choices(LOG_FORMATS)
      // It is shown only: valuesOf leaves it out.
      .default('by terminal', 'text on a terminal, else json')
      .helpGroup(`${Group.LOG}:`),
  ],
  [
    'least',
    new Flag('--log-level <level>', 'the least grave reports that are written; off: none')
      .choices(LEAST_LEVELS)
      .default('info', 'info')
      .helpGroup(`${Group.LOG}:`),
  ],
]);

/** Adds the flags of the log to a command. */
export function addLogFlags(command: Command): void {
  for (const flag of LOG_FLAGS.values()) command.addOption(flag);
}

/** How the flags, the terminal and the environment want the log. */
export function logSettingsOf(command: Command): LogSettings {
  const given = valuesOf(LOG_FLAGS, command) as { readonly format?: LogFormat; readonly least?: LeastLevel };
  return {
    format: given.format ?? usualFormat(),
    least: given.least ?? 'info',
    hasColours: hasColours(isatty(STDERR), process.env),
  };
}

/**
 * The line that says why a command ends: of `wsloom serve` in the format of its log, also if other flags are wrong, so that who reads JSON
 * gets nothing else.
 * @param args all that was given, behind `wsloom`.
 */
export function failureLine(args: readonly string[], text: string, fields: Fields = {}): string {
  const format = args[0] === 'serve' ? (askedFormat(args) ?? usualFormat()) : 'text';
  const report = { level: 'error', text, fields, isOwn: true } as const;
  return format === 'json' ? jsonLine(report, new Date()) : textLine(report);
}

/** The format that arguments ask for, which may not be those of a command that can be run; the last one, as the parser has it. */
function askedFormat(args: readonly string[]): LogFormat | undefined {
  const end = args.indexOf('--');
  const flags = end < 0 ? args : args.slice(0, end);
  const asked = flags.flatMap((arg, at) => {
    if (arg === FORMAT) return flags.slice(at + 1, at + 2);
    return arg.startsWith(`${FORMAT}=`) ? [arg.slice(FORMAT.length + 1)] : [];
  });
  return LOG_FORMATS.find((format) => format === asked.at(-1));
}

function usualFormat(): LogFormat {
  return isatty(STDERR) ? 'text' : 'json';
}
