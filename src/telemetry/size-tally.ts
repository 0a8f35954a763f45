import type { Counters, Distribution } from './counters.js';

/**
 * Counts the sizes of messages of one read. Messages that follow each other are often alike: then it costs an addition each, and their
 * thread's counters are looked for only once.
 */
export class SizeTally {
  readonly #counters: Counters;
  readonly #text: number;
  readonly #ofText: Distribution;
  readonly #ofOthers: Distribution;
  /** What the messages that are not counted yet have in common. */
  #firstByte = 0;
  #length = 0;
  /** How many messages are not counted yet. */
  #messages = 0;

  /** @param text the first byte of the frame of a text. */
  constructor(counters: Counters, text: number, ofText: Distribution, ofOthers: Distribution) {
    this.#counters = counters;
    this.#text = text;
    this.#ofText = ofText;
    this.#ofOthers = ofOthers;
  }

  /** Hot: called for each message. */
  add(firstByte: number, length: number): void {
    if (length !== this.#length || firstByte !== this.#firstByte) {
      this.flush();
      this.#firstByte = firstByte;
      this.#length = length;
    }
    this.#messages++;
  }

  /** Counts what was added: at the end of each read, so that the counters are right when nothing happens. */
  flush(): void {
    if (this.#messages === 0) return;
    const distribution = this.#firstByte === this.#text ? this.#ofText : this.#ofOthers;
    this.#counters.observeSize(distribution, this.#length, this.#messages);
    this.#messages = 0;
  }
}
