import { closeSync, writeSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionInfo } from '../connection/connection-info.js';
import { Incident } from '../connection/incident.js';
import type { Incidents } from '../host/incidents.js';
import type { Logger } from '../host/logger.js';
import type { Upgrade, UpgradeAcceptance, UpgradeRefusal } from '../host/upgrade.js';
import { type OpeningHandshake, readHandshake } from '../protocol/handshake.js';
import { HandshakeError } from '../protocol/handshake-error.js';
import { renderAccept, renderRefusal } from '../protocol/handshake-response.js';
import type { SystemCalls } from '../system/system-calls.js';
import type { Admission } from './admission.js';
import { descriptorOf } from './descriptor.js';
import type { Lingering } from './lingering.js';

/** Where accepted connections go. */
export interface Destination {
  /** Why no connection can be accepted now; undefined if it can. */
  readonly unavailable: string | undefined;
  /** What it takes to give away connections that have a descriptor; undefined if all go as streams. */
  readonly calls: SystemCalls | undefined;
  /** Hosts the connection of a descriptor, which is the destination's from now on. */
  place(fd: number, info: ConnectionInfo, head: Uint8Array): void;
  /** Makes sure that a stream can be hosted, before it is told so. @throws if it cannot. */
  prepareStream(): void;
  /** Hosts a stream that has no descriptor to give. */
  placeStream(stream: Duplex, info: ConnectionInfo, head: Uint8Array): void;
}

export interface UpgraderOptions {
  /** Undefined: all. */
  readonly paths: ReadonlySet<string> | undefined;
  /** The hook of the handler module, as it is loaded now. */
  readonly upgrade: () => Upgrade | undefined;
  readonly admission: Admission;
  readonly incidents: Incidents;
  /** Those who are refused. */
  readonly lingering: Lingering;
  /** Of a request; beyond it 431. */
  readonly maxHeaderCount: number;
  readonly handshakeTimeoutMs: number;
  readonly log: Logger;
}

/** What an upgrade hook returns, or its promise gives. */
type Decision = Awaited<ReturnType<Upgrade>>;

