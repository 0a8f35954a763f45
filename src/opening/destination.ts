import type { HandOff, StreamHandOff } from '../host/hand-off.js';
import type { Upgrade } from '../host/upgrade-hook.js';

/** Where accepted connections go, and whose hook decides about them. */
export interface Destination {
  /** Why no connection can be accepted now; undefined if it can. */
  readonly unavailable: string | undefined;
  /** The hook of the handler module, as it is loaded now; undefined if it has none. */
  readonly upgrade: Upgrade | undefined;
  /**
   * A client is about to hear that it is connected, and whoever hears of that from it may publish to what it subscribes first.
   * @returns a function to be called in the same turn, when its connection was placed, or was not.
   */
  expectOne(): () => void;
  /** Hosts the connection of a descriptor, which is the destination's from now on, whatever happens. */
  place(handOff: HandOff): void;
  /** Makes sure that a stream can be hosted, before it is told so. @throws if it cannot. */
  prepareStream(): void;
  /** Hosts a stream that has no descriptor to give. */
  placeStream(handOff: StreamHandOff): void;
}
