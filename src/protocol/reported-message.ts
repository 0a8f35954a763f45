/** A range of the arena that whoever has it must give back to the arena's slabs. */
export interface Slab {
  readonly offset: number;
  readonly capacity: number;
}

/**
 * A whole message where it lies, as it is reported to those who deliver, forward or publish it. The frame reader reports what
 * has arrived in frames by being one of these itself, so that no message costs an object. Whatever makes messages of other
 * bytes, such as a decompressor, can be one too.
 *
 * All of it is valid until whoever reports it goes on to the next message.
 * @typeParam Bytes the class of the views of its memory.
 */
export interface ReportedMessage<Bytes extends Uint8Array = Uint8Array> {
  /** The first byte of one unfragmented frame with the same message: FIN and the opcode, `TEXT` or `BINARY` (RFC 6455 section 5.2). */
  readonly firstByte: number;
  /** The memory that the payload lies in: that of the arena, or memory on the heap. */
  readonly bytes: Bytes;
  /** Where the payload begins, in `bytes`. */
  readonly start: number;
  /** Of the payload, in bytes. */
  readonly length: number;
  /** How many bytes in front of `start` nothing needs any more: the header of a frame that is sent may be written there. */
  readonly vacated: number;

  /**
   * Leaves the slab that the payload lies in to the caller, who gives it back to the arena.
   * @returns undefined if the payload lies in no slab of its own.
   */
  detachSlab(): Slab | undefined;
}
