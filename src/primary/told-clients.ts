import type { EarlyRefusal, Places } from '../opening/places.js';
import { PostponedHandshakes } from '../opening/postponed-handshakes.js';

/** A client that a proxy has told in the request of a connection. */
export interface ToldClient {
  /** The id of the connection. */
  readonly id: number;
  readonly remoteAddress: string;
}

/** What is done with a judgment. */
export interface ToldClientJudgment {
  /** Whether the connection is still there. */
  readonly isThere: () => boolean;
  /** Called once, with the reason why the client is above the limit of its address; undefined if it is not. */
  readonly answer: (refusal: EarlyRefusal | undefined) => void;
}

/**
 * Counts the clients of proxies where workers read the requests. A connection of a proxy counts for no address when it is accepted.
 * The worker that has read whose it is asks the primary, which counts the addresses of all threads.
 */
export class ToldClients {
  readonly #places: Pick<Places, 'refusalOfAddress' | 'enter' | 'leave'>;
  readonly #postponed = new PostponedHandshakes();

  constructor(places: Pick<Places, 'refusalOfAddress' | 'enter' | 'leave'>) {
    this.#places = places;
  }

  /** Judges a client, and counts it if it is within the limit. One above it is judged again a moment later. */
  judge(client: ToldClient, judgment: ToldClientJudgment, triesLeft = this.#postponed.tries): void {
    const { isThere, answer } = judgment;
    if (!isThere()) {
      answer(undefined); // a place that it took now would never be given back
      return;
    }
    const { id } = client;
    this.#places.leave(id); // a worker that has died meanwhile may have asked for it before
    const refusal = this.#places.refusalOfAddress(client);
    if (refusal !== undefined && triesLeft > 0) {
      this.#postponed.postpone(() => this.judge(client, judgment, triesLeft - 1));
      return;
    }
    if (refusal === undefined) this.#places.enter(id, client);
    answer(refusal);
  }
}
