import { closeCodeName } from '../anatomy/close-codes.js';
import type { Side } from '../anatomy/frame-judge.js';
import { makeFrame } from '../anatomy/make-frame.js';
import { payloadInWords } from '../anatomy/payload-in-words.js';
import { jsKernel } from '../kernels/js.js';
import { Slabs } from '../memory/slabs.js';
import { readCloseStatus } from '../protocol/close-payload.js';
import { ClosingHandshake } from '../protocol/closing-handshake.js';
import { FrameEvent } from '../protocol/frame-event.js';
import { MaskedFrameReader } from '../protocol/masked-frame-reader.js';
import { Opcode } from '../protocol/opcode.js';
import { ProtocolError } from '../protocol/protocol-error.js';
import { UnmaskedFrameReader } from '../protocol/unmasked-frame-reader.js';
import { isUtf8 } from './is-utf8.js';
import { MAX_MESSAGE_BYTES } from './lesson.js';

/** Calls back for each event that bytes have brought. @throws ProtocolError for what breaks a rule. */
type Read = (bytes: Uint8Array, found: (event: FrameEvent, payload: Uint8Array, isBinary: boolean) => void) => void;

/** One side of a connection, without a socket: bytes go in, and bytes come out. It is made of what this package's server and client are made of. */
export class Half {
  readonly side: Side;
  readonly #read: Read;
  readonly #closing = new ClosingHandshake();
  readonly #send: (frame: Uint8Array) => void;

  /** @param send takes the frames that this side owes the other. */
  constructor(side: Side, send: (frame: Uint8Array) => void) {
    this.side = side;
    this.#read = side === 'server' ? clientFrames() : serverFrames();
    this.#send = send;
  }

  /** Whether nothing is exchanged any more: what comes is discarded. */
  get isOver(): boolean {
    return this.#closing.isFinished;
  }

  /** Takes the next bytes. @returns what has happened by them, in sentences; nothing while a frame is not whole, or if it is over. */
  receive(bytes: Uint8Array): readonly string[] {
    if (this.isOver) return [];
    const said: string[] = [];
    try {
      this.#read(bytes, (event, payload, isBinary) => said.push(this.#react(event, payload, isBinary)));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      said.push(this.#fail(error));
    }
    return said;
  }

  #react(event: FrameEvent, payload: Uint8Array, isBinary: boolean): string {
    switch (event) {
      case FrameEvent.PING:
        this.#sendFrame(Opcode.PONG, payload);
        return 'has a Ping, and answers with a Pong that has the same payload';
      case FrameEvent.PONG:
        return 'has a Pong, which needs no answer';
      case FrameEvent.CLOSE:
        return this.#receiveClose(payload);
      default: {
        const kind = isBinary ? 'binary' : 'text';
        return `has a whole message: ${kind}, ${payloadInWords(payload, payload.length, kind)}`;
      }
    }
  }

  #receiveClose(payload: Uint8Array): string {
    const echo = this.#closing.receive(payload);
    const { code } = readCloseStatus(payload);
    if (echo !== undefined) this.#sendFrame(Opcode.CLOSE, echo);
    return `has a Close with ${said(code)}${echo === undefined ? '' : ', and answers with a Close that has the same code'}`;
  }

  #fail({ closeCode, message }: ProtocolError): string {
    const payload = this.#closing.fail(closeCode, message);
    if (payload !== undefined) this.#sendFrame(Opcode.CLOSE, payload);
    return `finds what is forbidden: ${message}. It fails the connection, and sends a Close with ${said(closeCode)}`;
  }

  #sendFrame(opcode: number, payload: Uint8Array): void {
    this.#send(makeFrame({ opcode, payload: payload.slice(), key: this.side === 'client' ? KEY : undefined }));
  }
}

/** A client takes a random key for each frame. Here each run is to have the same bytes. */
const KEY = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);

function said(code: number): string {
  const name = closeCodeName(code);
  return name === undefined ? String(code) : `${code} ${name}`;
}

const PAGE_BYTES = 64 * 1024;
const WINDOW_START = 1024;

/** The framing loop of the server, in memory of its own: a page for what is read, and some for messages that are joined. */
function clientFrames(): Read {
  const pages = 4;
  const wasm = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const memory = {
    ...{ bytes: new Uint8Array(wasm.buffer), view: new DataView(wasm.buffer) },
    ...{ found: new Int32Array(0), foundStart: 0 },
    slabs: new Slabs(PAGE_BYTES, (pages - 1) * PAGE_BYTES),
    allocate: (length: number) => new Uint8Array(length),
  };
  const reader = new MaskedFrameReader<Uint8Array>(memory, jsKernel(wasm), MAX_MESSAGE_BYTES);
  return (bytes, found) => {
    memory.bytes.set(bytes, WINDOW_START);
    reader.feed(WINDOW_START, WINDOW_START + bytes.length);
    for (let event = reader.next(); event !== FrameEvent.NONE; event = reader.next()) {
      const isBinary = (reader.firstByte & 0x0f) === Opcode.BINARY;
      found(event, reader.bytes.subarray(reader.start, reader.start + reader.length), isBinary);
    }
  };
}

/** The framing loop of the client. */
function serverFrames(): Read {
  const platform = { isUtf8, allocate: (length: number) => new Uint8Array(length) };
  const reader = new UnmaskedFrameReader(platform, MAX_MESSAGE_BYTES);
  return (bytes, found) => {
    reader.feed(bytes);
    for (let event = reader.next(); event !== FrameEvent.NONE; event = reader.next()) {
      found(event, reader.payload, reader.isBinary);
    }
  };
}
