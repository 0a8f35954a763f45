import { endOfMessageFrame } from '../protocol/message-frames.js';
import { ENVELOPE_HEADER_BYTES, type Origin, writeEnvelopeHeader } from './envelope.js';
import type { TimedPublication } from './fleet-publication.js';

/** Larger memory than this, in bytes, is not kept for the next envelopes. */
const MAX_SPARE_BYTES = 1024 * 1024;

/** Memory that envelopes are put together in, used again and again: new memory for each 100 KB took two to six times as long as the rest. */
export class EnvelopeMemory {
  #spare: Buffer | undefined;

  /** Memory of at least so many bytes, for one user at a time. */
  take(bytes: number): Buffer {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare !== undefined && spare.length >= bytes ? spare : Buffer.allocUnsafe(bytes);
  }

  /** To be called when {@link take}'s memory is not used any more. */
  giveBack(memory: Buffer): void {
    if (memory.length <= MAX_SPARE_BYTES && memory.length > (this.#spare?.length ?? 0)) this.#spare = memory;
  }
}

/**
 * Puts a publication into envelopes that an engine takes: as many whole frames in each as have room. A frame that has no room in any is cut into
 * pieces.
 * @param publication at least one message. Its frames are copied, so they may lie in shared memory.
 * @param maxEnvelopeBytes the most that the engine takes, more than {@link ENVELOPE_HEADER_BYTES}.
 * @param spare memory for the envelopes, which may be used for others afterwards.
 * @returns the envelopes in their order. The bytes of each are valid until the next one is asked for.
 */
export function* packEnvelopes(
  origin: Origin,
  { frames, messages, timestamp, mayCompress }: TimedPublication,
  maxEnvelopeBytes: number,
  spare: EnvelopeMemory,
): Generator<Uint8Array, void, void> {
  const room = maxEnvelopeBytes - ENVELOPE_HEADER_BYTES;
  const memory = spare.take(ENVELOPE_HEADER_BYTES + Math.min(room, frames.length));
  const header = {
    serial: origin.nextSerial(),
    timestamp,
    messages,
    piece: 0,
    pieces: 1,
    totalBytes: frames.length,
    mayCompress,
  };
  const write = (start: number, end: number) => {
    writeEnvelopeHeader(memory, origin.bytes, header);
    memory.set(frames.subarray(start, end), ENVELOPE_HEADER_BYTES);
    return memory.subarray(0, ENVELOPE_HEADER_BYTES + end - start);
  };
  try {
    if (frames.length <= room) {
      yield write(0, frames.length);
      return;
    }
    for (let start = 0; start < frames.length; header.serial = origin.nextSerial()) {
      let end = endOfMessageFrame(frames, start);
      header.messages = 1;
      header.pieces = Math.ceil((end - start) / room);
      if (header.pieces === 1) {
        for (let next = end; next < frames.length; header.messages++, end = next) {
          next = endOfMessageFrame(frames, next);
          if (next - start > room) break;
        }
      }
      header.totalBytes = end - start;
      for (header.piece = 0; header.piece < header.pieces; header.piece++) {
        const at = start + header.piece * room;
        yield write(at, Math.min(at + room, end));
      }
      start = end;
    }
  } finally {
    spare.giveBack(memory);
  }
}
