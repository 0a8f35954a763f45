/** While publishers are asked to wait, so many bytes still go to the engine: of publishers that cannot be paused, or have not noticed yet. */
const MAX_SLOW_BYTES = 8 * 1024 * 1024;

/**
 * Whether publishers should wait for an engine that is connected, but takes messages too slowly: for some time. From then on they go on,
 * and what they publish is dropped until the engine takes messages again.
 */
export class EnginePressure {
  readonly #stallMs: number;
  readonly #onPressure: (isSlow: boolean) => void;
  #stall: NodeJS.Timeout | undefined;
  #isStalled = false;
  /** How much the engine was given since it is slow, in bytes. */
  #bytes = 0;

  /**
   * @param stallMs how long publishers wait, in ms; 0 if they never do.
   * @param onPressure called when publishers should wait (true), and when they should go on (false).
   */
  constructor(stallMs: number, onPressure: (isSlow: boolean) => void) {
    this.#stallMs = stallMs;
    this.#onPressure = onPressure;
  }

  /** Whether publishers should wait. */
  get isSlow(): boolean {
    return this.#stall !== undefined;
  }

  /** Whether the engine has said that it takes no more, and not yet that it does again. */
  get isFull(): boolean {
    return this.#stall !== undefined || this.#isStalled;
  }

  /** Whether so many bytes may go to the engine. If not, they are to be dropped. */
  admits(bytes: number): boolean {
    if (!this.isFull) return true;
    if (this.#isStalled || (this.#bytes > 0 && this.#bytes + bytes > MAX_SLOW_BYTES)) return false;
    this.#bytes += bytes;
    return true;
  }

  /** The engine has said that enough waits to be sent. */
  fill(): void {
    if (this.isFull) return;
    if (this.#stallMs === 0) {
      this.#isStalled = true;
      return;
    }
    this.#stall = setTimeout(() => {
      this.#isStalled = true;
      this.#goOn();
    }, this.#stallMs).unref();
    this.#onPressure(true);
  }

  /** The engine takes messages again, or the connection is over. */
  drain(): void {
    this.#isStalled = false;
    this.#goOn();
  }

  #goOn(): void {
    this.#bytes = 0;
    if (this.#stall === undefined) return;
    clearTimeout(this.#stall);
    this.#stall = undefined;
    this.#onPressure(false);
  }
}
