import type { Kernel } from '../kernels/kernel.js';
import { type Arena, WINDOW_BYTES } from '../memory/arena.js';
import { FrameEvent, FrameReader } from '../protocol/frame-reader.js';

/** What bounds a message. */
export interface MessageLimits {
  /** Longest message, its fragments in sum, in bytes; beyond it 1009. */
  readonly maxPayloadBytes: number;
  /** Fragments without payload that may follow each other; beyond it 1008. */
  readonly maxConsecutiveEmptyFragments: number;
}

/** Who wants to know what arrives. */
export interface InputListener {
  /** Asked before each event: false to have no more of them now. What is left is kept until {@link Input.release}. */
  readonly acceptsInput: boolean;
  /** Whether nothing that arrives matters any more. */
  readonly discardsInput: boolean;
  /** The window is about to be overwritten, between two events of the same turn. */
  beforeWindowChanges(): void;
  /** A message or a control frame, at `input.reader`. */
  onEvent(event: FrameEvent): void;
  /** The framing loop, or `onEvent`, has thrown; nothing more can be read. */
  onInputError(error: unknown): void;
}

/**
 * The input of one connection: takes what reads bring, makes events of it, and keeps what cannot be handled yet. It begins
 * held.
 */
export class Input {
  readonly reader: FrameReader;
  readonly #arena: Arena;
  readonly #listener: InputListener;
  #isHeld = true;
  /** Read, and to be handled when the input is released: copies, none longer than the window. */
  #unhandled: Uint8Array[] = [];

  constructor(arena: Arena, kernel: Kernel, limits: MessageLimits, listener: InputListener) {
    this.#arena = arena;
    this.#listener = listener;
    this.reader = new FrameReader(arena, kernel, limits.maxPayloadBytes, limits.maxConsecutiveEmptyFragments);
  }

  /** Memory that is held by what cannot be handled yet, in bytes. */
  get keptBytes(): number {
    let bytes = this.reader.keptBytes;
    if (this.#unhandled.length === 0) return bytes;
    for (const part of this.#unhandled) bytes += part.length;
    return bytes;
  }

  /** Whether a part of a message is kept, or something that cannot be handled yet. */
  get keepsSomething(): boolean {
    return this.#unhandled.length > 0 || this.reader.isMidway;
  }

  /** Whether nothing is handled before {@link release}. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  get hasUnhandled(): boolean {
    return this.#unhandled.length > 0;
  }

  /** Adds what somebody else has read of the connection, and leaves unchanged. */
  add(read: Uint8Array): void {
    this.#unhandled.push(...windowfuls(read));
  }

  /**
   * Handles what a read has put to `[start, end)` of the arena. In the connection's read callback only.
   * @returns false if reading is to stop.
   */
  read(start: number, end: number): boolean {
    this.reader.settle();
    if (this.#listener.discardsInput) {
      this.discard();
      return true;
    }
    if (this.#isHeld) {
      this.#unhandled.push(...windowfuls(new Uint8Array(this.#arena.bytes.subarray(start, end))));
      return false;
    }
    this.reader.feed(start, end);
    this.#handle();
    return !this.#isHeld;
  }

  /** Handles what was kept. @returns false if the listener wants to have no more of it now. */
  release(): boolean {
    this.#isHeld = false;
    const { windowStart, bytes } = this.#arena;
    while (this.#unhandled.length > 0 && !this.#isHeld) {
      const part = this.#unhandled.shift() as Uint8Array;
      this.#listener.beforeWindowChanges();
      bytes.set(part, windowStart);
      this.reader.feed(windowStart, windowStart + part.length);
      this.#handle();
    }
    return !this.#isHeld;
  }

  /** Where the next read should go: see {@link TransportListener.readTarget}. */
  target(): readonly [offset: number, length: number] | undefined {
    // With something unhandled, the reader may move its memory at any time: nothing of it can be lent.
    if (this.#unhandled.length > 0 || this.#listener.discardsInput) return undefined;
    return this.reader.lendFreeEnd();
  }

  /** Forgets everything that has arrived. */
  discard(): void {
    this.#unhandled = [];
    this.reader.discard();
  }

  /** After the socket was destroyed: nothing reads to our memory any more, and it is given back. */
  close(): void {
    this.reader.settle();
    this.discard();
  }

  /** The loop over what was fed to the reader. Ends with all of it consumed, kept, or discarded. */
  #handle(): void {
    const { reader } = this;
    const listener = this.#listener;
    try {
      while (!listener.discardsInput) {
        if (!listener.acceptsInput) {
          const unread = reader.takeUnread();
          // Maybe more than a window: a read to the end of a message brings as much as there was room for.
          if (unread !== undefined) this.#unhandled.unshift(...windowfuls(unread));
          this.#isHeld = true;
          return;
        }
        const event = reader.next();
        if (event === FrameEvent.NONE) return;
        listener.onEvent(event);
      }
    } catch (error) {
      try {
        listener.onInputError(error);
      } finally {
        this.discard();
      }
      return;
    }
    this.discard();
  }
}

/** What was read, in parts that the window has room for. */
function windowfuls(read: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < read.length; at += WINDOW_BYTES) parts.push(read.subarray(at, at + WINDOW_BYTES));
  return parts;
}
