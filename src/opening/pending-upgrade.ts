import { describePeer } from '../host/describe-peer.js';
import type { OpeningHandshake } from '../protocol/opening/handshake.js';
import type { UpgradeSocket } from './upgrade-socket.js';

/** An upgrade whose request is valid and within the limits, and that is neither accepted nor refused yet. */
export interface PendingUpgrade {
  /** The id of the connection that the upgrade may become. */
  readonly id: number;
  readonly socket: UpgradeSocket;
  readonly handshake: OpeningHandshake;
  /** What the application has decided already, in place of the hook; undefined if the hook is to be asked. */
  readonly decided: unknown;
  /** When the request had been read, by `performance.now()`. */
  readonly sinceMs: number;
}

/** Describes an upgrade for the log. */
export function describeUpgrade({ handshake, socket }: PendingUpgrade): string {
  return `${describePeer(socket.remoteAddress)} on ${handshake.path.slice(0, 100)}`;
}
