import type { ThrottledLog } from '../telemetry/throttled-log.js';

/**
 * Where the event loop calls the HTTP side: an exception there would be the end of the process, and of every connection. It is
 * to cost one connection, and a line in the log.
 */
export class Boundary {
  readonly #log: ThrottledLog;

  constructor(log: ThrottledLog) {
    this.#log = log;
  }

  /**
   * @param connection what is lost if `action` throws, and destroyed then.
   * @param action is called at once.
   */
  guard(connection: { destroy(): unknown }, action: () => void): void {
    try {
      action();
    } catch (error) {
      this.lose(connection, error);
    }
  }

  /** Reports what has gone wrong with a connection, and destroys it. */
  lose(connection: { destroy(): unknown }, error: unknown): void {
    const what = 'a connection was lost by an exception on the HTTP side';
    this.#log.throttledError(what, what, error);
    try {
      connection.destroy();
    } catch {
      // A stream of the user's may throw anything. It was told of.
    }
  }
}
