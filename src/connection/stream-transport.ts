import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { Arena } from '../memory/arena.js';
import { descriptorOf } from '../system/descriptor.js';
import type { SystemCalls } from '../system/system-calls.js';
import { protocolBytesOf } from './protocol-bytes.js';
import { CopiedReads, type StreamReads } from './stream-reads.js';
import type { Transport, TransportListener } from './transport.js';
import type { Turn } from './turn.js';
import { WindowReads } from './window-reads.js';
import { type Budget, WriteQueue } from './write-queue.js';

/** How much of the queue the stream is given at a time, in bytes. */
const SLICE_BYTES = 64 * 1024;

/** How much a TLS socket is given at once, in bytes: a message of 64 KiB with its header. */
const MAX_DIRECT_BYTES = 64 * 1024 + 16;

/** What a {@link StreamTransport} needs of its thread. */
export interface StreamTransportEnvironment {
  readonly arena: Arena;
  readonly turn: Turn;
  readonly budget: Budget;
  /** Undefined on systems without koffi. */
  readonly calls: Pick<SystemCalls, 'unacknowledgedBytes'> | undefined;
}

/**
 * Any other byte stream: a TLS socket, a socket on a system where descriptors cannot be duplicated, or a stream of the application.
 * How its input gets into the thread's window, {@link StreamReads} says.
 *
 * Output is queued on the stream. A TLS socket of Node that is writing nothing takes it at once: Node encrypts it, or copies it, before
 * the call returns, and does not touch the memory again. That saves a copy, and a wait until the end of the turn, for each write.
 */
export class StreamTransport implements Transport {
  readonly descriptor = -1;
  readonly #stream: Duplex;
  readonly #listener: TransportListener;
  readonly #reads: StreamReads;
  readonly #turn: Turn;
  readonly #calls: StreamTransportEnvironment['calls'];
  readonly #queue: WriteQueue;
  readonly #budget: Budget;
  readonly #isTls: boolean;
  /** The stream has a slice of the queue, or what it took at once. */
  #isWriting = false;
  /** How many bytes the stream has of what it took at once. */
  #directBytes = 0;
  #isScheduled = false;
  /** The end is to follow what is queued. */
  #isEnding = false;
  #closed = false;

  /** Takes over an open stream, paused: nothing is read before `resume()`. */
  constructor(stream: Duplex, { arena, turn, budget, calls }: StreamTransportEnvironment, listener: TransportListener) {
    this.#calls = calls;
    this.#queue = new WriteQueue(budget);
    this.#budget = budget;
    this.#isTls = stream instanceof TLSSocket;
    this.#stream = stream;
    this.#listener = listener;
    this.#turn = turn;
    this.#reads = WindowReads.takeOver(stream, arena, turn, listener) ?? new CopiedReads(stream, arena, turn, listener);
    stream.on('error', () => {}); // 'close' follows
    stream.on('close', () => turn.afterwards(() => this.#onClose()));
  }

  get queuedBytes(): number {
    return this.#queue.queuedBytes;
  }

  get acknowledgedBytes(): number {
    // A slice is drained when the system has taken the last byte of it. A slow peer takes something long before.
    const fd = this.#stream instanceof Socket ? descriptorOf(this.#stream) : -1;
    const unacknowledged = fd < 0 ? 0 : (this.#calls?.unacknowledgedBytes(fd) ?? 0);
    return this.#queue.drainedBytes - unacknowledged;
  }

  get protocolBytes(): number {
    return this.#isTls ? protocolBytesOf(this.#stream) : 0;
  }

  tryWrite(bytes: Uint8Array, start: number, end: number): number {
    if (!this.#takesAtOnce) return 0;
    const length = Math.min(end - start, MAX_DIRECT_BYTES);
    this.#holdDirect(length);
    this.#stream.write(bytes.subarray(start, start + length), (error) => this.#onTaken(error));
    return length;
  }

  tryWriteBoth(first: Uint8Array, second: Uint8Array): number {
    if (!this.#takesAtOnce || first.length > MAX_DIRECT_BYTES) return 0;
    this.#stream.cork();
    this.#stream.write(first);
    const length = first.length + Math.min(second.length, MAX_DIRECT_BYTES - first.length);
    this.#holdDirect(length);
    this.#stream.write(second.subarray(0, length - first.length), (error) => this.#onTaken(error));
    this.#stream.uncork();
    return length;
  }

  /** A stream that writes something else, such as the 101, would keep a reference to the memory until that is written. */
  get #takesAtOnce(): boolean {
    const isFree = this.#isTls && !this.#isWriting && !this.#closed && this.#queue.queuedBytes === 0;
    return isFree && this.#stream.writableLength === 0 && this.#stream.writableCorked === 0;
  }

  #holdDirect(length: number): void {
    this.#isWriting = true;
    this.#directBytes = length;
    this.#budget.add(length);
  }

  #letGoOfDirect(): void {
    this.#budget.add(-this.#directBytes);
    this.#directBytes = 0;
  }

  #onTaken(error: Error | null | undefined): void {
    if (this.#closed) return;
    this.#letGoOfDirect();
    this.#isWriting = false;
    if (!error) this.#writeSlice();
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
    this.#reads.pause();
  }

  resume(): void {
    this.#reads.resume();
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

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reads.close();
    this.#letGoOfDirect(); // a destroyed stream may never call
    this.#queue.drop();
    this.#listener.onClose();
  }
}
