import { random } from '../e2e/pattern.js';

/** Something that happens to all connections of a server that were there before it was over. */
export class Disruptions {
  begun = 0;
  #over = 0;

  /** The mark that a connection keeps which begins now. */
  get mark(): number {
    return this.#over;
  }

  async during(what: () => Promise<void>): Promise<void> {
    this.begun++;
    try {
      await what();
    } finally {
      this.#over = this.begun;
    }
  }

  /** Whether one has begun, or was not over, since the mark was made. */
  since(mark: number): boolean {
    return this.begun > mark;
  }
}

/** Counts of the load: its actions, and its observations. */
export class Tally {
  connections = 0;
  messages = 0;
  publications = 0;
  bytesChecked = 0;
  resets = 0;
  /** Connections that ended with a worker or a reload. */
  disrupted = 0;
  crashes = 0;
  reloads = 0;
  attacks = 0;
  /** Ends that were caused on purpose, and confirmed by the close code. */
  readonly asked = { handlerErrors: 0, protocolErrors: 0, slowConsumers: 0 };
  readonly confirmed = { handlerErrors: 0, protocolErrors: 0, slowConsumers: 0 };
  readonly errors = new Map<string, number>();

  /** @param kind a word or two, by which errors are counted. */
  error(kind: string, message: string): void {
    const count = (this.errors.get(kind) ?? 0) + 1;
    this.errors.set(kind, count);
    if (count <= 10) console.error(`ERROR ${kind}: ${message}`);
  }
}

/** One of the servers, and its state. */
export interface Target {
  readonly port: number;
  readonly crashes: Disruptions;
  readonly reloads: Disruptions;
}

/** The parameters of a scenario. */
export interface World {
  readonly target: Target;
  readonly tally: Tally;
  /** From 0 to 1. */
  readonly next: () => number;
}

/** Random choices of one actor. */
export const choices = (seed: number, actor: number) => random(Math.imul(seed, 1_000_003) + actor);
