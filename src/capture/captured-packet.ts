/** A packet of a network as a program like tcpdump has written it. */
export interface CapturedPacket {
  /** When it was captured: nanoseconds since 1970. */
  readonly timeNs: bigint;
  /** What its bytes begin with: one of the link types that tcpdump.org lists. */
  readonly linkType: number;
  /** What was captured of it. It may be the memory of the file that is read, which is overwritten. */
  readonly bytes: Uint8Array;
}

/**
 * The longest packet that is read, in bytes: what tcpdump captures at most. It bounds the memory that a file takes whose lengths are
 * wrong.
 */
export const MAX_PACKET_BYTES = 256 * 1024;

/** A file is no capture, or what it says of itself cannot be true. */
export class CaptureError extends Error {
  override readonly name = 'CaptureError';
  /** The same for every error of this class. */
  readonly code = 'WSLOOM_CAPTURE';
}

/** @param at where the part begins that is wrong, in bytes from the beginning of the file. */
export function damaged(what: string, at: number): CaptureError {
  return new CaptureError(`the capture is damaged at byte ${at}: ${what}`);
}
