import type { ThrottledLog } from '../telemetry/throttled-log.js';

/**
 * Catches exceptions of the HTTP side where the event loop calls it. Without this an exception would end the process, and every
 * connection. With it an exception costs one connection, and a line in the log.
 */
export class Boundary {
  readonly #log: ThrottledLog;

  constructor(log: ThrottledLog) {
    this.#log = log;
  }

  /**
   * @param connection the connection that is destroyed if `action` throws.
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
      // A stream of the application may throw anything. The first error was reported already.
    }
  }
}
