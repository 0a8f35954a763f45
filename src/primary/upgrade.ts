import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ConnectionInfo } from '../connection/connection-info.js';
import { LimitIncident } from '../telemetry/limit-incident.js';
import { isPromise } from '../connection/is-promise.js';
import { type Acceptance, DecisionError, type Refusal, readDecision } from '../host/decision.js';
import { describePeer } from '../host/describe-peer.js';
import { withoutParticulars } from '../telemetry/error-text.js';
import type { IncidentLog } from '../telemetry/incident-log.js';
import type { ThrottledLog } from '../telemetry/throttled-log.js';
import type { Upgrade } from '../host/upgrade.js';
import { type HandshakeRequest, type OpeningHandshake, readHandshake } from '../protocol/handshake.js';
import { excerpt, HandshakeConfigError, HandshakeError } from '../protocol/handshake-error.js';
import { renderAccept, renderRefusal } from '../protocol/handshake-response.js';
import type { SystemCalls } from '../system/system-calls.js';
import type { Admission } from './admission.js';
import { Boundary } from './boundary.js';
import { type Caller, StreamCaller } from './caller.js';
import type { HttpConnections } from './http-connections.js';
import type { Lingering } from './lingering.js';
import { Undecided, type UndecidedOptions } from './undecided.js';
import { Waits } from './waits.js';

/** Where accepted connections go. */
export interface Destination {
  /** Why no connection can be accepted now; undefined if it can. */
  readonly unavailable: string | undefined;
  /** What it takes to give away connections that have a descriptor; undefined if all go as streams. */
  readonly calls: SystemCalls | undefined;
  /**
   * A client is about to hear that it is connected, and whoever hears of that from it may publish to what it subscribes first.
   * @returns a function to be called in the same turn, when its connection was placed, or was not.
   */
  expectOne(): () => void;
  /** Hosts the connection of a descriptor, which is the destination's from now on. */
  place(fd: number, info: ConnectionInfo, head: Uint8Array): void;
  /** Makes sure that a stream can be hosted, before it is told so. @throws if it cannot. */
  prepareStream(): void;
  /** Hosts a stream that has no descriptor to give. */
  placeStream(stream: Duplex, info: ConnectionInfo, head: Uint8Array): void;
}

export interface UpgraderOptions extends UndecidedOptions {
  /** Undefined: all. */
  readonly paths: ReadonlySet<string> | undefined;
  /** The hook of the handler module, as it is loaded now. */
  readonly upgrade: () => Upgrade | undefined;
  readonly admission: Admission;
  readonly incidents: IncidentLog;
  /** Those of our HTTP server, until they are upgraded. */
  readonly connections: Pick<HttpConnections, 'isCounted' | 'release'>;
  /** Those who are refused. */
  readonly lingering: Lingering;
  /** Of a request; beyond it 431. */
  readonly maxHeaderCount: number;
  readonly log: ThrottledLog;
}

/** A connection that is being upgraded. */
interface Candidate {
  readonly id: number;
  readonly caller: Caller;
  readonly handshake: OpeningHandshake;
  /** It is its destination's. */
  isPlaced: boolean;
}

const OUT_OF_DESCRIPTORS = 'a descriptor could not be duplicated: is the limit (ulimit -n) reached?';

/** For the log: what a client took nothing of. */
const LATE_101 = 'the 101, behind an answer that was sent before (handshakeTimeoutMs)';

/**
 * A handshake above a limit is judged again after so many ms, so many times: who leaves and comes back at once may be ahead of the
 * news that his old connection is gone. At most so many wait for that at a time.
 */
const JUDGE_AGAIN_MS = 25;
const JUDGED_AGAIN = 4;
const MAX_JUDGED_AGAIN = 32;

/** More than a 101 usually has, in bytes. */
const RESPONSE_BYTES = 4096;

/** Used for the id of the next connection: unique in all threads, because all handshakes are done in the primary. */
let lastId = 0;

/**
 * Turns HTTP requests for an upgrade into connections (RFC 6455 section 4.2): judges the opening handshake, asks the
 * application, answers 101, and gives the connection away. From the last read of the socket to its hand-off everything
 * happens in one synchronous turn: what the kernel has not been asked for yet is read by the new owner.
 */
