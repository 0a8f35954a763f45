import type { BufferBudget } from '../connection/buffer-budget.js';
import type { Turn } from '../connection/turn.js';

/** When room has to be made, all connections may keep this share of the budget. */
const SHED_TO = 0.9;

type Budget = Pick<BufferBudget, 'bytes' | 'totalBytes' | 'maxBytes' | 'isExceeded'>;

/** A connection, as far as the memory that it holds is concerned. */
export interface MemoryHolder {
  readonly heldBytes: number;
  readonly heldSinceMs: number;
  /** Closes the connection, because the server holds too much. */
  shed(): void;
}

/**
 * Makes room when the connections of all threads hold more memory than the budget allows. Each thread ends connections of its own,
 * those that have held memory for longest first, until it has given its part.
 */
export class MemoryShedding {
  readonly #holders: ReadonlySet<MemoryHolder>;
  readonly #budget: Budget;
  readonly #turn: Pick<Turn, 'begin' | 'end'>;
  #isDue = false;

  /**
   * @param holders the connections of this thread; the set may change at any time.
   * @param turn the turn of the thread, in which connections are closed.
   */
  constructor(holders: ReadonlySet<MemoryHolder>, budget: Budget, turn: Pick<Turn, 'begin' | 'end'>) {
    this.#holders = holders;
    this.#budget = budget;
    this.#turn = turn;
  }

  /** Makes room a moment later if it is needed, because the code that has exceeded the budget, maybe a hook, is still running. */
  check(): void {
    if (this.#isDue || !this.#budget.isExceeded) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      this.#shed();
    });
  }

  #shed(): void {
    const { totalBytes, maxBytes, bytes } = this.#budget;
    if (totalBytes <= maxBytes) return; // other connections have given theirs back meanwhile
    let excess = (totalBytes - SHED_TO * maxBytes) * (bytes / totalBytes);
    const holders = [...this.#holders].filter(({ heldBytes }) => heldBytes > 0);
    holders.sort((a, b) => a.heldSinceMs - b.heldSinceMs || b.heldBytes - a.heldBytes);
    this.#turn.begin();
    try {
      for (const holder of holders) {
        if (excess <= 0) return;
        excess -= holder.heldBytes;
        holder.shed();
      }
    } finally {
      this.#turn.end();
    }
  }
}
