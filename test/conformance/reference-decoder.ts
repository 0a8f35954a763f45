/**
 * The receiving half of RFC 6455 (sections 5 and 8.1), written after the text of the RFC, for a server that has negotiated no extension,
 * or permessage-deflate (RFC 7692), which is done elsewhere. It goes byte by byte: it is slow, takes whole streams only, and shares no line with the code that it checks.
 */
import { isUtf8 } from 'node:buffer';
import { event } from '../protocol/receiver.js';

export interface Verdict {
  /** The events, as {@link event} writes them. */
  readonly events: readonly string[];
  /** The close code with which the connection must be failed, if it must. */
  readonly closeCode: number | undefined;
  /** Another code that is as right: a compressed message can be wrong in two ways at once. */
  readonly orCloseCode?: number | undefined;
  /** How many bytes of the stream prove that. */
  readonly knownAfter: number | undefined;
}

export class Violation {
  constructor(
    readonly closeCode: number,
    readonly orCloseCode?: number,
  ) {}
}

/** Decompresses a message. @throws Violation if that cannot be, or if it is too long */
export type Decompress = (message: Buffer, isText: boolean) => Buffer;

class EndOfStream {}

export function decode(
  stream: Uint8Array,
  maxPayloadBytes: number,
  maxEmptyFragments = Number.POSITIVE_INFINITY,
  decompress?: Decompress,
): Verdict {
  const decoder = new ReferenceDecoder(stream, BigInt(maxPayloadBytes), maxEmptyFragments, decompress);
  try {
    for (;;) decoder.frame();
  } catch (end) {
    if (end instanceof EndOfStream) return { events: decoder.events, closeCode: undefined, knownAfter: undefined };
    if (end instanceof Violation) {
      const { closeCode, orCloseCode } = end;
      return { events: decoder.events, closeCode, orCloseCode, knownAfter: decoder.position };
    }
    throw end;
  }
}

class ReferenceDecoder {
  readonly events: string[] = [];
  position = 0;
  readonly #stream: Uint8Array;
  readonly #limit: bigint;
  readonly #maxEmptyFragments: number;
  readonly #decompress: Decompress | undefined;
  /** How many fragments in a row had no payload and were not the last of their message. */
  #emptyFragments = 0;
  /** The fragmented message that has begun and not ended. */
  #message:
    | { readonly opcode: number; readonly isCompressed: boolean; readonly payload: number[]; character: number[] }
    | undefined;

  constructor(stream: Uint8Array, limit: bigint, maxEmptyFragments: number, decompress: Decompress | undefined) {
    this.#decompress = decompress;
    this.#stream = stream;
    this.#limit = limit;
    this.#maxEmptyFragments = maxEmptyFragments;
  }

  /** Section 5.2, from top to bottom. */
  frame(): void {
    const first = this.#byte();
    const fin = (first & 0x80) !== 0;
    const opcode = first & 0x0f;
    const isCompressed = (first & 0x70) === 0x40 && this.#decompress !== undefined && (opcode === 1 || opcode === 2);
    if ((first & 0x70) !== 0 && !isCompressed) throw new Violation(1002);
    if (![0x0, 0x1, 0x2, 0x8, 0x9, 0xa].includes(opcode)) throw new Violation(1002);
    const isControl = opcode >= 0x8;
    if (isControl && !fin) throw new Violation(1002);
    if (opcode === 0 && this.#message === undefined) throw new Violation(1002);
    if ((opcode === 1 || opcode === 2) && this.#message !== undefined) throw new Violation(1002);

    const second = this.#byte();
    if ((second & 0x80) === 0) throw new Violation(1002);
    if (isControl && (second & 0x7f) > 125) throw new Violation(1002);
    const length = this.#length(second & 0x7f);
    const before = BigInt(this.#message?.payload.length ?? 0);
    if (!isControl && before + length > this.#limit) throw new Violation(1009);
    const key = [this.#byte(), this.#byte(), this.#byte(), this.#byte()];

    if (isControl) this.#control(opcode, Number(length), key);
    else this.#data(opcode, isCompressed, fin, Number(length), key);
  }

  #length(sevenBits: number): bigint {
    if (sevenBits < 126) return BigInt(sevenBits);
    let length = 0n;
    if (sevenBits === 126) {
      for (let i = 0; i < 2; i++) length = (length << 8n) | BigInt(this.#byte());
      if (length < 126n) throw new Violation(1002);
      return length;
    }
    for (let i = 0; i < 8; i++) {
      length = (length << 8n) | BigInt(this.#byte());
      if (i === 0 && length > 0x7fn) throw new Violation(1002);
      // What is left has 16 bits, and should have been written in 16 bits.
      if (i === 5 && length === 0n) throw new Violation(1002);
    }
    return length;
  }

  #control(opcode: number, length: number, key: readonly number[]): void {
    const payload: number[] = [];
    for (let i = 0; i < length; i++) payload.push(this.#byte() ^ (key[i % 4] as number));
    const name = ({ 8: 'close', 9: 'ping', 10: 'pong' } as const)[opcode as 8 | 9 | 10];
    this.events.push(event(name, Buffer.from(payload)));
  }

  #data(opcode: number, isCompressed: boolean, fin: boolean, length: number, key: readonly number[]): void {
    this.#emptyFragments = length === 0 && !fin ? this.#emptyFragments + 1 : 0;
    if (this.#emptyFragments > this.#maxEmptyFragments) throw new Violation(1008);
    this.#message ??= { opcode, isCompressed, payload: [], character: [] };
    const message = this.#message;
    for (let i = 0; i < length; i++) {
      const byte = this.#byte() ^ (key[i % 4] as number);
      message.payload.push(byte);
      if (message.opcode !== 1 || message.isCompressed) continue;
      message.character.push(byte);
      if (isUtf8(Buffer.from(message.character))) message.character = [];
      else if (!mayBecomeCharacter(message.character)) throw new Violation(1007);
    }
    if (!fin) return;
    if (message.character.length > 0) throw new Violation(1007);
    this.#message = undefined;
    const isText = message.opcode === 1;
    let payload: Buffer = Buffer.from(message.payload);
    if (message.isCompressed) payload = (this.#decompress as Decompress)(payload, isText); // else there is no such message
    this.events.push(event(isText ? 'text' : 'binary', payload));
  }

  #byte(): number {
    if (this.position === this.#stream.length) throw new EndOfStream();
    return this.#stream[this.position++] as number;
  }
}

/** Ends of characters: every beginning of a character can be completed by one of these. */
const ENDS = [0x80, 0x90, 0xa0].flatMap((byte) => [[byte], [byte, 0x80], [byte, 0x80, 0x80]]);

function mayBecomeCharacter(beginning: readonly number[]): boolean {
  return ENDS.some((end) => isUtf8(Buffer.from([...beginning, ...end])));
}
