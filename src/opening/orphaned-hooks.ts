/**
 * Counts the `upgrade` hooks that still run for clients that have left. A client that leaves gives its place back at once, so
 * that it can come again. Without a bound, a client that comes and goes could start more and more hooks, each of which may ask a
 * database.
 */
export class OrphanedHooks {
  readonly #max: number;
  readonly #maxOfNetwork: number;
  #size = 0;
  readonly #byNetwork = new Map<string, number>();

  /** @param maxOfNetwork 0: no limit. */
  constructor(max: number, maxOfNetwork: number) {
    this.#max = max;
    this.#maxOfNetwork = maxOfNetwork;
  }

  /**
   * Whether no more hooks may start, for this network or for any, because there are more such hooks than there may be
   * connections.
   * @param network '' for clients that have no address, such as those of a unix socket: they are not one client.
   */
  isFull(network: string): boolean {
    if (this.#size > this.#max) return true;
    if (network === '') return false;
    return this.#maxOfNetwork > 0 && (this.#byNetwork.get(network) ?? 0) > this.#maxOfNetwork;
  }

  add(network: string): void {
    this.#size++;
    this.#byNetwork.set(network, (this.#byNetwork.get(network) ?? 0) + 1);
  }

  /** Called when a hook has settled, or does not count any more. */
  remove(network: string): void {
    this.#size--;
    const left = (this.#byNetwork.get(network) ?? 1) - 1;
    if (left === 0) this.#byNetwork.delete(network);
    else this.#byNetwork.set(network, left);
  }
}
