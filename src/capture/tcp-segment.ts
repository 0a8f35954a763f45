import { showIpAddress } from '../protocol/opening/ip-address.js';
import { dataViewOf } from './data-view-of.js';

/** One end of a TCP connection. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** A TCP segment (RFC 9293 section 3.1). */
export interface TcpSegment {
  readonly source: Endpoint;
  readonly destination: Endpoint;
  /** The number of its first byte, or of its SYN. */
  readonly sequence: number;
  readonly isSyn: boolean;
  readonly isAck: boolean;
  readonly isFin: boolean;
  readonly isReset: boolean;
  /** What was captured of its payload, where it lies. */
  readonly payload: Uint8Array;
  /** How many bytes of its payload were not captured. */
  readonly missingBytes: number;
}

/** What a packet is that has no segment: something else than TCP, a part of an IP packet, or one whose headers are cut or wrong. */
export type NoSegment = 'other' | 'fragment' | 'damaged';

const TCP = 6;
const TCP_HEADER_BYTES = 20;
const IPV6_HEADER_BYTES = 40;
/** Headers of IPv6 that may come in front of TCP, and how many there may be (RFC 8200 section 4). */
const Extension = { HOP_BY_HOP: 0, ROUTING: 43, FRAGMENT: 44, AUTHENTICATION: 51, DESTINATION: 60 } as const;
const MAX_EXTENSIONS = 16;

/** What IP says of its payload. */
interface IpPayload {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  /** Where it begins, and how long it is, captured or not. */
  readonly at: number;
  readonly bytes: number;
}

/** Reads an IP packet, version 4 or 6, with a TCP segment in it. Checksums are not verified: a machine captures what it sends before they are made. */
export function readSegment(packet: Uint8Array): TcpSegment | NoSegment {
  const version = (packet[0] ?? 0) >>> 4;
  const ip = version === 4 ? readIpv4(packet) : version === 6 ? readIpv6(packet) : 'other';
  return typeof ip === 'string' ? ip : readTcp(packet, ip);
}

function readIpv4(packet: Uint8Array): IpPayload | NoSegment {
  const headerBytes = ((packet[0] as number) & 0x0f) * 4;
  if (packet.length < 20 || packet.length < headerBytes || headerBytes < 20) return 'damaged';
  const view = dataViewOf(packet);
  if (view.getUint8(9) !== TCP) return 'other';
  if ((view.getUint16(6) & 0x3fff) !== 0) return 'fragment'; // more fragments follow, or it is not the first
  // Where the network card cuts segments, the length is not known yet: it is 0.
  const total = view.getUint16(2) || packet.length;
  return {
    ...{ source: packet.subarray(12, 16), destination: packet.subarray(16, 20) },
    ...{ at: headerBytes, bytes: total - headerBytes },
  };
}

function readIpv6(packet: Uint8Array): IpPayload | NoSegment {
  if (packet.length < IPV6_HEADER_BYTES) return 'damaged';
  const view = dataViewOf(packet);
  const total = IPV6_HEADER_BYTES + (view.getUint16(4) || packet.length - IPV6_HEADER_BYTES);
  let next = view.getUint8(6);
  let at = IPV6_HEADER_BYTES;
  for (let extensions = 0; next !== TCP; extensions++) {
    if (next === Extension.FRAGMENT) return 'fragment';
    const isAuthentication = next === Extension.AUTHENTICATION;
    const isExtension =
      isAuthentication || next === Extension.HOP_BY_HOP || next === Extension.ROUTING || next === Extension.DESTINATION;
    if (!isExtension) return 'other';
    if (packet.length < at + 8 || extensions === MAX_EXTENSIONS) return 'damaged';
    next = view.getUint8(at);
    const length = view.getUint8(at + 1);
    at += isAuthentication ? (length + 2) * 4 : (length + 1) * 8;
  }
  return { source: packet.subarray(8, 24), destination: packet.subarray(24, 40), at, bytes: total - at };
}

function readTcp(packet: Uint8Array, ip: IpPayload): TcpSegment | NoSegment {
  const segment = packet.subarray(ip.at, ip.at + Math.max(0, ip.bytes));
  if (segment.length < TCP_HEADER_BYTES) return 'damaged';
  const view = dataViewOf(segment);
  const headerBytes = (view.getUint8(12) >>> 4) * 4;
  if (headerBytes < TCP_HEADER_BYTES || headerBytes > ip.bytes) return 'damaged';
  const flags = view.getUint8(13);
  const payload = segment.subarray(headerBytes); // nothing, if what was captured ends in the options
  return {
    source: { address: showIpAddress(ip.source), port: view.getUint16(0) },
    destination: { address: showIpAddress(ip.destination), port: view.getUint16(2) },
    sequence: view.getUint32(4),
    ...{ isFin: (flags & 0x01) !== 0, isSyn: (flags & 0x02) !== 0, isReset: (flags & 0x04) !== 0 },
    ...{ isAck: (flags & 0x10) !== 0, payload, missingBytes: ip.bytes - headerBytes - payload.length },
  };
}
