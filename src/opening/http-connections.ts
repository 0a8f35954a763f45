import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { SystemCalls } from '../system/system-calls.js';
import type { IncidentLog } from '../telemetry/incident-log.js';
import { type AnswerProgress, AnswerStalls } from './answer-stalls.js';
import type { Clients } from './clients.js';
import type { Peer, Places } from './places.js';
import { type SurplusConnection, SurplusConnections } from './surplus-connections.js';

/**
 * The most requests of one connection that wait for their answers. The answer to the last of them ends the connection. Only an
 * attacker sends more without reading, and a client may repeat requests that were not answered (RFC 9112 section 9.3.2).
 */
const MAX_UNANSWERED = 8;

/** Stands for a proxy, whose connections count for no address until they are upgraded. */
const NOBODY: Peer = {};

interface HttpConnection extends AnswerProgress {
  /** Undefined if the connection is within the limits. */
  readonly surplus: SurplusConnection | undefined;
  /** Requests that were taken and are not answered, or that were answered in this turn of the event loop. */
  unanswered: number;
  /** Whether no more requests are taken. */
  isClosing: boolean;
  /** The action for when all answers are out. */
  afterAnswers: (() => void) | undefined;
}

export interface HttpConnectionsEnvironment {
  /** How long a client may take nothing of its answers, in ms; 0 for no limit. */
  readonly stallTimeoutMs: number;
  readonly places: Places;
  readonly clients: Clients;
  readonly incidents: IncidentLog;
  /** Undefined on systems without koffi. */
  readonly calls: SystemCalls | undefined;
}

/**
 * All TCP connections of the HTTP server, each from when it is accepted until it is closed, becomes a WebSocket, or lingers.
 * WebSockets and lingering sockets are counted elsewhere. This class knows which connections there are, and how many requests of
 * each are under way. {@link SurplusConnections} bounds those above the limits, and {@link AnswerStalls} how long a client may take
 * nothing of its answers.
 */
export class HttpConnections {
  readonly #places: Places;
  readonly #clients: Clients;
  readonly #connections = new Map<object, HttpConnection>();
  #counted = 0;
  readonly #surplus: SurplusConnections;
  readonly #stalls: AnswerStalls;
  /** One function for all sockets, because each of them keeps its listener for as long as it lives. */
  readonly #onClose: (this: Socket) => void;

  constructor({ stallTimeoutMs, places, clients, incidents, calls }: HttpConnectionsEnvironment) {
    const connections = this;
    this.#onClose = function () {
      connections.release(this);
    };
    this.#places = places;
    this.#clients = clients;
    this.#surplus = new SurplusConnections({ incidents, onReplaced: (socket) => this.release(socket) });
    this.#stalls = new AnswerStalls({ connections: this.#connections, stallTimeoutMs, incidents, calls, clients });
  }

  /** How many connections are within the limits. */
  get load(): number {
    return this.#counted;
  }

  /** How many connections there are. */
  get size(): number {
    return this.#connections.size;
  }

  /**
   * Takes a connection that was accepted.
   * @returns false if the connection was destroyed, because there is no room even for an answer
   */
  add(socket: Socket): boolean {
    const peer: Peer = this.#clients.isProxy(socket) ? NOBODY : this.#clients.peerOf(socket);
    const refusal = this.#places.refusalFor(peer);
    let surplus: SurplusConnection | undefined;
    if (refusal === undefined) {
      this.#counted++;
      this.#places.enter(socket, peer);
    } else {
      surplus = this.#surplus.take(socket, refusal, this.#clients.peerOf(socket));
      if (surplus === undefined) return false;
    }
    this.#connections.set(socket, {
      socket,
      surplus,
      unanswered: 0,
      isClosing: false,
      afterAnswers: undefined,
      acknowledgedBytes: undefined,
      acknowledgedAtMs: 0,
    });
    socket.on('close', this.#onClose);
    this.#stalls.watch(socket);
    return true;
  }

  /** Whether a socket is a connection of this server. */
  has(socket: object): boolean {
    return this.#connections.has(socket);
  }

  /** Whether a socket is a connection of this server that is within the limits. */
  isCounted(socket: object): boolean {
    const connection = this.#connections.get(socket);
    return connection !== undefined && connection.surplus === undefined;
  }

  /** Forgets a connection: it is closed, or it counts elsewhere from now on. */
  release(socket: object): void {
    const connection = this.#connections.get(socket);
    if (connection === undefined) return;
    this.#connections.delete(socket);
    if (connection.surplus !== undefined) connection.surplus.leave();
    else {
      this.#counted--;
      this.#places.leave(socket);
    }
    this.#answered(connection); // the action that waits for answers runs now, since none will come
  }

  /**
   * Counts a request that `response` is to answer.
   * @returns false if the request must not be answered, because an earlier answer is the last one of its connection.
   */
  take(socket: object, response: ServerResponse): boolean {
    const connection = this.#connections.get(socket);
    if (connection === undefined) return true;
    if (connection.isClosing) return false;
    connection.unanswered++;
    connection.surplus?.beginAnswer();
    if (connection.surplus !== undefined || connection.unanswered === MAX_UNANSWERED) {
      connection.isClosing = true;
      response.shouldKeepAlive = false;
      // Ended here even if the headers of the response say something else.
      response.once('finish', () => connection.socket.destroySoon());
    } else if (!response.shouldKeepAlive) {
      connection.isClosing = true; // the client has asked for that
    }
    // Counted later: otherwise each of thousands of requests in one chunk could be answered before Node reads the next one.
    response.once('close', () => setImmediate(() => this.#noteAnswer(connection)));
    return true;
  }

  #noteAnswer(connection: HttpConnection): void {
    connection.unanswered--;
    if (connection.unanswered === 0) this.#answered(connection);
  }

  /** Takes no more requests of a connection. @returns whether this was the first such call */
  stopOnce(socket: object): boolean {
    const connection = this.#connections.get(socket);
    if (connection === undefined) return true;
    const isFirst = !connection.isClosing;
    connection.isClosing = true;
    if (connection.surplus !== undefined) connection.surplus.hasRequest = true;
    return isFirst;
  }

  /** Whether no more requests of a connection are taken. */
  isStopped(socket: object): boolean {
    return this.#connections.get(socket)?.isClosing === true;
  }

  /**
   * Runs an action when all requests that were taken are answered, or when the connection is lost; at once if none waits. Call it
   * once for each connection.
   */
  afterAnswers(socket: object, action: () => void): void {
    const connection = this.#connections.get(socket);
    if (connection === undefined || connection.unanswered === 0) action();
    else connection.afterAnswers = action;
  }

  destroyAll(): void {
    for (const { socket } of this.#connections.values()) socket.destroy();
  }

  #answered(connection: HttpConnection): void {
    const action = connection.afterAnswers;
    connection.afterAnswers = undefined;
    action?.();
  }
}
