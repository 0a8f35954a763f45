import type { ByteParser } from './byte-feeder.js';
import { CaptureError, type CapturedPacket, damaged, MAX_PACKET_BYTES } from './captured-packet.js';
import { dataViewOf } from './data-view-of.js';

/** What the blocks are that are read. All others are passed over, however long they are. */
const Block = { SECTION: 0x0a0d0d0a, INTERFACE: 1, OBSOLETE_PACKET: 2, SIMPLE_PACKET: 3, PACKET: 6 } as const;

/** The number by which a section shows its byte order. */
const BYTE_ORDER = 0x1a2b3c4d;

/** Type and length of a block, and the length again behind it, in bytes. */
const HEADER_BYTES = 8;
const TRAILER_BYTES = 4;
const LEAST_BLOCK_BYTES = HEADER_BYTES + TRAILER_BYTES;
const LEAST_SECTION_BYTES = 28;

/** What comes in front of the options of an interface, and of the bytes of a packet, in bytes. */
const INTERFACE_BYTES = 8;
const PACKET_BYTES = 20;

/** How much of the options of an interface is read, in bytes, and how many interfaces a section may have. */
const MAX_OPTION_BYTES = 16 * 1024;
const MAX_INTERFACES = 1024;

const Option = { END: 0, TIME_RESOLUTION: 9, TIME_OFFSET: 14 } as const;

const NANOSECONDS_PER_SECOND = 1_000_000_000n;

interface Interface {
  readonly linkType: number;
  /** How much of a packet is captured, in bytes; 0: all. */
  readonly snapLength: number;
  /** How many units of its times make a second, and what is to be added, in seconds. */
  readonly unitsPerSecond: bigint;
  readonly offsetSeconds: bigint;
}

/** What all blocks of a section share. */
interface Section {
  readonly isLittle: boolean;
  readonly interfaces: Interface[];
}

/** Whether a file begins as one of pcapng does. @param start its first four bytes. */
export function isPcapng(start: Uint8Array): boolean {
  return start.length >= 4 && dataViewOf(start).getUint32(0) === Block.SECTION;
}

/** Reads a file in the format pcapng (draft-ietf-opsawg-pcapng): any number of sections, of either byte order. */
export function* parsePcapng(): ByteParser<CapturedPacket> {
  let section: Section | undefined;
  for (let at = 0; ; ) {
    const header = (yield { take: HEADER_BYTES, mayEnd: true }).slice(); // it is needed after the next bytes have come
    const isSection = isPcapng(header);
    if (isSection) section = { isLittle: readByteOrder(yield { take: 4 }, at), interfaces: [] };
    if (section === undefined) throw new CaptureError('this is no file in the format pcapng');
    const { isLittle } = section;
    const length = dataViewOf(header).getUint32(4, isLittle);
    const least = isSection ? LEAST_SECTION_BYTES : LEAST_BLOCK_BYTES;
    if (length < least || length % 4 !== 0) throw damaged(`a block of ${length} bytes`, at);
    const bodyBytes = length - LEAST_BLOCK_BYTES;
    if (isSection) yield { skip: bodyBytes - 4 };
    else yield* parseBody(dataViewOf(header).getUint32(0, isLittle), bodyBytes, section, at);
    const trailer = dataViewOf(yield { take: TRAILER_BYTES }).getUint32(0, isLittle);
    if (trailer !== length) throw damaged(`a block of ${length} bytes that ends with the length ${trailer}`, at);
    at += length;
  }
}

/** @returns whether the lower bytes come first. */
function readByteOrder(bytes: Uint8Array, at: number): boolean {
  const view = dataViewOf(bytes);
  if (view.getUint32(0, true) === BYTE_ORDER) return true;
  if (view.getUint32(0, false) === BYTE_ORDER) return false;
  throw damaged('a section of no known byte order', at);
}

/** What is between the length of a block and its repetition. @param at where the block begins. */
function* parseBody(type: number, bodyBytes: number, section: Section, at: number): ByteParser<CapturedPacket> {
  switch (type) {
    case Block.INTERFACE:
      yield* parseInterface(bodyBytes, section, at);
      break;
    case Block.PACKET:
    case Block.OBSOLETE_PACKET:
      yield* parsePacket(type, bodyBytes, section, at);
      break;
    case Block.SIMPLE_PACKET:
      yield* parseSimplePacket(bodyBytes, section, at);
      break;
    default:
      yield { skip: bodyBytes };
  }
}

