import type { ConnectionInfo } from '../connection/connection-info.js';
import type { SystemCalls } from '../system/system-calls.js';
import type { IncidentLog } from '../telemetry/incident-log.js';
import { LimitIncident } from '../telemetry/limit-incident.js';
import type { ThrottledLog } from '../telemetry/throttled-log.js';
import type { Boundary } from './boundary.js';
import type { Destination } from './destination.js';
import { describeUpgrade, type PendingUpgrade } from './pending-upgrade.js';
import type { UpgradeRefusals } from './upgrade-refusals.js';
import { ignoreError } from './upgrade-socket.js';
import type { Waits } from './waits.js';

const OUT_OF_DESCRIPTORS = 'a descriptor could not be duplicated: is the limit (ulimit -n) reached?';

/** For the log: what a client took nothing of. */
const LATE_101 = 'the 101, behind an answer that was sent before (handshakeTimeoutMs)';

/** More than a 101 usually has, in bytes. */
const RESPONSE_BYTES = 4096;

export interface UpgradeAcceptancesEnvironment {
  readonly destination: Destination;
  /** What it takes to give away connections that have a descriptor; undefined if all go as streams. */
  readonly calls: SystemCalls | undefined;
  readonly refusals: UpgradeRefusals;
  /** For the kernel to take the 101. */
  readonly waits: Waits;
  readonly incidents: IncidentLog;
  readonly log: ThrottledLog;
  readonly boundary: Boundary;
}

/**
 * Accepts upgrades: answers 101 and gives the connection to its destination. From the last read of the socket to its hand-off
 * everything happens in one synchronous turn: what the kernel has not been asked for yet is read by the new owner.
 */
export class UpgradeAcceptances {
  readonly #environment: UpgradeAcceptancesEnvironment;
  /** Where a response is put that is to be sent at once. */
  readonly #response = Buffer.allocUnsafeSlow(RESPONSE_BYTES);

  constructor(environment: UpgradeAcceptancesEnvironment) {
    this.#environment = environment;
  }

  /**
   * Accepts an upgrade, unless its destination takes no connections now: then it is refused.
   * @param response the 101, whole.
   */
  accept(upgrade: PendingUpgrade, response: string, info: ConnectionInfo): void {
    const { socket } = upgrade;
    const { destination, calls, refusals } = this.#environment;
    const { unavailable } = destination;
    if (unavailable !== undefined) {
      refusals.refuseUnavailable(socket, unavailable);
      return;
    }
    if (calls === undefined || !socket.isPlain) {
      this.#acceptStream(upgrade, response, info);
      return;
    }
    const fd = socket.descriptor(calls);
    if (fd < 0) {
      if (socket.stream.destroyed) return;
      refusals.refuseForNow(socket, 'the server is out of descriptors\n');
      this.#reportOutOfDescriptors();
      return;
    }
    // Not by the stream: the stream would be destroyed before its write has called back, which costs an error with a stack.
    const endExpectation = destination.expectOne();
    let sent = 0;
    try {
      if (!socket.isWriting) sent = Math.max(0, this.#sendNow(calls, fd, response));
      if (sent === response.length) {
        this.#place(upgrade, fd, info);
        return;
      }
    } finally {
      endExpectation();
    }
    // From here on the connection is not expected any more: a client that takes its 101 slowly would delay what all threads publish to
    // each other. Publications between the moment at which it has the 101 and the moment at which we know may not reach it.
    socket.giveBack(fd);
    this.#sendSlowly(upgrade, response.slice(sent), calls, info);
  }

  /** The kernel did not take all of the 101. */
  #sendSlowly(upgrade: PendingUpgrade, rest: string, calls: SystemCalls, info: ConnectionInfo): void {
    const { waits, incidents, boundary } = this.#environment;
    const { stream } = upgrade.socket;
    const wait = waits.begin(stream, {
      late: () => incidents.add(LimitIncident.STALLS, describeUpgrade(upgrade), LATE_101),
      giveUp: () => stream.destroy(),
    });
    stream.write(rest, 'latin1', (error) => {
      if (wait.stop() && !error) boundary.guard(stream, () => this.#placeLater(upgrade, calls, info));
    });
  }

  /** When the kernel has all of the 101. */
  #placeLater(upgrade: PendingUpgrade, calls: SystemCalls, info: ConnectionInfo): void {
    const { socket } = upgrade;
    const fd = socket.descriptor(calls);
    if (fd >= 0) {
      this.#place(upgrade, fd, info);
      return;
    }
    socket.stream.destroy();
    this.#reportOutOfDescriptors();
  }

  #place(upgrade: PendingUpgrade, fd: number, info: ConnectionInfo): void {
    const { socket } = upgrade;
    let head: Uint8Array;
    try {
      head = socket.leave();
    } catch (error) {
      socket.giveBack(fd); // a stream of the user's may throw anything
      throw error;
    }
    upgrade.isPlaced = true;
    this.#environment.destination.place({ fd, info, head });
  }

  /** What the kernel takes at once of a response: see {@link SystemCalls.send}. */
  #sendNow(calls: SystemCalls, fd: number, response: string): number {
    const { length } = response;
    if (length > this.#response.length) return calls.send(fd, Buffer.from(response, 'latin1'), 0, length);
    this.#response.write(response, 0, 'latin1');
    return calls.send(fd, this.#response, 0, length);
  }

  /** A connection that has no descriptor to give is hosted in this thread. */
  #acceptStream(upgrade: PendingUpgrade, response: string, info: ConnectionInfo): void {
    const { destination, refusals, log } = this.#environment;
    const { socket } = upgrade;
    try {
      destination.prepareStream();
    } catch (error) {
      refusals.refuseForNow(socket, 'the server has no room for this connection\n');
      const what = 'cannot host a connection as a stream';
      log.throttledError(what, what, error);
      return;
    }
    const { stream } = socket;
    stream.write(response, 'latin1');
    stream.off('error', ignoreError);
    upgrade.isPlaced = true;
    destination.placeStream({ stream, info, head: socket.unhandled() });
  }

  #reportOutOfDescriptors(): void {
    this.#environment.log.throttled('error', OUT_OF_DESCRIPTORS, OUT_OF_DESCRIPTORS);
  }
}
