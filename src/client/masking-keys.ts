import { randomFillSync } from 'node:crypto';

/** How many keys are made at a time: a call of the generator costs as much as some hundred of them. */
const BATCH = 256;

/** Masking keys that nobody can predict, each handed out once (RFC 6455 sections 5.3 and 10.3). */
export class MaskingKeys {
  readonly #keys = new Int32Array(BATCH);
  #next = BATCH;

  /** 32 bits, as the kernels take them. */
  next(): number {
    if (this.#next === BATCH) {
      randomFillSync(this.#keys);
      this.#next = 0;
    }
    return this.#keys[this.#next++] as number;
  }
}
