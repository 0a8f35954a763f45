import type { Handler } from '../connection/handler.js';
import type { Upgrade } from './upgrade-hook.js';

/**
 * The default export of a handler module, or an object that stands for one (`threads: 0`): the hooks of connections, and the hook
 * `upgrade` unless the module exports it by name.
 */
export interface ModuleHandler<Data = unknown> extends Handler<Data> {
  /**
   * The hook that accepts or refuses connections. A module has it once: here, or as the export `upgrade`. It runs in the primary
   * thread.
   */
  upgrade?: Upgrade;
}

/**
 * Gives a handler its types, and returns it unchanged.
 * @typeParam Data the type of `connection.data`, which the hook `upgrade` attaches.
 */
export function defineHandler<Data = unknown>(handler: ModuleHandler<Data>): ModuleHandler<Data> {
  return handler;
}
