import { writevSync } from 'node:fs';
import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import type { Arena } from '../memory/arena.js';
import type { SystemCalls } from '../system/system-calls.js';
import type { Transport, TransportListener } from './transport.js';
import { type Budget, WriteQueue } from './write-queue.js';

/**
 * How much of the queue the socket is given at a time, in bytes. When it has been written there is room again. It is small so that a
 * slow peer too is seen to take something.
 */
const SLICE_BYTES = 16 * 1024;

/** How many items of the queue go to one system call. */
const MAX_VECTORS = 64;

/** A socket that reports at once, and not by a later 'close', that its descriptor is going to be closed. */
class AdoptedSocket extends Socket {
  /** Undefined while it is made. */
  declare onDestroy: (() => void) | undefined;

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.onDestroy?.(); // first: from here on the number may be somebody else's
    super._destroy(error, callback);
  }
}

/**
 * A TCP socket that this thread owns by its descriptor. It reads straight into the arena, and writes with a system call
 * on the descriptor while nothing is queued: then no request object outlives the call, and the bytes may lie anywhere.
 */
export class SocketTransport implements Transport {
  readonly #socket: AdoptedSocket;
  readonly #fd: number;
  readonly #calls: SystemCalls;
  readonly #listener: TransportListener;
  readonly #arena: Arena;
  readonly #budget: Budget;
  /** Made when something has to wait for the first time. */
  #queue: WriteQueue | undefined;
  /** Whether the descriptor belongs to somebody else now. A field of this object, so that sending does not have to look at the socket. */
  #isClosed: boolean;
  /** The socket has a slice of the queue. */
  #isWriting = false;
  /** FIN is to follow what is queued. */
  #isEnding = false;
  /** Where libuv reads to: the start of the range that it was last given. */
  #readStart = -1;

  /**
   * Adopts an open, connected TCP socket, paused: nothing is read before `resume()`.
   * @param onAdopted is called when the descriptor is not the caller's any more, whatever happens then.
   * @throws if `fd` is not one.
   */
  constructor(
    fd: number,
    calls: SystemCalls,
    arena: Arena,
    budget: Budget,
    listener: TransportListener,
    onAdopted: () => void = () => {},
  ) {
    this.#budget = budget;
    this.#fd = fd;
    this.#calls = calls;
    this.#arena = arena;
    this.#listener = listener;
    const options: SocketConstructorOpts & { onread: OnReadOpts } = {
      fd,
      allowHalfOpen: true,
      onread: {
        buffer: () => this.#nextRange(),
        callback: (length) => listener.onRead(this.#readStart, this.#readStart + length),
      },
    };
    this.#socket = new AdoptedSocket(options);
    onAdopted();
    this.#isClosed = this.#socket.destroyed;
    this.#socket.onDestroy = () => {
      this.#isClosed = true;
      listener.onDescriptorLost();
    };
    this.#socket.pause();
    this.#socket.on('end', () => listener.onEnd());
    this.#socket.on('close', () => {
      this.#queue?.drop();
      listener.onClose();
    });
    // 'close' follows each error, and a connection does not care why its peer is gone.
    this.#socket.on('error', () => {});
  }

  get descriptor(): number {
    return this.#isClosed ? -1 : this.#fd;
  }

  get queuedBytes(): number {
    return this.#queue === undefined ? 0 : this.#queue.queuedBytes;
  }

  get protocolBytes(): number {
    return 0;
  }

  get acknowledgedBytes(): number {
    if (this.#queue === undefined || this.#isClosed) return 0;
    return this.#queue.drainedBytes - this.#calls.unacknowledgedBytes(this.#fd);
  }

  tryWrite(bytes: Uint8Array, start: number, end: number): number {
    if (this.queuedBytes > 0 || this.#isClosed) return 0;
    return Math.max(0, this.#calls.send(this.#fd, bytes, start, end));
  }

  tryWriteBoth(head: Uint8Array, body: Uint8Array): number {
    if (this.queuedBytes > 0 || this.#isClosed) return 0;
    try {
      return writevSync(this.#fd, [head, body]);
    } catch (error) {
      return this.#notWritten(error);
    }
  }

  enqueue(bytes: Uint8Array, written?: () => void): void {
    const queue = this.#waiting();
    queue.hold(bytes, written);
    this.#writeSlice(queue);
  }

  enqueueCopy(bytes: Uint8Array, start: number, end: number): void {
    const queue = this.#waiting();
    queue.copy(bytes, start, end);
    this.#writeSlice(queue);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    if (this.queuedBytes > 0) this.#isEnding = true;
    else this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #waiting(): WriteQueue {
    this.#queue ??= new WriteQueue(this.#budget);
    return this.#queue;
  }

  /** Waits for room by giving the socket a little to write; then as much as there is room for is written directly. */
  #writeSlice(queue: WriteQueue): void {
    if (this.#isWriting || this.#isClosed) return;
    this.#isWriting = true;
    const slice = queue.head(SLICE_BYTES);
    this.#socket.write(slice, (error) => {
      this.#isWriting = false;
      if (error || this.#isClosed) return; // 'close' settles the rest
      queue.consume(slice.length);
      this.#writeDirectly(queue);
      if (queue.queuedBytes > 0) this.#writeSlice(queue);
      else if (this.#isEnding) this.#socket.end();
      if (!this.#isClosed) this.#listener.onWritten();
    });
  }

  #writeDirectly(queue: WriteQueue): void {
    while (queue.queuedBytes > 0) {
      const parts = queue.heads(MAX_VECTORS);
      const offered = parts.reduce((total, { length }) => total + length, 0);
      let taken: number;
      try {
        taken = writevSync(this.#fd, parts);
      } catch (error) {
        this.#notWritten(error);
        return;
      }
      queue.consume(taken);
      if (taken < offered) return;
    }
  }

  #nextRange(): Uint8Array {
    const target = this.#listener.readTarget();
    if (target === undefined) {
      this.#readStart = this.#arena.windowStart;
      return this.#arena.window;
    }
    this.#readStart = target[0];
    return this.#arena.bytes.subarray(target[0], target[0] + target[1]);
  }

  #notWritten(error: unknown): number {
    const code = (error as NodeJS.ErrnoException).code;
    // A full socket buffer is no error. Anything else (EPIPE, ECONNRESET) means that the peer is gone.
    if (code !== 'EAGAIN') this.#socket.destroy();
    return 0;
  }
}
