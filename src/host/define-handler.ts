import type { Handler } from '../connection/handler.js';
import type { Upgrade } from './upgrade-hook.js';

/** The default export of a handler module: the hooks of its connections, and `upgrade`, if that is not an export of its own. */
export interface ModuleHandler<Data = unknown> extends Handler<Data> {
  /** Like the export `upgrade` of the module, of which there may be one only: here or there. Called in the primary thread. */
  upgrade?: Upgrade;
}

/** Gives the hooks of a handler module their types. `Data` is the type of what `upgrade` attaches. Returns what it is given. */
export function defineHandler<Data = unknown>(handler: ModuleHandler<Data>): ModuleHandler<Data> {
  return handler;
}