export class Upgrader {
  readonly #options: UpgraderOptions;
  readonly #destination: Destination;
  readonly #boundary: Boundary;
  /** For a hook, or for the kernel to take the 101. */
  readonly #waits: Waits;
  readonly #undecided: Undecided;
  /** Those above a limit that are judged again later: what does it now. */
  readonly #judgedAgain = new Set<() => void>();
  /** Where a response is put that is to be sent at once. */
  readonly #response = Buffer.allocUnsafeSlow(RESPONSE_BYTES);

  constructor(options: UpgraderOptions, destination: Destination) {
    this.#options = options;
    this.#destination = destination;
    this.#boundary = new Boundary(options.log);
    this.#waits = new Waits(options.handshakeTimeoutMs, this.#boundary);
    this.#undecided = new Undecided(options, destination.calls);
  }

  /** How many upgrades wait now. */
  get pending(): number {
    return this.#waits.size;
  }

  /** Handles a request for an upgrade: the 'upgrade' event of an HTTP server. */
  onUpgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array): void {
    socket.on('error', ignore); // 'close' follows; Node has taken its own listener off
    const { method = '', url = '', httpVersion, rawHeaders } = request;
    this.#boundary.guard(socket, () => {
      this.onCaller(
        { method, target: url, httpVersion, rawHeaders },
        new StreamCaller(socket, request.socket.remoteAddress, head),
      );
    });
  }

  /** Handles a request for an upgrade, however it was read. */
  onCaller(request: HandshakeRequest, caller: Caller): void {
    this.#onCaller(request, caller, this.#judgedAgain.size < MAX_JUDGED_AGAIN ? JUDGED_AGAIN : 0);
  }

  /** @param triesLeft how often it may be judged again */
  #onCaller(request: HandshakeRequest, caller: Caller, triesLeft: number): void {
    const candidate = this.#judge(request, caller, triesLeft);
    if (candidate === undefined) return;
    const upgrade = this.#options.upgrade();
    if (upgrade === undefined) {
      this.#decide(candidate, undefined);
      return;
    }
    if (this.#undecided.isFull(caller.remoteAddress)) {
      this.#options.incidents.add(LimitIncident.ORPHANED_HOOKS, describeCandidate(candidate));
      this.#refuseForNow(caller, 'hooks of clients that have left are still running\n');
      return;
    }
    const { path, query, host, origin, subprotocols, headers } = candidate.handshake;
    const { remoteAddress } = caller;
    let answer: unknown;
    try {
      answer = upgrade({ path, query, host, origin, subprotocols, headers, remoteAddress });
      if (isPromise(answer)) {
        this.#decideLater(candidate, answer).catch((error: unknown) => {
          this.#boundary.lose({ destroy: () => caller.drop() }, error);
        });
        return;
      }
    } catch (error) {
      this.#refuseFailed(candidate, error);
      return;
    }
    this.#decide(candidate, answer);
  }

  #judgeLater(request: HandshakeRequest, caller: Caller, triesLeft: number): void {
    const again = () => {
      clearTimeout(timer);
      this.#judgedAgain.delete(again);
      if (caller.isLost) return; // nobody would give back what is counted for it now
      this.#boundary.guard({ destroy: () => caller.drop() }, () => this.#onCaller(request, caller, triesLeft));
    };
    const timer = setTimeout(again, JUDGE_AGAIN_MS);
    this.#judgedAgain.add(again);
  }

  /** @returns undefined if it is refused, or judged again later */
  #judge(request: HandshakeRequest, caller: Caller, triesLeft: number): Candidate | undefined {
    const { unavailable } = this.#destination;
    if (unavailable !== undefined) {
      this.#refuseUnavailable(caller, unavailable);
      return undefined;
    }
    const { remoteAddress } = caller;
    const { rawHeaders } = request;
    if (rawHeaders.length > 2 * this.#options.maxHeaderCount) {
      const who = describePeer(remoteAddress);
      this.#options.incidents.add(
        LimitIncident.REFUSED_HANDSHAKES,
        who,
        `${rawHeaders.length / 2} headers (maxHeaderCount)`,
      );
      this.#refuse(caller, 431, `a request may have at most ${this.#options.maxHeaderCount} headers\n`);
      return undefined;
    }
    try {
      const handshake = readHandshake(request);
      const { paths, admission, incidents, connections } = this.#options;
      const { host, origin } = handshake;
      const { httpSocket } = caller;
      const isCounted = httpSocket !== undefined && connections.isCounted(httpSocket);
      const refusal = admission.judge({ host, origin, remoteAddress, isCounted });
      if (refusal?.status === 503 && triesLeft > 0) {
        this.#judgeLater(request, caller, triesLeft - 1);
        return undefined;
      }
      if (refusal !== undefined) {
        incidents.add(
          refusal.incident,
          describePeer(remoteAddress),
          refusal.status === 403 ? asked(host, origin) : undefined,
        );
        if (refusal.status === 503) this.#refuseForNow(caller, refusal.body);
        else this.#refuse(caller, refusal.status, refusal.body);
        return undefined;
      }
      if (paths !== undefined && !paths.has(handshake.path)) {
        this.#refuse(caller, 404, 'there is no WebSocket on this path\n');
        return undefined;
      }
      const id = ++lastId;
      if (httpSocket !== undefined) connections.release(httpSocket); // from now on it counts as what it is going to be
      admission.enter(id, caller);
      const candidate: Candidate = { id, caller, handshake, isPlaced: false };
      caller.whenLost(() => {
        if (!candidate.isPlaced) admission.leave(id);
      });
      return candidate;
    } catch (error) {
      if (!(error instanceof HandshakeError)) throw error;
      this.#options.incidents.add(LimitIncident.REFUSED_HANDSHAKES, describePeer(remoteAddress), error.message);
      this.#refuse(caller, error.status, `${error.message}\n`, error.headers);
      return undefined;
    }
  }

  async #decideLater(candidate: Candidate, promise: PromiseLike<unknown>): Promise<void> {
    const { caller } = candidate;
    const late = () => this.#options.incidents.add(LimitIncident.HOOK_TIMEOUTS, describeCandidate(candidate));
    const wait = this.#waits.begin(caller.stream, { late, giveUp: (why) => this.#refuseForNow(caller, why) });
    const settled = this.#undecided.add(caller, () => {
      wait.depart();
      caller.lose();
    });
    let answer: unknown;
    try {
      answer = await promise;
    } catch (error) {
      settled();
      if (wait.stop()) this.#refuseFailed(candidate, error);
      else this.#tellFailed(candidate, error);
      return;
    }
    settled();
    if (wait.stop()) this.#decide(candidate, answer);
  }

  /** Refuses everybody who still waits: the server is going away. */
  close(): void {
    this.#waits.abortAll('the server is going away\n');
    for (const again of this.#judgedAgain) again();
  }

  #decide(candidate: Candidate, answer: unknown): void {
    const { caller, handshake } = candidate;
    let decision: Acceptance | Refusal;
    let response: string;
    try {
      decision = readDecision(answer);
      response = decision.accepts ? renderAccept(handshake, decision) : renderRefusal(decision.status, decision);
    } catch (error) {
      this.#refuseFailed(candidate, error);
      return;
    }
    if (!decision.accepts) {
      this.#sendLast(caller, response);
      return;
    }
    this.#accept(candidate, response, {
      id: candidate.id,
      remoteAddress: caller.remoteAddress,
      path: handshake.path,
      query: handshake.query,
      subprotocol: decision.subprotocol ?? '',
      data: decision.data,
    });
  }

  #accept(candidate: Candidate, response: string, info: ConnectionInfo): void {
    const { caller } = candidate;
    const { unavailable, calls } = this.#destination;
    if (unavailable !== undefined) {
      this.#refuseUnavailable(caller, unavailable);
      return;
    }
    if (calls === undefined || !caller.isPlain) {
      this.#acceptStream(candidate, response, info);
      return;
    }
    const fd = caller.descriptor(calls);
    if (fd < 0) {
      if (caller.stream.destroyed) return;
      this.#refuseForNow(caller, 'the server is out of descriptors\n');
      this.#tellOutOfDescriptors();
      return;
    }
    // Not by the stream: it would be destroyed under the write's callback, which costs an error with a stack.
    const endExpectation = this.#destination.expectOne();
    let sent = 0;
    try {
      if (!caller.isWriting) sent = Math.max(0, this.#sendNow(calls, fd, response));
      if (sent === response.length) {
        this.#place(candidate, fd, info);
        return;
      }
    } finally {
      endExpectation();
    }
    // From here on nobody expects it: a client that takes its 101 slowly would delay what all threads publish to each other. What others
    // publish between its taking and our hearing of that does not reach what it subscribes first.
    caller.giveBack(fd);
    const { stream } = caller;
    const late = () => this.#options.incidents.add(LimitIncident.STALLS, describeCandidate(candidate), LATE_101);
    const wait = this.#waits.begin(stream, { late, giveUp: () => stream.destroy() });
    stream.write(response.slice(sent), 'latin1', (error) => {
      if (wait.stop() && !error) this.#boundary.guard(stream, () => this.#placeLater(candidate, calls, info));
    });
  }

  /** When the kernel has all of the 101. */
  #placeLater(candidate: Candidate, calls: SystemCalls, info: ConnectionInfo): void {
    const { caller } = candidate;
    const fd = caller.descriptor(calls);
    if (fd >= 0) {
      this.#place(candidate, fd, info);
      return;
    }
    caller.stream.destroy();
    this.#tellOutOfDescriptors();
  }

  #place(candidate: Candidate, fd: number, info: ConnectionInfo): void {
    const { caller } = candidate;
    let head: Uint8Array;
    try {
      head = caller.leave();
    } catch (error) {
      caller.giveBack(fd); // a stream of the user's may throw anything
      throw error;
    }
    candidate.isPlaced = true;
    this.#destination.place(fd, info, head);
  }

  /** What the kernel takes at once of a response: see {@link SystemCalls.send}. */
  #sendNow(calls: SystemCalls, fd: number, response: string): number {
    const { length } = response;
    if (length > this.#response.length) return calls.send(fd, Buffer.from(response, 'latin1'), 0, length);
    this.#response.write(response, 0, 'latin1');
    return calls.send(fd, this.#response, 0, length);
  }

  /** What has no descriptor to give is hosted in this thread. */
  #acceptStream(candidate: Candidate, response: string, info: ConnectionInfo): void {
    const { caller } = candidate;
    try {
      this.#destination.prepareStream();
    } catch (error) {
      this.#refuseForNow(caller, 'the server has no room for this connection\n');
      const what = 'the primary cannot host a connection';
      this.#options.log.throttledError(what, what, error);
      return;
    }
    const { stream } = caller;
    stream.write(response, 'latin1');
    stream.off('error', ignore);
    candidate.isPlaced = true;
    this.#destination.placeStream(stream, info, caller.unhandled());
  }

  #refuseUnavailable(caller: Caller, why: string): void {
    this.#options.incidents.add(LimitIncident.REFUSED_UNAVAILABLE, describePeer(caller.remoteAddress), why);
    this.#refuseForNow(caller, `${why}\n`);
  }

  /** The client may try again soon. */
  #refuseForNow(caller: Caller, body: string): void {
    this.#refuse(caller, 503, body, { 'Retry-After': '1' });
  }

  #refuse(caller: Caller, status: number, body: string, headers: Readonly<Record<string, string>> = {}): void {
    this.#sendLast(caller, renderRefusal(status, { headers, body }));
  }

  /** Refused, it counts no more, however long it takes to go: its client may try again. */
  #sendLast(caller: Caller, response: string): void {
    caller.lose();
    this.#options.lingering.end(caller.stream, response);
  }

  #tellFailed(candidate: Candidate, error: unknown): void {
    const who = describeCandidate(candidate);
    const what = 'upgrade() of the handler failed';
    const { log } = this.#options;
    if (!isAboutAnswer(error)) log.throttledError(what, `${what}, for ${who}`, error);
    else
      log.throttled('error', `${what}: ${withoutParticulars(error.message)}`, `${what}, for ${who}: ${error.message}`);
  }

  #tellOutOfDescriptors(): void {
    this.#options.log.throttled('error', OUT_OF_DESCRIPTORS, OUT_OF_DESCRIPTORS);
  }

  #refuseFailed(candidate: Candidate, error: unknown): void {
    this.#refuse(candidate.caller, 500, 'the server failed to decide about this connection\n');
    this.#tellFailed(candidate, error);
  }
}

/** For the log: what was not allowed. */
function asked(host: string, origin: string | undefined): string {
  return `Host ${excerpt(host)}${origin === undefined ? '' : `, Origin ${excerpt(origin)}`}`;
}

/** For the log. */
function describeCandidate({ handshake, caller }: Candidate): string {
  return `${describePeer(caller.remoteAddress)} on ${handshake.path.slice(0, 100)}`;
}

/** Of what is wrong with an answer there is no stack to be shown: it was returned. */
function isAboutAnswer(error: unknown): error is Error {
  return error instanceof DecisionError || error instanceof HandshakeConfigError;
}

function ignore(): void {}
