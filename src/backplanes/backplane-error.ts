/**
 * There is no connection to an engine, a connection has ended, or the package of its client is not installed. The message says why, and
 * contains no password.
 */
export class BackplaneError extends Error {
  readonly code = 'WSLOOM_ENGINE';
  override readonly name = 'BackplaneError';
}
