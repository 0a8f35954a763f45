import { InflatedMessages } from '../compression/inflated-messages.js';
import type { Inflation } from '../compression/inflation.js';
import type { Kernel } from '../kernels/kernel.js';
import { type Arena, WINDOW_BYTES } from '../memory/arena.js';
import type { DeflateDirection } from '../protocol/deflate/agreement.js';
import { FrameEvent } from '../protocol/frame-event.js';
import { MaskedFrameReader } from '../protocol/masked-frame-reader.js';
import { RSV1 } from '../protocol/opcode.js';

/** What bounds a message. */
export interface MessageLimits {
  /** The longest message, its fragments added up, in bytes. A longer one closes the connection with 1009. */
  readonly maxPayloadBytes: number;
  /** How many fragments without payload may follow each other. More close the connection with 1008. */
  readonly maxConsecutiveEmptyFragments: number;
}

/** What compressed messages need (RFC 7692), on connections that have negotiated them. */
export interface InflatedInput {
  /** What the thread inflates them with. */
  readonly inflation: Inflation<Buffer>;
  /** How the peer compresses. */
  readonly peer: DeflateDirection;
}

/** The connection that an {@link Input} reports to. */
export interface InputListener {
  /** Whether messages are wanted. If not, those that are compressed are dropped as they are. */
  readonly isOpen: boolean;
  /** Whether the next event is wanted now. It is asked before each event; the rest is kept until {@link Input.release}. */
  readonly acceptsInput: boolean;
  /**
   * Whether a compressed message that has begun may go on now. That output has piled up meanwhile, or that the peer has sent too fast, is
   * no reason to wait: the message holds memory that others wait for.
   */
  readonly mayGoOn: boolean;
  /** Whether input is discarded. */
  readonly discardsInput: boolean;
  /** Called before the window is overwritten between two events of the same turn. */
  beforeWindowChanges(): void;
  /** Called for a message or a control frame: see `input.reported`. */
  onEvent(event: FrameEvent): void;
  /** Called when a compressed message has arrived, and is going to be inflated. @param bytes its length as it has arrived. */
  onCompressed(bytes: number): void;
  /**
   * Called when a part of a compressed message was inflated, before the message is reported or refused.
   * @param bytes how many bytes of the message came of it.
   */
  onInflated(bytes: number): void;
  /**
   * Called after that, and when the message was reported, if it is whole and wanted. If much was inflated, the connection may have to give
   * way: then {@link mayGoOn} says so.
   * @param work how much work the part was: see `Inflater.inflate`.
   */
  onInflatingWork(work: number): void;
  /** Called when a compressed message that has waited for room in the arena can go on, by {@link Input.release}. */
  onRoom(): void;
  /** Called when the framing loop or `onEvent` has thrown. Nothing more can be read. */
  onInputError(error: unknown): void;
}

/**
 * The input of one connection. It takes the bytes of each read, makes events of them, and keeps those that cannot be handled yet. It
 * is held at first: {@link Input.release} begins.
 */
export class Input {
  readonly reader: MaskedFrameReader<Buffer>;
  /** What the last event is reported by: the reader, or what inflates compressed messages. */
  reported: MaskedFrameReader<Buffer> | InflatedMessages<Buffer>;
  readonly #arena: Arena;
  readonly #listener: InputListener;
  #isPaused = true;
  /** Copies of what was read while the input was held, each no longer than the window. */
  #unhandled: Uint8Array[] = [];
  /** Undefined on connections without compression. */
  readonly #inflated: InflatedMessages<Buffer> | undefined;
  /** Whether a compressed message has arrived that was not reported yet. What came behind it is unhandled. */
  #isInflating = false;

  /** @param inflated undefined on connections without compression: they get no compressed message. */
  constructor(arena: Arena, kernel: Kernel, limits: MessageLimits, listener: InputListener, inflated?: InflatedInput) {
    const { maxPayloadBytes, maxConsecutiveEmptyFragments } = limits;
    this.#arena = arena;
    this.#listener = listener;
    const allowedRsv = inflated === undefined ? 0 : RSV1;
    this.reader = new MaskedFrameReader(arena, kernel, maxPayloadBytes, maxConsecutiveEmptyFragments, allowedRsv);
    this.reported = this.reader;
    this.#inflated =
      inflated && new InflatedMessages(inflated.inflation, inflated.peer, maxPayloadBytes, () => listener.onRoom());
  }

