import { createHash } from 'node:crypto';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const MASKING_KEY_BYTES = 4;
/** Frames are written in batches of about this many bytes. */
const BATCH_BYTES = 64 * 1024;

/** What a server answers with that never looks at a frame: frames of one length, prepared. */
export class CannedFrames {
  /** The length of each, in bytes. */
  readonly frameBytes: number;
  /** As many as are written at a time. */
  readonly batch: Buffer;
  readonly framesPerBatch: number;
  /** The length of a frame that a client sends: it is masked. */
  readonly receivedFrameBytes: number;

  /** @param length of every message, in bytes */
  constructor(length: number) {
    const frame = cannedFrame(length);
    this.frameBytes = frame.length;
    this.receivedFrameBytes = frame.length + MASKING_KEY_BYTES;
    this.framesPerBatch = Math.max(1, Math.floor(BATCH_BYTES / frame.length));
    this.batch = Buffer.alloc(this.framesPerBatch * frame.length, frame);
  }
}

/** A text of one letter, unmasked. RFC 6455 section 5.2. */
function cannedFrame(length: number): Buffer {
  const header = Buffer.alloc(length < 126 ? 2 : length < 65536 ? 4 : 10);
  header[0] = 0x81;
  header[1] = length < 126 ? length : length < 65536 ? 126 : 127;
  if (header.length === 4) header.writeUInt16BE(length, 2);
  if (header.length === 10) header.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([header, Buffer.alloc(length, 'a')]);
}

/** The answer to an opening handshake. @param key the value of Sec-WebSocket-Key. RFC 6455 section 4.2.2. */
export function switchingProtocols(key: string): string {
  const accept = createHash('sha1').update(`${key}${GUID}`).digest('base64');
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
}
