/** What a publication takes beside its frames and its topic, in bytes: an estimate. */
const ENTRY_BYTES = 128;

/** Frames of a topic that wait for an engine. */
export interface KeptPublication {
  readonly topic: string;
  readonly frames: Uint8Array;
  readonly messages: number;
  /** When it was published, in ms since 1970. */
  readonly timestamp: number;
  /** Whether other servers may compress them. */
  readonly mayCompress: boolean;
}

/**
 * What was published while the engine was away, in the order of publishing, up to a number of bytes. The newest is dropped, not the oldest: what
 * is kept is everything from the loss up to some moment, without a gap. So after the first publication without room none is taken until all
 * have been taken out.
 */
export class KeptPublications {
  readonly #maxBytes: number;
  /** Those that were taken out are undefined, so that their memory is free. */
  #kept: (KeptPublication | undefined)[] = [];
  /** Index of the oldest that was not taken out. */
  #first = 0;
  #bytes = 0;
  #isFull = false;

  /** @param maxBytes the most that is kept, with topics and some bytes for each publication; 0 to keep nothing. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether nothing is kept. */
  get isEmpty(): boolean {
    return this.#first === this.#kept.length;
  }

  /** How many bytes are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Keeps a copy of a publication.
   * @returns false if it has no room, and is dropped.
   */
  add(topic: string, frames: Uint8Array, messages: number, timestamp: number, mayCompress = true): boolean {
    const bytes = bytesOf(topic, frames);
    this.#isFull ||= this.#bytes + bytes > this.#maxBytes;
    if (this.#isFull) return false;
    this.#bytes += bytes;
    this.#kept.push({ topic, frames: Uint8Array.from(frames), messages, timestamp, mayCompress });
    return true;
  }

  /** Takes out the oldest publication. */
  shift(): KeptPublication | undefined {
    const oldest = this.#kept[this.#first];
    if (oldest === undefined) return undefined;
    this.#bytes -= bytesOf(oldest.topic, oldest.frames);
    this.#kept[this.#first++] = undefined;
    if (2 * this.#first >= this.#kept.length) {
      this.#kept = this.#kept.slice(this.#first); // each is moved once, on average
      this.#first = 0;
      if (this.isEmpty) this.#isFull = false;
    }
    return oldest;
  }
}

function bytesOf(topic: string, frames: Uint8Array): number {
  return ENTRY_BYTES + 2 * topic.length + frames.length;
}
