/** A worker thread cannot host: its handler or its memory cannot be had, it has ended, or it took too long. The message says why. */
export class WorkerStartError extends Error {
  override readonly name = 'WorkerStartError';
  /** The code of what went wrong in the thread: WSLOOM_HANDLER, WSLOOM_ARENA; or WSLOOM_WORKER, for anything else. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
