import { type NegotiatedDeflate, type NegotiationOptions, negotiateDeflate } from '../compression/negotiation.js';
import { releaseWindows, windowBytes } from '../compression/window-memory.js';
import type { ConnectionInfo } from '../connection/connection-info.js';
import { isPromise } from '../connection/is-promise.js';
import { type Acceptance, DecisionError, type Refusal, readDecision } from '../host/decision.js';
import { describePeer } from '../host/describe-peer.js';
import { agreementOf, numberOfAgreement } from '../protocol/deflate/agreement.js';
import { HandshakeConfigError } from '../protocol/opening/handshake-error.js';
import { renderAccept, renderRefusal } from '../protocol/opening/handshake-response.js';
import { sha1Base64 } from '../system/sha1.js';
import type { SystemCalls } from '../system/system-calls.js';
import { Counter } from '../telemetry/counters.js';
import { withoutParticulars } from '../telemetry/error-text.js';
import type { IncidentLog } from '../telemetry/incident-log.js';
import { LimitIncident } from '../telemetry/limit-incident.js';
import type { ThrottledLog } from '../telemetry/throttled-log.js';
import type { Boundary } from './boundary.js';
import { Departures } from './departures.js';
import type { Destination } from './destination.js';
import { OrphanedHooks } from './orphaned-hooks.js';
import { describeUpgrade, type PendingUpgrade } from './pending-upgrade.js';
import type { EarlyRefusal } from './places.js';
import { UpgradeAcceptances } from './upgrade-acceptances.js';
import type { UpgradeRefusals } from './upgrade-refusals.js';
import type { UpgradeSocket } from './upgrade-socket.js';
import { Waits } from './waits.js';

/** The limits of hooks that take their time. */
export interface UpgradeDecisionsOptions {
  /** How long a hook may take, in ms. Then the kernel has as long to take the 101. */
  readonly handshakeTimeoutMs: number;
  readonly maxConnections: number;
  /** 0: no limit. */
  readonly maxConnectionsPerIp: number;
  /** Undefined if nothing is compressed. */
  readonly negotiation?: NegotiationOptions | undefined;
}

export interface UpgradeDecisionsEnvironment {
  readonly options: UpgradeDecisionsOptions;
  readonly destination: Destination;
  /** The system calls of this thread; undefined on systems without koffi. */
  readonly calls: SystemCalls | undefined;
  /** How long the hook may take for this connection, in ms. */
  readonly hookLimitMs: (socket: UpgradeSocket) => number;
  /**
   * Asks another thread, which counts the connections of each address, why this one is above the limit of its address. That is asked
   * before the hook is, and takes of its time. Undefined if there is nothing to be asked.
   */
  readonly admit?: ((id: number, remoteAddress: string | undefined) => Admission | undefined) | undefined;
  readonly refusals: UpgradeRefusals;
  readonly incidents: IncidentLog;
  readonly log: ThrottledLog;
  readonly boundary: Boundary;
}

/** Why a connection is above a limit; undefined if it is not, and counts. */
type Admission = Promise<EarlyRefusal | undefined>;

/** Who decides about an upgrade, for the log. */
const HOOK = 'upgrade() of the handler';
const APPLICATION = 'the decision given to handleUpgrade()';

const NOT_COUNTED = 'the primary did not count the client of a proxy in time (maxConnectionsPerIp, handshakeTimeoutMs)';

const NOTHING_DECIDED = 'a promise of a decision must resolve with {} or more to accept; got undefined';

/**
 * Decides about upgrades whose requests are valid and within the limits: asks the hook `upgrade` unless the application has
 * decided already, waits for the answer, and has it sent. A client that leaves meanwhile gives its place back at once. The bytes that it has sent are still answered if
 * the hook accepts it.
 */
export class UpgradeDecisions {
  readonly #environment: UpgradeDecisionsEnvironment;
  readonly #acceptances: UpgradeAcceptances;
  /** The waits for a hook, or for the kernel to take a 101. */
  readonly #waits: Waits;
  readonly #departures: Departures;
  readonly #orphans: OrphanedHooks;
  /** The upgrades whose clients another thread has not counted yet. */
  readonly #uncounted = new WeakSet<PendingUpgrade>();

