import type { Socket } from 'node:net';
import { maskedFrame } from '../protocol/client-frame.js';
import type { Acceptance } from '../protocol/client-handshake.js';
import { CloseCode, type CloseStatus, closePayload, readCloseStatus } from '../protocol/close.js';
import { FrameEvent } from '../protocol/frame-reader.js';
import type { HandshakeHeaders } from '../protocol/handshake-headers.js';
import { FIN, MAX_CONTROL_PAYLOAD_BYTES, Opcode } from '../protocol/opcode.js';
import { ProtocolError } from '../protocol/protocol-error.js';
import { ServerFrameReader } from '../protocol/server-frame-reader.js';
import { kindOf, viewOf } from '../protocol/view-of.js';
import { ClientMessage, copyOf } from './client-message.js';
import type { ClientHooks, ClientLimits } from './client-options.js';
import { MaskingKeys } from './masking-keys.js';
import { OptionError } from './option-error.js';

/** How a connection has ended. */
export interface ClientClosed extends CloseStatus {
  /** Of the server's Close frame; 1005 if that named none, 1006 if there was none. */
  readonly code: number;
  readonly reason: string;
  /** Why there was none: a {@link ProtocolError} if the server broke the protocol, or the system's error. */
  readonly error?: Error;
}

/** RFC 6455 section 7.1: from open to closed, in this order and never back. */
const State = {
  OPEN: 0,
  /** Our Close is sent; the server's is awaited. Messages are still handed out: the server may not have seen it. */
  CLOSING: 1,
  /** Nothing is exchanged any more: what arrives is discarded until the server closes TCP. */
  FINISHING: 2,
  CLOSED: 3,
} as const;

/** What a client can send: text, or bytes of any kind. */
export type ClientData = string | ArrayBuffer | SharedArrayBuffer | ArrayBufferView;

