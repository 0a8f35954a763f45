import type { Kernel } from '../../dist/kernels/kernel.js';

/** How long another process has the processor at a time, and how long we have it in between, in ms. */
const SLICE_MS = 4;

/** A clock that only work moves: calls of kernels cost what is said here, however long they really take. */
export class ScriptedWork {
  readonly #isBusy: boolean;
  #workMs = 0;

  /** @param isBusy whether another process has the processor for half of the time. */
  constructor(isBusy: boolean) {
    this.#isBusy = isBusy;
  }

  readonly clock = (): number => {
    const others = this.#isBusy ? Math.floor(this.#workMs / SLICE_MS) * SLICE_MS : 0;
    return 1000 + this.#workMs + others;
  };

  work(ms: number): void {
    this.#workMs += ms;
  }

  /** The kernel, with calls that take this time. */
  costing(kernel: Kernel, ms: (length: number) => number): Kernel {
    return {
      name: kernel.name,
      unmask: (offset, length, key) => {
        this.work(ms(length));
        kernel.unmask(offset, length, key);
      },
      validate: (offset, length, state) => {
        this.work(ms(length));
        return kernel.validate(offset, length, state);
      },
      unmaskText: (offset, length, key, state) => {
        this.work(ms(length));
        return kernel.unmaskText(offset, length, key, state);
      },
    };
  }
}
