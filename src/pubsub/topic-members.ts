import { ALL_DIALECTS, type Dialect } from './dialect.js';

const NOBODY: readonly number[] = [];

/** The subscribers of one topic, by their dialects and slots: see {@link SubscriberTable}. */
export class TopicMembers {
  /** By dialect. Most topics have subscribers of one dialect only. */
  readonly #members: (MemberList | undefined)[] = [undefined, undefined, undefined, undefined];
  /** The set of the dialects that its subscribers have: bit `1 << dialect` for each. */
  dialects = 0;

  add(slot: number, dialect: Dialect): void {
    let members = this.#members[dialect];
    if (members === undefined) {
      members = new MemberList();
      this.#members[dialect] = members;
      this.dialects |= 1 << dialect;
    }
    members.add(slot);
  }

  delete(slot: number, dialect: Dialect): void {
    const members = this.#members[dialect];
    members?.delete(slot);
    if (members?.isEmpty !== true) return;
    this.#members[dialect] = undefined;
    this.dialects &= ~(1 << dialect);
  }

  /** Whether there are subscribers of a dialect. */
  has(dialect: Dialect): boolean {
    return this.#members[dialect] !== undefined;
  }

  /** The slots of the members of a dialect as of now, in the order in which they came. */
  slots(dialect: Dialect): readonly number[] {
    return this.#members[dialect]?.slots ?? NOBODY;
  }

  /** The slots of all members as of now. */
  get all(): readonly number[] {
    return ALL_DIALECTS.flatMap((dialect) => this.slots(dialect));
  }
}

class MemberList {
  readonly #members = new Set<number>();
  /** The members as a list; undefined when they have changed. */
  #slots: readonly number[] | undefined;

  add(slot: number): void {
    this.#members.add(slot);
    this.#slots = undefined;
  }

  delete(slot: number): void {
    this.#members.delete(slot);
    this.#slots = undefined;
  }

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  get slots(): readonly number[] {
    this.#slots ??= [...this.#members];
    return this.#slots;
  }
}
