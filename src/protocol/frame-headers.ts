import { MASKING_KEY_BYTES } from './client-frame.js';
import { MASK } from './frame-header.js';
import { FIN, opcodeName } from './opcode.js';

/** The longest header: two bytes, a length of 64 bits, and a masking key (RFC 6455 section 5.2). */
const MAX_HEADER_BYTES = 14;

/** How many bytes of a header encode a length that does not fit into its second byte: 0, 2 or 8. */
export function extendedLengthBytes(second: number): number {
  const length = second & 0x7f;
  return length === 126 ? 2 : length === 127 ? 8 : 0;
}

/** How long the header is whose second byte this is. */
function headerBytes(second: number): number {
  return 2 + extendedLengthBytes(second) + (second & MASK ? MASKING_KEY_BYTES : 0);
}

/** The payload length that a whole header declares. Above 2^53 it is rounded. */
export function declaredLength(header: Uint8Array): number {
  const short = (header[1] as number) & 0x7f;
  if (short < 126) return short;
  let length = 0;
  for (const byte of header.subarray(2, 2 + extendedLengthBytes(short))) length = length * 256 + byte;
  return length;
}

/**
 * Finds the frame headers in a stream of bytes, whichever way they go (RFC 6455 section 5.2). It checks nothing: it is for those who
 * want to see what is sent.
 */
export class FrameHeaders {
  readonly #onHeader: (header: Uint8Array) => void;
  readonly #onPayload: (part: Uint8Array) => void;
  readonly #header = new Uint8Array(MAX_HEADER_BYTES);
  /** How many bytes of a header have come that is not whole. */
  #have = 0;
  /** How many bytes of the payload are to come. */
  #payloadLeft = 0;

  /**
   * @param onHeader is called for each header, with bytes that the next one overwrites.
   * @param onPayload is called for each part of a payload that is not empty, as it lies in what was fed. Without it payloads are
   * passed over.
   */
  constructor(onHeader: (header: Uint8Array) => void, onPayload: (part: Uint8Array) => void = () => {}) {
    this.#onHeader = onHeader;
    this.#onPayload = onPayload;
  }

  /** What has come of a header that is not whole. */
  get unfinished(): Uint8Array {
    return this.#header.subarray(0, this.#have);
  }

  /** Takes the next bytes of the stream. */
  feed(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      const passed = Math.min(this.#payloadLeft, bytes.length - at);
      if (passed > 0) this.#onPayload(bytes.subarray(at, at + passed));
      this.#payloadLeft -= passed;
      at += passed;
      if (at === bytes.length) return;
      this.#header[this.#have++] = bytes[at++] as number; // below the length
      if (this.#have < 2 || this.#have < headerBytes(this.#header[1] as number)) continue;
      const header = this.#header.subarray(0, this.#have);
      this.#have = 0;
      this.#payloadLeft = declaredLength(header);
      this.#onHeader(header);
    }
  }
}

/** What a header says, for a reader: `81 85 37fa213d: FIN TEXT, 5 bytes, masked`. */
export function describeHeader(header: Uint8Array): string {
  const hex = [...header].map((byte) => byte.toString(16).padStart(2, '0'));
  const [first, second] = header as unknown as [number, number];
  const keyBytes = second & MASK ? MASKING_KEY_BYTES : 0;
  const shown = [
    hex[0],
    hex[1],
    hex.slice(2, header.length - keyBytes).join(''),
    hex.slice(header.length - keyBytes).join(''),
  ];
  const bits = [first & FIN ? 'FIN ' : '', ...['RSV1 ', 'RSV2 ', 'RSV3 '].filter((_, i) => first & (0x40 >> i))];
  const opcode = first & 0x0f;
  const name = opcodeName(opcode) ?? `opcode 0x${opcode.toString(16)}`;
  const length = declaredLength(header);
  const size = `${length} ${length === 1 ? 'byte' : 'bytes'}`;
  return `${shown.filter((part) => part !== '').join(' ')}: ${bits.join('')}${name}, ${size}${keyBytes > 0 ? ', masked' : ''}`;
}
