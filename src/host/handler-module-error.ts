/** The handler module cannot be used; the message says why. */
export class HandlerModuleError extends Error {
  readonly code = 'WSLOOM_HANDLER';
  override readonly name = 'HandlerModuleError';
}
