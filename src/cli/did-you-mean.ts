import { existsSync } from 'node:fs';

/** What a command line that cannot be understood may have been meant to be; undefined if nothing comes to mind. */
export type Guess = string | undefined;

const SOCKET_URL = /^wss?:\/\//i;
const MODULE = /\.[cm]?[jt]s$/i;

/**
 * Makes one line of a message about a wrong command line, with what was probably meant.
 * @param message of the parser: `error: unknown command './chat.mjs'`, maybe with a suggestion of its own in a second line.
 * @param args all that was given, behind `wsloom`.
 * @param handlers that come with wsloom.
 * @param serveFlags that `wsloom serve` takes: `--port`.
 */
export function explainMistake(
  message: string,
  args: readonly string[],
  handlers: readonly string[],
  serveFlags: readonly string[],
): string {
  const line = message
    .trim()
    .replace(/^error: /, '')
    .replace(/\n\(Did you mean (.*)\?\)$/, '; did you mean: $1');
  const guess = guessOf(line, args, handlers, serveFlags);
  return guess === undefined ? line : `${line}; did you mean: ${guess}`;
}

function guessOf(
  line: string,
  args: readonly string[],
  handlers: readonly string[],
  serveFlags: readonly string[],
): Guess {
  const [, what, found = ''] = /^unknown (command|option) '(.*)'$/.exec(line) ?? [];
  const all = args.map(quote).join(' ');
  if (what === 'command') {
    if (SOCKET_URL.test(found)) return `wsloom load ${all}`;
    if (handlers.includes(found) || MODULE.test(found) || existsSync(found)) return `wsloom serve ${all}`;
  }
  // Options belong to a command.
  return what === 'option' && args[0]?.startsWith('-') === true && serveFlags.includes(found)
    ? `wsloom serve ${all}`
    : undefined;
}

/** What was given as a handler, and is none. */
export function guessForHandler(handler: string): Guess {
  return SOCKET_URL.test(handler) ? `wsloom load ${quote(handler)}` : undefined;
}

/** As a shell takes it for one word. */
function quote(arg: string): string {
  return /^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`;
}
