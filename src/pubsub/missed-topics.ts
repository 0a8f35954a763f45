/** Room for the names of topics, in bytes. When it is full, all topics count as missed. */
const MAX_BYTES = 64 * 1024;

/** Indexes of int32 words. */
const Word = { IS_CLOSED: 0, LENGTH: 1, IS_ALL: 2 } as const;
const WORDS = 4;
const NAMES_AT = WORDS * Int32Array.BYTES_PER_ELEMENT;

/**
 * The topics of which a thread has missed publications because it took nothing, in memory that it shares with the
 * publisher. The publisher adds topics until the thread reads the list, and so closes it. A publication to a topic that
 * is not in the list by then is posted.
 */
export class MissedTopics {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #names: Buffer;
  /** In the publisher: the topics that it has written already. */
  readonly #known = new Set<string>();

  constructor(buffer = new SharedArrayBuffer(NAMES_AT + MAX_BYTES)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer, 0, WORDS);
    this.#names = Buffer.from(buffer, NAMES_AT);
  }

  /**
   * Called by the publisher: adds a topic.
   * @returns false if the thread has closed the list and may not have seen the topic: then the publication has to be
   * posted.
   */
  add(topic: string): boolean {
    if (!this.#known.has(topic) && Atomics.load(this.#words, Word.IS_ALL) === 0) this.#write(topic);
    return Atomics.load(this.#words, Word.IS_CLOSED) === 0;
  }

  #write(topic: string): void {
    const at = Atomics.load(this.#words, Word.LENGTH);
    const name = Buffer.from(topic, 'utf16le'); // takes any string, lone surrogates too
    const end = at + 4 + name.length;
    if (end > MAX_BYTES) {
      Atomics.store(this.#words, Word.IS_ALL, 1);
      this.#known.clear();
      return;
    }
    this.#names.writeUInt32LE(name.length, at);
    this.#names.set(name, at + 4);
    this.#known.add(topic);
    Atomics.store(this.#words, Word.LENGTH, end);
  }

  /** Called by the thread: closes the list. @returns the topics; undefined for all topics. */
  close(): ReadonlySet<string> | undefined {
    Atomics.store(this.#words, Word.IS_CLOSED, 1);
    if (Atomics.load(this.#words, Word.IS_ALL) === 1) return undefined;
    const topics = new Set<string>();
    const length = Atomics.load(this.#words, Word.LENGTH);
    for (let at = 0; at < length; ) {
      const end = at + 4 + this.#names.readUInt32LE(at);
      topics.add(this.#names.toString('utf16le', at + 4, end));
      at = end;
    }
    return topics;
  }
}
