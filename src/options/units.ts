/** How sizes and times are written: on the command line, where they have units, and in the docs. */

const KIB = 2 ** 10;

/** The longest first. */
const UNITS = [
  ['TiB', 2 ** 40],
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', KIB],
] as const;

/** The first letters of the suffixes that a size may have. */
const FACTORS: Readonly<Record<string, number>> = { '': 1, k: KIB, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** Reads `65536`, `64KiB`, `64k`. @returns bytes; undefined for what is no size. */
export function readSize(text: string): number | undefined {
  const [, digits, suffix = ''] = /^(\d+(?:\.\d+)?)(?:([kmgt])(?:i?b)?|b)?$/i.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const size = Number(digits) * (FACTORS[suffix.toLowerCase()] ?? Number.NaN);
  return Number.isInteger(size) ? size : undefined;
}

/** Reads `1.5`. @returns whole ms, 0 only for 0, which may mean no limit; undefined for what is no number of seconds. */
export function readSeconds(text: string): number | undefined {
  if (!/^\d+(\.\d+)?$/.test(text)) return undefined;
  const ms = Number(text) * 1000;
  return ms === 0 ? 0 : Math.max(1, Math.round(ms));
}

/** A size as {@link readSize} takes it: `64KiB`. */
export function showSize(bytes: number): string {
  const [unit = '', factor = 1] = UNITS.find(([, size]) => bytes >= size && bytes % size === 0) ?? [];
  return `${bytes / factor}${unit}`;
}

/** A time as {@link readSeconds} takes it: `1.5`. */
export function showSeconds(ms: number): string {
  return String(ms / 1000);
}

/** A size in the docs: `16 MiB`, `4 GiB less 1 byte`. */
export function sizeInWords(bytes: number): string {
  if (bytes === 1) return '1 byte';
  const [unit, factor] = UNITS.find(([, size]) => bytes >= size && bytes % size === 0) ?? ['bytes', 1];
  const [above, aboveFactor] = UNITS.find(([, size]) => bytes >= size - size / KIB) ?? ['', Number.NaN];
  const lacking = aboveFactor * Math.ceil(bytes / aboveFactor) - bytes;
  if (bytes / factor > KIB && lacking > 0 && lacking < aboveFactor / KIB) {
    return `${Math.ceil(bytes / aboveFactor)} ${above} less ${sizeInWords(lacking)}`;
  }
  return `${bytes / factor} ${unit}`;
}

/** A count in the docs: `10 000`, `2^31 less 1`. */
export function countInWords(count: number): string {
  if (count === Number.MAX_SAFE_INTEGER) return '2^53 less 1';
  if (count === 2 ** 31 - 1) return '2^31 less 1';
  return String(count).replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** A time in the docs: `30 s`, `5 min`, `1 ms`. */
export function timeInWords(ms: number): string {
  if (ms === 2 ** 31 - 1) return '2^31 less 1 ms (24 days)';
  if (ms >= 120_000 && ms % 60_000 === 0) return `${ms / 60_000} min`;
  return ms >= 1000 ? `${ms / 1000} s` : `${ms} ms`;
}
