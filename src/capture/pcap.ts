import type { ByteParser } from './byte-feeder.js';
import { CaptureError, type CapturedPacket, damaged, MAX_PACKET_BYTES } from './captured-packet.js';
import { dataViewOf } from './data-view-of.js';

/** How long the header of the file, and that of a packet, is, in bytes. */
const FILE_HEADER_BYTES = 24;
const MAGIC_BYTES = 4;
const PACKET_HEADER_BYTES = 16;

/** What a file begins with, as a number in its own byte order: that says the unit of its times. */
const MICROSECONDS = 0xa1b2c3d4;
const NANOSECONDS = 0xa1b23c4d;

const NANOSECONDS_PER_SECOND = 1_000_000_000n;

/** Whether a file begins as one of pcap does, in either byte order. @param start its first four bytes. */
export function isPcap(start: Uint8Array): boolean {
  return start.length >= 4 && orderOf(dataViewOf(start)) !== undefined;
}

interface Order {
  readonly isLittle: boolean;
  /** How many nanoseconds the fraction of a time counts. */
  readonly unitNs: bigint;
}

function orderOf(view: DataView): Order | undefined {
  for (const isLittle of [true, false]) {
    const magic = view.getUint32(0, isLittle);
    if (magic === MICROSECONDS || magic === NANOSECONDS)
      return { isLittle, unitNs: magic === NANOSECONDS ? 1n : 1000n };
  }
  return undefined;
}

/** Reads a file in the format pcap (draft-ietf-opsawg-pcap), of either byte order, with times in microseconds or nanoseconds. */
export function* parsePcap(): ByteParser<CapturedPacket> {
  const order = orderOf(dataViewOf(yield { take: MAGIC_BYTES }));
  if (order === undefined) throw new CaptureError('this is no file in the format pcap');
  const { isLittle, unitNs } = order;
  const rest = dataViewOf(yield { take: FILE_HEADER_BYTES - MAGIC_BYTES });
  const linkType = rest.getUint16(isLittle ? 16 : 18, isLittle); // the other half of the field says nothing of the packets
  for (let at = FILE_HEADER_BYTES; ; ) {
    const header = dataViewOf(yield { take: PACKET_HEADER_BYTES, mayEnd: true });
    const captured = header.getUint32(8, isLittle);
    if (captured > MAX_PACKET_BYTES) {
      throw damaged(`a packet of ${captured} bytes, of ${MAX_PACKET_BYTES} at most`, at);
    }
    const seconds = BigInt(header.getUint32(0, isLittle));
    const timeNs = seconds * NANOSECONDS_PER_SECOND + BigInt(header.getUint32(4, isLittle)) * unitNs;
    const bytes = yield { take: captured };
    yield { found: { timeNs, linkType, bytes } };
    at += PACKET_HEADER_BYTES + captured;
  }
}
