import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { isPromise } from '../connection/is-promise.js';
import { type Acceptance, DecisionError, type Refusal, readDecision } from '../host/decision.js';
import { describePeer } from '../host/describe-peer.js';
import { type HandshakeRequest, readHandshake } from '../protocol/opening/handshake.js';
import { excerpt, HandshakeConfigError, HandshakeError } from '../protocol/opening/handshake-error.js';
import { renderAccept, renderRefusal } from '../protocol/opening/handshake-response.js';
import { sha1Base64 } from '../system/sha1.js';
import type { SystemCalls } from '../system/system-calls.js';
import { withoutParticulars } from '../telemetry/error-text.js';
import type { IncidentLog } from '../telemetry/incident-log.js';
import { LimitIncident } from '../telemetry/limit-incident.js';
import type { ThrottledLog } from '../telemetry/throttled-log.js';
import type { Boundary } from './boundary.js';
import type { Destination } from './destination.js';
import type { Gate } from './gate.js';
import type { HttpConnections } from './http-connections.js';
import type { LingeringSockets } from './lingering-sockets.js';
import { describeUpgrade, type PendingUpgrade } from './pending-upgrade.js';
import type { Places } from './places.js';
import { Undecided, type UndecidedOptions } from './undecided.js';
import { UpgradeAcceptances } from './upgrade-acceptances.js';
import { UpgradeRefusals } from './upgrade-refusals.js';
import { ignoreError, StreamUpgradeSocket, type UpgradeSocket } from './upgrade-socket.js';
import { Waits } from './waits.js';

export interface UpgraderOptions extends UndecidedOptions {
  /** The paths that WebSockets are accepted on; undefined for all. */
  readonly paths: ReadonlySet<string> | undefined;
  /** The most headers of a request; beyond it 431. */
  readonly maxHeaderCount: number;
}

export interface UpgraderEnvironment {
  readonly options: UpgraderOptions;
  readonly destination: Destination;
  /** The system calls of this thread; undefined on systems without koffi. */
  readonly calls: SystemCalls | undefined;
  readonly places: Places;
  /** The id of the next connection: unique in all threads. */
  readonly nextId: () => number;
  readonly gate: Gate;
  /** The connections of our HTTP servers that are not upgraded yet. */
  readonly connections: Pick<HttpConnections, 'isCounted' | 'release'>;
  /** Sockets of clients that are refused. */
  readonly lingering: LingeringSockets;
  readonly incidents: IncidentLog;
  readonly log: ThrottledLog;
  readonly boundary: Boundary;
}

/**
 * A handshake above a limit is judged again after JUDGE_AGAIN_MS, at most JUDGED_AGAIN times, because a client may come back
 * before the server knows that its old connection is gone. At most MAX_JUDGED_AGAIN handshakes wait for that at a time.
 */
const JUDGE_AGAIN_MS = 25;
const JUDGED_AGAIN = 4;
const MAX_JUDGED_AGAIN = 32;

/** Who decides about an upgrade, for the log. */
const HOOK = 'upgrade() of the handler';
const APPLICATION = 'the decision given to handleUpgrade()';

const NOTHING_DECIDED = 'a promise of a decision must resolve with {} or more to accept; got undefined';

/** A request for an upgrade on its way. */
interface Arrival {
  readonly request: HandshakeRequest;
  readonly socket: UpgradeSocket;
  /** What the application has decided already, in place of the hook; undefined if the hook is to be asked. */
  readonly decided: unknown;
}

/**
 * Turns HTTP requests for an upgrade into connections (RFC 6455 section 4.2): judges the opening handshake, asks the hook
 * `upgrade`, and has the answer sent. It works in every thread that has sockets.
 */
export class Upgrader {
  readonly #environment: UpgraderEnvironment;
  readonly #refusals: UpgradeRefusals;
  readonly #acceptances: UpgradeAcceptances;
  /** The waits for a hook, or for the kernel to take a 101. */
  readonly #waits: Waits;
  readonly #undecided: Undecided;
  /** For each handshake that waits to be judged again, the function that judges it now. */
  readonly #judgedAgain = new Set<() => void>();

  constructor(environment: UpgraderEnvironment) {
    this.#environment = environment;
    const { options, destination, calls, lingering, incidents, log, boundary } = environment;
    const refusals = new UpgradeRefusals(lingering, incidents);
    const waits = new Waits(options.handshakeTimeoutMs, boundary);
    this.#refusals = refusals;
    this.#waits = waits;
    this.#undecided = new Undecided(options, calls);
    this.#acceptances = new UpgradeAcceptances({ destination, calls, refusals, waits, incidents, log, boundary });
  }

  /** How many upgrades wait now. */
  get load(): number {
    return this.#waits.size;
  }

