/**
 * A piece of work that has nothing to do with what is measured, and that always takes the same number of instructions. It runs between
 * the turns of every round. If it does not take the same time in all rounds, the machine was not the same in all rounds.
 */
const STEPS = 100_000;

export class Sentinel {
  /** So that no engine finds out that the work is for nothing. */
  result = 1;

  run(): void {
    let state = this.result;
    for (let i = 0; i < STEPS; i++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
    }
    this.result = state;
  }
}
