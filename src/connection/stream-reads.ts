import type { Duplex } from 'node:stream';
import { type Arena, WINDOW_BYTES } from '../memory/arena.js';
import type { Turn } from './turn.js';

/** Who gets what is read of a stream. Nothing of it is called in a turn. */
export interface StreamReadsListener {
  /** Bytes have been read to `[start, end)` of the arena. @returns false to stop reading until `resume()`. */
  onRead(start: number, end: number): boolean;
  /** Everything has been read. It is called once. */
  onEnd(): void;
}

/** How the input of a stream gets into the thread's window. It begins paused. */
export interface StreamReads {
  pause(): void;
  resume(): void;
  /** The stream is over: nothing is reported any more. */
  close(): void;
}

/** Reads any stream: its chunks are copied into the window. */
export class CopiedReads implements StreamReads {
  readonly #stream: Duplex;
  readonly #listener: StreamReadsListener;
  readonly #arena: Arena;
  #hasToldEnd = false;
  #isClosed = false;

  constructor(stream: Duplex, arena: Arena, turn: Turn, listener: StreamReadsListener) {
    this.#stream = stream;
    this.#listener = listener;
    this.#arena = arena;
    stream.pause();
    // A stream in memory may bring an answer from within the write that it answers, in the middle of a hook.
    stream.on('data', (chunk: Uint8Array) => turn.afterwards(() => this.#onData(chunk)));
    stream.on('end', () => turn.afterwards(() => this.#tellEnd()));
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
    // The stream may have ended before it was handed over.
    if (this.#stream.readableEnded) process.nextTick(() => this.#tellEnd());
  }

  close(): void {
    this.#isClosed = true;
  }

  #tellEnd(): void {
    if (this.#hasToldEnd || this.#isClosed) return;
    this.#hasToldEnd = true;
    this.#listener.onEnd();
  }

  #onData(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length && !this.#isClosed; at += WINDOW_BYTES) {
      if (!copyToWindow(this.#arena, chunk.subarray(at, at + WINDOW_BYTES), this.#listener)) this.#stream.pause();
    }
  }
}

/** Reports bytes that lie elsewhere, at most a window of them. @returns false to stop reading. */
export function copyToWindow(arena: Arena, bytes: Uint8Array, listener: StreamReadsListener): boolean {
  arena.bytes.set(bytes, arena.windowStart);
  return listener.onRead(arena.windowStart, arena.windowStart + bytes.length);
}
