import { describePeer } from '../host/describe-peer.js';
import type { OpeningHandshake } from '../protocol/opening/handshake.js';
import type { UpgradeSocket } from './upgrade-socket.js';

/** An upgrade whose request is valid and within the limits, and that is neither accepted nor refused yet. */
export interface PendingUpgrade {
  /** Of the connection that it may become. */
  readonly id: number;
  readonly socket: UpgradeSocket;
  readonly handshake: OpeningHandshake;
  /** Whether the connection is its destination's. */
  isPlaced: boolean;
}

/** For the log. */
export function describeUpgrade({ handshake, socket }: PendingUpgrade): string {
  return `${describePeer(socket.remoteAddress)} on ${handshake.path.slice(0, 100)}`;
}