  /**
   * Handles a request for an upgrade: the 'upgrade' event of an HTTP server.
   * @param decided what the application has decided already. It is judged as the answer of the hook is, which is not asked then;
   * undefined if the hook is to be asked.
   */
  onUpgrade(request: IncomingMessage, stream: Duplex, head: Uint8Array, decided?: unknown): void {
    stream.on('error', ignoreError); // 'close' follows; Node has removed its own listener
    const { method = '', url = '', httpVersion, rawHeaders } = request;
    this.#environment.boundary.guard(stream, () => {
      this.#onRequest({
        request: { method, target: url, httpVersion, rawHeaders },
        socket: new StreamUpgradeSocket(stream, request.socket.remoteAddress, head),
        decided,
      });
    });
  }

  /** Handles a request for an upgrade, however it was read. */
  onRequest(request: HandshakeRequest, socket: UpgradeSocket): void {
    this.#onRequest({ request, socket, decided: undefined });
  }

  #onRequest(arrival: Arrival): void {
    this.#decideAbout(arrival, this.#judgedAgain.size < MAX_JUDGED_AGAIN ? JUDGED_AGAIN : 0);
  }

  /** @param triesLeft how often the request may be judged again */
  #decideAbout(arrival: Arrival, triesLeft: number): void {
    const pending = this.#judge(arrival, triesLeft);
    if (pending === undefined) return;
    const { socket, decided } = arrival;
    if (decided !== undefined) {
      this.#take(pending, () => decided);
      return;
    }
    const { upgrade } = this.#environment.destination;
    if (upgrade === undefined) {
      this.#decide(pending, undefined);
      return;
    }
    if (this.#undecided.isFull(socket.remoteAddress)) {
      this.#environment.incidents.add(LimitIncident.ORPHANED_HOOKS, describeUpgrade(pending));
      this.#refusals.refuseForNow(socket, 'hooks of clients that have left are still running\n');
      return;
    }
    const { path, query, host, origin, subprotocols, headers } = pending.handshake;
    const { remoteAddress } = socket;
    this.#take(pending, () => upgrade({ path, query, host, origin, subprotocols, headers, remoteAddress }));
  }

  /** Decides about an upgrade by an answer, or by a promise of one. @param ask gets it, and may throw. */
  #take(pending: PendingUpgrade, ask: () => unknown): void {
    const { socket } = pending;
    let answer: unknown;
    try {
      answer = ask();
      if (isPromise(answer)) {
        this.#decideLater(pending, answer).catch((error: unknown) => {
          this.#environment.boundary.lose({ destroy: () => socket.drop() }, error);
        });
        return;
      }
    } catch (error) {
      this.#refuseFailed(pending, error);
      return;
    }
    this.#decide(pending, answer);
  }

  #judgeLater(arrival: Arrival, triesLeft: number): void {
    const { socket } = arrival;
    const again = () => {
      clearTimeout(timer);
      this.#judgedAgain.delete(again);
      if (socket.isLost) return; // a place that it took now would never be given back
      this.#environment.boundary.guard({ destroy: () => socket.drop() }, () => {
        this.#decideAbout(arrival, triesLeft);
      });
    };
    const timer = setTimeout(again, JUDGE_AGAIN_MS);
    this.#judgedAgain.add(again);
  }

  /** Judges a handshake. @returns undefined if it was refused, or will be judged again */
  #judge(arrival: Arrival, triesLeft: number): PendingUpgrade | undefined {
    const { request, socket } = arrival;
    const { options, destination, gate, places, incidents, connections } = this.#environment;
    const { unavailable } = destination;
    if (unavailable !== undefined) {
      this.#refusals.refuseUnavailable(socket, unavailable);
      return undefined;
    }
    const { remoteAddress } = socket;
    const { rawHeaders } = request;
    const { paths, maxHeaderCount } = options;
    if (rawHeaders.length > 2 * maxHeaderCount) {
      const who = describePeer(remoteAddress);
      incidents.add(LimitIncident.REFUSED_HANDSHAKES, who, `${rawHeaders.length / 2} headers (maxHeaderCount)`);
      this.#refusals.refuse(socket, 431, `a request may have at most ${maxHeaderCount} headers\n`);
      return undefined;
    }
    try {
      const handshake = readHandshake(request);
      const { host, origin } = handshake;
      const foreign = gate.refusalFor(host, origin);
      if (foreign !== undefined) {
        incidents.add(foreign.incident, describePeer(remoteAddress), asked(host, origin));
        this.#refusals.refuse(socket, foreign.status, foreign.body);
        return undefined;
      }
      const { httpSocket } = socket;
      // A connection of our HTTP server has its place already, if it was within the limits when it came.
      const isCounted = httpSocket !== undefined && connections.isCounted(httpSocket);
      const full = isCounted ? undefined : places.refusalFor(socket);
      if (full !== undefined) {
        if (triesLeft > 0) {
          this.#judgeLater(arrival, triesLeft - 1);
          return undefined;
        }
        incidents.add(full.incident, describePeer(remoteAddress));
        this.#refusals.refuseForNow(socket, full.body);
        return undefined;
      }
      if (paths !== undefined && !paths.has(handshake.path)) {
        this.#refusals.refuse(socket, 404, 'there is no WebSocket on this path\n');
        return undefined;
      }
      return this.#enter(handshake, arrival);
    } catch (error) {
      if (!(error instanceof HandshakeError)) throw error;
      incidents.add(LimitIncident.REFUSED_HANDSHAKES, describePeer(remoteAddress), error.message);
      this.#refusals.refuse(socket, error.status, `${error.message}\n`, error.headers);
      return undefined;
    }
  }

  /** From now on the connection counts as a WebSocket. */
  #enter(handshake: PendingUpgrade['handshake'], { socket, decided }: Arrival): PendingUpgrade {
    const { places, connections, nextId } = this.#environment;
    const { httpSocket } = socket;
    const id = nextId();
    if (httpSocket !== undefined) connections.release(httpSocket);
    places.enter(id, socket);
    const decider = decided === undefined ? HOOK : APPLICATION;
    const pending: PendingUpgrade = { id, socket, handshake, decider, isPlaced: false };
    socket.whenLost(() => {
      if (!pending.isPlaced) places.leave(id);
    });
    return pending;
  }

  async #decideLater(pending: PendingUpgrade, promise: PromiseLike<unknown>): Promise<void> {
    const { socket } = pending;
    const wait = this.#waits.begin(socket.stream, {
      late: () => this.#environment.incidents.add(LimitIncident.HOOK_TIMEOUTS, describeUpgrade(pending)),
      giveUp: (why) => this.#refusals.refuseForNow(socket, why),
    });
    const settled = this.#undecided.add(socket, () => {
      wait.depart();
      socket.lose();
    });
    let answer: unknown;
    try {
      answer = await promise;
    } catch (error) {
      settled();
      if (wait.stop()) this.#refuseFailed(pending, error);
      else this.#reportFailed(pending, error);
      return;
    }
    settled();
    if (wait.stop()) this.#decide(pending, answer);
  }

  /** Refuses all upgrades that still wait, because the server is going away. */
  close(): void {
    this.#waits.abortAll('the server is going away\n');
    for (const again of this.#judgedAgain) again();
  }

  #decide(pending: PendingUpgrade, answer: unknown): void {
    const { socket, handshake } = pending;
    let decision: Acceptance | Refusal;
    let response: string;
    try {
      // An application that looks up who somebody is may find nobody, which must not let everybody in.
      if (answer === undefined && pending.decider === APPLICATION) throw new DecisionError(NOTHING_DECIDED);
      decision = readDecision(answer);
      response = decision.accepts
        ? renderAccept(handshake, sha1Base64, decision)
        : renderRefusal(decision.status, decision);
    } catch (error) {
      this.#refuseFailed(pending, error);
      return;
    }
    if (!decision.accepts) {
      this.#refusals.sendLast(socket, response);
      return;
    }
    this.#acceptances.accept(pending, response, {
      id: pending.id,
      remoteAddress: socket.remoteAddress,
      path: handshake.path,
      query: handshake.query,
      subprotocol: decision.subprotocol ?? '',
      data: decision.data,
    });
  }

  #refuseFailed(pending: PendingUpgrade, error: unknown): void {
    this.#refusals.refuse(pending.socket, 500, 'the server failed to decide about this connection\n');
    this.#reportFailed(pending, error);
  }

  #reportFailed(pending: PendingUpgrade, error: unknown): void {
    const who = describeUpgrade(pending);
    const what = `${pending.decider} failed`;
    const { log } = this.#environment;
    if (!isAboutAnswer(error)) log.throttledError(what, `${what}, for ${who}`, error);
    else
      log.throttled('error', `${what}: ${withoutParticulars(error.message)}`, `${what}, for ${who}: ${error.message}`);
  }
}

/** For the log: the Host and the Origin that are not allowed. */
function asked(host: string, origin: string | undefined): string {
  return `Host ${excerpt(host)}${origin === undefined ? '' : `, Origin ${excerpt(origin)}`}`;
}

/** Whether the error is about an answer that was returned. Its stack then shows nothing of the application. */
function isAboutAnswer(error: unknown): error is Error {
  return error instanceof DecisionError || error instanceof HandshakeConfigError;
}
