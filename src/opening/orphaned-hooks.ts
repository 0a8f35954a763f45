import { networkOf } from './network.js';

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
   * Whether no more hooks may start for clients of this address, because there are more orphaned hooks than there may be
   * connections: of the network of the address, or of all.
   * @param address undefined for clients that have none, such as those of a unix socket: they are not one client.
   */
  isFull(address: string | undefined): boolean {
    if (this.#size > this.#max) return true;
    const network = networkOf(address ?? '');
    if (network === '') return false;
    return this.#maxOfNetwork > 0 && (this.#byNetwork.get(network) ?? 0) > this.#maxOfNetwork;
  }

  /**
   * Counts a hook whose client has left.
   * @param limitMs how long the hook is counted at most, in ms: it may never settle.
   * @returns a function to be called when the hook has settled.
   */
  add(address: string | undefined, limitMs: number): () => void {
    const network = networkOf(address ?? '');
    this.#size++;
    this.#byNetwork.set(network, (this.#byNetwork.get(network) ?? 0) + 1);
    let isCounted = true;
    const settled = () => {
      if (!isCounted) return;
      isCounted = false;
      clearTimeout(timer);
      this.#remove(network);
    };
    const timer = setTimeout(settled, limitMs).unref();
    return settled;
  }

  #remove(network: string): void {
    this.#size--;
    const left = (this.#byNetwork.get(network) ?? 1) - 1;
    if (left === 0) this.#byNetwork.delete(network);
    else this.#byNetwork.set(network, left);
  }
}
