/** Frames as a client writes them and as a server's are read, independent of `src/`: straight from RFC 6455 section 5.2. */

export const TEXT = 0x1;
export const BINARY = 0x2;
export const CLOSE = 0x8;
export const PING = 0x9;
export const PONG = 0xa;

const NAMES: Readonly<Record<number, string>> = {
  [TEXT]: 'text',
  [BINARY]: 'binary',
  [CLOSE]: 'close',
  [PING]: 'ping',
  [PONG]: 'pong',
};

/** Payloads up to this length are shown as they are, in bytes; of longer ones a hash. */
const SHOWN_BYTES = 40;

interface FrameOptions {
  readonly fin?: boolean;
  readonly key?: readonly [number, number, number, number];
}

/** A masked frame. */
export function clientFrame(opcode: number, payload: string | Uint8Array = '', options: FrameOptions = {}): Buffer {
  const { fin = true, key = [0x37, 0xfa, 0x21, 0x3d] } = options;
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  const first = (fin ? 0x80 : 0) | opcode;
  let header: Buffer;
  if (bytes.length <= 125) {
    header = Buffer.from([first, 0x80 | bytes.length, ...key]);
  } else if (bytes.length <= 0xffff) {
    header = Buffer.from([first, 0x80 | 126, bytes.length >> 8, bytes.length & 0xff, ...key]);
  } else {
    header = Buffer.alloc(14);
    header.set([first, 0x80 | 127], 0);
    header.writeBigUInt64BE(BigInt(bytes.length), 2);
    header.set(key, 10);
  }
  return Buffer.concat([header, bytes.map((byte, i) => byte ^ (key[i & 3] as number))]);
}

/** A Close frame from a client. */
export function clientClose(code?: number, reason = ''): Buffer {
  return clientFrame(CLOSE, closeBytes(code, reason));
}

function closeBytes(code: number | undefined, reason: string): Uint8Array {
  return code === undefined ? Buffer.alloc(0) : Buffer.from([code >> 8, code & 0xff, ...Buffer.from(reason)]);
}

/** Reads what a server has sent, each frame as {@link shown}. The last may be cut only if that is allowed. */
export function serverFrames(bytes: Uint8Array, end: 'whole' | 'may be cut' = 'whole'): string[] {
  const reader = new UnmaskedFrameReader();
  reader.add(bytes);
  if (end === 'whole' && reader.unreadBytes > 0) throw new Error(`${reader.unreadBytes} bytes of a frame that is cut`);
  return reader.frames;
}

/** Reads what a server sends, as it comes. @throws for a frame that a server must not send */
export class UnmaskedFrameReader {
  /** The whole frames so far, each as {@link shown}. */
  readonly frames: string[] = [];
  #unread: Buffer = Buffer.alloc(0);

  /** Of a frame that is not whole yet. */
  get unreadBytes(): number {
    return this.#unread.length;
  }

  add(bytes: Uint8Array): void {
    this.#unread = this.#unread.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#unread, bytes]);
    for (let read = this.#readFrame(); read > 0; read = this.#readFrame()) this.#unread = this.#unread.subarray(read);
  }

  /** Returns the length of the frame that it has read, or 0 if that is not whole. */
  #readFrame(): number {
    const bytes = this.#unread;
    if (bytes.length < 2) return 0;
    const [first, second] = [bytes.readUInt8(0), bytes.readUInt8(1)];
    if ((first & 0x80) === 0) throw new Error('a fragment: the server sends none');
    if ((first & 0x70) !== 0) throw new Error('reserved bits');
    if ((second & 0x80) !== 0) throw new Error('a masked frame');
    let start = 2;
    let length = second;
    if (second === 126) {
      start = 4;
      if (bytes.length < start) return 0;
      length = bytes.readUInt16BE(2);
      if (length < 126) throw new Error(`length ${length} in 16 bits`);
    } else if (second === 127) {
      start = 10;
      if (bytes.length < start) return 0;
      length = Number(bytes.readBigUInt64BE(2));
      if (length < 0x1_0000) throw new Error(`length ${length} in 64 bits`);
    }
    if (bytes.length < start + length) return 0;
    this.frames.push(shown(first & 0x0f, bytes.subarray(start, start + length)));
    return start + length;
  }
}

/** A frame in a form that reads well in an assertion: `text "hello"`, `close 1000 "bye"`, `binary of 9000 bytes, 8d1f…`. */
export function shown(opcode: number, payload: string | Uint8Array): string {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : Buffer.from(payload);
  const name = NAMES[opcode] ?? `opcode ${opcode}`;
  if (opcode === CLOSE && bytes.length >= 2) {
    const reason = bytes.toString('utf8', 2);
    return `close ${bytes.readUInt16BE(0)}${reason === '' ? '' : ` ${JSON.stringify(reason)}`}`;
  }
  if (bytes.length <= SHOWN_BYTES) return `${name} ${JSON.stringify(bytes.toString('latin1'))}`;
  return `${name} of ${bytes.length} bytes, ${hash(bytes).toString(16)}`;
}

/** FNV-1a: quick, and two payloads of a test do not have the same by chance. */
function hash(bytes: Uint8Array): number {
  let value = 0x811c9dc5;
  for (const byte of bytes) value = Math.imul(value ^ byte, 0x01000193);
  return value >>> 0;
}

/** `length` bytes that differ from those of another seed, and from their own neighbours. */
export function pattern(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let value = Math.imul(seed + 1, 0x9e3779b1);
  for (let i = 0; i < length; i++) {
    value = Math.imul(value ^ (value >>> 15), 0x85ebca6b) + 0x632be5ab;
    bytes[i] = value >>> 24;
  }
  return bytes;
}

/** `length` bytes of text, alike. */
export function letters(length: number, seed = 1): string {
  const bytes = pattern(length, seed).map((byte) => 97 + (byte % 26));
  return Buffer.from(bytes).toString('latin1');
}
