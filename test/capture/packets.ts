/*
 * Writes what a program like tcpdump writes: TCP segments in IP packets, in frames of a link, in files of the formats pcap and pcapng. Checksums
 * are 0: nobody verifies them.
 */

/** The links that a packet can be captured on. */
export type Link = 'ethernet' | 'vlan' | 'qinq' | 'sll' | 'sll2' | 'null' | 'loop' | 'raw';

export const LINKS: readonly Link[] = ['ethernet', 'vlan', 'qinq', 'sll', 'sll2', 'null', 'loop', 'raw'];

export const LINK_TYPES: Readonly<Record<Link, number>> = {
  ...{ ethernet: 1, vlan: 1, qinq: 1, sll: 113, sll2: 276, null: 0, loop: 108, raw: 101 },
};

/** What a segment says beside its payload. */
export interface SegmentParts {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly flags?: readonly ('syn' | 'ack' | 'fin' | 'rst')[];
  readonly payload?: Uint8Array;
  /** How many bytes of options it has: a multiple of 4. */
  readonly optionBytes?: number;
}

const FLAGS = { fin: 1, syn: 2, rst: 4, ack: 16 } as const;

export function tcpSegment(parts: SegmentParts): Buffer {
  const {
    sourcePort,
    destinationPort,
    sequence,
    flags = ['ack'],
    payload = new Uint8Array(0),
    optionBytes = 12,
  } = parts;
  const header = Buffer.alloc(20 + optionBytes, 1); // options that do nothing
  header.writeUInt16BE(sourcePort, 0);
  header.writeUInt16BE(destinationPort, 2);
  header.writeUInt32BE(sequence >>> 0, 4);
  header.writeUInt8((header.length / 4) << 4, 12);
  header.writeUInt8(
    flags.reduce((bits, flag) => bits | FLAGS[flag], 0),
    13,
  );
  return Buffer.concat([header, payload]);
}

/** An IPv4 packet, or an IPv6 packet for addresses of 16 bytes. @param extensions whether IPv6 has headers in front of TCP. */
export function ipPacket(source: Uint8Array, destination: Uint8Array, payload: Uint8Array, extensions = false): Buffer {
  if (source.length === 4) {
    const header = Buffer.alloc(20);
    header.writeUInt8(0x45, 0);
    header.writeUInt16BE(20 + payload.length, 2);
    header.writeUInt8(6, 9);
    header.set(source, 12);
    header.set(destination, 16);
    return Buffer.concat([header, payload]);
  }
  // Hop-by-hop options of 8 bytes, and destination options of 16.
  const inner = extensions
    ? Buffer.concat([Buffer.of(60, 0, 1, 4, 0, 0, 0, 0), Buffer.of(6, 1), Buffer.alloc(14)])
    : Buffer.alloc(0);
  const header = Buffer.alloc(40);
  header.writeUInt8(0x60, 0);
  header.writeUInt16BE(inner.length + payload.length, 4);
  header.writeUInt8(extensions ? 0 : 6, 6);
  header.set(source, 8);
  header.set(destination, 24);
  return Buffer.concat([header, inner, payload]);
}

/** A packet as its link carries it. Short frames of Ethernet are filled up to 60 bytes. */
export function onLink(link: Link, ip: Uint8Array): Buffer {
  const isIpv6 = (ip[0] as number) >>> 4 === 6;
  const type = isIpv6 ? [0x86, 0xdd] : [0x08, 0x00];
  const family = isIpv6 ? 30 : 2;
  const frame = Buffer.concat([Buffer.from(frontOf(link, type, family)), ip]);
  return link === 'ethernet' && frame.length < 60 ? Buffer.concat([frame], 60) : frame;
}

function frontOf(link: Link, type: readonly number[], family: number): readonly number[] {
  const addresses = new Array<number>(12).fill(2);
  switch (link) {
    case 'ethernet':
      return [...addresses, ...type];
    case 'vlan':
      return [...addresses, 0x81, 0x00, 0x00, 0x05, ...type];
    case 'qinq':
      return [...addresses, 0x88, 0xa8, 0x00, 0x05, 0x81, 0x00, 0x00, 0x06, ...type];
    case 'sll':
      return [...new Array<number>(14).fill(0), ...type];
    case 'sll2':
      return [...type, ...new Array<number>(18).fill(0)];
    case 'null':
      return [family, 0, 0, 0];
    case 'loop':
      return [0, 0, 0, family];
    case 'raw':
      return [];
  }
}

/** A packet in a file. */
export interface FilePacket {
  readonly timeNs: bigint;
  readonly bytes: Uint8Array;
}

