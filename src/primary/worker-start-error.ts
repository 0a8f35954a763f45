/**
 * A worker thread cannot host connections: its handler does not load, its arena cannot be reserved, or it does not start in time.
 * The message says why.
 */
export class WorkerStartError extends Error {
  override readonly name = 'WorkerStartError';
  /** The code of what went wrong in the thread: WSLOOM_HANDLER or WSLOOM_ARENA; WSLOOM_WORKER for anything else. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
