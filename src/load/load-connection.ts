import type { Socket } from 'node:net';
import type { Address } from '../client/address.js';
import { dial } from '../client/dial.js';
import { Handshake } from '../client/handshake.js';
import { MessageDeflate } from '../client/message-deflate.js';
import { ClientSession, type ReceivedMessage, type SessionOwner } from '../client/session.js';
import { CloseCode } from '../protocol/close.js';
import { ABNORMAL_CLOSURE, ClosingState } from '../protocol/closing-handshake.js';
import type { DeflateAgreement } from '../protocol/deflate/agreement.js';
import { Opcode } from '../protocol/opcode.js';
import { HandshakeResponseError } from '../protocol/opening/handshake-response-error.js';
import type { ProtocolError } from '../protocol/protocol-error.js';
import { descriptorOf } from '../system/descriptor.js';
import type { SystemCalls } from '../system/system-calls.js';
import type { DeflatedFrames } from './deflated-frames.js';
import { NO_CLOSE, TIMEOUT } from './failures.js';
import { type LoadFrames, OFF_PAGE_BYTES, READ_BYTES } from './frames.js';
import { InFlight } from './in-flight.js';
import type { ResolvedLoadOptions } from './resolved-load-options.js';

/** Longest message that is taken from a server, if the one that is sent is not longer: 16 MiB. */
const MAX_PAYLOAD_BYTES = 16 * 1024 * 1024;

/** For a server to answer our Close, and to close TCP, in ms, unless the time limit of an answer is shorter. */
export const MAX_CLOSE_MS = 2000;

/** What all connections of a thread have in common. */
export interface LoadEnvironment {
  readonly options: ResolvedLoadOptions;
  readonly address: Address;
  readonly frames: LoadFrames;
  /** For connections on which compression is agreed on; undefined if it is not offered. */
  readonly deflatedFrames: DeflatedFrames | undefined;
  /** Where every socket reads to: a read is handled to its end before the next one. `READ_BYTES` long. */
  readonly readBuffer: Buffer;
  /** Undefined on systems without koffi: then sockets write. */
  readonly calls: SystemCalls | undefined;
}

/** Memory for {@link LoadEnvironment.readBuffer}. */
export function makeReadBuffer(): Buffer {
  return Buffer.allocUnsafeSlow(OFF_PAGE_BYTES + READ_BYTES).subarray(OFF_PAGE_BYTES);
}

/** What happens on a connection is reported to its listener. */
export interface LoadListener {
  /** The server has accepted. */
  onOpen(connection: LoadConnection): void;
  /** A message has come where compression is agreed on, in so many bytes. Not each of them is reported. */
  onDeflated(bytes: number): void;
  /** Messages have come as they were expected: this many. */
  onReplies(connection: LoadConnection, count: number): void;
  /** A message has come that was not sent. */
  onWrong(connection: LoadConnection): void;
  onPong(connection: LoadConnection): void;
  /** What was queued is with the system: see {@link LoadConnection.isQueued}. */
  onDrain(connection: LoadConnection): void;
  /**
   * The connection is over, or could not be opened.
   * @param code the close code that the server named, 1005 if none, 1006 if there was no Close.
   * @param failure what went wrong, undefined if we have closed it and the server has answered.
   */
  onClosed(connection: LoadConnection, code: number, failure: string | undefined): void;
}

/**
 * A connection of the load generator: the client's half of the protocol, for messages that are known before.
 *
 * Hot: a read is compared as a whole with the bytes that it should bring, whatever the number of messages in it, and only
 * what differs (a ping, a Close, other fragments, a wrong answer) goes through the framing loop. With compression these bytes are those
 * of the first right answer; with context takeover of the server all answers are decompressed. Frames are written by one
 * system call on the descriptor, as long as nothing is queued: it costs less than `socket.write`.
 */
export class LoadConnection implements SessionOwner {
  readonly #env: LoadEnvironment;
  readonly #listener: LoadListener;
  readonly #handshake: Handshake;
  readonly #socket: Socket;
  /** -1 where there is none (TLS, Windows): then the socket writes. */
  #fd = -1;
  readonly #session: ClientSession;
  #frames: LoadFrames;
  #deflate: MessageDeflate | undefined;
  /** Whether the server has accepted. */
  #hasOpened = false;
  #isQueued = false;
  /** How many bytes of the message that is arriving have come, all of them as expected. */
  #phase = 0;
  /** Whether the session reads what is not as expected, up to the end of a message. */
  #isUnexpected = false;
  /** Whether nothing is read because messages are being decompressed, and whether the server has ended TCP meanwhile or before. */
  #isHeld = false;
  #hasEnded = false;
  #failure: string | undefined;
  /** For the opening handshake, and then for the closing one. */
  #timer: NodeJS.Timeout | undefined;
  /** When the connection began to connect, in ms. */
  readonly startedAt = performance.now();
  // For the driver. They are kept here so that no search is needed for each message.

