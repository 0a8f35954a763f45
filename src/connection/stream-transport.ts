import type { Duplex } from 'node:stream';
import { type Arena, WINDOW_BYTES } from '../memory/arena.js';
import type { Transport, TransportListener } from './transport.js';

/**
 * Any other byte stream: a TLS socket, a socket where descriptors cannot be duplicated, a stream of the user's. Its input
 * is copied into the thread's window, and all of its output is queued on the stream.
 */
export class StreamTransport implements Transport {
  readonly #stream: Duplex;
  readonly #listener: TransportListener;
  #queuedBytes = 0;
  #closed = false;

  /** Takes over an open stream, paused: nothing is read before `resume()`. */
  constructor(stream: Duplex, arena: Arena, listener: TransportListener) {
    this.#stream = stream;
    this.#listener = listener;
    stream.pause();
    stream.on('data', (read: Uint8Array) => {
      for (let at = 0; at < read.length; at += WINDOW_BYTES) {
        const part = read.subarray(at, at + WINDOW_BYTES);
        arena.bytes.set(part, arena.windowStart);
        if (!listener.onRead(arena.windowStart, arena.windowStart + part.length)) stream.pause();
      }
    });
    stream.on('end', () => listener.onEnd());
    stream.on('error', () => {}); // 'close' follows
    stream.on('close', () => this.#onClose());
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
    this.#stream.write(bytes, () => {
      this.#queuedBytes -= length;
      written?.();
      if (!this.#closed) this.#listener.onWritten();
    });
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  end(): void {
    this.#stream.end();
  }

  destroy(): void {
    this.#stream.destroy();
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener.onClose();
  }
}