/** A connection that is being upgraded. */
interface Candidate {
  readonly id: number;
  readonly socket: Duplex;
  readonly handshake: OpeningHandshake;
  readonly remoteAddress: string | undefined;
  /** Read together with the request. */
  readonly head: Uint8Array;
  /** It is its destination's. */
  isPlaced: boolean;
}

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
  /** Requests on each socket that have no complete answer yet. */
  readonly #unanswered = new WeakMap<Duplex, number>();
  /** Upgrades that wait for a hook, or for the kernel to take the 101: what ends their wait. */
  readonly #waiting = new Set<(why: string) => void>();

  constructor(options: UpgraderOptions, destination: Destination) {
    this.#options = options;
    this.#destination = destination;
  }

  /** How many upgrades wait now. */
  get pending(): number {
    return this.#waiting.size;
  }

  /** To be told of each ordinary request, so that an upgrade behind it does not overtake its answer. */
  onRequest(request: IncomingMessage, answered: (listener: () => void) => void): void {
    const { socket } = request;
    this.#unanswered.set(socket, (this.#unanswered.get(socket) ?? 0) + 1);
    answered(() => this.#unanswered.set(socket, (this.#unanswered.get(socket) ?? 1) - 1));
  }

  /** Handles a request for an upgrade: the 'upgrade' event of an HTTP server. */
  onUpgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array): void {
    socket.on('error', ignore); // 'close' follows; Node has taken its own listener off
    if ((this.#unanswered.get(socket) ?? 0) > 0) {
      // Pipelined behind a request that is not answered yet: whatever is written now would be taken for that answer.
      socket.destroy();
      return;
    }
    const candidate = this.#judge(request, socket, head);
    if (candidate === undefined) return;
    const upgrade = this.#options.upgrade();
    if (upgrade === undefined) {
      this.#decide(candidate, undefined);
      return;
    }
    const { path, query, host, origin, subprotocols, headers } = candidate.handshake;
    const { remoteAddress } = candidate;
    let decision: ReturnType<Upgrade>;
    try {
      decision = upgrade({ path, query, host, origin, subprotocols, headers, remoteAddress });
    } catch (error) {
      this.#refuseFailed(candidate, error);
      return;
    }
    if (isPromise(decision)) void this.#decideLater(candidate, decision);
    else this.#decide(candidate, decision ?? undefined);
  }

  #judge(request: IncomingMessage, socket: Duplex, head: Uint8Array): Candidate | undefined {
    const { unavailable } = this.#destination;
    if (unavailable !== undefined) {
      this.#refuse(socket, 503, `${unavailable}\n`, { 'Retry-After': '1' });
      return undefined;
    }
    const { method = '', url = '', httpVersion, rawHeaders } = request;
    if (rawHeaders.length > 2 * this.#options.maxHeaderCount) {
      const who = describePeer(request.socket.remoteAddress);
      this.#options.incidents.add(Incident.BAD_HANDSHAKE, who, `${rawHeaders.length / 2} headers (maxHeaderCount)`);
      this.#refuse(socket, 431, `a request may have at most ${this.#options.maxHeaderCount} headers\n`);
      return undefined;
    }
    try {
      const handshake = readHandshake({ method, target: url, httpVersion, rawHeaders });
      const { paths, admission, incidents } = this.#options;
      const { remoteAddress } = request.socket;
      const { host, origin } = handshake;
      const refusal = admission.judge({ host, origin, remoteAddress });
      if (refusal !== undefined) {
        incidents.add(refusal.incident, describePeer(remoteAddress));
        this.#refuse(socket, refusal.status, refusal.body, refusal.status === 503 ? { 'Retry-After': '1' } : {});
        return undefined;
      }
      if (paths !== undefined && !paths.has(handshake.path)) {
        this.#refuse(socket, 404, 'there is no WebSocket on this path\n');
        return undefined;
      }
      const id = ++lastId;
      admission.enter(id, remoteAddress);
      const candidate: Candidate = { id, socket, handshake, remoteAddress, head, isPlaced: false };
      socket.once('close', () => {
        if (!candidate.isPlaced) admission.leave(id);
      });
      return candidate;
    } catch (error) {
      if (!(error instanceof HandshakeError)) throw error;
      this.#options.incidents.add(Incident.BAD_HANDSHAKE, describePeer(request.socket.remoteAddress), error.message);
      this.#refuse(socket, error.status, `${error.message}\n`, error.headers);
      return undefined;
    }
  }

  async #decideLater(candidate: Candidate, promise: PromiseLike<Decision>): Promise<void> {
    const { socket } = candidate;
    const end = this.#wait(socket, (why) => this.#refuse(socket, 503, why));
    let decision: Decision;
    try {
      decision = await promise;
    } catch (error) {
      if (end()) this.#refuseFailed(candidate, error);
      else this.#tellFailed(candidate, error);
      return;
    }
    if (end()) this.#decide(candidate, decision ?? undefined);
  }

  /** Refuses everybody who still waits: the server is going away. */
  close(): void {
    for (const give of this.#waiting) give('the server is going away\n');
  }

  /**
   * Bounds how long a socket is waited for.
   * @param giveUp ends the socket when the time is over, or when the server closes.
   * @returns a function to be called when the wait is over: whether the socket is still there, and in time.
   */
  #wait(socket: Duplex, giveUp: (why: string) => void): () => boolean {
    let isOver = false;
    const end = () => {
      if (isOver) return false;
      isOver = true;
      this.#waiting.delete(abort);
      clearTimeout(timer);
      socket.off('close', end);
      return !socket.destroyed;
    };
    const abort = (why: string) => {
      if (end()) giveUp(why);
    };
    const timer = setTimeout(abort, this.#options.handshakeTimeoutMs, 'the server took too long to decide\n');
    socket.on('close', end);
    this.#waiting.add(abort);
    return end;
  }

  #decide(candidate: Candidate, decision: UpgradeAcceptance | UpgradeRefusal | undefined): void {
    const { socket, handshake } = candidate;
    let response: string;
    let data: unknown;
    try {
      if (decision?.status !== undefined) {
        const { status, headers = {}, body } = decision;
        response = renderRefusal(status, body === undefined ? { headers } : { headers, body });
        this.#options.lingering.end(socket, response);
        return;
      }
      response = renderAccept(handshake, {
        subprotocol: decision?.subprotocol,
        ...(decision?.headers === undefined ? {} : { headers: decision.headers }),
      });
      // Here also when no thread is crossed: what cannot be cloned must be found before the 101 is sent.
      data = decision?.data === undefined ? undefined : structuredClone(decision.data);
    } catch (error) {
      this.#refuseFailed(candidate, error);
      return;
    }
    this.#accept(candidate, response, {
      id: candidate.id,
      remoteAddress: candidate.remoteAddress,
      path: handshake.path,
      query: handshake.query,
      subprotocol: decision?.subprotocol ?? '',
      data,
    });
  }

  #accept(candidate: Candidate, response: string, info: ConnectionInfo): void {
    const { socket, head } = candidate;
    const destination = this.#destination;
    if (destination.unavailable !== undefined) {
      this.#refuse(socket, 503, `${destination.unavailable}\n`, { 'Retry-After': '1' });
      return;
    }
    if (!(socket instanceof Socket) || destination.calls === undefined || Reflect.get(socket, 'encrypted') === true) {
      this.#acceptStream(candidate, response, info);
      return;
    }
    const fd = destination.calls.duplicate(descriptorOf(socket));
    if (fd < 0) {
      if (socket.destroyed) return;
      this.#refuse(socket, 503, 'the server is out of descriptors\n', { 'Retry-After': '1' });
      this.#options.log.error('a descriptor could not be duplicated: is the limit (ulimit -n) reached?');
      return;
    }
    let written: number;
    try {
      // Not by the socket: its stream would be destroyed under the write's callback, which costs an error with a stack.
      written = socket.writableLength > 0 ? 0 : writeNow(fd, response);
    } catch {
      closeSync(fd); // the peer is gone
      socket.destroy();
      return;
    }
    const handOff = () => {
      const all = withUnread(head, socket);
      candidate.isPlaced = true;
      socket.destroy(); // closes this descriptor; the connection lives on in the duplicate
      destination.place(fd, info, all);
    };
    if (written === response.length) {
      handOff();
      return;
    }
    const end = this.#wait(socket, () => socket.destroy());
    socket.write(response.slice(written), 'latin1', () => {
      if (end()) handOff();
      else closeSync(fd);
    });
  }

  /** What has no descriptor to give is hosted in this thread. */
  #acceptStream(candidate: Candidate, response: string, info: ConnectionInfo): void {
    const { socket, head } = candidate;
    try {
      this.#destination.prepareStream();
    } catch (error) {
      this.#refuse(socket, 503, 'the server has no room for this connection\n', { 'Retry-After': '1' });
      this.#options.log.error(`the primary cannot host a connection: ${describe(error)}`);
      return;
    }
    socket.write(response, 'latin1');
    socket.off('error', ignore);
    candidate.isPlaced = true;
    this.#destination.placeStream(socket, info, withUnread(head, socket));
  }

  #refuse(socket: Duplex, status: number, body: string, headers: Readonly<Record<string, string>> = {}): void {
    this.#options.lingering.end(socket, renderRefusal(status, { headers, body }));
  }

  #tellFailed({ handshake, remoteAddress }: Candidate, error: unknown): void {
    const who = `${remoteAddress ?? 'an unknown address'} on ${handshake.path.slice(0, 100)}`;
    this.#options.log.error(`upgrade() of the handler failed, for ${who}: ${describe(error)}`);
  }

  #refuseFailed(candidate: Candidate, error: unknown): void {
    this.#tellFailed(candidate, error);
    this.#refuse(candidate.socket, 500, 'the server failed to decide about this connection\n');
  }
}

/** Writes what the kernel takes at once of a response. @returns how many bytes @throws if the peer is gone. */
function writeNow(fd: number, response: string): number {
  try {
    return writeSync(fd, response, null, 'latin1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
    throw error;
  }
}

/** All that this thread has read of a connection beyond its opening handshake, in memory of its own. */
function withUnread(head: Uint8Array, socket: Duplex): Uint8Array {
  const parts = [head];
  for (let read: unknown = socket.read(); read !== null; read = socket.read()) parts.push(read as Uint8Array);
  if (parts.length === 1 && head.length === 0) return NOTHING;
  // A copy: a small Buffer would be posted to another thread with all of the pool that it is part of.
  return new Uint8Array(Buffer.concat(parts));
}

const NOTHING = new Uint8Array(0);

/** For the log. */
function describePeer(remoteAddress: string | undefined): string {
  return remoteAddress ?? 'an unknown address';
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | undefined)?.then === 'function';
}

function ignore(): void {}
