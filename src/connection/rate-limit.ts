/** How fast a peer may send. 0 is no limit. */
export interface Rates {
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
}

/** A token bucket that holds what a second brings. What is taken beyond what it holds is owed. */
class Bucket {
  readonly #perSecond: number;
  #tokens: number;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
  }

  take(tokens: number): void {
    this.#tokens -= tokens;
  }

  refill(elapsedMs: number): void {
    this.#tokens = Math.min(this.#perSecond, this.#tokens + (this.#perSecond * elapsedMs) / 1000);
  }

  get isEmpty(): boolean {
    return this.#perSecond > 0 && this.#tokens <= 0;
  }

  get isOverdrawn(): boolean {
    return this.#perSecond > 0 && this.#tokens < 0;
  }
}

/** Bounds the rates of one connection, by a token bucket for each. */
export class RateLimit {
  readonly #messages: Bucket;
  readonly #bytes: Bucket;

  constructor({ messagesPerSecond, bytesPerSecond }: Rates) {
    this.#messages = new Bucket(messagesPerSecond);
    this.#bytes = new Bucket(bytesPerSecond);
  }

  takeMessage(): void {
    this.#messages.take(1);
  }

  takeBytes(bytes: number): void {
    this.#bytes.take(bytes);
  }

  refill(elapsedMs: number): void {
    this.#messages.refill(elapsedMs);
    this.#bytes.refill(elapsedMs);
  }

  /** Whether nothing more may be handled before the next {@link refill}. */
  get isExhausted(): boolean {
    return this.#messages.isEmpty || this.#bytes.isEmpty;
  }

  /** Whether more was taken than there was. */
  get isExceeded(): boolean {
    return this.#messages.isOverdrawn || this.#bytes.isOverdrawn;
  }
}
