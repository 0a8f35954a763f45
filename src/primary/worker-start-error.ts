/** A worker cannot host: its handler or its arena cannot be had. The message says why. */
export class WorkerStartError extends Error {
  override readonly name = 'WorkerStartError';
  /** That of what went wrong in the thread: WSLOOM_HANDLER, WSLOOM_ARENA; or WSLOOM_WORKER, for anything else. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
