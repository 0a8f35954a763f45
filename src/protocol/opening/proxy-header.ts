import { crc32c } from './crc32c.js';
import { readIpv4, readIpv6, showIpAddress } from './ip-address.js';

/*
 * The PROXY protocol, versions 1 and 2: the header that a proxy sends in front of everything else on a TCP connection, to tell the
 * address of its client. Specified by HAProxy, https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt, whose sections are named
 * below.
 */

/** The longest header of version 1, in bytes, its line end included (section 2.1). */
const MAX_TEXT_BYTES = 107;

/**
 * The longest header that is read, in bytes. Version 2 allows 65 551. Proxies keep their header within one TCP segment, but for one
 * thing: they may be told to send the certificate of the client along, and most certificates are shorter than this.
 */
export const MAX_PROXY_HEADER_BYTES = 4096;

/** The shortest header of all: `PROXY UNKNOWN\r\n`. */
const MIN_BYTES = 15;

/** An address that a proxy has told. */
export interface ProxiedSource {
  /** The IP address of the client, as Node writes it. */
  readonly address: string;
  readonly port: number;
}

/** A header that is not whole yet. */
export interface PartialProxyHeader {
  /** How many bytes are missing at least. That many can be read without reading what stands behind the header. */
  readonly needs: number;
}

/** A whole header. */
export interface WholeProxyHeader {
  /** The length of the header: everything behind it is not part of it. */
  readonly length: number;
  /** Undefined if the header tells no IP address: then the address of the peer counts. */
  readonly source: ProxiedSource | undefined;
}

/** Bytes that are no header, or the beginning of none. */
export interface WrongProxyHeader {
  /** What is wrong, for the log. */
  readonly problem: string;
}

export type ProxyHeader = PartialProxyHeader | WholeProxyHeader | WrongProxyHeader;

/**
 * Reads the header of the PROXY protocol that some bytes begin with. It says that bytes are wrong as soon as no byte that may follow
 * can make them right, and looks at none behind the header.
 * @param bytes all bytes of the connection that have arrived.
 */
export function readProxyHeader(bytes: Uint8Array): ProxyHeader {
  if (bytes.length === 0) return { needs: MIN_BYTES };
  if (bytes[0] === LETTER_P) return readTextHeader(bytes);
  return bytes[0] === CR ? readBinaryHeader(bytes) : { problem: NO_HEADER };
}

const NO_HEADER = 'no version of the PROXY protocol begins like this';

// Version 1, section 2.1: one line of text.

const LETTER_P = 0x50;
const CR = 0x0d;
const LF = 0x0a;

function readTextHeader(bytes: Uint8Array): ProxyHeader {
  const most = Math.min(bytes.length, MAX_TEXT_BYTES);
  let end = 0;
  while (end < most && bytes[end] !== CR && bytes[end] !== LF) end++;
  if (end > MAX_TEXT_BYTES - 2) return { problem: `the line is longer than ${MAX_TEXT_BYTES} bytes` };
  const line = String.fromCharCode(...bytes.subarray(0, end));
  if (end === bytes.length) {
    const problem = problemOfLine(line, false);
    return problem === undefined ? { needs: Math.max(2, MIN_BYTES - end) } : { problem };
  }
  const problem = problemOfLine(line, true);
  if (problem !== undefined) return { problem };
  if (bytes[end] === LF) return { problem: 'a line feed stands alone' };
  if (end + 1 === bytes.length) return { needs: 1 };
  if (bytes[end + 1] !== LF) return { problem: 'a carriage return stands alone' };
  const [, family, address = '', , port] = line.split(' ');
  const read = readerOf(family);
  const source = read?.(address);
  return {
    length: end + 2,
    source: source === undefined ? undefined : { address: showIpAddress(source), port: Number(port) },
  };
}

/** A reader of a field: undefined for a text that cannot stand there. */
type FieldReader = (text: string) => unknown;

const CUT_LINE = 'the line ends too early';
const UNKNOWN = 'UNKNOWN';
const FAMILIES = ['TCP4', 'TCP6', UNKNOWN];

