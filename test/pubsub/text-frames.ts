import { frameHeaderBytes, writeFrameHeader } from '../../dist/protocol/frame-header.js';

/** Frames of whole texts, as servers send them. */
export function textFrames(...texts: readonly string[]): Uint8Array {
  return Buffer.concat(
    texts.map((text) => {
      const payload = Buffer.from(text);
      const frame = Buffer.alloc(frameHeaderBytes(payload.length) + payload.length);
      frame.set(payload, writeFrameHeader(frame, 0, 0x81, payload.length));
      return frame;
    }),
  );
}
