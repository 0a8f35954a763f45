import type { Duplex } from 'node:stream';
import { type Arena, WINDOW_BYTES } from '../memory/arena.js';
import type { Transport, TransportListener } from './transport.js';
import type { Turn } from './turn.js';
import { type Budget, WriteQueue } from './write-queue.js';

/** How much of the queue the stream is given at a time, in bytes. */
const SLICE_BYTES = 64 * 1024;

/**
 * Any other byte stream: a TLS socket, a socket on a system where descriptors cannot be duplicated, or a stream of the application.
 * Its input is copied into the thread's window, and all of its output is queued on the stream.
 */
export class StreamTransport implements Transport {
  readonly descriptor = -1;
  readonly #stream: Duplex;
  readonly #listener: TransportListener;
  readonly #arena: Arena;
  readonly #turn: Turn;
  readonly #queue: WriteQueue;
  /** The stream has a slice of the queue. */
  #isWriting = false;
  #isScheduled = false;
  /** The end is to follow what is queued. */
  #isEnding = false;
  #ended = false;
  #closed = false;

  /** Takes over an open stream, paused: nothing is read before `resume()`. */
  constructor(stream: Duplex, arena: Arena, turn: Turn, budget: Budget, listener: TransportListener) {
    this.#queue = new WriteQueue(budget);
    this.#stream = stream;
    this.#listener = listener;
    this.#arena = arena;
    this.#turn = turn;
    stream.pause();
    // A stream in memory may bring an answer from within the write that it answers, in the middle of a hook.
    stream.on('data', (read: Uint8Array) => turn.afterwards(() => this.#onData(read)));
    stream.on('end', () => turn.afterwards(() => this.#onEnd()));
    stream.on('error', () => {}); // 'close' follows
    stream.on('close', () => turn.afterwards(() => this.#onClose()));
  }

  get queuedBytes(): number {
    return this.#queue.queuedBytes;
  }

  get acknowledgedBytes(): number {
    return this.#queue.drainedBytes;
  }

  tryWrite(): number {
    return 0;
  }

  tryWriteBoth(): number {
    return 0;
  }

  enqueue(bytes: Uint8Array, written?: () => void): void {
    this.#queue.hold(bytes, written);
    this.#writeSoon();
  }

  enqueueCopy(bytes: Uint8Array, start: number, end: number): void {
    this.#queue.copy(bytes, start, end);
    this.#writeSoon();
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
    // The stream may have ended before it was handed over.
    if (this.#stream.readableEnded) process.nextTick(() => this.#onEnd());
  }

  end(): void {
    if (this.#queue.queuedBytes > 0) this.#isEnding = true;
    else this.#stream.end();
  }

  destroy(): void {
    this.#stream.destroy();
  }

  /** Not from within a call of the connection: a stream of the user's may do anything in its write, send to this connection, say. */
  #writeSoon(): void {
    if (this.#isWriting || this.#isScheduled) return;
    this.#isScheduled = true;
    process.nextTick(() => {
      this.#isScheduled = false;
      this.#writeSlice();
    });
  }

  #writeSlice(): void {
    if (this.#isWriting || this.#closed || this.#queue.queuedBytes === 0) return;
    this.#isWriting = true;
    try {
      this.#write(this.#queue.head(SLICE_BYTES));
    } catch (error) {
      this.#stream.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #write(slice: Uint8Array): void {
    this.#stream.write(slice, (error) => {
      this.#isWriting = false;
      if (error || this.#closed) return; // a destroyed stream may also never call: 'close' settles the rest
      this.#queue.consume(slice.length);
      if (this.#queue.queuedBytes > 0) this.#writeSlice();
      else if (this.#isEnding) this.#stream.end();
      // It may be called from within a hook of another connection, which reads the other end of a pipe, say.
      this.#turn.afterwards(() => {
        if (!this.#closed) this.#listener.onWritten();
      });
    });
  }

  #onData(read: Uint8Array): void {
    const { bytes, windowStart } = this.#arena;
    for (let at = 0; at < read.length && !this.#closed; at += WINDOW_BYTES) {
      const part = read.subarray(at, at + WINDOW_BYTES);
      bytes.set(part, windowStart);
      if (!this.#listener.onRead(windowStart, windowStart + part.length)) this.#stream.pause();
    }
  }

  #onEnd(): void {
    if (this.#closed || this.#ended) return;
    this.#ended = true;
    this.#listener.onEnd();
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue.drop();
    this.#listener.onClose();
  }
}