  constructor(environment: UpgradeDecisionsEnvironment) {
    const { options, calls, boundary } = environment;
    const waits = new Waits(options.handshakeTimeoutMs, boundary);
    this.#environment = environment;
    this.#waits = waits;
    this.#acceptances = new UpgradeAcceptances({ ...environment, waits, onPlacing: (info) => this.#handOver(info) });
    this.#departures = new Departures(calls);
    this.#orphans = new OrphanedHooks(options.maxConnections, options.maxConnectionsPerIp);
  }

  /** How many upgrades wait now. */
  get load(): number {
    return this.#waits.size;
  }

  /** Decides about an upgrade as the application has, or asks the hook; without a hook the upgrade is accepted. */
  decide(pending: PendingUpgrade): void {
    const { destination, refusals, incidents, admit } = this.#environment;
    const { decided } = pending;
    if (decided !== undefined) {
      this.#take(pending, () => decided);
      return;
    }
    const { id, socket } = pending;
    const { upgrade } = destination;
    const { remoteAddress, tls } = socket;
    if (upgrade !== undefined && this.#orphans.isFull(remoteAddress)) {
      incidents.add(LimitIncident.ORPHANED_HOOKS, describeUpgrade(pending));
      refusals.refuseForNow(socket, 'hooks of clients that have left are still running\n');
      return;
    }
    const { path, query, host, origin, subprotocols, headers } = pending.handshake;
    const ask = () => upgrade?.({ path, query, host, origin, subprotocols, headers, remoteAddress, tls });
    const admission = admit?.(id, remoteAddress);
    if (admission !== undefined) this.#take(pending, () => this.#askIfAdmitted(pending, admission, ask));
    else if (upgrade !== undefined) this.#take(pending, ask);
    else this.#carryOut(pending, undefined);
  }

