import { existsSync } from 'node:fs';
import { similarName } from '../options/similar-name.js';

/** What the user may have meant; undefined if nothing comes to mind. */
export type Guess = string | undefined;

/** What a command line may name. */
export interface KnownNames {
  /** `serve`, `load`. */
  readonly commands: readonly string[];
  /** Handlers that come with wsloom. */
  readonly handlers: readonly string[];
  /** The flags of `wsloom serve`: `--port`. */
  readonly serveFlags: readonly string[];
}

const SOCKET_URL = /^wss?:\/\//i;
/** A frame begins with at least two bytes. */
const HEX = /^(0x)?[\da-f]{2}([\s:,]*(0x)?[\da-f]{2})*$/i;
const MODULE = /\.[cm]?[jt]s$/i;

/**
 * Makes one line of a message about a wrong command line, with what the user probably meant.
 * @param message of the parser: `error: unknown command './chat.mjs'`, maybe with a suggestion of its own in a second line.
 * @param args all that was given, behind `wsloom`.
 */
export function explainMistake(message: string, args: readonly string[], known: KnownNames): string {
  const line = message
    .trim()
    .replace(/^error: /, '')
    .replace(/\n\(Did you mean (.*)\?\)$/, '; did you mean: $1');
  const guess = guessOf(line, args, known);
  return guess === undefined ? line : `${line}; did you mean: ${guess}`;
}

function guessOf(line: string, args: readonly string[], { commands, handlers, serveFlags }: KnownNames): Guess {
  const [, what, found = ''] = /^unknown (command|option) '(.*)'$/.exec(line) ?? [];
  const all = args.map(quote).join(' ');
  if (what === 'command' && args[0] === 'help') {
    const command = similarName(found, commands);
    return command === undefined ? undefined : `wsloom help ${command}`;
  }
  if (what === 'command' && args[0] === 'frame') {
    return HEX.test(found) ? `wsloom frame decode ${args.slice(1).map(quote).join(' ')}` : undefined;
  }
  if (what === 'command') {
    if (SOCKET_URL.test(found)) return `wsloom load ${all}`;
    if (handlers.includes(found) || MODULE.test(found) || existsSync(found)) return `wsloom serve ${all}`;
  }
  // Options belong to a command.
  return what === 'option' && args[0]?.startsWith('-') === true && serveFlags.includes(found)
    ? `wsloom serve ${all}`
    : undefined;
}

/** What the user may have meant by a handler that there is not. @param handlers that come with wsloom. */
export function guessForHandler(handler: string, handlers: readonly string[]): Guess {
  if (SOCKET_URL.test(handler)) return `wsloom load ${quote(handler)}`;
  const similar = similarName(handler, handlers);
  return similar === undefined ? undefined : `wsloom serve ${similar}`;
}

/** Quotes an argument, so that a shell takes it for one word. */
function quote(arg: string): string {
  return /^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`;
}
