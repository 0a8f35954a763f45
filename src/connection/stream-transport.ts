import type { Duplex } from 'node:stream';
import { type Arena, WINDOW_BYTES } from '../memory/arena.js';
import type { Transport, TransportListener } from './transport.js';
import type { Turn } from './turn.js';

/**
 * Any other byte stream: a TLS socket, a socket where descriptors cannot be duplicated, a stream of the user's. Its input
 * is copied into the thread's window, and all of its output is queued on the stream.
 */
export class StreamTransport implements Transport {
  readonly #stream: Duplex;
  readonly #listener: TransportListener;
  readonly #arena: Arena;
  readonly #turn: Turn;
  #queuedBytes = 0;
  /** Writes not called back yet. A destroyed stream may never do so. */
  readonly #unsettled = new Set<() => void>();
  #ended = false;
  #closed = false;

  /** Takes over an open stream, paused: nothing is read before `resume()`. */
  constructor(stream: Duplex, arena: Arena, turn: Turn, listener: TransportListener) {
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
    return this.#queuedBytes;
  }

  tryWrite(): number {
    return 0;
  }

  tryWriteBoth(): number {
    return 0;
  }

  enqueue(bytes: Uint8Array, written?: () => void): void {
    const length = bytes.length;
    this.#queuedBytes += length;
    const settle = () => {
      if (!this.#unsettled.delete(settle)) return;
      this.#queuedBytes -= length;
      written?.();
    };
    this.#unsettled.add(settle);
    this.#stream.write(bytes, () => {
      settle();
      // It may be called from within a hook of another connection, which reads the other end of a pipe, say.
      this.#turn.afterwards(() => {
        if (!this.#closed) this.#listener.onWritten();
      });
    });
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
    // It may have ended before it was ours.
    if (this.#stream.readableEnded) process.nextTick(() => this.#onEnd());
  }

  end(): void {
    this.#stream.end();
  }

  destroy(): void {
    this.#stream.destroy();
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
    for (const settle of this.#unsettled) settle();
    this.#listener.onClose();
  }
}
