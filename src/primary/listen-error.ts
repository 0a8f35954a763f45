/**
 * A server cannot listen on the unix socket or the descriptor that it was given. The message says why, and what to do. For a port
 * the error is that of the system.
 */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  /** The code of the system: EADDRINUSE if the path is taken, EACCES, ENOENT, ENOTSOCK, … */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The code of an error of the system. */
export function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException | undefined)?.code ?? 'EUNKNOWN';
}
