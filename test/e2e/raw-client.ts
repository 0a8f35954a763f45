import type { Socket } from 'node:net';
import { Queue } from './queue.js';
import { connectTo } from './transport.js';

export const Opcode = { CONTINUATION: 0, TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 } as const;

export interface Frame {
  readonly fin: boolean;
  readonly opcode: number;
  readonly payload: Buffer;
}

export interface FrameOptions {
  readonly fin?: boolean;
  /** Four bytes; by default four different ones. */
  readonly key?: readonly number[];
}

const KEY = [0x37, 0xfa, 0x21, 0x3d];

/** A client's frame (RFC 6455 section 5.2), masked. */
export function encodeFrame(opcode: number, payload: string | Uint8Array = '', options: FrameOptions = {}): Buffer {
  const { fin = true, key = KEY } = options;
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  const header = encodeHeader((fin ? 0x80 : 0) | opcode, bytes.length);
  const frame = Buffer.allocUnsafe(header.length + 4 + bytes.length);
  frame.set(header);
  frame.set(key, header.length);
  const at = header.length + 4;
  for (let i = 0; i < bytes.length; i++) frame[at + i] = (bytes[i] as number) ^ (key[i & 3] as number);
  return frame;
}

/** The header of a masked frame up to its masking key, with any length. */
export function encodeHeader(firstByte: number, length: number): Buffer {
  if (length < 126) return Buffer.from([firstByte, 0x80 | length]);
  if (length < 65536) return Buffer.from([firstByte, 0xfe, length >>> 8, length & 0xff]);
  const header = Buffer.alloc(10);
  header[0] = firstByte;
  header[1] = 0xff;
  header.writeBigUInt64BE(BigInt(length), 2);
  return header;
}

/** The payload of a Close frame. */
export function closePayload(code: number, reason = ''): Buffer {
  return Buffer.concat([Buffer.from([code >>> 8, code & 0xff]), Buffer.from(reason)]);
}

/** Takes a server's frames out of a stream, however it is cut. */
export class FrameParser {
  readonly #onFrame: (frame: Frame) => void;
  #unread: Buffer = Buffer.alloc(0);
  #first = 0;
  #payload: Buffer | undefined;
  #filled = 0;

  constructor(onFrame: (frame: Frame) => void) {
    this.#onFrame = onFrame;
  }

  push(read: Buffer): void {
    let bytes = this.#unread.length === 0 ? read : Buffer.concat([this.#unread, read]);
    for (;;) {
      if (this.#payload === undefined) {
        const headerBytes = this.#readHeader(bytes);
        if (headerBytes === 0) break;
        bytes = bytes.subarray(headerBytes);
      }
      const payload = this.#payload as unknown as Buffer; // #readHeader has made it
      const taken = bytes.copy(payload, this.#filled);
      this.#filled += taken;
      bytes = bytes.subarray(taken);
      if (this.#filled < payload.length) break;
      this.#payload = undefined;
      this.#onFrame({ fin: this.#first >= 0x80, opcode: this.#first & 0x0f, payload });
    }
    this.#unread = bytes;
  }

  #readHeader(bytes: Buffer): number {
    if (bytes.length < 2) return 0;
    const short = bytes[1] as number;
    if (short >= 0x80) throw new Error('the server has masked a frame');
    const headerBytes = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (bytes.length < headerBytes) return 0;
    const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
    this.#first = bytes[0] as number;
    if ((this.#first & 0x70) !== 0) throw new Error('the server has set a reserved bit');
    this.#payload = Buffer.allocUnsafeSlow(length);
    this.#filled = 0;
    return headerBytes;
  }
}

/** An opening handshake, to be written as it is. */
export function encodeRequest(target: string, headers: readonly string[] = []): string {
  return [
    `GET ${target} HTTP/1.1`,
    'Host: localhost',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version: 13',
    ...headers,
    '\r\n',
  ].join('\r\n');
}

/** A connection, of TCP or over TLS, on which every byte is the test's. Destroyed at the end of its block. */
export class RawClient implements Disposable {
  readonly socket: Socket;
  /** Status line and headers of the answer to the opening handshake. */
  readonly response: Promise<string>;
  /** Resolves when the server has sent FIN. */
  readonly ended: Promise<void>;
  /** Resolves when both directions are over, in any way. */
  readonly closed: Promise<void>;
  readonly #frames = new Queue<Frame>();
  #head: Buffer | undefined = Buffer.alloc(0);
  #respond: (response: string) => void = () => {};
  readonly #parser = new FrameParser((frame) => this.#frames.push(frame));

  /** The TCP connection under the stream. */
  readonly #tcp: Socket;

  /** @param socket a connected stream. @param tcp the TCP connection under it */
  constructor(socket: Socket, tcp = socket) {
    this.socket = socket;
    this.#tcp = tcp;
    this.response = new Promise((resolve) => {
      this.#respond = resolve;
    });
    socket.on('error', () => {}); // 'close' follows
    socket.on('data', (read) => this.#onRead(read as Buffer));
    this.ended = new Promise((resolve) => {
      socket.on('end', () => {
        this.#frames.end('the server has ended the connection');
        resolve();
      });
    });
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#frames.end('the connection was lost');
        resolve();
      });
    });
  }

