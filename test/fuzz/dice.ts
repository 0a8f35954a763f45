import { random } from '../e2e/pattern.js';

/** Everything random about one input, from its number alone: the same number is the same input on any machine. */
export class Dice {
  readonly #next: () => number;

  constructor(seed: number, number: number) {
    this.#next = random(Math.imul(seed, 0x01000193) ^ Math.imul(number + 1, 0x9e3779b1));
    // Similar seeds give similar first numbers of xorshift.
    for (let i = 0; i < 4; i++) this.#next();
  }

  /** From 0 to `limit` - 1. */
  below(limit: number): number {
    return Math.floor(this.#next() * limit);
  }

  chance(probability: number): boolean {
    return this.#next() < probability;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T; // none of the lists is empty
  }

  /** A whole number from 0 to `most`. Each order of magnitude is equally likely. */
  size(most: number): number {
    return Math.min(most, Math.floor((most + 2) ** this.#next()) - 1);
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }
}
