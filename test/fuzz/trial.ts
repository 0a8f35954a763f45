import { Input as ConnectionInput, type InputListener } from '../../dist/connection/input.js';
import { ArenaError, HEADROOM_BYTES, WINDOW_BYTES } from '../../dist/memory/arena.js';
import { readCloseStatus } from '../../dist/protocol/close-payload.js';
import { FrameEvent } from '../../dist/protocol/frame-event.js';
import { ProtocolError } from '../../dist/protocol/protocol-error.js';
import { type EventName, event } from '../protocol/receiver.js';
import type { GuardedRig } from './guarded-rig.js';
import type { Setting } from './input.js';

const CONTROL_NAMES: Record<number, EventName> = {
  [FrameEvent.PING]: 'ping',
  [FrameEvent.PONG]: 'pong',
  [FrameEvent.CLOSE]: 'close',
};

/** The size of slabs that another connection takes. */
const STRANGER_BYTES = 16 * 1024;

interface DetachedMessage {
  readonly slab: { readonly offset: number; readonly capacity: number };
  readonly start: number;
  readonly payload: Buffer;
}

/** One connection's input, fed as its transport feeds it, and the result. */
export class Trial implements InputListener {
  readonly events: string[] = [];
  closeCode: number | undefined;
  /** Bytes that had been fed when `closeCode` was known, and before the last read of them. */
  knownAfter = 0;
  knownNotAfter = 0;
  /** Whether it was given up before the end: then the result is only a beginning. */
  wasGivenUp = false;
  /** How many messages were on the heap. */
  heapMessages = 0;

  readonly #rig: GuardedRig;
  readonly #setting: Setting;
  readonly #input: ConnectionInput;
  readonly #detached: DetachedMessage[] = [];
  #isOver = false;
  #eventsSincePause = 0;
  /** Whether a part of a message was inflated since the last pause. */
  #hasInflated = false;
  #fedBytes = 0;
  #longestFeed = 0;

  constructor(rig: GuardedRig, setting: Setting) {
    this.#rig = rig;
    this.#setting = setting;
    const { maxPayloadBytes, maxEmptyFragments: maxConsecutiveEmptyFragments } = setting;
    const inflated = setting.deflate && { inflation: rig.inflation, peer: setting.deflate };
    const limits = { maxPayloadBytes, maxConsecutiveEmptyFragments };
    this.#input = new ConnectionInput(rig.arena, rig.kernel, limits, this, inflated);
  }

