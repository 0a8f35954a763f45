import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { ProtocolError } from '../protocol/protocol-error.js';

/** The end of what a compressor flushes, which a message is sent without (RFC 7692 section 7.2.1). */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);

/** How far back a compressed message may refer to earlier ones, in bytes. */
const WINDOW_BYTES = 32 * 1024;

/** The longest message that is decompressed: its length after that, in bytes. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** A message compressed by itself (RFC 7692 section 7.2.1). */
export function deflatedMessage(message: Uint8Array): Uint8Array {
  const flushed = deflateRawSync(message, { finishFlush: constants.Z_SYNC_FLUSH });
  return flushed.subarray(0, -TAIL.length);
}

/**
 * Makes a function that decompresses the messages of one direction in their order, whether they refer to earlier ones or not (RFC 7692
 * section 7.2.2). It throws a ProtocolError for what cannot be decompressed, and returns undefined for a message that gets longer than
 * 16 MiB, and for all messages behind one of these.
 */
export function messageInflater(): (message: Uint8Array) => Uint8Array | undefined {
  let window: Uint8Array | undefined = Buffer.alloc(0);
  return (message) => {
    if (window === undefined) return undefined;
    try {
      const inflated = inflateRawSync(Buffer.concat([message, TAIL]), {
        ...{ finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: MAX_MESSAGE_BYTES },
        ...(window.length > 0 && { dictionary: window }),
      });
      window = Buffer.concat([window, inflated.subarray(-WINDOW_BYTES)]).subarray(-WINDOW_BYTES);
      return inflated;
    } catch (cause) {
      window = undefined;
      if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return undefined;
      throw new ProtocolError('deflate', `corrupt compressed message: ${(cause as Error).message} (RFC 1951)`);
    }
  };
}