function* parseInterface(bodyBytes: number, { isLittle, interfaces }: Section, at: number): ByteParser<CapturedPacket> {
  if (bodyBytes < INTERFACE_BYTES) throw damaged('an interface that is too short', at);
  if (interfaces.length === MAX_INTERFACES) throw damaged(`more than ${MAX_INTERFACES} interfaces`, at);
  const taken = Math.min(bodyBytes, INTERFACE_BYTES + MAX_OPTION_BYTES);
  const view = dataViewOf(yield { take: taken });
  let unitsPerSecond = 1_000_000n;
  let offsetSeconds = 0n;
  for (let next = INTERFACE_BYTES; next + 4 <= taken; ) {
    const option = view.getUint16(next, isLittle);
    const length = view.getUint16(next + 2, isLittle);
    const value = next + 4;
    if (option === Option.END || value + length > taken) break;
    if (option === Option.TIME_RESOLUTION && length === 1) unitsPerSecond = readResolution(view.getUint8(value));
    if (option === Option.TIME_OFFSET && length === 8) offsetSeconds = view.getBigInt64(value, isLittle);
    next = value + padded(length);
  }
  const [linkType, snapLength] = [view.getUint16(0, isLittle), view.getUint32(4, isLittle)];
  interfaces.push({ linkType, snapLength, unitsPerSecond, offsetSeconds });
  yield { skip: bodyBytes - taken };
}

/** A power of ten, or of two if the highest bit is set. */
function readResolution(byte: number): bigint {
  return (byte & 0x80 ? 2n : 10n) ** BigInt(byte & 0x7f);
}

function* parsePacket(type: number, bodyBytes: number, section: Section, at: number): ByteParser<CapturedPacket> {
  if (bodyBytes < PACKET_BYTES) throw damaged('a packet that is too short', at);
  const { isLittle } = section;
  const head = dataViewOf(yield { take: PACKET_BYTES });
  const index = type === Block.PACKET ? head.getUint32(0, isLittle) : head.getUint16(0, isLittle);
  const source = interfaceOf(section, index, at);
  const time = (BigInt(head.getUint32(4, isLittle)) << 32n) | BigInt(head.getUint32(8, isLittle));
  const captured = head.getUint32(12, isLittle);
  checkCaptured(captured, bodyBytes - PACKET_BYTES, at);
  const bytes = yield { take: captured };
  const { linkType, unitsPerSecond, offsetSeconds } = source;
  const timeNs = (time * NANOSECONDS_PER_SECOND) / unitsPerSecond + offsetSeconds * NANOSECONDS_PER_SECOND;
  yield { found: { timeNs, linkType, bytes } };
  yield { skip: bodyBytes - PACKET_BYTES - captured };
}

/** A packet without a time: it counts as captured in 1970. */
function* parseSimplePacket(bodyBytes: number, section: Section, at: number): ByteParser<CapturedPacket> {
  if (bodyBytes < 4) throw damaged('a packet that is too short', at);
  const { linkType, snapLength } = interfaceOf(section, 0, at);
  const original = dataViewOf(yield { take: 4 }).getUint32(0, section.isLittle);
  const captured = Math.min(original, snapLength === 0 ? original : snapLength, bodyBytes - 4);
  checkCaptured(captured, bodyBytes - 4, at);
  const bytes = yield { take: captured };
  yield { found: { timeNs: 0n, linkType, bytes } };
  yield { skip: bodyBytes - 4 - captured };
}

function interfaceOf({ interfaces }: Section, index: number, at: number): Interface {
  const found = interfaces[index];
  if (found === undefined) throw damaged(`a packet of interface ${index}, of which nothing was said`, at);
  return found;
}

function checkCaptured(captured: number, room: number, at: number): void {
  if (captured > room) throw damaged(`a packet of ${captured} bytes in a block that has room for ${room}`, at);
  if (captured > MAX_PACKET_BYTES) throw damaged(`a packet of ${captured} bytes, of ${MAX_PACKET_BYTES} at most`, at);
}

/** Options are filled up to four bytes. */
function padded(length: number): number {
  return (length + 3) & ~3;
}
