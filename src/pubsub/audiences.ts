/** Subscribers that have the same topics of a list, and so get the same publications. */
export interface Audience {
  /** Their slots: see {@link SubscriberTable}. */
  readonly slots: readonly number[];
  /** The topics that they have, as indexes into the list. */
  readonly topics: readonly number[];
}

const FIRST_SLOTS = 64;

/**
 * Divides the subscribers of several topics into audiences, whose members get the same publications. The time is linear
 * in the number of memberships. Each subscriber walks down a tree of topics: it takes a branch for each topic that it
 * has, in the order of the list. Subscribers that end at the same node have the same topics.
 */
export class Audiences {
  /** By slot: the node that the subscriber has reached. Valid if the subscriber was met in this round. */
  #nodes = new Int32Array(FIRST_SLOTS);
  /** By slot: the round in which the subscriber was met last. */
  #metIn = new Int32Array(FIRST_SLOTS);
  #round = 0;
  readonly #maxRounds: number;

  /** @param maxRounds after this many rounds the numbers start again: at most what an int32 can hold. */
  constructor(maxRounds = 2 ** 31 - 1) {
    this.#maxRounds = maxRounds;
  }

  /** @param slotLists the slots of the members of each topic; undefined for a topic without subscribers in this thread. */
  divide(slotLists: readonly (readonly number[] | undefined)[]): Audience[] {
    if (this.#round === this.#maxRounds) {
      this.#metIn.fill(0);
      this.#round = 0;
    }
    this.#round++;
    const tree = new Tree();
    const met: number[] = [];
    for (const [topic, slots] of slotLists.entries()) {
      for (const slot of slots ?? []) {
        if (slot >= this.#nodes.length) this.#grow(slot);
        if (this.#metIn[slot] !== this.#round) {
          this.#metIn[slot] = this.#round;
          this.#nodes[slot] = ROOT;
          met.push(slot);
        }
        this.#nodes[slot] = tree.child(this.#nodes[slot] as number, topic); // it was met
      }
    }
    const slotsOf = new Map<number, number[]>();
    for (const slot of met) {
      const node = this.#nodes[slot] as number; // it was met
      const others = slotsOf.get(node);
      if (others === undefined) slotsOf.set(node, [slot]);
      else others.push(slot);
    }
    return Array.from(slotsOf, ([node, slots]) => ({ slots, topics: tree.path(node) }));
  }

  #grow(slot: number): void {
    const length = 2 * Math.max(slot, this.#nodes.length);
    const [nodes, metIn] = [this.#nodes, this.#metIn];
    this.#nodes = new Int32Array(length);
    this.#nodes.set(nodes);
    this.#metIn = new Int32Array(length);
    this.#metIn.set(metIn);
  }
}

const ROOT = 0;

/**
 * Lists of topics as paths from a root. The topics come in ascending order, so that a node has to know only its last
 * child.
 */
class Tree {
  readonly #parents = [ROOT];
  readonly #topics = [-1];
  readonly #lastChild = [-1];

  child(node: number, topic: number): number {
    const last = this.#lastChild[node] as number; // each node has an entry
    if (last >= 0 && this.#topics[last] === topic) return last;
    const made = this.#topics.push(topic) - 1;
    this.#parents.push(node);
    this.#lastChild.push(-1);
    this.#lastChild[node] = made;
    return made;
  }

  path(node: number): number[] {
    const topics: number[] = [];
    for (let at = node; at !== ROOT; at = this.#parents[at] as number) topics.push(this.#topics[at] as number);
    return topics;
  }
}
