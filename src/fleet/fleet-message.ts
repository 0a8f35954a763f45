import { randomBytes } from 'node:crypto';

/*
 * A message as it travels through an engine between the servers of a fleet: a header, and frames as clients get them. The topic is not in
 * it: the engine carries it. Numbers are big-endian.
 *
 * | offset | bytes | what |
 * |-------:|------:|------|
 * |      0 |     2 | `WL` |
 * |      2 |     1 | version of the format: 1 |
 * |      3 |     1 | flags: 1 if the messages must not be compressed, else 0 |
 * |      4 |    16 | origin: random bytes, which the sending server has chosen when it started |
 * |     20 |     8 | serial: a number that the origin counts up with each run of frames; the pieces of a message share it |
 * |     28 |     8 | when it was published, in ms since 1970 (float64) |
 * |     36 |     4 | messages: how many frames there are |
 * |     40 |     4 | which piece it is, from 0 |
 * |     44 |     4 | of how many pieces; 1 if the frames are whole |
 * |     48 |     8 | the length of the frames, of all pieces together |
 * |     56 |     … | frames, or a piece of a frame |
 */
export const FLEET_HEADER_BYTES = 56;

const MAGIC = 0x574c;
const VERSION = 1;
const MUST_NOT_COMPRESS = 1;
const ORIGIN_AT = 4;
const ORIGIN_BYTES = 16;

/** Who publishes: a server, from its start to its end. */
export class FleetIdentity {
  /** The server's name on the bus, 16 random bytes. */
  readonly origin: Uint8Array = randomBytes(ORIGIN_BYTES);
  #serial = 0;

  /** A number that this server has not used yet. */
  nextSerial(): number {
    return this.#serial++;
  }
}

/** A message of the fleet as it was received. What its header says is not checked against its frames. */
export interface FleetMessage {
  /** The origin's bytes, one character each. */
  readonly origin: string;
  readonly serial: number;
  /** When it was published, in ms since 1970 by the clock of the origin. */
  readonly timestamp: number;
  /** How many frames there are. */
  readonly messages: number;
  /** Which piece it is, from 0. */
  readonly piece: number;
  /** Of how many pieces. */
  readonly pieces: number;
  /** The length of the frames, of all pieces together. */
  readonly totalBytes: number;
  /** Whether the messages may be compressed for clients. */
  readonly mayCompress: boolean;
  /** The frames, or a piece of one: a view of the bytes that were read. */
  readonly frames: Uint8Array;
}

/** What a header says beside the origin. */
type FleetHeader = Omit<FleetMessage, 'origin' | 'frames'>;

/** An origin as {@link FleetMessage} has it. */
export function originName(origin: Uint8Array): string {
  return Buffer.from(origin.buffer, origin.byteOffset, origin.length).toString('latin1');
}

/** Writes a header at the start of `bytes`. */
export function writeFleetHeader(bytes: Buffer, origin: Uint8Array, header: FleetHeader): void {
  bytes.writeUInt16BE(MAGIC, 0);
  bytes[2] = VERSION;
  bytes[3] = header.mayCompress ? 0 : MUST_NOT_COMPRESS;
  bytes.set(origin, ORIGIN_AT);
  writeUint64(bytes, header.serial, 20);
  bytes.writeDoubleBE(header.timestamp, 28);
  bytes.writeUInt32BE(header.messages, 36);
  bytes.writeUInt32BE(header.piece, 40);
  bytes.writeUInt32BE(header.pieces, 44);
  writeUint64(bytes, header.totalBytes, 48);
}

/** Why bytes are no message of the fleet. */
export type HeaderFlaw = 'not ours' | 'version';

/** Reads a message. */
export function readFleetMessage(received: Uint8Array): FleetMessage | HeaderFlaw {
  const bytes = Buffer.from(received.buffer, received.byteOffset, received.length);
  if (bytes.length < FLEET_HEADER_BYTES || bytes.readUInt16BE(0) !== MAGIC) return 'not ours';
  const flags = bytes[3] as number; // the header is whole
  if (bytes[2] !== VERSION || (flags & ~MUST_NOT_COMPRESS) !== 0) return 'version';
  return {
    origin: bytes.toString('latin1', ORIGIN_AT, ORIGIN_AT + ORIGIN_BYTES),
    serial: readUint64(bytes, 20),
    timestamp: bytes.readDoubleBE(28),
    messages: bytes.readUInt32BE(36),
    piece: bytes.readUInt32BE(40),
    pieces: bytes.readUInt32BE(44),
    totalBytes: readUint64(bytes, 48),
    mayCompress: flags !== MUST_NOT_COMPRESS,
    frames: bytes.subarray(FLEET_HEADER_BYTES),
  };
}

/** @param value an integer below 2^53. */
function writeUint64(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32BE(Math.floor(value / 0x1_0000_0000), at);
  bytes.writeUInt32BE(value % 0x1_0000_0000, at + 4);
}

/** From 2^53 on it is rounded. */
function readUint64(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * 0x1_0000_0000 + bytes.readUInt32BE(at + 4);
}
