import type { OpenedHandOff, StreamHandOff } from '../host/hand-off.js';
import type { Upgrade } from '../host/upgrade-hook.js';

/** The part of the server that hosts accepted connections, and that has the hook `upgrade`. */
export interface Destination {
  /** Why no connection can be accepted now; undefined if connections can be accepted. */
  readonly unavailable: string | undefined;
  /** The hook `upgrade` of the handler module that is loaded now; undefined if the module has none. */
  readonly upgrade: Upgrade | undefined;
  /**
   * Notes that a client is about to get its 101. The client may tell others, which may publish at once to the first topic that
   * the new connection subscribes to. These publications have to reach it.
   * @returns a function to call in the same turn, when the connection was placed, or was not.
   */
  expectOne(): () => void;
  /** Hosts a connection by its descriptor. From now on the destination owns the descriptor, whatever happens. */
  place(handOff: OpenedHandOff): void;
  /** Makes sure that a stream can be hosted. Called before the client gets its 101. @throws Error if a stream cannot be hosted. */
  prepareStream(): void;
  /** Hosts a stream that has no descriptor to give. */
  placeStream(handOff: StreamHandOff): void;
}
