const LONGEST_EXCERPT = 60;
const LONGEST_JSON = 200;

/**
 * What the peer sent, for an error message: quoted, cut after 60 characters, and in printable ASCII, so that it can forge
 * neither a line nor a terminal's escape sequence in a log.
 */
export function excerpt(found: string): string {
  const cut = found.length > LONGEST_EXCERPT;
  const quoted = JSON.stringify(cut ? found.slice(0, LONGEST_EXCERPT) : found).replace(
    /[^ -~]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return cut ? `${quoted}... (${found.length} characters)` : quoted;
}

/** A value that an option cannot have, for an error message: as JSON where there is one, and whatever it is without throwing. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return excerpt(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'number' || value === undefined || value === null) return String(value); // NaN is no null
  try {
    const json = JSON.stringify(value) as string | undefined; // of a function and a symbol there is none
    if (json !== undefined) return json.length > LONGEST_JSON ? `${json.slice(0, LONGEST_JSON)}…` : json;
  } catch {
    // It refers to itself, or its own methods throw.
  }
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