const keys = new MaskingKeys();

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
  readonly #reader: ServerFrameReader;
  #state: (typeof State)[keyof typeof State] = State.OPEN;
  #received: CloseStatus | undefined;
  #error: Error | undefined;
  #owesDrain = false;
  /** Payload of the last ping that could not be answered at once. */
  #owedPong: Buffer | undefined;
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
    this.#reader = new ServerFrameReader(limits.maxPayloadBytes);
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#state = State.CLOSED;
        clearTimeout(this.#closeTimer);
        const status = this.#received ?? { code: CloseCode.ABNORMAL, reason: '' };
        resolve(this.#error === undefined ? status : { ...status, error: this.#error });
      });
    });
    socket.on('error', (error) => {
      // The server has said goodbye: how it ends TCP behind that is no matter.
      if (this.#received === undefined) this.#error ??= error;
    });
    socket.on('data', (read: Buffer) => this.#onRead(read));
    // The server closes TCP first (section 7.1.1); whoever does it without a Close ends the connection too. What is queued may
    // never be taken: it has a time limit.
    socket.on('end', () => {
      this.#finish();
      socket.end();
    });
    socket.on('drain', () => this.#onDrain());
  }

  get isOpen(): boolean {
    return this.#state === State.OPEN;
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
    if (this.#state !== State.OPEN) return false;
    return this.#write(typeof data === 'string' ? Opcode.TEXT : Opcode.BINARY, bytesOf('data', data));
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
    if (this.#state === State.OPEN) this.#write(Opcode.PING, bytes);
  }

  /**
   * Begins the closing handshake (section 7.1.2); {@link closed} says when it is done. Nothing is sent behind it.
   * @param code 1000 (default), 1001 to 1003, 1007 to 1014, or 3000 to 4999.
   * @param reason at most 123 bytes of UTF-8.
   * @throws CloseArgumentError if they cannot be sent.
   */
  close(code: number = CloseCode.NORMAL, reason = ''): void {
    const payload = closePayload(code, reason);
    if (this.#state !== State.OPEN) return;
    this.#state = State.CLOSING;
    this.#write(Opcode.CLOSE, payload);
    this.#expectEnd();
    this.resume();
  }

  /** Drops the connection without a Close. No hook is called any more. */
  terminate(): void {
    if (this.#state < State.FINISHING) this.#state = State.FINISHING;
    this.#socket.destroy();
  }

  /**
   * Reads no more, so that the server's messages stay with the system, and then with the server. What was read already is
   * still handed out. No ping is answered. It ends with {@link close}, for which the server's answer must be read.
   */
  pause(): void {
    if (this.#state !== State.OPEN) return;
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
    if (this.#state >= State.FINISHING) return;
    try {
      this.#reader.feed(read);
      for (let event = this.#reader.next(); event !== FrameEvent.NONE; event = this.#reader.next()) {
        this.#onEvent(event);
        if (this.#state >= State.FINISHING) return;
      }
    } catch (error) {
      // A hook's own error is not for us to judge, but what it has left half read cannot be gone on with.
      if (!(error instanceof ProtocolError)) {
        this.terminate();
        throw error;
      }
      this.#fail(error);
    }
  }

  #onEvent(event: FrameEvent): void {
    const { payload, isBinary, ownsPayload } = this.#reader;
    switch (event) {
      case FrameEvent.MESSAGE:
        this.#hooks.message?.(this, new ClientMessage(isBinary, ownsPayload ? payload : copyOf(payload)));
        break;
      case FrameEvent.PING:
        if (this.#state === State.OPEN) this.#onPing(payload);
        break;
      case FrameEvent.PONG:
        this.#hooks.pong?.(this, copyOf(payload));
        break;
      case FrameEvent.CLOSE:
        this.#onClose(readCloseStatus(payload));
        break;
    }
  }

  /** Of pings that come while the system takes no more, the last one is answered (section 5.5.3). */
  #onPing(payload: Buffer): void {
    if (this.#socket.writableNeedDrain) this.#owedPong = copyOf(payload);
    else this.#write(Opcode.PONG, payload);
  }

  #onDrain(): void {
    const payload = this.#owedPong;
    const owesDrain = this.#owesDrain;
    this.#owedPong = undefined;
    this.#owesDrain = false;
    if (this.#state !== State.OPEN) return;
    if (payload !== undefined) this.#write(Opcode.PONG, payload);
    if (owesDrain) this.#hooks.drain?.(this);
  }

  /** The server's code is echoed (section 5.5.1), unless ours has been sent. */
  #onClose(status: CloseStatus): void {
    this.#received = status;
    if (this.#state === State.OPEN) {
      const code = status.code === CloseCode.NO_STATUS ? undefined : status.code;
      this.#write(Opcode.CLOSE, closePayload(code));
    }
    this.#finish();
  }

  /** Section 7.1.7: the server is told why, and nothing of what it says is looked at any more. */
  #fail(error: ProtocolError): void {
    this.#error = error;
    if (this.#state === State.OPEN) this.#write(Opcode.CLOSE, closePayload(error.closeCode));
    this.#finish();
    this.#socket.end();
  }

  #finish(): void {
    this.#state = State.FINISHING;
    this.#expectEnd();
    this.#socket.resume();
  }

  #expectEnd(): void {
    this.#closeTimer ??= setTimeout(() => this.#socket.destroy(), this.#limits.closeTimeoutMs);
  }

  #write(opcode: number, payload: Uint8Array): boolean {
    if (this.#socket.write(maskedFrame(FIN | opcode, payload, keys.next()))) return true;
    this.#owesDrain = true;
    return false;
  }
}

function bytesOf(option: string, data: ClientData): Uint8Array {
  const bytes = typeof data === 'string' ? Buffer.from(data) : viewOf(data);
  if (bytes !== undefined) return bytes;
  throw new OptionError(option, `${option} must be a string, a typed array or an ArrayBuffer, got ${kindOf(data)}`);
}