  async #askIfAdmitted(pending: PendingUpgrade, admission: Admission, ask: () => unknown): Promise<unknown> {
    const { socket } = pending;
    this.#uncounted.add(pending);
    const full = await admission;
    this.#uncounted.delete(pending);
    if (full === undefined) return socket.isLost ? undefined : ask();
    const { status, body, incident } = full;
    this.#environment.incidents.add(incident, describePeer(socket.remoteAddress));
    return { status, body, headers: { 'Retry-After': '1' } };
  }

  /** Decides about an upgrade by an answer, or by a promise of one. @param ask gets it, and may throw. */
  #take(pending: PendingUpgrade, ask: () => unknown): void {
    let answer: unknown;
    try {
      answer = ask();
      if (isPromise(answer)) {
        this.#await(pending, answer).catch((error: unknown) => {
          this.#environment.boundary.lose({ destroy: () => pending.socket.drop() }, error);
        });
        return;
      }
    } catch (error) {
      this.#refuseFailed(pending, error);
      return;
    }
    this.#carryOut(pending, answer);
  }

  /** Refuses all upgrades that still wait, because the server is going away. */
  close(): void {
    this.#waits.abortAll('the server is going away\n');
  }

  async #await(pending: PendingUpgrade, promise: PromiseLike<unknown>): Promise<void> {
    const { hookLimitMs, refusals } = this.#environment;
    const { socket } = pending;
    const since = performance.now();
    const limitMs = hookLimitMs(socket);
    const ends = {
      late: () => this.#reportLate(pending),
      giveUp: (why: string) => refusals.refuseForNow(socket, why),
    };
    const wait = this.#waits.begin(socket.stream, ends, limitMs);
    let endOrphan: (() => void) | undefined;
    const endWatch = this.#departures.watch(socket, () => {
      wait.depart();
      socket.lose();
      // A hook that never settles is counted as long as its client would have waited.
      const leftMs = Math.max(0, limitMs - (performance.now() - since));
      endOrphan = this.#orphans.add(socket.remoteAddress, leftMs);
    });
    const settled = () => {
      endWatch();
      endOrphan?.();
      return wait.stop();
    };
    let answer: unknown;
    try {
      answer = await promise;
    } catch (error) {
      if (settled()) this.#refuseFailed(pending, error);
      else this.#reportFailed(pending, error);
      return;
    }
    if (settled()) this.#carryOut(pending, answer);
  }

  #reportLate(pending: PendingUpgrade): void {
    const { incidents } = this.#environment;
    if (this.#uncounted.has(pending))
      incidents.add(LimitIncident.REFUSED_UNAVAILABLE, describeUpgrade(pending), NOT_COUNTED);
    else incidents.add(LimitIncident.HOOK_TIMEOUTS, describeUpgrade(pending));
  }

  /** @param answer the result of the hook, or what the application has decided. */
  #carryOut(pending: PendingUpgrade, answer: unknown): void {
    const { socket, handshake } = pending;
    let decision: Acceptance | Refusal;
    let response: string;
    let deflate: NegotiatedDeflate | undefined;
    try {
      // An application that looks up who somebody is may find nobody, which must not let everybody in.
      if (answer === undefined && pending.decided !== undefined) throw new DecisionError(NOTHING_DECIDED);
      decision = readDecision(answer);
      if (decision.accepts) {
        if (decision.deflate) deflate = this.#negotiate(pending);
        const accepted = deflate === undefined ? decision : { ...decision, extensions: [deflate.answer] };
        response = renderAccept(handshake, sha1Base64, accepted);
      } else response = renderRefusal(decision.status, decision);
    } catch (error) {
      this.#refuseFailed(pending, error);
      return;
    }
    if (!decision.accepts) {
      const { status, body = '' } = decision;
      this.#environment.refusals.sendLast(socket, status, body, response);
      return;
    }
    const { tls } = socket;
    let info: ConnectionInfo = {
      id: pending.id,
      remoteAddress: socket.remoteAddress,
      path: handshake.path,
      query: handshake.query,
      subprotocol: decision.subprotocol ?? '',
      data: decision.data,
    };
    if (tls !== undefined) info = { ...info, tls };
    if (deflate !== undefined) info = { ...info, deflate: numberOfAgreement(deflate.agreement) };
    this.#acceptances.accept(pending, response, info);
  }

  /**
   * Negotiates compression for a connection that is about to be accepted. Until it is placed, what was reserved for its windows counts as
   * this thread's, and its loss releases that.
   */
  #negotiate(pending: PendingUpgrade): NegotiatedDeflate | undefined {
    const { options, incidents } = this.#environment;
    const { negotiation } = options;
    const { socket, handshake } = pending;
    if (negotiation === undefined || socket.isLost) return undefined; // of one that is lost already, the loss would not be noticed
    const deflate = negotiateDeflate(handshake.extensions, negotiation);
    if (deflate === undefined) return undefined;
    if (deflate.lacksWindows) incidents.add(LimitIncident.WINDOWS_REFUSED, describeUpgrade(pending));
    const { counters } = incidents;
    const bytes = windowBytes(deflate.agreement);
    if (bytes === 0) return deflate;
    counters.add(Counter.WINDOW_BYTES, bytes);
    let isReleased = false;
    socket.whenLost(() => {
      if (isReleased) return;
      isReleased = true;
      releaseWindows(negotiation.windows, deflate.agreement);
      counters.add(Counter.WINDOW_BYTES, -bytes);
    });
    return deflate;
  }

  /** The windows of a connection are those of its host from now on, which counts them. */
  #handOver({ deflate }: ConnectionInfo): void {
    if (deflate === undefined) return;
    this.#environment.incidents.counters.add(Counter.WINDOW_BYTES, -windowBytes(agreementOf(deflate)));
  }

  #refuseFailed(pending: PendingUpgrade, error: unknown): void {
    this.#environment.refusals.refuse(pending.socket, 500, 'the server failed to decide about this connection\n');
    this.#reportFailed(pending, error);
  }

  #reportFailed(pending: PendingUpgrade, error: unknown): void {
    const who = describeUpgrade(pending);
    const what = `${pending.decided === undefined ? HOOK : APPLICATION} failed`;
    const { log } = this.#environment;
    if (!isAboutAnswer(error)) log.throttledError(what, `${what}, for ${who}`, error);
    else
      log.throttled('error', `${what}: ${withoutParticulars(error.message)}`, `${what}, for ${who}: ${error.message}`);
  }
}

/** Whether the error is about an answer that was returned. Its stack then shows nothing of the application. */
function isAboutAnswer(error: unknown): error is Error {
  return error instanceof DecisionError || error instanceof HandshakeConfigError;
}
