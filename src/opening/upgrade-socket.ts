import { closeSync } from 'node:fs';
import { Socket, type SocketConstructorOpts } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ClientTls } from '../connection/client-tls.js';
import { descriptorOf } from '../system/descriptor.js';
import type { SystemCalls } from '../system/system-calls.js';

/** The socket of a client whose request for an upgrade has been read. */
export interface UpgradeSocket {
  /** The address of the client, which a proxy may have told: see {@link Clients}. */
  readonly remoteAddress: string | undefined;
  /** Undefined if the connection is not encrypted. */
  readonly tls: ClientTls | undefined;
  /** The socket as an HTTP server knows it; undefined if no HTTP server has had it. */
  readonly httpSocket: Duplex | undefined;
  /** The connection as a stream: for everything but a 101 that the kernel takes at once. */
  readonly stream: Duplex;
  /** Whether it is a plain TCP connection, so that {@link descriptor} may be called. */
  readonly isPlain: boolean;
  /** Whether output that was written to the stream before is still on its way to the kernel. */
  readonly isWriting: boolean;
  /**
   * A descriptor of the connection, or -1 if none can be had. The caller hands it off after {@link leave}, or returns it by
   * {@link giveBack}.
   */
  descriptor(calls: SystemCalls): number;
  /** Gives the connection up. Only the descriptor is left, for the new owner. @returns as {@link unhandled} */
  leave(): Uint8Array;
  /** Returns a descriptor that is not needed. */
  giveBack(descriptor: number): void;
  /** The bytes that this thread has read behind the request, in memory of their own. */
  unhandled(): Uint8Array;
  /** Whether the connection is known to be lost. */
  readonly isLost: boolean;
  /** Ends the connection without an answer. */
  drop(): void;
  /** Adds a listener that is called if the connection is lost, maybe several times. */
  whenLost(listener: () => void): void;
  /** Removes these listeners: the connection is open, and its end is for others to notice. Nothing of the request is kept for it. */
  forgetLoss(): void;
  /** Calls these listeners now, because the client is being refused or has left. */
  lose(): void;
}

/** A socket whose request an HTTP server has read from a stream. */
export class StreamUpgradeSocket implements UpgradeSocket {
  readonly stream: Duplex;
  readonly remoteAddress: string | undefined;
  readonly tls: ClientTls | undefined;
  readonly #head: Uint8Array;
  #onLost: (() => void) | undefined;

  /**
   * @param head the bytes that were read together with the request.
   * @param tls undefined if the connection is not encrypted.
   */
  constructor(stream: Duplex, remoteAddress: string | undefined, head: Uint8Array, tls?: ClientTls) {
    this.stream = stream;
    this.tls = tls;
    this.remoteAddress = remoteAddress;
    this.#head = head;
  }

  get httpSocket(): Duplex {
    return this.stream;
  }

  get isPlain(): boolean {
    return this.stream instanceof Socket && Reflect.get(this.stream, 'encrypted') !== true;
  }

  get isWriting(): boolean {
    return this.stream.writableLength > 0;
  }

  get isLost(): boolean {
    return this.stream.destroyed;
  }

  descriptor(calls: SystemCalls): number {
    return calls.duplicate(descriptorOf(this.stream as Socket));
  }

  giveBack(descriptor: number): void {
    closeSync(descriptor);
  }

  leave(): Uint8Array {
    const read = this.unhandled();
    this.stream.destroy(); // closes its own descriptor; the connection lives on in the duplicate
    return read;
  }

