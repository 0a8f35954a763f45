/** The handler module cannot be used; the message says why, and `cause` is what the module has thrown, if it has. */
export class HandlerModuleError extends Error {
  readonly code = 'WSLOOM_HANDLER';
  override readonly name = 'HandlerModuleError';
}
