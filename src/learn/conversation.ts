import type { Side } from '../anatomy/frame-judge.js';
import { Half } from './half.js';
import type { Lesson } from './lesson.js';

/** A byte that has gone from one side to the other. */
export interface ByteStep {
  readonly from: Side;
  readonly to: Side;
  readonly byte: number;
  /** What the receiver has done by it, each as what follows its name in a sentence. Empty while it waits for more. */
  readonly happened: readonly string[];
  /** Whether the receiver has discarded it, because the connection is over. */
  readonly isDiscarded: boolean;
}

/**
 * A client and a server that talk to each other byte by byte, without a network. One of them sends what a lesson says, whatever it is worth.
 * What the other owes it comes before the rest of that.
 */
export class Conversation {
  readonly #offender: Half;
  readonly #judge: Half;
  readonly #offence: number[];
  readonly #answer: number[] = [];

  constructor({ from, bytes }: Lesson) {
    this.#offence = [...bytes];
    this.#offender = new Half(from, (frame) => this.#offence.push(...frame));
    this.#judge = new Half(from === 'client' ? 'server' : 'client', (frame) => this.#answer.push(...frame));
  }

  /** How many bytes are on their way. */
  get waiting(): number {
    return this.#offence.length + this.#answer.length;
  }

  /** Lets the next byte arrive. @returns undefined if there is none. */
  step(): ByteStep | undefined {
    const answered = this.#answer.shift();
    if (answered !== undefined) return deliver(answered, this.#judge, this.#offender);
    const byte = this.#offence.shift();
    return byte === undefined ? undefined : deliver(byte, this.#offender, this.#judge);
  }
}

function deliver(byte: number, from: Half, to: Half): ByteStep {
  const isDiscarded = to.isOver;
  return { from: from.side, to: to.side, byte, happened: to.receive(Uint8Array.of(byte)), isDiscarded };
}
