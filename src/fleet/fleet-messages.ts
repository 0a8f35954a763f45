import { endOfMessageFrame } from '../protocol/message-frames.js';
import { FLEET_HEADER_BYTES, type FleetIdentity, writeFleetHeader } from './fleet-message.js';

/**
 * Cuts the frames of a run into messages that an engine takes: as many whole frames in each as have room. A frame that has no room in any is
 * cut into pieces.
 * @param frames right frames of whole messages, at least one. They are copied, so they may lie in shared memory.
 * @param messages how many frames they are.
 * @param maxMessageBytes the most that the engine takes, more than {@link FLEET_HEADER_BYTES}.
 * @param timestamp when they were published, in ms since 1970.
 * @returns the messages in their order. The bytes of each are valid until the next one is asked for.
 */
export function* fleetMessages(
  identity: FleetIdentity,
  frames: Uint8Array,
  messages: number,
  maxMessageBytes: number,
  timestamp = Date.now(),
): Generator<Uint8Array, void, void> {
  const room = maxMessageBytes - FLEET_HEADER_BYTES;
  const memory = Buffer.allocUnsafe(FLEET_HEADER_BYTES + Math.min(room, frames.length));
  const write = (start: number, end: number, header: Pick<Header, 'messages' | 'serial'> & Partial<Header>) => {
    writeFleetHeader(memory, identity.origin, { piece: 0, pieces: 1, totalBytes: end - start, timestamp, ...header });
    memory.set(frames.subarray(start, end), FLEET_HEADER_BYTES);
    return memory.subarray(0, FLEET_HEADER_BYTES + end - start);
  };
  if (frames.length <= room) {
    yield write(0, frames.length, { messages, serial: identity.nextSerial() });
    return;
  }
  for (let start = 0; start < frames.length; ) {
    let end = endOfMessageFrame(frames, start);
    if (end - start > room) {
      const header = { messages: 1, pieces: Math.ceil((end - start) / room), totalBytes: end - start };
      const serial = identity.nextSerial();
      for (let piece = 0; piece < header.pieces; piece++) {
        const at = start + piece * room;
        yield write(at, Math.min(at + room, end), { ...header, serial, piece });
      }
    } else {
      let count = 1;
      for (let next = end; next < frames.length; count++, end = next) {
        next = endOfMessageFrame(frames, next);
        if (next - start > room) break;
      }
      yield write(start, end, { messages: count, serial: identity.nextSerial() });
    }
    start = end;
  }
}

type Header = Parameters<typeof writeFleetHeader>[2];
