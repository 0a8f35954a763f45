import type { Socket } from 'node:net';
import { OptionError } from '../options/option-error.js';
import { shown } from '../options/shown.js';
import { unknownOption } from '../options/unknown-option.js';
import { CloseCode, type CloseStatus } from '../protocol/close.js';
import { ABNORMAL_CLOSURE } from '../protocol/closing-handshake.js';
import type { DeflateAgreement } from '../protocol/deflate/agreement.js';
import { MAX_CONTROL_PAYLOAD_BYTES, Opcode } from '../protocol/opcode.js';
import type { Acceptance } from '../protocol/opening/client-handshake.js';
import type { HandshakeHeaders } from '../protocol/opening/handshake-headers.js';
import type { ProtocolError } from '../protocol/protocol-error.js';
import { kindOf, viewOf } from '../protocol/view-of.js';
import { bufferOf } from './buffer-of.js';
import type { ConnectionHooks } from './client-hooks.js';
import type { ClientLimits } from './client-limits.js';
import { ClientMessage, copyOf } from './client-message.js';
import { MessageDeflate } from './message-deflate.js';
import { ClientSession, type ReceivedMessage, type SessionOwner } from './session.js';

/** How a client's connection has ended. */
export interface ClientClosed extends CloseStatus {
  /** The code of the server's Close frame; 1005 if that frame had none, 1006 if there was no Close frame. */
  readonly code: number;
  /** The reason of the server's Close frame; an empty string if it had none. */
  readonly reason: string;
  /**
   * Why there was no Close frame: a {@link ProtocolError} if the server broke the protocol, else the error of the system.
   * Undefined if there was a Close frame, or no error.
   */
  readonly error?: Error;
}

/** What a client can send: a string becomes a text message, bytes become a binary message. */
export type ClientData = string | ArrayBuffer | SharedArrayBuffer | ArrayBufferView;

/** How one message is sent. */
export interface ClientSendOptions {
  /**
   * Whether the message may be compressed, on a connection where that was agreed on. A message with a secret in it, next to what somebody
   * else chooses, should not be: its length tells about the secret.
   *
   * @default true
   */
  readonly compress?: boolean | undefined;
}

const SEND_OPTIONS: readonly (keyof ClientSendOptions)[] = ['compress'];

/**
 * An open connection to a server, in the thread that has called {@link connect}. Pings of the server are answered without the
 * application.
 */
export class ClientConnection {
  /** The subprotocol that the server has chosen; an empty string if it has chosen none. */
  readonly subprotocol: string;
  /** The headers of the server's answer to the opening handshake. */
  readonly headers: HandshakeHeaders;
  /** How messages are compressed, as this side sees it; undefined if they are not: it was not offered, or the server has declined. */
  readonly deflate: DeflateAgreement | undefined;
  /** Resolves when the connection is over. It never rejects. */
  readonly closed: Promise<ClientClosed>;

  readonly #socket: Socket;
  readonly #hooks: ConnectionHooks<ClientConnection>;
  readonly #limits: ClientLimits;
  readonly #session: ClientSession;
  #error: Error | undefined;
  #owesDrain = false;
  #isStarted = false;
  #isPaused = false;
  /** Whether nothing is read because messages that have come are being decompressed. */
  #isHeld = false;
  /** Whether the server has ended TCP. What it has sent before comes first, also if it is still being decompressed. */
  #hasEnded = false;
  #closeTimer: NodeJS.Timeout | undefined;

