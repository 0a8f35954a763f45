/** Memory that several streams share: each takes of it what it keeps, and gives it back. */
export class ByteBudget {
  #left: number;

  /** @param bytes how much all of them may keep. */
  constructor(bytes: number) {
    this.#left = bytes;
  }

  /** @returns false if there is not as much left: then nothing is taken. */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#left += bytes;
  }
}
