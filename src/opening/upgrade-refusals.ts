import { describePeer } from '../host/describe-peer.js';
import { renderRefusal } from '../protocol/opening/handshake-response.js';
import type { IncidentLog } from '../telemetry/incident-log.js';
import { LimitIncident } from '../telemetry/limit-incident.js';
import type { LingeringSockets } from './lingering-sockets.js';
import { tellRefused } from './refused-channel.js';
import type { UpgradeSocket } from './upgrade-socket.js';

/**
 * Refuses upgrades. Each gets a last response, and does not count any more, however long its client takes to close. So the client
 * may try again at once.
 */
export class UpgradeRefusals {
  readonly #lingering: LingeringSockets;
  readonly #incidents: IncidentLog;

  constructor(lingering: LingeringSockets, incidents: IncidentLog) {
    this.#lingering = lingering;
    this.#incidents = incidents;
  }

  refuse(socket: UpgradeSocket, status: number, body: string, headers: Readonly<Record<string, string>> = {}): void {
    this.sendLast(socket, status, body, renderRefusal(status, { headers, body }));
  }

  /** Refuses an upgrade with 503: the client may try again soon. */
  refuseForNow(socket: UpgradeSocket, body: string): void {
    this.refuse(socket, 503, body, { 'Retry-After': '1' });
  }

  refuseUnavailable(socket: UpgradeSocket, why: string): void {
    this.#incidents.add(LimitIncident.REFUSED_UNAVAILABLE, describePeer(socket.remoteAddress), why);
    this.refuseForNow(socket, `${why}\n`);
  }

  /** Refuses an upgrade by a response that is there as a whole. @param body what its client is told in it */
  sendLast(socket: UpgradeSocket, status: number, body: string, response: string): void {
    tellRefused(status, body, socket.remoteAddress);
    socket.lose();
    this.#lingering.end(socket.stream, response);
  }
}