  /** @param socket on which the handshake is done, with no listeners but those for its end. Used by {@link connect} only. */
  constructor(
    socket: Socket,
    { subprotocol, headers, deflate }: Acceptance,
    hooks: ConnectionHooks<ClientConnection>,
    limits: ClientLimits,
  ) {
    this.subprotocol = subprotocol;
    this.headers = headers;
    this.deflate = deflate;
    this.#socket = socket;
    this.#hooks = hooks;
    this.#limits = limits;
    const isOutputWaiting = () => socket.writableNeedDrain || this.#session.isWaiting;
    const owner: SessionOwner = {
      get isOutputWaiting() {
        return isOutputWaiting();
      },
      writeFrame: (frame) => this.#write(frame),
      onWritten: () => this.#onDrain(),
      holdInput: () => {
        this.#isHeld = true;
        socket.pause();
      },
      releaseInput: () => {
        this.#isHeld = false;
        if (this.#hasEnded) this.#onEnd();
        else this.#readOn();
      },
      onMessage: (message) => this.#orTerminate(() => this.#onMessage(message)),
      onPong: (payload) => this.#orTerminate(() => hooks.pong?.(this, copyOf(payload))),
      onCloseFrame: () => this.#finish(),
      onViolation: (error) => this.#onViolation(error),
    };
    this.#session = new ClientSession(owner, limits.maxPayloadBytes);
    if (deflate !== undefined && limits.deflate !== undefined) {
      this.#session.useDeflate(new MessageDeflate(deflate, limits.deflate));
    }
    const { closing } = this.#session;
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        closing.closed();
        this.#session.drop();
        clearTimeout(this.#closeTimer);
        const status = closing.received ?? { ...ABNORMAL_CLOSURE };
        resolve(this.#error === undefined ? status : { ...status, error: this.#error });
      });
    });
    socket.on('error', (error) => {
      // The server has sent its Close: it does not matter how it ends TCP behind that.
      if (closing.received === undefined) this.#error ??= error;
    });
    socket.on('data', (read: Buffer) => this.#onRead(read));
    // The server closes TCP first (section 7.1.1); whoever does it without a Close ends the connection too. What is queued may
    // never be taken: it has a time limit.
    socket.on('end', () => this.#onEnd());
    socket.on('drain', () => this.#onDrain());
  }

  /** Whether messages can be sent: false once a Close frame was sent or received, or the connection was lost. */
  get isOpen(): boolean {
    return this.#session.isOpen;
  }

  /** How many bytes were sent that the operating system has not taken yet. What waits to be compressed counts as long as it is. */
  get bufferedAmount(): number {
    return this.#socket.writableLength + this.#session.waitingBytes;
  }

  /**
   * Sends a message: a string as text, bytes as a binary message. The bytes are copied.
   * @returns false if the message is queued: the hook `drain` follows. Also false, and nothing was sent, if the connection is not open.
   * @throws OptionError if `data` is something else, or memory that was transferred to another thread, or an option cannot be used.
   */
  send(data: ClientData, options?: ClientSendOptions): boolean {
    if (!this.isOpen) return false;
    const isCompressible = options === undefined || mayCompress(options);
    const opcode = typeof data === 'string' ? Opcode.TEXT : Opcode.BINARY;
    this.#session.sendMessage(opcode, bytesOf('data', data), isCompressible);
    if (this.#session.isWaiting) this.#owesDrain = true;
    return !this.#owesDrain;
  }

  /**
   * Sends a ping (RFC 6455 section 5.5.2). The hook `pong` is called when the server answers. Nothing happens if the connection
   * is not open.
   * @param payload at most 125 bytes, of a string as UTF-8. @default ''
   * @throws OptionError if the payload is longer, or neither a string nor bytes, or memory that was transferred to another thread.
   */
  ping(payload: ClientData = ''): void {
    const bytes = bytesOf('payload', payload);
    if (bytes.length > MAX_CONTROL_PAYLOAD_BYTES) {
      throw new OptionError('payload', `a ping takes at most ${MAX_CONTROL_PAYLOAD_BYTES} bytes, got ${bytes.length}`);
    }
    if (this.isOpen) this.#session.send(Opcode.PING, bytes);
  }

  /**
   * Starts the closing handshake (RFC 6455 section 7.1.2). The promise {@link closed} resolves when it is done. Nothing can be sent
   * afterwards; messages of the server that are on their way still arrive. A second call does nothing.
   * @param code 1000 to 1003, 1007 to 1014, or 3000 to 4999. @default 1000
   * @param reason at most 123 bytes of UTF-8. @default ''
   * @throws CloseArgumentError if the code or the reason cannot be sent.
   */
  close(code: number = CloseCode.NORMAL, reason = ''): void {
    if (!this.#session.close(code, reason)) return;
    this.#expectEnd();
    this.resume();
  }

  /** Disconnects at once, without a Close frame. No hook is called any more. */
  terminate(): void {
    this.#session.closing.lost();
    this.#session.drop();
    this.#socket.destroy();
  }

  /**
   * Stops reading, so that messages stay with the operating system and then with the server. Messages that were read already are still
   * handed out. Pings are not answered meanwhile. {@link close} reads on, because the server's answer must be read.
   */
  pause(): void {
    if (!this.isOpen) return;
    this.#isPaused = true;
    this.#socket.pause();
  }

  /** Reads on after {@link pause}. */
  resume(): void {
    this.#isPaused = false;
    this.#readOn();
  }

  /** Handles what came behind the server's answer, and only then reads on. Called by {@link connect} only. */
  start(early: Buffer): void {
    if (early.length > 0) this.#onRead(early);
    this.#isStarted = true;
    this.#readOn();
  }

  #readOn(): void {
    if (this.#isStarted && !this.#isPaused && !this.#isHeld) this.#socket.resume();
  }

  #onRead(read: Buffer): void {
    this.#orTerminate(() => this.#session.feed(read));
  }

  #orTerminate(action: () => void): void {
    try {
      action();
    } catch (error) {
      // The error of a hook is the application's, but a read that was left half handled cannot be gone on with.
      this.terminate();
      throw error;
    }
  }

  #onMessage({ payload, isBinary, ownsPayload }: ReceivedMessage): void {
    this.#hooks.message?.(this, new ClientMessage(isBinary, ownsPayload ? bufferOf(payload) : copyOf(payload)));
  }

  #onEnd(): void {
    this.#hasEnded = true;
    if (this.#isHeld) return;
    this.#session.closing.lost();
    this.#session.drop();
    this.#finish();
    this.#socket.end();
  }

  /** Something that has waited is with the system, or written. */
  #onDrain(): void {
    if (this.#socket.writableNeedDrain || this.#session.isWaiting) return; // this is called again
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

/** @throws OptionError */
function mayCompress(options: ClientSendOptions): boolean {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new OptionError('options', `send(data, options) takes an object of options, got ${shown(options)}`);
  }
  const unknown = unknownOption(options, SEND_OPTIONS);
  if (unknown !== undefined) throw new OptionError(unknown.name, `send(): ${unknown.message}`);
  const { compress = true } = options;
  if (typeof compress === 'boolean') return compress;
  throw new OptionError('compress', `compress must be true or false, got ${shown(compress)}`);
}
