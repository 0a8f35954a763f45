/** The close codes that have a place of their own in memory (RFC 6455 section 7.4 and its registry). */
const CODES = [1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014] as const;

/** How a connection may have been closed, as the metrics name it: a code, or a range of codes, so that there are not too many. */
export const CLOSE_LABELS: readonly string[] = [...CODES.map(String), '3xxx', '4xxx', 'other'];

const OF_LIBRARIES = CODES.length;
const OF_APPLICATIONS = OF_LIBRARIES + 1;
const OTHER = OF_LIBRARIES + 2;

/** Where a close code is counted: an index of {@link CLOSE_LABELS}. */
export function closeLabelOf(code: number): number {
  const known = (CODES as readonly number[]).indexOf(code);
  if (known >= 0) return known;
  if (code >= 3000 && code < 4000) return OF_LIBRARIES;
  return code >= 4000 && code < 5000 ? OF_APPLICATIONS : OTHER;
}
