import { endOfMessageFrame } from '../protocol/message-frames.js';
import { FLEET_HEADER_BYTES, type FleetIdentity, writeFleetHeader } from './fleet-message.js';

/** Larger memory than this, in bytes, is not kept for the next messages. */
const MAX_SPARE_BYTES = 1024 * 1024;

/** Memory that messages are put together in, used again and again: new memory for each 100 KB took two to six times as long as the rest. */
export class MessageMemory {
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
 * Cuts the frames of a run into messages that an engine takes: as many whole frames in each as have room. A frame that has no room in any is
 * cut into pieces.
 * @param frames right frames of whole messages, at least one. They are copied, so they may lie in shared memory.
 * @param messages how many frames they are.
 * @param maxMessageBytes the most that the engine takes, more than {@link FLEET_HEADER_BYTES}.
 * @param timestamp when they were published, in ms since 1970.
 * @param mayCompress whether other servers may compress them for their clients.
 * @param spare memory for the messages, which may be used for others afterwards.
 * @returns the messages in their order. The bytes of each are valid until the next one is asked for.
 */
export function* fleetMessages(
  identity: FleetIdentity,
  frames: Uint8Array,
  messages: number,
  maxMessageBytes: number,
  timestamp = Date.now(),
  mayCompress = true,
  spare = new MessageMemory(),
): Generator<Uint8Array, void, void> {
  const room = maxMessageBytes - FLEET_HEADER_BYTES;
  const memory = spare.take(FLEET_HEADER_BYTES + Math.min(room, frames.length));
  const header = {
    serial: identity.nextSerial(),
    timestamp,
    messages,
    piece: 0,
    pieces: 1,
    totalBytes: frames.length,
    mayCompress,
  };
  const write = (start: number, end: number) => {
    writeFleetHeader(memory, identity.origin, header);
    memory.set(frames.subarray(start, end), FLEET_HEADER_BYTES);
    return memory.subarray(0, FLEET_HEADER_BYTES + end - start);
  };
  try {
    if (frames.length <= room) {
      yield write(0, frames.length);
      return;
    }
    for (let start = 0; start < frames.length; header.serial = identity.nextSerial()) {
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
