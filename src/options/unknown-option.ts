import { similarName } from './similar-name.js';

/** How much of a name, in characters, says which one was meant: `heartbeat`. */
const TELLING_START = 4;

/**
 * Looks for an option that there is not: a wrong name would change nothing, silently.
 * @returns its name, and what is wrong with it; undefined if there is none.
 */
export function unknownOption(
  options: object,
  known: readonly string[],
): { readonly name: string; readonly message: string } | undefined {
  const name = Object.keys(options).find((one) => !known.includes(one));
  if (name === undefined) return undefined;
  const verb = known.length === 1 ? 'is' : 'are';
  const meant = meantBy(name, known);
  const guess = meant === undefined ? '' : `; did you mean ${meant}`;
  return { name, message: `there is no option '${name}'; there ${verb} ${known.toSorted().join(', ')}${guess}` };
}

/** The option that somebody may have meant: one that differs by a typing error, or the only one that begins like it. */
function meantBy(name: string, known: readonly string[]): string | undefined {
  const similar = similarName(name, known);
  if (similar !== undefined || name.length < TELLING_START) return similar;
  const longer = known.filter((one) => one.toLowerCase().startsWith(name.toLowerCase()));
  return longer.length === 1 ? longer[0] : undefined;
}
