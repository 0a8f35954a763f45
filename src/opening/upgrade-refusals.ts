import { Incident } from '../connection/incident.js';
import { describePeer } from '../host/describe-peer.js';
import type { Incidents } from '../host/incidents.js';
import { renderRefusal } from '../protocol/opening/handshake-response.js';
import type { LingeringSockets } from './lingering-sockets.js';
import type { UpgradeSocket } from './upgrade-socket.js';

/** Refuses upgrades: each gets a last response, and counts no more, however long its client takes to go: it may try again. */
export class UpgradeRefusals {
  readonly #lingering: LingeringSockets;
  readonly #incidents: Incidents;

  constructor(lingering: LingeringSockets, incidents: Incidents) {
    this.#lingering = lingering;
    this.#incidents = incidents;
  }

  refuse(socket: UpgradeSocket, status: number, body: string, headers: Readonly<Record<string, string>> = {}): void {
    this.sendLast(socket, renderRefusal(status, { headers, body }));
  }

  /** The client may try again soon. */
  refuseForNow(socket: UpgradeSocket, body: string): void {
    this.refuse(socket, 503, body, { 'Retry-After': '1' });
  }

  refuseUnavailable(socket: UpgradeSocket, why: string): void {
    this.#incidents.add(Incident.UNAVAILABLE, describePeer(socket.remoteAddress), why);
    this.refuseForNow(socket, `${why}\n`);
  }

  /** @param response whole, as it is sent. */
  sendLast(socket: UpgradeSocket, response: string): void {
    socket.lose();
    this.#lingering.end(socket.stream, response);
  }
}
