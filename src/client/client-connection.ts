import type { Socket } from 'node:net';
import type { Acceptance } from '../protocol/client-handshake.js';
import { CloseCode, type CloseStatus } from '../protocol/close.js';
import { ABNORMAL_CLOSURE } from '../protocol/closing-handshake.js';
import type { HandshakeHeaders } from '../protocol/handshake-headers.js';
import { MAX_CONTROL_PAYLOAD_BYTES, Opcode } from '../protocol/opcode.js';
import type { ProtocolError } from '../protocol/protocol-error.js';
import type { ServerFrameReader } from '../protocol/server-frame-reader.js';
import { kindOf, viewOf } from '../protocol/view-of.js';
import { ClientMessage, copyOf } from './client-message.js';
import { OptionError } from '../options/option-error.js';
import { ClientSession, type SessionOwner } from './session.js';

/** How a connection has ended. */
export interface ClientClosed extends CloseStatus {
  /** Of the server's Close frame; 1005 if that named none, 1006 if there was none. */
  readonly code: number;
  readonly reason: string;
  /** Why there was none: a {@link ProtocolError} if the server broke the protocol, or the system's error. */
  readonly error?: Error;
}

/** What a client can send: text, or bytes of any kind. */
export type ClientData = string | ArrayBuffer | SharedArrayBuffer | ArrayBufferView;

/** What a client is called with. A hook that throws ends the connection, and the error is the caller's: uncaught. */
export interface ClientHooks {
  /** A message has come. It may be kept. */
  message?(connection: ClientConnection, message: ClientMessage): void;
  /** A pong has come, whether {@link ClientConnection.ping} asked for it or not. */
  pong?(connection: ClientConnection, payload: Buffer): void;
  /** Everything that was queued is with the system. Called after `send` has returned false. */
  drain?(connection: ClientConnection): void;
}

/** Limits of a connection, complete. */
export interface ClientLimits {
  readonly handshakeTimeoutMs: number;
  readonly closeTimeoutMs: number;
  readonly maxPayloadBytes: number;
}

/** An open connection to a server. Pings are answered by themselves. */
export class ClientConnection {
  /** The one that the server chose of those offered; empty if none. */
  readonly subprotocol: string;
  /** Of the server's answer to the opening handshake. */
  readonly headers: HandshakeHeaders;
  /** Resolves when the connection is over, and never rejects. */
  readonly closed: Promise<ClientClosed>;

  readonly #socket: Socket;
  readonly #hooks: ClientHooks;
  readonly #limits: ClientLimits;
  readonly #session: ClientSession;
  #error: Error | undefined;
  #owesDrain = false;
  #isStarted = false;
  #isPaused = false;
  #closeTimer: NodeJS.Timeout | undefined;

