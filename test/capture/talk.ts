import { makeFrame } from '../../dist/anatomy/make-frame.js';
import { renderRequest } from '../../dist/protocol/opening/client-handshake.js';
import { sha1Base64 } from '../../dist/system/sha1.js';
import { acceptKey } from '../../dist/protocol/opening/accept-key.js';
import { type FilePacket, ipPacket, type Link, onLink, tcpSegment } from './packets.js';

export type Side = 'client' | 'server';

/** A segment that was sent, as an IP packet. */
export interface SentPacket {
  readonly from: Side;
  readonly ip: Buffer;
}

/** How the ends of a connection are. */
export interface TalkOptions {
  readonly clientPort?: number;
  readonly isIpv6?: boolean;
  /** The numbers of the SYNs. */
  readonly sequences?: Readonly<Record<Side, number>>;
  /** How many bytes a segment has at most. */
  readonly segmentBytes?: number;
}

const IPV4 = { client: Uint8Array.of(10, 0, 0, 1), server: Uint8Array.of(10, 0, 0, 2) };
const IPV6 = {
  client: Uint8Array.of(0xfd, ...new Array<number>(14).fill(0), 1),
  server: Uint8Array.of(0xfd, ...new Array<number>(14).fill(0), 2),
};

/** Makes the packets of one TCP connection, of what both ends send. */
export class Talk {
  readonly packets: SentPacket[] = [];
  /** What each side has sent, in all. */
  readonly sent: Record<Side, Buffer> = { client: Buffer.alloc(0), server: Buffer.alloc(0) };
  readonly #options: TalkOptions;
  readonly #next: Record<Side, number>;

  constructor(options: TalkOptions = {}) {
    this.#options = options;
    this.#next = { ...(options.sequences ?? { client: 1000, server: 9000 }) };
  }

  /** The three packets that open a TCP connection. */
  open(): this {
    this.#add('client', ['syn']);
    this.#add('server', ['syn', 'ack']);
    return this.#add('client', ['ack']);
  }

  send(from: Side, bytes: Uint8Array): this {
    const { segmentBytes = 1448 } = this.#options;
    for (let at = 0; at < bytes.length; at += segmentBytes)
      this.#add(from, ['ack'], bytes.subarray(at, at + segmentBytes));
    this.sent[from] = Buffer.concat([this.sent[from], bytes]);
    return this;
  }

  /** Sends bytes of which no packet is captured. */
  lose(from: Side, bytes: Uint8Array): this {
    this.#next[from] += bytes.length;
    this.sent[from] = Buffer.concat([this.sent[from], bytes]);
    return this;
  }

  /** Both ends close. */
  close(): this {
    return this.#add('client', ['fin', 'ack']).#add('server', ['fin', 'ack']).#add('client', ['ack']);
  }

  reset(from: Side): this {
    return this.#add(from, ['rst']);
  }

  #add(from: Side, flags: readonly ('syn' | 'ack' | 'fin' | 'rst')[], payload: Uint8Array = new Uint8Array(0)): this {
    this.packets.push({ from, ip: this.packet(from, this.#next[from], payload, flags) });
    this.#next[from] += payload.length + (flags.includes('syn') || flags.includes('fin') ? 1 : 0);
    return this;
  }

  /** Any packet of this connection. */
  packet(
    from: Side,
    sequence: number,
    payload: Uint8Array,
    flags: readonly ('syn' | 'ack' | 'fin' | 'rst')[] = ['ack'],
  ): Buffer {
    const { clientPort = 40_000, isIpv6 = false } = this.#options;
    const addresses = isIpv6 ? IPV6 : IPV4;
    const [sourcePort, destinationPort] = from === 'client' ? [clientPort, 8080] : [8080, clientPort];
    const segment = tcpSegment({ sourcePort, destinationPort, sequence, flags, payload });
    const to = from === 'client' ? 'server' : 'client';
    return ipPacket(addresses[from], addresses[to], segment, isIpv6);
  }
}

export const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

/** The opening handshake of a client. */
export function requestOf(lines: readonly string[] = [], target = '/chat'): Buffer {
  const request = renderRequest({ target, host: 'example.org', key: KEY });
  return Buffer.from(request.replace(/\r\n$/, `${lines.map((line) => `${line}\r\n`).join('')}\r\n`), 'latin1');
}

/** The answer of a server. */
export function answerOf(lines: readonly string[] = [], accept = acceptKey(KEY, sha1Base64)): Buffer {
  const head = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${accept}`,
  ];
  return Buffer.from(`${[...head, ...lines].join('\r\n')}\r\n\r\n`, 'latin1');
}

const MASKING_KEY = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);

/** A frame as a side sends it. */
export function frameOf(
  from: Side,
  opcode: number,
  payload: string | Uint8Array,
  parts: { readonly isFinal?: boolean; readonly rsv?: number } = {},
): Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  return Buffer.from(makeFrame({ opcode, payload: bytes, key: from === 'client' ? MASKING_KEY : undefined, ...parts }));
}

/** The first packet of a capture: 2026-01-02T03:04:05.000001Z. */
export const START_NS = 1_767_323_045_000_001_000n;

/** Packets in a file: one a millisecond. */
export function captured(packets: readonly SentPacket[], link: Link = 'ethernet'): FilePacket[] {
  return packets.map(({ ip }, i) => ({ timeNs: START_NS + BigInt(i) * 1_000_000n, bytes: onLink(link, ip) }));
}
