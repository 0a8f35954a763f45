/** The longest text of an IPv6 address: its last two groups are written as an IPv4 address. */
const LONGEST_IPV6 = 'ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255'.length;

/** A number of an IPv4 address. A zero in front is refused, because some programs take such a number for octal. */
const OCTET = /^(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])$/;
const GROUP = /^[0-9a-f]{1,4}$/i;

/** Reads an IPv4 address: four decimal numbers with dots between them. @returns its 4 bytes; undefined for any other text */
export function readIpv4(text: string): Uint8Array | undefined {
  const octets = text.split('.', 5);
  return octets.length === 4 && octets.every((one) => OCTET.test(one)) ? Uint8Array.from(octets, Number) : undefined;
}

/**
 * Reads an IPv6 address (RFC 4291 section 2.2), in any of its notations, without a zone.
 * @returns its 16 bytes; undefined for any other text
 */
export function readIpv6(text: string): Uint8Array | undefined {
  if (text.length > LONGEST_IPV6) return undefined;
  const [front = '', back, ...others] = text.split('::');
  if (others.length > 0) return undefined;
  if (back === undefined) return bytesOf(readGroups(front, true), [], 0);
  return bytesOf(readGroups(front, false), readGroups(back, true), 1); // '::' stands for one group at least
}

/** Reads an IPv4 or IPv6 address. @returns its 4 or 16 bytes; undefined for any other text */
export function readIpAddress(text: string): Uint8Array | undefined {
  return text.includes(':') ? readIpv6(text) : readIpv4(text);
}

/**
 * The text of an address as Node writes it: in IPv6 letters are small, the longest run of zeros is `::`, and an IPv4-mapped address
 * ends with an IPv4 address.
 * @param bytes the 4 bytes of an IPv4 address, or the 16 bytes of an IPv6 address.
 */
export function showIpAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = groupsOf(bytes);
  const zeros = longestZeros(groups);
  if (endsInIpv4(groups, zeros)) return `${zeros.end === 5 ? '::ffff:' : '::'}${showIpAddress(bytes.subarray(12))}`;
  const shown = groups.map((group) => group.toString(16));
  if (zeros.end === 0) return shown.join(':');
  return `${shown.slice(0, zeros.start).join(':')}::${shown.slice(zeros.end).join(':')}`;
}

/** Reads groups of an IPv6 address. @returns undefined for any other text */
function readGroups(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const ipv4 = mayEndInIpv4 ? readIpv4(parts.at(-1) ?? '') : undefined;
  if (ipv4 !== undefined) parts.pop();
  if (!parts.every((part) => GROUP.test(part))) return undefined;
  return [...parts.map((part) => Number.parseInt(part, 16)), ...(ipv4 === undefined ? [] : groupsOf(ipv4))];
}

/** Puts zeros between groups, so that there are 8. @param leastZeros how many of these there are at least. */
function bytesOf(
  front: readonly number[] | undefined,
  back: readonly number[] | undefined,
  leastZeros: 0 | 1,
): Uint8Array | undefined {
  if (front === undefined || back === undefined) return undefined;
  const missing = 8 - front.length - back.length;
  if (missing < 0 || (leastZeros === 0 ? missing > 0 : missing === 0)) return undefined;
  const groups = [...front, ...new Array<number>(missing).fill(0), ...back];
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

function groupsOf(bytes: Uint8Array): number[] {
  const groups: number[] = [];
  for (let i = 0; i < bytes.length; i += 2) groups.push((bytes[i] as number) * 256 + (bytes[i + 1] as number));
  return groups;
}

interface Run {
  readonly start: number;
  /** Behind its last group. */
  readonly end: number;
}

/** The first of the longest runs of two zeros or more; empty if there is none. */
function longestZeros(groups: readonly number[]): Run {
  let longest: Run = { start: 0, end: 0 };
  for (let start = 0; start < groups.length; start++) {
    let end = start;
    while (groups[end] === 0) end++;
    if (end - start >= 2 && end - start > longest.end - longest.start) longest = { start, end };
  }
  return longest;
}

/** Whether Node writes the last two groups as an IPv4 address: of an IPv4-mapped address, and of an IPv4-compatible one. */
function endsInIpv4(groups: readonly number[], { start, end }: Run): boolean {
  return start === 0 && (end === 6 || (end === 5 && groups[5] === 0xffff));
}
