import { DeflateWindow } from '../compression/deflate-window.js';
import { HEAP_WINDOWS } from '../compression/window-slabs.js';
import type { DeflateAgreement } from '../protocol/deflate/agreement.js';
import { DeflateMemory } from './deflate-memory.js';
import type { DeflateChoice } from './deflate-options.js';

/** What all connections of the thread compress and decompress in, one message at a time. */
const memory = new DeflateMemory();

const NO_HISTORY = new Uint8Array(0);

/**
 * permessage-deflate of one connection, as its client does it (RFC 7692 section 7.2). A message is compressed, or decompressed, in the
 * call that it is given in. With context takeover each direction has a window, which only messages enter that are compressed.
 */
export class MessageDeflate {
  /** What is agreed on with the server. */
  readonly agreement: DeflateAgreement;
  readonly #choice: DeflateChoice;
  readonly #own: DeflateWindow | undefined;
  readonly #peer: DeflateWindow | undefined;

  /** @throws ArenaError if there is no memory to compress in. */
  constructor(agreement: DeflateAgreement, choice: DeflateChoice) {
    const { own, peer } = agreement;
    memory.prepare();
    this.agreement = agreement;
    this.#choice = choice;
    this.#own = own.contextTakeover ? new DeflateWindow(HEAP_WINDOWS, own.windowBits) : undefined;
    this.#peer = peer.contextTakeover ? new DeflateWindow(HEAP_WINDOWS, peer.windowBits) : undefined;
  }

  /**
   * Compresses a message that is sent.
   * @returns what is sent instead, until the next call; undefined if the message goes as it is.
   */
  compress(message: Uint8Array): Uint8Array | undefined {
    const { level, thresholdBytes } = this.#choice;
    if (message.length < thresholdBytes) return undefined;
    const own = this.#own;
    const { windowBits } = this.agreement.own;
    const deflated = memory.deflate(message, own?.bytes ?? NO_HISTORY, windowBits, level);
    if (deflated === undefined) return undefined;
    // Not `message`: another thread may write to memory that is shared.
    own?.add(deflated.input, 0, message.length);
    return deflated.output;
  }

  /**
   * Decompresses a message that has come.
   * @returns the message, until the next call.
   * @throws ProtocolError if it is corrupt, or longer than `maxBytes`.
   */
  decompress(compressed: Uint8Array, maxBytes: number): Uint8Array {
    const peer = this.#peer;
    const message = memory.inflate(compressed, peer?.bytes ?? NO_HISTORY, maxBytes);
    peer?.add(message, 0, message.length);
    return message;
  }
}
