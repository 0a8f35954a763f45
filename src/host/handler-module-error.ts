/**
 * The handler module cannot be used: it is missing, does not load, or does not export a handler. The message names the module and
 * says why.
 */
export class HandlerModuleError extends Error {
  /** The same for every error of this class. */
  readonly code = 'WSLOOM_HANDLER';
  override readonly name = 'HandlerModuleError';
}
