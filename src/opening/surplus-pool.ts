/** What a pool knows of a connection above the limits. */
export interface PoolMember {
  /** See {@link networkOf}. '' for clients that have no address, such as those of a unix socket: they are not one client. */
  readonly network: string;
  /** Whether the connection has sent a request. */
  readonly hasRequest: boolean;
}

/**
 * A bounded number of connections above the limits, and of those of one network. A connection that has sent no request gives way
 * to a newcomer, so that silent connections cannot keep out clients that ask.
 */
export class SurplusPool<Connection extends PoolMember> {
  readonly #max: number;
  readonly #maxOfNetwork: number;
  /** Both collections keep the order in which the connections came. */
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
    if (this.#all.size >= this.#max || this.#isFull(network, its)) return false;
    this.#all.add(connection);
    if (its === undefined) this.#byNetwork.set(network, new Set([connection]));
    else its.add(connection);
    return true;
  }

  /** Nothing happens if the connection is not in the pool. */
  leave(connection: Connection): void {
    if (!this.#all.delete(connection)) return;
    const its = this.#byNetwork.get(connection.network);
    its?.delete(connection);
    if (its?.size === 0) this.#byNetwork.delete(connection.network);
  }

  /**
   * The connection that has to leave so that one of this network finds room. It is the oldest one without a request: of the
   * network itself if that has all of its places, else of the network that has most. So a client with few addresses cannot keep
   * the others out.
   * @returns undefined if there is none
   */
  candidateFor(network: string): Connection | undefined {
    const its = this.#byNetwork.get(network);
    if (its !== undefined && this.#isFull(network, its)) return oldestSilent(its);
    let most: Set<Connection> | undefined = its;
    for (const others of this.#byNetwork.values()) if (others.size > (most?.size ?? 0)) most = others;
    return (most === undefined ? undefined : oldestSilent(most)) ?? oldestSilent(this.#all);
  }

  /** Whether a network has all of its places. */
  #isFull(network: string, its: ReadonlySet<Connection> | undefined): boolean {
    return network !== '' && its !== undefined && its.size >= this.#maxOfNetwork;
  }
}

function oldestSilent<Connection extends PoolMember>(connections: Iterable<Connection>): Connection | undefined {
  for (const connection of connections) if (!connection.hasRequest) return connection;
  return undefined;
}