  /** Connects and does nothing else. It sends FIN only when the test calls for it. */
  static async connect(port: number): Promise<RawClient> {
    const { socket, tcp } = await connectTo(port);
    return new RawClient(socket, tcp);
  }

  /** Connects and makes the opening handshake, with `early` in the same write. Does not wait for the answer. */
  static async upgrading(port: number, target = '/', early: Uint8Array = Buffer.alloc(0)): Promise<RawClient> {
    const client = await RawClient.connect(port);
    client.socket.write(Buffer.concat([Buffer.from(encodeRequest(target)), early]));
    return client;
  }

  /** Connects, makes the opening handshake, and waits until it is accepted. */
  static async open(port: number, target = '/', early?: Uint8Array): Promise<RawClient> {
    const client = await RawClient.upgrading(port, target, early);
    const response = await client.response;
    if (!response.startsWith('HTTP/1.1 101 ')) throw new Error(`refused: ${response}`);
    return client;
  }

  /** Sends a frame. */
  frame(opcode: number, payload?: string | Uint8Array, options?: FrameOptions): void {
    this.socket.write(encodeFrame(opcode, payload, options));
  }

  text(payload: string): void {
    this.frame(Opcode.TEXT, payload);
  }

  next(): Promise<Frame> {
    return this.#frames.next();
  }

  /** Frames that came and were not asked for. */
  get rest(): readonly Frame[] {
    return this.#frames.rest;
  }

  /** Drops the connection with a TCP reset. */
  reset(): void {
    this.#tcp.resetAndDestroy(); // the stream over it is closed by that; to destroy it too ends Node 20 by a fault
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  #onRead(read: Buffer): void {
    if (this.#head === undefined) {
      this.#parser.push(read);
      return;
    }
    const head = Buffer.concat([this.#head, read]);
    const end = head.indexOf('\r\n\r\n');
    this.#head = head;
    if (end < 0) return;
    this.#respond(head.toString('latin1', 0, end + 4));
    const isAccepted = head.toString('latin1', 0, 13) === 'HTTP/1.1 101 ';
    if (!isAccepted) return; // the rest is a body
    this.#head = undefined;
    this.#parser.push(head.subarray(end + 4));
  }
}

/** The code and the reason that a Close frame says. */
export function closeStatus({ opcode, payload }: Frame): {
  readonly code: number | undefined;
  readonly reason: string;
} {
  if (opcode !== Opcode.CLOSE) throw new Error(`frame with opcode ${opcode} instead of a Close`);
  return { code: payload.length === 0 ? undefined : payload.readUInt16BE(0), reason: payload.toString('utf8', 2) };
}
