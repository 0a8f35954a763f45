import type { Socket } from 'node:net';
import { Clock } from '../connection/clock.js';
import { MAX_PROTOCOL_BYTES, protocolBytesOf, speaksTls } from '../connection/protocol-bytes.js';
import { descriptorOf } from '../system/descriptor.js';
import type { SystemCalls } from '../system/system-calls.js';
import type { IncidentLog } from '../telemetry/incident-log.js';
import { LimitIncident } from '../telemetry/limit-incident.js';
import type { Clients } from './clients.js';

const MIN_TICK_MS = 10;
const MAX_TICK_MS = 1000;

/** What is known of the answers to one client. A new connection has `undefined` and 0. */
export interface AnswerProgress {
  readonly socket: Socket;
  /** How many bytes the client has taken; undefined while no output waits for it. */
  acknowledgedBytes: number | undefined;
  /** When that was noticed, by the clock of {@link AnswerStalls}. */
  acknowledgedAtMs: number;
}

export interface AnswerStallsOptions {
  /** The connections that there are now. */
  readonly connections: ReadonlyMap<unknown, AnswerProgress>;
  /** How long a client may take nothing of its answers, in ms; 0 for no limit. */
  readonly stallTimeoutMs: number;
  readonly incidents: IncidentLog;
  readonly clients: Pick<Clients, 'describe'>;
  /** Undefined on systems without koffi. */
  readonly calls: SystemCalls | undefined;
}

/**
 * Destroys HTTP connections whose clients have taken nothing of their answers for too long, or have too many answers of TLS waiting for
 * them. Node has no timer for that. One timer serves all connections, and runs only while there are any.
 */
export class AnswerStalls {
  readonly #options: AnswerStallsOptions;
  readonly #clock: Clock;
  #timer: NodeJS.Timeout | undefined;
  #tickedAtMs = 0;

  constructor(options: AnswerStallsOptions) {
    this.#options = options;
    const { stallTimeoutMs } = options;
    const tickMs = stallTimeoutMs === 0 ? MAX_TICK_MS : Math.max(stallTimeoutMs / 8, MIN_TICK_MS);
    this.#clock = new Clock(Math.min(tickMs, MAX_TICK_MS));
  }

  /** Starts the timer if it does not run. Call this for each new connection. */
  watch(socket: Socket): void {
    if (this.#timer !== undefined) return;
    if (this.#options.stallTimeoutMs === 0 && !speaksTls(socket)) return;
    this.#tickedAtMs = performance.now();
    this.#timer = setInterval(() => this.#tick(), this.#clock.tickMs).unref();
  }

  #tick(): void {
    const { connections } = this.#options;
    if (connections.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    const now = performance.now();
    this.#clock.tick(now - this.#tickedAtMs);
    this.#tickedAtMs = now;
    for (const connection of connections.values()) this.#check(connection);
  }

  #check(connection: AnswerProgress): void {
    const { socket } = connection;
    if (protocolBytesOf(socket) > MAX_PROTOCOL_BYTES) {
      this.#end(socket);
      return;
    }
    const { stallTimeoutMs } = this.#options;
    if (stallTimeoutMs === 0) return;
    const { nowMs } = this.#clock;
    const acknowledged = socket.writableLength === 0 ? undefined : this.#acknowledgedBytes(socket);
    if (acknowledged === undefined || acknowledged !== connection.acknowledgedBytes) {
      connection.acknowledgedBytes = acknowledged;
      connection.acknowledgedAtMs = nowMs;
      return;
    }
    if (nowMs - connection.acknowledgedAtMs > stallTimeoutMs) this.#end(socket);
  }

  #end(socket: Socket): void {
    const { incidents, clients } = this.#options;
    incidents.add(LimitIncident.STALLS, clients.describe(socket), 'an HTTP client');
    socket.destroy();
  }

  #acknowledgedBytes(socket: Socket): number {
    const fd = descriptorOf(socket);
    const unacknowledged = fd < 0 ? 0 : (this.#options.calls?.unacknowledgedBytes(fd) ?? 0);
    return socket.bytesWritten - socket.writableLength - unacknowledged;
  }
}
