/**
 * Does something after some time, unless it is cancelled, and reads before that what has come meanwhile. For time that somebody else may take: if
 * this thread was blocked itself, its timers run before its sockets are read, and their time says nothing about the others. It does not keep
 * the process alive.
 */
export class PatientTimeout {
  readonly #timer: NodeJS.Timeout;
  #afterReading: NodeJS.Immediate | undefined;

  constructor(ms: number, act: () => void) {
    this.#timer = setTimeout(() => {
      this.#afterReading = setImmediate(act);
    }, ms).unref();
  }

  cancel(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#afterReading);
  }
}