  /** Messages that were sent and have not come back. */
  readonly inFlight: InFlight;
  /** Messages that have come as they were expected, in all. */
  received = 0;

  /** Begins to connect. The outcome is reported to the listener, later. */
  constructor(env: LoadEnvironment, listener: LoadListener) {
    const { options, address, readBuffer } = env;
    this.#env = env;
    this.#listener = listener;
    this.#frames = env.frames;
    this.#handshake = new Handshake(address, options, options.deflate?.settings);
    this.#session = new ClientSession(this, Math.max(MAX_PAYLOAD_BYTES, env.frames.payload.length));
    this.inFlight = new InFlight(options.mode === 'echo' ? options.inFlight : 1);
    const onread = {
      buffer: readBuffer,
      callback: (length: number) => {
        this.#onRead(length);
        return true;
      },
    };
    const { rejectUnauthorized, ca } = options;
    this.#socket = dial(address, { rejectUnauthorized, ca, onread }, () => this.#socket.write(this.#handshake.request));
    this.#timer = setTimeout(() => this.fail(`${TIMEOUT}opening handshake`), options.timeoutMs);
    this.#socket.once('close', () => {
      clearTimeout(this.#timer);
      const { closing } = this.#session;
      if (!closing.isFinished) this.#failure ??= NO_CLOSE;
      closing.closed();
      listener.onClosed(this, (closing.received ?? ABNORMAL_CLOSURE).code, this.#failure);
    });
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      if (this.#session.closing.isFinished) return;
      const what = this.#hasOpened ? 'lost' : 'connect';
      this.#failure ??= `${what}: ${error.code ?? error.message}`;
    });
    this.#socket.on('end', () => this.#onEnd());
  }

  get isOpen(): boolean {
    return this.#hasOpened && this.#session.isOpen;
  }

  /** How many bytes a message has as it is sent, if compression is agreed on. */
  get deflatedBytes(): number | undefined {
    return this.#deflate === undefined ? undefined : this.#frames.sentPayloadBytes;
  }

  get isOutputWaiting(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** Whether the system has not taken all that was written. */
  get isQueued(): boolean {
    return this.#isQueued;
  }

  /** Sends the message `count` times, if the connection is open. */
  send(count: number): void {
    if (!this.isOpen) return;
    const { batch, batchFrames, sentBytes } = this.#frames;
    for (let left = count; left > 0; left -= batchFrames) this.#write(batch, Math.min(left, batchFrames) * sentBytes);
  }

  ping(): void {
    this.#session.send(Opcode.PING, Buffer.alloc(0));
  }

  /**
   * Begins the closing handshake with 1000, unless that has begun; what is not open yet is dropped. The listener is
   * informed of its end, which is no failure.
   */
  close(): void {
    if (!this.#hasOpened) this.#socket.destroy();
    else if (this.#session.close(CloseCode.NORMAL, '')) this.#expectEnd();
  }

  /** Ends the connection at once. @param failure why, for the listener. */
  fail(failure: string): void {
    this.#failure ??= failure;
    this.#session.closing.lost();
    this.#socket.destroy();
  }

  #onRead(length: number): void {
    const { readBuffer } = this.#env;
    const { expected, expectedBytes } = this.#frames;
    if (expected !== undefined && this.isOpen && !this.#isUnexpected && !this.#hasHistory) {
      const phase = this.#phase;
      const end = phase + length;
      if (isEqual(readBuffer, length, expected, phase)) {
        if (end < expectedBytes) {
          this.#phase = end;
          return;
        }
        const count = Math.floor(end / expectedBytes);
        this.#phase = end - count * expectedBytes;
        this.#listener.onReplies(this, count);
        return;
      }
    }
    this.#readSlowly(readBuffer.subarray(0, length));
  }

  #readSlowly(read: Buffer): void {
    if (this.#session.closing.isFinished) return;
    try {
      if (!this.#hasOpened) {
        const answer = this.#handshake.feed(read);
        if (answer === undefined) return;
        this.#open(answer.acceptance.deflate);
        if (answer.rest.length > 0) this.#parse(answer.rest);
      } else {
        this.#parse(read);
      }
    } catch (error) {
      if (error instanceof HandshakeResponseError) {
        const { code, status } = error;
        this.fail(`handshake: ${code}${status === undefined || status === 101 ? '' : ` (${status})`}`);
      } else {
        throw error;
      }
    }
  }

  /** Whether an answer may refer to earlier ones: then each of them has to be decompressed, for the window. */
  get #hasHistory(): boolean {
    return this.#deflate?.agreement.peer.contextTakeover === true;
  }

  #open(agreement: DeflateAgreement | undefined): void {
    const { deflatedFrames, options } = this.#env;
    if (agreement !== undefined && deflatedFrames !== undefined && options.deflate !== undefined) {
      this.#frames = deflatedFrames.for(agreement);
      this.#deflate = new MessageDeflate(agreement, options.deflate);
      this.#session.useDeflate(this.#deflate);
    }
    this.#hasOpened = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#env.address.isSecure) this.#fd = descriptorOf(this.#socket);
    this.#listener.onOpen(this);
  }

  /** The framing loop, for what is not as expected. It begins where the last whole message has ended. */
  #parse(read: Buffer): void {
    const { expected } = this.#frames;
    if (!this.#isUnexpected && expected !== undefined) this.#session.feed(expected.subarray(0, this.#phase));
    this.#session.feed(read);
    this.#isUnexpected = this.#session.isMidway;
    this.#phase = 0;
  }

  onMessage({ payload, isBinary, compressed }: ReceivedMessage): void {
    const frames = this.#frames;
    if (isBinary !== frames.isBinary || !frames.payload.equals(payload)) {
      this.#listener.onWrong(this);
      return;
    }
    if (this.#deflate !== undefined) {
      const bytes = compressed ?? payload;
      this.#listener.onDeflated(bytes.length);
      // A server that begins each message anew compresses equal ones alike. The first answer of all refers to nothing in any case.
      frames.expect(bytes, compressed !== undefined);
    }
    this.#listener.onReplies(this, 1);
  }

  /** Messages are sent prebuilt: none waits to be compressed. */
  onWritten(): void {}

  holdInput(): void {
    this.#isHeld = true;
    this.#socket.pause();
  }

  releaseInput(): void {
    this.#isHeld = false;
    if (this.#hasEnded) this.#onEnd();
    else this.#socket.resume();
  }

  onPong(): void {
    this.#listener.onPong(this);
  }

  onCloseFrame(wasOpen: boolean): void {
    const code = this.#session.closing.received?.code;
    if (wasOpen) this.#failure = `closed by the server: ${code}`;
    this.#expectEnd();
  }

  onViolation({ message }: ProtocolError): void {
    this.#failure ??= `protocol: ${message}`;
    this.#expectEnd();
    this.#socket.end();
  }

  /** The server sends no more. What is queued may never be taken: it has a time limit. */
  #onEnd(): void {
    this.#hasEnded = true;
    if (this.#isHeld) return;
    const { closing } = this.#session;
    if (!closing.isFinished) {
      this.#failure ??= NO_CLOSE;
      closing.lost();
    }
    this.#expectEnd();
    this.#socket.end();
  }

  #expectEnd(): void {
    this.#timer ??= setTimeout(
      () => {
        if (!this.#session.closing.isFinished) this.#failure ??= `${TIMEOUT}closing handshake`;
        this.#socket.destroy();
      },
      Math.min(this.#env.options.timeoutMs, MAX_CLOSE_MS),
    );
  }

  writeFrame(frame: Buffer): void {
    this.#write(frame, frame.length);
  }

  /** Bytes that are queued are not copied: frames of the batch never change. */
  #write(bytes: Buffer, length: number): void {
    let taken = 0;
    if (this.#fd >= 0 && !this.#isQueued) {
      taken = this.#writeDirectly(bytes, length);
      if (taken === length) return;
    }
    this.#isQueued = true;
    this.#socket.write(bytes.subarray(taken, length), () => {
      if (this.#socket.writableLength > 0 || this.#session.closing.state === ClosingState.CLOSED) return;
      this.#isQueued = false;
      if (this.isOpen) this.#onDrain();
    });
  }

  #onDrain(): void {
    this.#session.onDrain();
    if (!this.#isQueued) this.#listener.onDrain(this);
  }

  #writeDirectly(bytes: Buffer, length: number): number {
    const { calls } = this.#env;
    if (this.#socket.destroyed || calls === undefined) return 0;
    // None if the system takes nothing now, or the peer is gone: the socket finds out which.
    return Math.max(0, calls.send(this.#fd, bytes, 0, length));
  }
}

/** Longer reads are compared by `Buffer.compare`: 22 bytes take it 75 ns and a loop 35, 64 bytes 72 and 99. */
const MAX_LOOPED_BYTES = 40;

/** Whether the first bytes of a read are those of the other buffer from `at` on. */
function isEqual(read: Buffer, length: number, other: Buffer, at: number): boolean {
  if (length > MAX_LOOPED_BYTES) return read.compare(other, at, at + length, 0, length) === 0;
  for (let i = 0; i < length; i++) if (read[i] !== other[at + i]) return false;
  return true;
}
