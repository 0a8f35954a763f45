/** A message that needs memory of the arena to be inflated in. */
export interface RoomSeeker {
  /** Takes all that it needs at once. @returns false, with nothing taken, if that cannot be had. */
  takeRoom(): boolean;
  /** It has what it needs, and may go on. */
  onRoom(): void;
  /** It will not get it: no other message is left that would give something back. */
  onNoRoom(): void;
}

/**
 * The messages of one thread that wait for room in the arena, in order. Those that are being inflated hold memory there. Those that wait
 * hold none, so that no two of them can wait for one another: in the end the first has all of the arena that peers do not hold.
 *
 * What peers hold, because they do not send a message to its end or do not read one, is not waited for: they could hold it for ever.
 */
export class RoomQueue {
  readonly #waiting = new Set<RoomSeeker>();
  #holders = 0;

  /** Whether somebody waits: then whoever comes next has to wait too. */
  get isWaitedFor(): boolean {
    return this.#waiting.size > 0;
  }

  /** Somebody who held nothing holds memory now, until {@link gaveBack}. */
  took(): void {
    this.#holders++;
  }

  /** Somebody holds nothing any more. */
  gaveBack(): void {
    this.#holders--;
    this.#serve();
  }

  /**
   * Adds somebody who holds nothing, and has not got what it needs, behind all who wait.
   * @returns false if it would wait in vain, because nobody holds anything.
   */
  wait(seeker: RoomSeeker): boolean {
    if (this.#holders === 0) return false;
    this.#waiting.add(seeker);
    return true;
  }

  /** Somebody does not need anything any more, whether it waits or not. */
  leave(seeker: RoomSeeker): void {
    if (this.#waiting.delete(seeker)) this.#serve();
  }

  #serve(): void {
    for (const first of this.#waiting) {
      const hasRoom = first.takeRoom();
      if (!hasRoom && this.#holders > 0) return;
      this.#waiting.delete(first);
      if (hasRoom) first.onRoom();
      else first.onNoRoom();
    }
  }
}