  /** @param socket on which the handshake is done, with no listeners but those for its end. Used by {@link connect} only. */
  constructor(socket: Socket, { subprotocol, headers }: Acceptance, hooks: ClientHooks, limits: ClientLimits) {
    this.subprotocol = subprotocol;
    this.headers = headers;
    this.#socket = socket;
    this.#hooks = hooks;
    this.#limits = limits;
    const owner: SessionOwner = {
      get isOutputWaiting() {
        return socket.writableNeedDrain;
      },
      writeFrame: (frame) => this.#write(frame),
      onMessage: (reader) => this.#onMessage(reader),
      onPong: (payload) => hooks.pong?.(this, copyOf(payload)),
      onCloseFrame: () => this.#finish(),
      onViolation: (error) => this.#onViolation(error),
    };
    this.#session = new ClientSession(owner, limits.maxPayloadBytes);
    const { closing } = this.#session;
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        closing.closed();
        clearTimeout(this.#closeTimer);
        const status = closing.received ?? { ...ABNORMAL_CLOSURE };
        resolve(this.#error === undefined ? status : { ...status, error: this.#error });
      });
    });
    socket.on('error', (error) => {
      // The server has said goodbye: how it ends TCP behind that is no matter.
      if (closing.received === undefined) this.#error ??= error;
    });
    socket.on('data', (read: Buffer) => this.#onRead(read));
    // The server closes TCP first (section 7.1.1); whoever does it without a Close ends the connection too. What is queued may
    // never be taken: it has a time limit.
    socket.on('end', () => {
      closing.lost();
      this.#finish();
      socket.end();
    });
    socket.on('drain', () => this.#onDrain());
  }

  get isOpen(): boolean {
    return this.#session.isOpen;
  }

  /** Bytes that are queued, and not yet with the system. */
  get bufferedAmount(): number {
    return this.#socket.writableLength;
  }

  /**
   * Sends a message: a string as text, bytes as binary. They are copied.
   * @returns false if it is queued, and `drain` follows; or, without sending it, if the connection is not open any more.
   * @throws OptionError for anything else. TypeError for memory that was transferred elsewhere.
   */
  send(data: ClientData): boolean {
    if (!this.isOpen) return false;
    this.#session.send(typeof data === 'string' ? Opcode.TEXT : Opcode.BINARY, bytesOf('data', data));
    return !this.#owesDrain;
  }

  /**
   * Sends a ping, of at most 125 bytes; the hook `pong` hears of the answer.
   * @throws OptionError if it is longer, or neither a string nor bytes.
   */
  ping(payload: ClientData = ''): void {
    const bytes = bytesOf('payload', payload);
    if (bytes.length > MAX_CONTROL_PAYLOAD_BYTES) {
      throw new OptionError('payload', `a ping takes at most ${MAX_CONTROL_PAYLOAD_BYTES} bytes, got ${bytes.length}`);
    }
    if (this.isOpen) this.#session.send(Opcode.PING, bytes);
  }

  /**
   * Begins the closing handshake (section 7.1.2); {@link closed} says when it is done. Nothing is sent behind it.
   * @param code 1000 (default), 1001 to 1003, 1007 to 1014, or 3000 to 4999.
   * @param reason at most 123 bytes of UTF-8.
   * @throws CloseArgumentError if they cannot be sent.
   */
  close(code: number = CloseCode.NORMAL, reason = ''): void {
    if (!this.#session.close(code, reason)) return;
    this.#expectEnd();
    this.resume();
  }

  /** Drops the connection without a Close. No hook is called any more. */
  terminate(): void {
    this.#session.closing.lost();
    this.#socket.destroy();
  }

  /**
   * Reads no more, so that the server's messages stay with the system, and then with the server. What was read already is
   * still handed out. No ping is answered. It ends with {@link close}, for which the server's answer must be read.
   */
  pause(): void {
    if (!this.isOpen) return;
    this.#isPaused = true;
    this.#socket.pause();
  }

  /** Reads on. */
  resume(): void {
    this.#isPaused = false;
    if (this.#isStarted) this.#socket.resume();
  }

  /** Handles what came behind the server's answer, and only then reads on. Called by {@link connect} only. */
  start(early: Buffer): void {
    if (early.length > 0) this.#onRead(early);
    this.#isStarted = true;
    if (!this.#isPaused) this.#socket.resume();
  }

  #onRead(read: Buffer): void {
    try {
      this.#session.feed(read);
    } catch (error) {
      // A hook's own error is not for us to judge, but what it has left half read cannot be gone on with.
      this.terminate();
      throw error;
    }
  }

  #onMessage({ payload, isBinary, ownsPayload }: ServerFrameReader): void {
    this.#hooks.message?.(this, new ClientMessage(isBinary, ownsPayload ? payload : copyOf(payload)));
  }

  #onDrain(): void {
    const owesDrain = this.#owesDrain;
    this.#owesDrain = false;
    if (!this.isOpen) return;
    this.#session.onDrain();
    if (owesDrain) this.#hooks.drain?.(this);
  }

  /** Section 7.1.7: nothing of what the server says is looked at any more. */
  #onViolation(error: ProtocolError): void {
    this.#error = error;
    this.#finish();
    this.#socket.end();
  }

  #finish(): void {
    this.#expectEnd();
    this.#socket.resume();
  }

  #expectEnd(): void {
    this.#closeTimer ??= setTimeout(() => this.#socket.destroy(), this.#limits.closeTimeoutMs);
  }

  #write(frame: Buffer): void {
    if (!this.#socket.write(frame)) this.#owesDrain = true;
  }
}

function bytesOf(option: string, data: ClientData): Uint8Array {
  const bytes = typeof data === 'string' ? Buffer.from(data) : viewOf(data);
  if (bytes !== undefined) return bytes;
  throw new OptionError(option, `${option} must be a string, a typed array or an ArrayBuffer, got ${kindOf(data)}`);
}
