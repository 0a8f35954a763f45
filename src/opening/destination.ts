import type { HandOff, StreamHandOff } from '../host/hand-off.js';
import type { Upgrade } from '../host/upgrade-hook.js';

/** Where accepted connections go, and whose hook decides about them. */
export interface Destination {
  /** Why no connection can be accepted now; undefined if it can. */
  readonly unavailable: string | undefined;
  /** The hook of the handler module, as it is loaded now; undefined if it has none. */
  readonly upgrade: Upgrade | undefined;
  /**
   * A client is about to hear that it is connected. It may tell others, who may then publish to the first topic that it subscribes to, and
   * these publications have to reach it.
   * @returns a function to be called in the same turn, when the connection was placed, or was not.
   */
  expectOne(): () => void;
  /** Hosts the connection of a descriptor, which is the destination's from now on, whatever happens. */
  place(handOff: HandOff): void;
  /** Makes sure that a stream can be hosted, before its client hears so. @throws if it cannot. */
  prepareStream(): void;
  /** Hosts a stream that has no descriptor to give. */
  placeStream(handOff: StreamHandOff): void;
}
