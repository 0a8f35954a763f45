/** What a pool knows of a connection above the limits. */
export interface SurplusConnection {
  /** See {@link networkOf}. */
  readonly network: string;
  /** Whether it has asked for something. */
  readonly hasRequest: boolean;
}

/**
 * A bounded number of connections, and of those of one network. A connection that has asked for nothing gives way to newcomers, so
 * that silent connections cannot keep out clients that ask.
 */
export class SurplusPool<Connection extends SurplusConnection> {
  readonly #max: number;
  readonly #maxOfNetwork: number;
  /** In the order in which they came, in both. */
  readonly #all = new Set<Connection>();
  readonly #byNetwork = new Map<string, Set<Connection>>();

  constructor(max: number, maxOfNetwork: number) {
    this.#max = max;
    this.#maxOfNetwork = maxOfNetwork;
  }

  /** @returns false if there is no room */
  enter(connection: Connection): boolean {
    const { network } = connection;
    const its = this.#byNetwork.get(network);
    if (this.#all.size >= this.#max || (its !== undefined && its.size >= this.#maxOfNetwork)) return false;
    this.#all.add(connection);
    if (its === undefined) this.#byNetwork.set(network, new Set([connection]));
    else its.add(connection);
    return true;
  }

  /** Nothing happens if it is not there. */
  leave(connection: Connection): void {
    if (!this.#all.delete(connection)) return;
    const its = this.#byNetwork.get(connection.network);
    its?.delete(connection);
    if (its?.size === 0) this.#byNetwork.delete(connection.network);
  }

  /**
   * Which connection is to leave so that one of this network finds room: the oldest that is silent, of the network itself if that has
   * as many as it may, or else of the network that has most. So a client with few addresses cannot keep the others out.
   * @returns undefined if there is none
   */
  candidateFor(network: string): Connection | undefined {
    const its = this.#byNetwork.get(network);
    if (its !== undefined && its.size >= this.#maxOfNetwork) return oldestSilent(its);
    let most: Set<Connection> | undefined = its;
    for (const others of this.#byNetwork.values()) if (others.size > (most?.size ?? 0)) most = others;
    return (most === undefined ? undefined : oldestSilent(most)) ?? oldestSilent(this.#all);
  }
}

function oldestSilent<Connection extends SurplusConnection>(connections: Iterable<Connection>): Connection | undefined {
  for (const connection of connections) if (!connection.hasRequest) return connection;
  return undefined;
}
