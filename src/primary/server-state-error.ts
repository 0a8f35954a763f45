/** A method of a server was called in a state that does not allow it: before the start, a second time, or while the server closes. */
export class ServerStateError extends Error {
  /** The same for every error of this class. */
  readonly code = 'WSLOOM_STATE';
  override readonly name = 'ServerStateError';
}