/** @param isWhole whether the line has ended; if not, more of its last field may come. */
function problemOfLine(line: string, isWhole: boolean): string | undefined {
  const fields = line.split(' ');
  const family = fields[1];
  const last = fields.length - 1;
  if (!isBeginning(fields[0], ['PROXY'], isWhole || last > 0)) return NO_HEADER;
  if (family === undefined) return isWhole ? CUT_LINE : undefined;
  if (!isBeginning(family, FAMILIES, isWhole || last > 1)) return 'the family is not TCP4, TCP6 or UNKNOWN';
  if (family === UNKNOWN) return undefined; // what stands behind it is ignored
  const readAddress = readerOf(family);
  if (readAddress === undefined) return undefined; // more of it may come
  const readers: readonly FieldReader[] = [readAddress, readAddress, readPort, readPort];
  if (isWhole && last < 5) return CUT_LINE;
  for (const [i, field] of fields.slice(2).entries()) {
    const read = readers[i];
    if (read === undefined) return 'something stands behind the ports';
    const isRight = isWhole || i + 2 < last ? read(field) !== undefined : canBecome(field, read);
    if (!isRight) return `${i < 2 ? `an address is not one of ${family}` : 'a port is no number from 0 to 65535'}`;
  }
  return undefined;
}

/** Whether a text is one of several, or is the beginning of one if more of it may come. */
function isBeginning(text: string | undefined, known: readonly string[], isComplete: boolean): boolean {
  return known.some((one) => (isComplete ? one === text : one.startsWith(text ?? '')));
}

function readerOf(family: string | undefined): ((text: string) => Uint8Array | undefined) | undefined {
  if (family === 'TCP4') return readIpv4;
  return family === 'TCP6' ? readIpv6 : undefined;
}

function readPort(text: string): number | undefined {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65535 ? Number(text) : undefined;
}

/** What can stand behind the beginning of an address or a number: if none of these makes it one, nothing does. */
const CONTINUATIONS = ['', '0', ':', '::', '.0', '.0.0', '.0.0.0', '0.0', '0.0.0', '0.0.0.0'];

/** Whether more characters can make of this text one that is read. */
function canBecome(text: string, read: FieldReader): boolean {
  return CONTINUATIONS.some((continuation) => read(text + continuation) !== undefined);
}

// Version 2, section 2.2: bytes.

const SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);
const VERSION_AT = SIGNATURE.length;
const FAMILY_AT = VERSION_AT + 1;
const LENGTH_AT = FAMILY_AT + 1;
const PREFIX_BYTES = LENGTH_AT + 2;

const LOCAL = 0x20;
const PROXY = 0x21;

/** How the addresses of a family are laid out: first those of source and destination, then their ports, if there are any. */
interface Family {
  /** The bytes of both addresses and ports. */
  readonly bytes: number;
  /** The bytes of one IP address; 0 if there is none to be read. */
  readonly addressBytes: number;
}

const UNSPECIFIED: Family = { bytes: 0, addressBytes: 0 };
const INET: Family = { bytes: 12, addressBytes: 4 };
const INET6: Family = { bytes: 36, addressBytes: 16 };
const UNIX: Family = { bytes: 216, addressBytes: 0 };

/** By the byte of family and transport. Of datagrams there may be addresses, too: the proxy may have the client on QUIC. */
const FAMILY_OF: ReadonlyMap<number, Family> = new Map([
  [0x00, UNSPECIFIED],
  [0x11, INET],
  [0x12, INET],
  [0x21, INET6],
  [0x22, INET6],
  [0x31, UNIX],
  [0x32, UNIX],
]);