  run(stream: Uint8Array): void {
    try {
      this.#input.release();
      this.#feed(stream);
      this.#resume();
    } finally {
      this.#input.close();
      for (const { slab } of this.#detached) this.#rig.arena.slabs.free(slab.offset, slab.capacity);
    }
  }

  get isOpen(): boolean {
    return !this.#isOver;
  }

  get acceptsInput(): boolean {
    const { pauseEach, pausesInflating } = this.#setting;
    if (pausesInflating && this.#hasInflated) return false;
    return pauseEach === 0 || this.#eventsSincePause < pauseEach;
  }

  get mayGoOn(): boolean {
    return this.acceptsInput;
  }

  get discardsInput(): boolean {
    return this.#isOver;
  }

  onEvent(found: FrameEvent): void {
    const { reported } = this.#input;
    const { arena } = this.#rig;
    const { bytes, start, length, vacated } = reported;
    this.#eventsSincePause++;
    const payload = bytes.subarray(start, start + length);
    this.events.push(event(CONTROL_NAMES[found] ?? (reported.firstByte === 0x82 ? 'binary' : 'text'), payload));
    if (reported.reportedFromHeap) this.heapMessages++;
    if (vacated > 0) {
      if (bytes !== arena.bytes || start - vacated < arena.windowStart - HEADROOM_BYTES) {
        throw new Error(`${vacated} bytes before ${start} are not free`);
      }
      bytes.fill(0xee, start - vacated, start);
    }
    if (found === FrameEvent.CLOSE && !this.#setting.readsOnAfterClose) {
      this.#isOver = true;
      readCloseStatus(payload);
    }
    if (found !== FrameEvent.MESSAGE) return;
    if (this.#setting.detaches && this.#detach(Buffer.from(payload), start)) return;
    reported.overwrite(0xdb);
  }

  onCompressed(): void {}

  onInflated(): void {
    this.#hasInflated = true;
  }

  /** Nothing else holds anything: no message waits. */
  onRoom(): void {}
  onInflatingWork(): void {}

  beforeWindowChanges(): void {}

  onInputError(error: unknown): void {
    if (error instanceof ArenaError) {
      this.wasGivenUp = true;
      this.#isOver = true;
      return;
    }
    if (!(error instanceof ProtocolError)) throw error;
    this.closeCode = error.closeCode;
    this.knownAfter = this.#fedBytes;
    this.#isOver = true;
  }

  #feed(stream: Uint8Array): void {
    const { sizes, pauseEach } = this.#setting;
    const { arena } = this.#rig;
    let target = this.#input.target();
    for (let at = 0, turn = 0; at < stream.length; turn++) {
      const [offset, room] = target ?? [arena.windowStart, WINDOW_BYTES];
      if (target !== undefined && this.#setting.endsWhileLent) {
        this.#giveUp(target, stream.subarray(at));
        return;
      }
      const length = Math.min(room, sizes[turn % sizes.length] as number, stream.length - at);
      arena.bytes.set(stream.subarray(at, at + length), offset);
      at += length;
      if (!this.#isOver) this.knownNotAfter = this.#fedBytes;
      this.#fedBytes = at;
      this.#longestFeed = Math.max(this.#longestFeed, length);
      this.#input.read(offset, offset + length);
      if (target === undefined) this.#rig.forgetWindow(length);
      // With a pause after each event, a read that was under way still comes.
      if (pauseEach !== 1 || turn % 2 === 1) this.#resume();
      this.#checkDetached();
      target = this.#input.target();
    }
  }

  #resume(): void {
    while (this.#input.isPaused && !this.#isOver) {
      this.#eventsSincePause = 0;
      this.#hasInflated = false;
      this.#input.release();
      this.#rig.forgetWindow(this.#longestFeed + HEADROOM_BYTES);
    }
  }

  /** The connection is over, but a read that is under way still comes: it must not write to memory of another connection. */
  #giveUp([offset, room]: readonly [offset: number, length: number], rest: Uint8Array): void {
    const { bytes, slabs } = this.#rig.arena;
    this.#isOver = true;
    this.wasGivenUp = true;
    this.#input.discard();
    const strangers: number[] = [];
    for (let slab = slabs.take(STRANGER_BYTES); slab >= 0; slab = slabs.take(STRANGER_BYTES)) strangers.push(slab);
    const length = Math.min(room, rest.length);
    bytes.set(rest.subarray(0, length), offset);
    const isOverwritten = strangers.some((slab) => offset < slab + STRANGER_BYTES && slab < offset + length);
    for (const slab of strangers) slabs.free(slab, STRANGER_BYTES);
    if (isOverwritten) throw new Error('a slab that was lent to a read was given to somebody else');
    this.#input.read(offset, offset + length);
  }

  /** Takes the memory of a message, as a write that is not finished at once does. */
  #detach(payload: Buffer, start: number): boolean {
    const slab = this.#input.reported.detachSlab();
    if (slab === undefined) return false;
    this.#detached.push({ slab, start, payload });
    return true;
  }

  /** Checks that nobody has written to memory that was the reader's and is not any more. */
  #checkDetached(): void {
    const { bytes } = this.#rig.arena;
    for (const { start, payload } of this.#detached) {
      if (bytes.compare(payload, 0, payload.length, start, start + payload.length) === 0) continue;
      throw new Error(`a message of ${payload.length} bytes was changed after it was detached`);
    }
  }
}
