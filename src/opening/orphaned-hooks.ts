/**
 * `upgrade` hooks that still run for clients that have left. A client that leaves gives its place back at once, so that it can come
 * again. But a client that comes and goes must not have more and more hooks run, each of which may ask a database.
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

  /** Whether no more hooks are to run, for this network or for anybody: there are more orphans than there may be connections. */
  isFull(network: string): boolean {
    if (this.#size > this.#max) return true;
    return this.#maxOfNetwork > 0 && (this.#byNetwork.get(network) ?? 0) > this.#maxOfNetwork;
  }

  add(network: string): void {
    this.#size++;
    this.#byNetwork.set(network, (this.#byNetwork.get(network) ?? 0) + 1);
  }

  /** One has settled, or is waited for no more. */
  remove(network: string): void {
    this.#size--;
    const left = (this.#byNetwork.get(network) ?? 1) - 1;
    if (left === 0) this.#byNetwork.delete(network);
    else this.#byNetwork.set(network, left);
  }
}
