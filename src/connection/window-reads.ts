import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { type Arena, WINDOW_BYTES } from '../memory/arena.js';
import { copyToWindow, type StreamReads, type StreamReadsListener } from './stream-reads.js';
import type { Turn } from './turn.js';

/** The part of a socket's handle in Node that is used here. */
interface ReadingHandle {
  useUserBuffer(buffer: Uint8Array): void;
}

/** Where a socket of Node keeps the memory to read to, and who is called then. */
interface ReadKeys {
  readonly buffer: symbol;
  readonly callback: symbol;
}

/**
 * Reads a TLS socket of Node: what is decrypted lands in the window. Node has the option `onread` for that, but not for the TLS sockets
 * of a server; so here is done what Node does with it. A buffer for each record, and the queue of the stream, are spared: that is 13 %
 * of an echo of 20 bytes, and a quarter of one of 1 KiB in which 16 messages come together.
 *
 * Where Node's sockets are not as expected, {@link takeOver} makes nothing.
 */
export class WindowReads implements StreamReads {
  readonly #stream: TLSSocket;
  readonly #listener: StreamReadsListener;
  readonly #arena: Arena;
  readonly #turn: Turn;
  /**
   * What was decrypted while the connection wants no input, or the window is in use. Node decrypts to its end what it has read of the
   * connection, which is at most 64 KiB, also if reading is stopped meanwhile.
   */
  readonly #held: Uint8Array[] = [];
  /** Whether the connection wants input. */
  #isWanted = false;
  #isDeliveryScheduled = false;
  #hasEnded = false;
  #hasToldEnd = false;
  #isClosed = false;

  /** Takes over the reading of a stream, paused. @returns undefined if it is not a stream that can be read in this way. */
  static takeOver(stream: Duplex, arena: Arena, turn: Turn, listener: StreamReadsListener): WindowReads | undefined {
    if (!(stream instanceof TLSSocket)) return undefined;
    readKeys ??= findReadKeys(stream);
    const handle = Reflect.get(stream, '_handle') as Partial<ReadingHandle> | null;
    if (readKeys === undefined || typeof handle?.useUserBuffer !== 'function') return undefined;
    return new WindowReads(stream, handle as ReadingHandle, readKeys, arena, turn, listener);
  }

  private constructor(
    stream: TLSSocket,
    handle: ReadingHandle,
    keys: ReadKeys,
    arena: Arena,
    turn: Turn,
    listener: StreamReadsListener,
  ) {
    this.#stream = stream;
    this.#listener = listener;
    this.#arena = arena;
    this.#turn = turn;
    for (let read: unknown = stream.read(); read !== null; read = stream.read()) this.#hold(read as Uint8Array);
    Reflect.set(stream, keys.buffer, arena.window);
    Reflect.set(stream, keys.callback, (length: number) => this.#onRead(length));
    handle.useUserBuffer(arena.window);
    stream.pause();
    this.#hasEnded = stream.readableEnded;
    stream.on('end', () => {
      this.#hasEnded = true;
      turn.afterwards(() => this.#tellEnd());
    });
  }

  pause(): void {
    this.#isWanted = false;
    this.#stream.pause();
  }

  resume(): void {
    this.#isWanted = true;
    if (this.#held.length > 0 || this.#hasEnded) this.#deliverSoon();
    else this.#stream.resume();
  }

  close(): void {
    this.#isClosed = true;
  }

  /** Bytes lie in the window. @returns false to stop reading. */
  #onRead(length: number): boolean {
    const { window, windowStart } = this.#arena;
    if (this.#isClosed) return false;
    if (!this.#isWanted || this.#held.length > 0 || this.#turn.isRunning) {
      this.#hold(new Uint8Array(window.subarray(0, length))); // slice() of a Buffer is no copy
      if (this.#isWanted) this.#deliverSoon();
      return false;
    }
    if (!this.#listener.onRead(windowStart, windowStart + length)) this.#isWanted = false;
    return this.#isWanted;
  }

  #hold(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += WINDOW_BYTES) this.#held.push(bytes.subarray(at, at + WINDOW_BYTES));
  }

  /** Not from within a call of the connection, and not while a hook may look at the window. */
  #deliverSoon(): void {
    if (this.#isDeliveryScheduled) return;
    this.#isDeliveryScheduled = true;
    process.nextTick(() =>
      this.#turn.afterwards(() => {
        this.#isDeliveryScheduled = false;
        this.#deliver();
      }),
    );
  }

  #deliver(): void {
    while (this.#isWanted && !this.#isClosed) {
      const bytes = this.#held.shift();
      if (bytes === undefined) break;
      if (!copyToWindow(this.#arena, bytes, this.#listener)) this.#isWanted = false;
    }
    if (this.#isClosed) return;
    if (this.#hasEnded) this.#tellEnd();
    else if (this.#isWanted) this.#stream.resume();
  }

  /** Behind everything that came before it. */
  #tellEnd(): void {
    if (this.#held.length > 0 || this.#hasToldEnd || this.#isClosed) return;
    this.#hasToldEnd = true;
    this.#listener.onEnd();
  }
}

/** They are the same for all sockets of a process. */
let readKeys: ReadKeys | undefined;

function findReadKeys(socket: TLSSocket): ReadKeys | undefined {
  const symbols = Object.getOwnPropertySymbols(socket);
  const buffer = symbols.find(({ description }) => description === 'kBuffer');
  const callback = symbols.find(({ description }) => description === 'kBufferCb');
  return buffer === undefined || callback === undefined ? undefined : { buffer, callback };
}
