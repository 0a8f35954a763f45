/** How fast a peer may send. 0 is no limit. */
export interface Rates {
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
}

/**
 * Bounds the rates of one connection, by a token bucket for each, which holds what a second brings. What is taken beyond
 * that is owed. Without a limit there are tokens without end, so that nobody has to ask.
 */
export class RateLimit {
  readonly #messagesPerSecond: number;
  readonly #bytesPerSecond: number;
  #messages: number;
  #bytes: number;
  #filledAtMs: number;

  constructor({ messagesPerSecond, bytesPerSecond }: Rates, nowMs: number) {
    this.#messagesPerSecond = messagesPerSecond || Number.MAX_VALUE;
    this.#bytesPerSecond = bytesPerSecond || Number.MAX_VALUE;
    this.#messages = this.#messagesPerSecond;
    this.#bytes = this.#bytesPerSecond;
    this.#filledAtMs = nowMs;
  }

  /** How many messages may be taken until the limit is exhausted. */
  get messages(): number {
    return this.#messages;
  }

  /** How many bytes may be taken until the limit is exhausted. */
  get bytes(): number {
    return this.#bytes;
  }

  take(bytes: number, messages: number): void {
    this.#bytes -= bytes;
    this.#messages -= messages;
  }

  /** Adds the tokens that the time since the last call has brought. */
  refill(nowMs: number): void {
    const elapsedMs = nowMs - this.#filledAtMs;
    if (elapsedMs === 0) return;
    this.#filledAtMs = nowMs;
    this.#messages = Math.min(this.#messagesPerSecond, this.#messages + (this.#messagesPerSecond * elapsedMs) / 1000);
    this.#bytes = Math.min(this.#bytesPerSecond, this.#bytes + (this.#bytesPerSecond * elapsedMs) / 1000);
  }

  /** Whether nothing more may be handled before the next {@link refill}. */
  get isExhausted(): boolean {
    return this.#messages <= 0 || this.#bytes <= 0;
  }

  /** Whether more was taken than there was. */
  get isExceeded(): boolean {
    return this.#messages < 0 || this.#bytes < 0;
  }
}
