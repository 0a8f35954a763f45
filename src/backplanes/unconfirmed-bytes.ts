/** More than this may not wait to be confirmed by the engine: then publishers have to wait. */
const MOST_BYTES = 4 * 1024 * 1024;
/** Publishers go on when no more than this waits. */
const FEW_BYTES = 1024 * 1024;
/** What a message costs beside its bytes, about: names, objects, promises. Without it, very many tiny messages would count for nothing. */
const MESSAGE_COST = 256;

/**
 * What was handed to an engine's client and is not confirmed by the engine. The buffers of the client and of the system are a part of
 * that, so it is bounded whatever the engine does, also if it is frozen.
 */
export class UnconfirmedBytes {
  readonly #drained: () => void;
  #bytes = 0;
  #isFull = false;

  /** @param drained called when publishers may go on, after {@link add} has returned false. */
  constructor(drained: () => void) {
    this.#drained = drained;
  }

  /** Whether publishers have to wait. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Counts a message. @returns what it counts for. Whether publishers have to wait now is in {@link isFull}. */
  add(bytes: number): number {
    const cost = bytes + MESSAGE_COST;
    this.#bytes += cost;
    if (this.#bytes > MOST_BYTES) this.#isFull = true;
    return cost;
  }

  /** The engine has taken messages that have counted for so much. */
  confirm(cost: number): void {
    this.#bytes -= cost;
    if (!this.#isFull || this.#bytes > FEW_BYTES) return;
    this.#isFull = false;
    this.#drained();
  }
}
