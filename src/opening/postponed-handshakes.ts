/** How long a handshake waits until it is judged again, in ms. */
const DELAY_MS = 25;
/** How often a handshake is judged again. */
const MAX_TRIES = 4;
/** The most handshakes that wait. Those that come meanwhile are judged once. */
const MAX_WAITING = 32;

/**
 * Handshakes above a limit, which are judged again a moment later, because a client may come back before the server knows that
 * its old connection is gone.
 */
export class PostponedHandshakes {
  /** For each handshake that waits, the function that judges it now. */
  readonly #waiting = new Set<() => void>();

  /** How often a handshake that comes now may be judged again. */
  get tries(): number {
    return this.#waiting.size < MAX_WAITING ? MAX_TRIES : 0;
  }

  /** @param judge is called once. It may postpone the handshake again. */
  postpone(judge: () => void): void {
    const again = () => {
      clearTimeout(timer);
      this.#waiting.delete(again);
      judge();
    };
    const timer = setTimeout(again, DELAY_MS);
    this.#waiting.add(again);
  }

  /** Judges all handshakes that wait, because the server is going away. */
  judgeAll(): void {
    for (const again of this.#waiting) again();
  }
}
