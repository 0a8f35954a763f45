/**
 * Whether text for people is coloured: on a terminal, unless it is dumb or NO_COLOR (no-color.org) is set; with FORCE_COLOR always, unless
 * that is 0 or false.
 */
export function hasColours(isTerminal: boolean, { FORCE_COLOR, NO_COLOR, TERM }: NodeJS.ProcessEnv): boolean {
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false;
  return isTerminal && TERM !== 'dumb';
}
