import type { ConnectionInfo } from '../connection/connection-info.js';
import type { SystemCalls } from '../system/system-calls.js';
import { Distribution } from '../telemetry/counters.js';
import type { IncidentLog } from '../telemetry/incident-log.js';
import { LimitIncident } from '../telemetry/limit-incident.js';
import type { ThrottledLog } from '../telemetry/throttled-log.js';
import type { Boundary } from './boundary.js';
import type { Destination } from './destination.js';
import { leaveServer } from './leave-server.js';
import { describeUpgrade, type PendingUpgrade } from './pending-upgrade.js';
import type { UpgradeRefusals } from './upgrade-refusals.js';
import { ignoreError } from './upgrade-socket.js';
import type { Waits } from './waits.js';

/** For the log. */
export const OUT_OF_DESCRIPTORS = 'no descriptor is left for a connection: is the limit (ulimit -n) reached?';

/** A client that reads nothing, so that its 101 stays behind an answer that was sent before. */
const LATE_101: LimitIncident = {
  counter: LimitIncident.STALLS.counter,
  what: 'did not take the 101, behind an answer that was sent before (handshakeTimeoutMs)',
};

/** The size of the buffer for a 101, in bytes: more than most need. */
const RESPONSE_BYTES = 4096;

export interface UpgradeAcceptancesEnvironment {
  readonly destination: Destination;
  /** The system calls that hand off descriptors; undefined if all connections go as streams. */
  readonly calls: SystemCalls | undefined;
  readonly refusals: UpgradeRefusals;
  /** The waits for the kernel to take a 101. */
  readonly waits: Waits;
  readonly incidents: IncidentLog;
  readonly log: ThrottledLog;
  readonly boundary: Boundary;
  /** Called right before a connection is given to its destination. */
  readonly onPlacing: (info: ConnectionInfo) => void;
}

/**
 * Accepts upgrades: answers 101, and gives the connection to its destination. From the last read of the socket to its hand-off
 * everything happens in one turn. Bytes that are still in the kernel then are read by the new owner, so none is lost.
 */
export class UpgradeAcceptances {
  readonly #environment: UpgradeAcceptancesEnvironment;
  /** The buffer for a response that is sent at once. */
  readonly #response = Buffer.allocUnsafeSlow(RESPONSE_BYTES);

  constructor(environment: UpgradeAcceptancesEnvironment) {
    this.#environment = environment;
  }

  /**
   * Accepts an upgrade. It is refused if the destination takes no connections now.
   * @param response the whole 101.
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
    // The 101 is not written to the stream, because the stream would be destroyed before the write has called back: that costs an
    // error with a stack.
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
    // The connection is not expected any more: a client that takes its 101 slowly would delay all publications between threads.
    // So the client may miss a publication that comes after it has its 101, and before this thread knows that.
    socket.giveBack(fd);
    this.#sendSlowly(upgrade, response.slice(sent), calls, info);
  }

  /** Sends the rest of a 101 by the stream, because the kernel did not take all of it. */
  #sendSlowly(upgrade: PendingUpgrade, rest: string, calls: SystemCalls, info: ConnectionInfo): void {
    const { waits, incidents, boundary } = this.#environment;
    const { stream } = upgrade.socket;
    const wait = waits.begin(stream, {
      late: () => incidents.add(LATE_101, describeUpgrade(upgrade)),
      giveUp: () => stream.destroy(),
    });
    stream.write(rest, 'latin1', (error) => {
      if (wait.stop() && !error) boundary.guard(stream, () => this.#placeLater(upgrade, calls, info));
    });
  }

  /** Places the connection when the kernel has taken all of the 101. */
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
      socket.giveBack(fd); // a stream of the application may throw anything
      throw error;
    }
    socket.forgetLoss();
    this.#noteTime(upgrade);
    this.#environment.onPlacing(info);
    this.#environment.destination.place({ fd, info, head });
  }

  /** The client has its 101. */
  #noteTime({ sinceMs }: PendingUpgrade): void {
    const { counters } = this.#environment.incidents;
    counters.observe(Distribution.HANDSHAKE_SECONDS, (performance.now() - sinceMs) / 1000);
  }

  /** Sends as much of a response as the kernel takes at once: see {@link SystemCalls.send}. */
  #sendNow(calls: SystemCalls, fd: number, response: string): number {
    const { length } = response;
    if (length > this.#response.length) return calls.send(fd, Buffer.from(response, 'latin1'), 0, length);
    this.#response.write(response, 0, 'latin1');
    return calls.send(fd, this.#response, 0, length);
  }

  /** Accepts a connection that has no descriptor to give. It is hosted in this thread. */
  #acceptStream(upgrade: PendingUpgrade, response: string, info: ConnectionInfo): void {
    const { destination, refusals, log, onPlacing } = this.#environment;
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
    leaveServer(stream);
    stream.write(response, 'latin1');
    stream.off('error', ignoreError);
    socket.forgetLoss();
    this.#noteTime(upgrade);
    onPlacing(info);
    destination.placeStream({ stream, info, head: socket.unhandled() });
  }

  #reportOutOfDescriptors(): void {
    this.#environment.log.throttled('error', OUT_OF_DESCRIPTORS, OUT_OF_DESCRIPTORS);
  }
}