/** How a file is written. */
export interface FileOptions {
  readonly linkType?: number;
  readonly isLittle?: boolean;
  /** Whether times are in nanoseconds; else they are in microseconds. */
  readonly isNano?: boolean;
  /** Whether pcapng has blocks, options and a second section that are of no interest. */
  readonly hasMore?: boolean;
}

class Writer {
  readonly #isLittle: boolean;
  readonly #parts: Buffer[] = [];

  constructor(isLittle: boolean) {
    this.#isLittle = isLittle;
  }

  u16(value: number): this {
    const part = Buffer.alloc(2);
    if (this.#isLittle) part.writeUInt16LE(value);
    else part.writeUInt16BE(value);
    return this.bytes(part);
  }

  u32(value: number): this {
    const part = Buffer.alloc(4);
    if (this.#isLittle) part.writeUInt32LE(value);
    else part.writeUInt32BE(value);
    return this.bytes(part);
  }

  bytes(part: Uint8Array): this {
    this.#parts.push(Buffer.from(part));
    return this;
  }

  done(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

const SECOND = 1_000_000_000n;

export function pcapFile(packets: readonly FilePacket[], options: FileOptions = {}): Buffer {
  const { linkType = 1, isLittle = true, isNano = false } = options;
  const writer = new Writer(isLittle)
    .u32(isNano ? 0xa1b23c4d : 0xa1b2c3d4)
    .u16(2)
    .u16(4)
    .u32(0)
    .u32(0)
    .u32(262144)
    .u32(linkType);
  for (const { timeNs, bytes } of packets) {
    const fraction = Number(timeNs % SECOND);
    writer.u32(Number(timeNs / SECOND)).u32(isNano ? fraction : Math.floor(fraction / 1000));
    writer.u32(bytes.length).u32(bytes.length).bytes(bytes);
  }
  return writer.done();
}

/** A block of pcapng. */
export function pcapngBlock(type: number, body: Uint8Array, isLittle = true): Buffer {
  const padding = Buffer.alloc(-body.length & 3);
  const length = 12 + body.length + padding.length;
  return new Writer(isLittle).u32(type).u32(length).bytes(body).bytes(padding).u32(length).done();
}

export function pcapngSection(isLittle = true): Buffer {
  const body = new Writer(isLittle).u32(0x1a2b3c4d).u16(1).u16(0).u32(0xffffffff).u32(0xffffffff).done();
  return pcapngBlock(0x0a0d0d0a, body, isLittle);
}

export function pcapngInterface(linkType: number, isNano: boolean, isLittle = true): Buffer {
  const body = new Writer(isLittle).u16(linkType).u16(0).u32(0);
  if (isNano)
    body
      .u16(9)
      .u16(1)
      .bytes(Buffer.of(9, 0, 0, 0));
  return pcapngBlock(1, body.u16(0).u16(0).done(), isLittle);
}

export function pcapngPacket({ timeNs, bytes }: FilePacket, isNano: boolean, isLittle = true): Buffer {
  const units = isNano ? timeNs : timeNs / 1000n;
  const body = new Writer(isLittle)
    .u32(0)
    .u32(Number(units >> 32n))
    .u32(Number(units & 0xffffffffn));
  body
    .u32(bytes.length)
    .u32(bytes.length)
    .bytes(bytes)
    .bytes(Buffer.alloc(-bytes.length & 3));
  return pcapngBlock(6, body.u16(0).u16(0).done(), isLittle);
}

export function pcapngFile(packets: readonly FilePacket[], options: FileOptions = {}): Buffer {
  const { linkType = 1, isLittle = true, isNano = false, hasMore = false } = options;
  const start = [pcapngSection(isLittle), pcapngInterface(linkType, isNano, isLittle)];
  const more = hasMore
    ? [pcapngBlock(4, Buffer.alloc(100_000), isLittle), pcapngBlock(0x80000001, Buffer.of(1), isLittle)]
    : [];
  const blocks = packets.map((packet) => pcapngPacket(packet, isNano, isLittle));
  // The second section has the other byte order, and an interface of its own.
  const half = hasMore ? Math.floor(blocks.length / 2) : blocks.length;
  const rest = packets.slice(half).map((packet) => pcapngPacket(packet, isNano, !isLittle));
  const second = hasMore ? [pcapngSection(!isLittle), pcapngInterface(linkType, isNano, !isLittle), ...rest] : [];
  return Buffer.concat([...start, ...more, ...blocks.slice(0, half), ...second]);
}
