import { constants, inflateRawSync } from 'node:zlib';
import type { DeflateDirection } from '../../dist/protocol/deflate/agreement.js';
import { shown } from './frames.js';

/** What a sender leaves out at the end of a compressed message (RFC 7692 section 7.2.1). */
const TAIL = Buffer.of(0x00, 0x00, 0xff, 0xff);

/** The smallest window that zlib has for raw streams. Its dictionary may be smaller. */
const ZLIB_MIN_BITS = 9;

/** A frame as it was sent. */
export interface SentFrame {
  readonly opcode: number;
  readonly isCompressed: boolean;
  /** The payload on the wire, in bytes. */
  readonly wireBytes: number;
  /** After inflating. */
  readonly payload: Buffer;
}

/**
 * A client that has agreed on permessage-deflate, by RFC 7692 and zlib, independent of `src/`. It knows of earlier messages what was
 * agreed on, and nothing more: a match that reaches further is an error.
 */
export class InflatingPeer {
  readonly #direction: DeflateDirection;
  readonly #chunkBytes: number;
  #window: Buffer = Buffer.alloc(0);

  /**
   * @param chunkBytes how much zlib inflates at a time. It finds what it needs in this part of its output too, so that a match is not
   * noticed which reaches further than the window by no more than that.
   */
  constructor(direction: DeflateDirection, chunkBytes = 16_384) {
    this.#direction = direction;
    this.#chunkBytes = chunkBytes;
  }

  /** Reads whole frames. @throws for a frame that a server must not send, and for a message that cannot be inflated */
  read(bytes: Buffer): SentFrame[] {
    const frames: SentFrame[] = [];
    let at = 0;
    while (at < bytes.length) {
      const first = bytes.readUInt8(at);
      let length = bytes.readUInt8(at + 1);
      at += 2;
      if (length === 126) {
        length = bytes.readUInt16BE(at);
        at += 2;
      } else if (length === 127) {
        length = Number(bytes.readBigUInt64BE(at));
        at += 8;
      }
      if (at + length > bytes.length) throw new Error('a frame that is cut');
      if ((first & 0xb0) !== 0x80) throw new Error(`a frame that begins with ${first.toString(16)}`);
      const opcode = first & 0x0f;
      const isCompressed = (first & 0x40) !== 0;
      if (isCompressed && opcode > 2) throw new Error('a control frame that is compressed');
      const sent = bytes.subarray(at, at + length);
      at += length;
      const payload = isCompressed ? this.#inflate(sent) : sent;
      frames.push({ opcode, isCompressed, wireBytes: length, payload });
    }
    return frames;
  }

  #inflate(sent: Buffer): Buffer {
    const { windowBits, contextTakeover } = this.#direction;
    const { buffer: message, engine } = inflateRawSync(Buffer.concat([sent, TAIL]), {
      windowBits: Math.max(windowBits, ZLIB_MIN_BITS),
      finishFlush: constants.Z_SYNC_FLUSH,
      chunkSize: this.#chunkBytes,
      info: true,
      ...(this.#window.length > 0 && { dictionary: this.#window }),
    }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
    if (engine.bytesWritten !== sent.length + TAIL.length) throw new Error('bytes behind the end of a stream');
    if (contextTakeover) this.#window = Buffer.concat([this.#window, message]).subarray(-(2 ** windowBits));
    return message;
  }
}

/** Frames in a form that reads well in an assertion: as {@link shown}, with a mark in front of what was compressed. */
export function shownAll(frames: readonly SentFrame[]): string[] {
  return frames.map(({ opcode, isCompressed, payload }) => `${isCompressed ? '~' : ''}${shown(opcode, payload)}`);
}

/** Frames as {@link shown}, whether they were compressed or not. */
export function shownInflated(frames: readonly SentFrame[]): string[] {
  return frames.map(({ opcode, payload }) => shown(opcode, payload));
}
