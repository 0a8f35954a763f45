/** In ms, from any origin. */
export type Clock = () => number;

/**
 * Divides the time until an end among steps. Each step gets its part of the time that is left then: if one takes longer than its part,
 * all later ones get a little less, and the last one still ends in time.
 */
export class Timetable {
  readonly #clock: Clock;
  readonly #end: number;
  #steps: number;

  /** @param end by the clock. @param steps how many there will be. */
  constructor(clock: Clock, end: number, steps: number) {
    this.#clock = clock;
    this.#end = end;
    this.#steps = steps;
  }

  /** When the step that begins now should end, by the clock: now, if no time is left. */
  next(): number {
    const now = this.#clock();
    return now + Math.max(0, this.#end - now) / this.#steps--;
  }
}
