import type { FrameMemory } from '../pubsub/frame-memory.js';
import type { SendData } from './connection.js';
import type { LentMessage } from './message.js';

/** The output of one connection: messages and frames leave in the order of the calls. */
export interface MessageOutput {
  /** All that the kernel has not taken yet, in bytes: what waits to be compressed, what is gathered and what is queued. */
  readonly bufferedBytes: number;
  /** The part of it that is held in memory of its own, in bytes: all but what is gathered. */
  readonly queuedBytes: number;
  /** Whether the kernel keeps up: nothing is queued. */
  readonly isIdle: boolean;
  /** Whether nothing at all waits, or is being gathered: what goes to the transport comes behind everything before. */
  readonly isClear: boolean;

  /**
   * What the peer would have to take if it were sent another message of so many bytes, in bytes: whether it is too slow is judged by that.
   * What waits to be compressed counts as it is, but for the longest message among it, which counts with what has come of it so far: so one
   * message may be of any length. If the peer has taken all that it was offered, and the rest waits for the server, then neither that
   * message counts nor the other one.
   */
  owedWith(bytes: number): number;

  /** Whether so much waits that the application is to wait. What was only gathered is offered to the kernel before. */
  isAboveMark(): boolean;

  /**
   * Appends a message: a string as text, bytes as binary, and what has just been received as what it is.
   * @param own the message of this connection that is handed out now, if there is one.
   * @param mayCompress whether it may be compressed, where that was agreed on.
   * @returns the length of its payload before it is compressed, in bytes.
   * @throws TypeError for anything else, MessageVoidError for a message that is void.
   */
  data(data: SendData, own: LentMessage | undefined, mayCompress: boolean): number;

  /** Appends a frame whose payload lies at `[start, start + length)` of `payload`. */
  frame(firstByte: number, payload: Uint8Array, start: number, length: number): void;

  /** Appends frames that are encoded already, in memory that does not change while it is held. */
  frames(memory: FrameMemory, start: number, end: number): void;

  /**
   * Compressed frames that somebody else has made were sent behind everything that was appended so far: the receiver has them in its
   * window, and this output has not. No later message refers to anything in front of them.
   */
  forgetWindow(): void;

  /** Gives what was gathered to the kernel, and queues what it does not take. */
  flush(): void;

  /** Sends FIN behind everything. Nothing may be appended afterwards. */
  end(): void;

  /** Forgets what the transport does not have yet. */
  drop(): void;
}