  unhandled(): Uint8Array {
    return unreadOf(this.stream, this.#head);
  }

  drop(): void {
    this.stream.destroy();
  }

  whenLost(listener: () => void): void {
    const onLost = both(this.#onLost, listener);
    this.forgetLoss();
    this.#onLost = onLost;
    this.stream.once('close', onLost);
  }

  forgetLoss(): void {
    if (this.#onLost !== undefined) this.stream.off('close', this.#onLost);
    this.#onLost = undefined;
  }

  lose(): void {
    this.#onLost?.();
  }
}

/**
 * A socket of which the request was read from its descriptor, and nothing more. Its stream is made when it is first needed,
 * because a net.Socket is costly to make and to destroy.
 */
export class DescriptorUpgradeSocket implements UpgradeSocket {
  readonly remoteAddress: string | undefined;
  readonly tls = undefined;
  readonly httpSocket = undefined;
  readonly isPlain = true;
  readonly #fd: number;
  #stream: Socket | undefined;
  /** Whether the descriptor has a new owner, or is closed. */
  #isGiven = false;
  #onLost: (() => void) | undefined;

  constructor(fd: number, remoteAddress: string | undefined) {
    this.#fd = fd;
    this.remoteAddress = remoteAddress;
  }

  get stream(): Socket {
    if (this.#stream === undefined) {
      this.#stream = adoptSocket(this.#fd);
      this.#stream.read(0); // so that its end is seen; all other bytes are kept
      if (this.#onLost !== undefined) this.#stream.once('close', this.#onLost);
    }
    return this.#stream;
  }

  /** Whether the descriptor has left this object without a stream: it has a new owner, or is closed. */
  get isGiven(): boolean {
    return this.#isGiven;
  }

  get isWriting(): boolean {
    return false; // its stream is written to only when it is refused
  }

  get isLost(): boolean {
    return this.#stream?.destroyed === true;
  }

  descriptor(calls: SystemCalls): number {
    return this.#stream === undefined ? this.#fd : calls.duplicate(descriptorOf(this.#stream));
  }

  giveBack(descriptor: number): void {
    if (descriptor !== this.#fd) closeSync(descriptor);
  }

  leave(): Uint8Array {
    if (this.#stream === undefined) {
      this.#isGiven = true;
      return NOTHING;
    }
    const read = this.unhandled();
    this.#stream.destroy();
    return read;
  }

  unhandled(): Uint8Array {
    return this.#stream === undefined ? NOTHING : unreadOf(this.#stream, NOTHING);
  }

  drop(): void {
    if (this.#stream !== undefined) {
      this.#stream.destroy();
      return;
    }
    if (!this.#isGiven) closeSync(this.#fd);
    this.#isGiven = true;
    this.#onLost?.();
  }

  whenLost(listener: () => void): void {
    const onLost = both(this.#onLost, listener);
    if (this.#onLost !== undefined) this.#stream?.off('close', this.#onLost);
    this.#onLost = onLost;
    this.#stream?.once('close', onLost);
  }

  forgetLoss(): void {
    if (this.#onLost !== undefined) this.#stream?.off('close', this.#onLost);
    this.#onLost = undefined;
  }

  lose(): void {
    this.#onLost?.();
  }
}

function both(first: (() => void) | undefined, second: () => void): () => void {
  if (first === undefined) return second;
  return () => {
    first();
    second();
  };
}

/** A stream on an accepted connection, as an HTTP server would have made it. It begins to read at once. */
export function adoptSocket(fd: number): Socket {
  return adopted({ fd, allowHalfOpen: true });
}

/** The same, which reads nothing before somebody asks it to. */
export function adoptUnreadSocket(fd: number): Socket {
  // With this option, which is not documented, servers of Node make their connections if they have `pauseOnConnect`.
  return adopted({ fd, allowHalfOpen: true, pauseOnCreate: true });
}

function adopted(options: SocketConstructorOpts & { readonly pauseOnCreate?: boolean }): Socket {
  const socket = new Socket(options);
  socket.on('error', ignoreError); // 'close' follows
  return socket;
}

/**
 * A listener to 'error' that does nothing, because the 'close' that follows tells enough. Without a listener the process would
 * end.
 */
export function ignoreError(): void {}

/** The bytes of `head`, and behind them those that the stream still has. */
function unreadOf(stream: Duplex, head: Uint8Array): Uint8Array {
  const parts = [head];
  for (let read: unknown = stream.read(); read !== null; read = stream.read()) parts.push(read as Uint8Array);
  if (parts.length === 1 && head.length === 0) return NOTHING;
  // Copied, because a small Buffer would be posted to another thread with the whole pool that it is part of.
  return new Uint8Array(Buffer.concat(parts));
}

const NOTHING = new Uint8Array(0);