function readBinaryHeader(bytes: Uint8Array): ProxyHeader {
  const { length } = bytes;
  for (let i = 0; i < Math.min(length, SIGNATURE.length); i++) {
    if (bytes[i] !== SIGNATURE[i]) return { problem: NO_HEADER };
  }
  if (length <= VERSION_AT) return { needs: PREFIX_BYTES - length };
  const command = bytes[VERSION_AT] as number;
  if (command !== LOCAL && command !== PROXY) return { problem: `version and command are 0x${hex(command)}` };
  if (length <= FAMILY_AT) return { needs: PREFIX_BYTES - length };
  // The family of LOCAL is to be ignored, and its block to be skipped.
  const family = command === LOCAL ? UNSPECIFIED : FAMILY_OF.get(bytes[FAMILY_AT] as number);
  if (family === undefined) return { problem: `family and transport are 0x${hex(bytes[FAMILY_AT] as number)}` };
  if (length <= LENGTH_AT) return { needs: PREFIX_BYTES - length };
  const high = (bytes[LENGTH_AT] as number) * 256;
  const end = PREFIX_BYTES + high + (bytes[LENGTH_AT + 1] ?? 0);
  if (end > MAX_PROXY_HEADER_BYTES) return { problem: `it is longer than ${MAX_PROXY_HEADER_BYTES} bytes` };
  if (length < PREFIX_BYTES) return { needs: PREFIX_BYTES - length };
  if (end < PREFIX_BYTES + family.bytes) return { problem: 'it is too short for its addresses' };
  const header = bytes.subarray(0, end);
  const problem = family === UNSPECIFIED ? undefined : problemOfExtensions(header, PREFIX_BYTES + family.bytes, end);
  if (problem !== undefined) return { problem };
  return length < end ? { needs: end - length } : { length: end, source: sourceOf(header, family) };
}

function sourceOf(header: Uint8Array, { addressBytes }: Family): ProxiedSource | undefined {
  if (addressBytes === 0) return undefined;
  const portAt = PREFIX_BYTES + 2 * addressBytes;
  return {
    address: showIpAddress(header.subarray(PREFIX_BYTES, PREFIX_BYTES + addressBytes)),
    port: (header[portAt] as number) * 256 + (header[portAt + 1] as number),
  };
}

/** The type of the extension with the checksum of the header (section 2.2.3). */
const CHECKSUM_TYPE = 0x03;
const CHECKSUM_BYTES = 4;
/** A type, and two bytes of length. */
const EXTENSION_PREFIX = 3;

/**
 * Walks over the extensions behind the addresses (TLVs), and checks the checksum if there is one. All others are skipped.
 * @param header what has arrived of the header.
 * @param end the length of the whole header.
 */
function problemOfExtensions(header: Uint8Array, start: number, end: number): string | undefined {
  let checksumAt: number | undefined;
  let at = start;
  while (at < end) {
    if (end - at < EXTENSION_PREFIX) return 'an extension is cut';
    const [type, high, low] = header.subarray(at, at + EXTENSION_PREFIX);
    const isChecksum = type === CHECKSUM_TYPE;
    if (isChecksum && checksumAt !== undefined) return 'it has two checksums';
    if (high === undefined) return undefined; // more has to come
    const length = high * 256 + (low ?? 0);
    if (at + EXTENSION_PREFIX + length > end) return 'an extension is longer than the header';
    if (isChecksum && (high > 0 || (low !== undefined && low !== CHECKSUM_BYTES)))
      return 'its checksum has not 4 bytes';
    if (low === undefined) return undefined;
    if (isChecksum) checksumAt = at + EXTENSION_PREFIX;
    at += EXTENSION_PREFIX + length;
  }
  const isWhole = header.length === end;
  return isWhole && checksumAt !== undefined && !isIntact(header, checksumAt) ? 'its checksum is wrong' : undefined;
}

/** Whether the checksum of a header is that of its bytes, with zeros in the place of the checksum. */
function isIntact(header: Uint8Array, checksumAt: number): boolean {
  const sent = new DataView(header.buffer, header.byteOffset).getUint32(checksumAt);
  // Not `slice`: that of a Buffer does not copy.
  return crc32c(new Uint8Array(header).fill(0, checksumAt, checksumAt + CHECKSUM_BYTES)) === sent;
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
