/** A method of a server was called that its state does not allow: before it has started, twice, or while it closes. */
export class ServerStateError extends Error {
  readonly code = 'WSLOOM_STATE';
  override readonly name = 'ServerStateError';
}
