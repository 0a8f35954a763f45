/** A thread of the load generator has ended by itself. There is no result. */
export class LoadThreadError extends Error {
  /** The same for every error of this class. */
  readonly code = 'WSLOOM_LOAD_THREAD';
  override readonly name = 'LoadThreadError';
}