  /** How many bytes of memory are held by input that cannot be handled yet. */
  get keptBytes(): number {
    let bytes = this.reader.keptBytes;
    if (this.#inflated !== undefined) bytes += this.#inflated.keptBytes;
    if (this.#unhandled.length === 0) return bytes;
    for (const part of this.#unhandled) bytes += part.length;
    return bytes;
  }

  /** Whether a part of a message is kept, or something that cannot be handled yet. */
  get keepsSomething(): boolean {
    return this.hasUnhandled || this.reader.isMidway;
  }

  /** Whether a message has begun that has not ended. */
  get isMidway(): boolean {
    return this.reader.isMidway;
  }

  /** Whether input is kept, and not handled, until {@link release}. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  get hasUnhandled(): boolean {
    return this.#unhandled.length > 0 || this.#isInflating;
  }

  /** Whether a compressed message waits for room in the arena. */
  get awaitsRoom(): boolean {
    return this.#isInflating && (this.#inflated as InflatedMessages<Buffer>).awaitsRoom; // it is inflating
  }

  /** Adds bytes that were read before this object was made. They must not change afterwards. */
  add(read: Uint8Array): void {
    this.#unhandled.push(...windowfuls(read));
  }

  /**
   * Handles what a read has put to `[start, end)` of the arena. In the connection's read callback only.
   * @returns false if reading is to stop.
   */
  read(start: number, end: number): boolean {
    this.reader.endLoan();
    if (this.#listener.discardsInput) {
      this.discard();
      return true;
    }
    if (this.#isPaused) {
      this.#unhandled.push(...windowfuls(new Uint8Array(this.#arena.bytes.subarray(start, end))));
      return false;
    }
    this.reader.feed(start, end);
    this.#handle();
    return !this.#isPaused;
  }

  /** Handles what was kept. @returns false if the listener does not want all of it now. */
  release(): boolean {
    this.#isPaused = false;
    const { windowStart, bytes } = this.#arena;
    if (this.#isInflating) this.#handle();
    while (this.#unhandled.length > 0 && !this.#isPaused) {
      const part = this.#unhandled.shift() as Uint8Array;
      this.#listener.beforeWindowChanges();
      bytes.set(part, windowStart);
      this.reader.feed(windowStart, windowStart + part.length);
      this.#handle();
    }
    return !this.#isPaused;
  }

  /** Where the next read should go: see {@link TransportListener.readTarget}. */
  target(): readonly [offset: number, length: number] | undefined {
    // With something unhandled, the reader may move its memory at any time: nothing of it can be lent.
    if (this.hasUnhandled || this.#listener.discardsInput) return undefined;
    return this.reader.lendFreeEnd();
  }

  /** Forgets everything that has arrived. */
  discard(): void {
    this.#unhandled = [];
    this.reader.discard();
    this.#isInflating = false;
    this.#inflated?.discard();
  }

  /** Gives back all memory. To be called when the socket is destroyed, because nothing is read to that memory any more. */
  close(): void {
    this.reader.endLoan();
    this.discard();
  }

  /** The loop over what was fed to the reader. Ends with all of it consumed, kept, or discarded. */
  #handle(): void {
    const { reader } = this;
    const listener = this.#listener;
    try {
      while (!listener.discardsInput) {
        if (this.#isInflating) {
          if (!listener.mayGoOn || (listener.isOpen && this.awaitsRoom)) {
            this.#pause();
            return;
          }
          this.#goOnInflating();
          continue;
        }
        if (!listener.acceptsInput) {
          this.#pause();
          return;
        }
        const event = reader.next();
        if (event === FrameEvent.NONE) return;
        if (event === FrameEvent.MESSAGE && (reader.firstByte & RSV1) !== 0) this.#beginInflating();
        else listener.onEvent(event);
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

  /** Keeps everything that is not handled for {@link release}. */
  #pause(): void {
    if (this.#isInflating) (this.#inflated as InflatedMessages<Buffer>).putAside(this.reader); // it is inflating
    const unread = this.reader.takeUnread();
    // It may be longer than a window: a read to the end of a message brings as much as there was room for.
    if (unread !== undefined) this.#unhandled.unshift(...windowfuls(unread));
    this.#isPaused = true;
  }

  #beginInflating(): void {
    if (!this.#listener.isOpen) return;
    const inflated = this.#inflated as InflatedMessages<Buffer>; // without it, the reader allows no RSV1
    this.#isInflating = true;
    this.#listener.onCompressed(this.reader.length);
    inflated.begin(this.reader);
    if (!inflated.awaitsRoom) this.#inflate(inflated);
  }

  /** Does the next step, or reports the message if it is whole. */
  #goOnInflating(): void {
    const inflated = this.#inflated as InflatedMessages<Buffer>; // it is inflating
    if (this.#listener.isOpen && !inflated.isWhole) this.#inflate(inflated);
    else this.#report(inflated);
  }

  /**
   * A message that is whole is reported before the connection may have to give way. To keep it until later would take a slab for each of
   * many connections whose messages come at once, and what the arena has once used stays resident.
   */
  #inflate(inflated: InflatedMessages<Buffer>): void {
    const { inflatedBytes } = inflated;
    let work: number;
    try {
      work = inflated.step();
    } finally {
      // Also if the message is refused: what it has become until then has cost time all the same.
      this.#listener.onInflated(inflated.inflatedBytes - inflatedBytes);
    }
    if (inflated.isWhole && this.#listener.mayGoOn) this.#report(inflated);
    this.#listener.onInflatingWork(work);
  }

  #report(inflated: InflatedMessages<Buffer>): void {
    this.#isInflating = false;
    this.reported = inflated;
    try {
      if (this.#listener.isOpen) {
        inflated.enterWindow();
        this.#listener.onEvent(FrameEvent.MESSAGE);
      }
    } finally {
      this.reported = this.reader;
      inflated.release();
    }
  }
}

/** Cuts bytes into parts that fit into the window. */
function windowfuls(read: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < read.length; at += WINDOW_BYTES) parts.push(read.subarray(at, at + WINDOW_BYTES));
  return parts;
}
