import type { Clock } from './clock.js';
import { Verdict } from './verdict.js';

/** How long a peer may take, in ms. */
export interface TimeLimits {
  /** A peer that has sent nothing for so long is pinged; if it sends nothing for as long again, it is dead. 0: never. */
  readonly heartbeatIntervalMs: number;
  /** How long there may be no message either way. 0: for ever. */
  readonly idleTimeoutMs: number;
  /** How long a message may take from its first byte to its last. 0: for ever. */
  readonly messageTimeoutMs: number;
  /** How long a peer may take nothing of the output that is queued for it. 0: for ever. */
  readonly stallTimeoutMs: number;
  /** How long the closing handshake may take, together with the output that waits in front of it. */
  readonly closeTimeoutMs: number;
}

/** The times of one connection: it notes what happens, and a sweep over all connections of the thread has them judged. */
export class PeerTimeouts {
  /** When something was last read. */
  heardAt: number;
  /** When a message was last received or sent. */
  messageAt: number;
  /** When the message that is arriving began; -1 between messages. */
  begunAt = -1;
  /** When closing began; -1 before. */
  closingAt = -1;
  /** When the peer was last seen to take something, or to have taken all. */
  takenAt: number;
  #pingedAt = -1;
  #acknowledgedBytes = 0;

  constructor(nowMs: number) {
    this.heardAt = nowMs;
    this.messageAt = nowMs;
    this.takenAt = nowMs;
  }

  /**
   * To be called once in each tick.
   * @param queuedBytes output that waits for the peer.
   * @param acknowledgedBytes changes when the peer takes something of it. It means nothing while nothing is queued.
   * @param isPaused whether nothing is read: then only what the peer takes can be judged, and not what it sends.
   */
  check(
    clock: Clock,
    limits: TimeLimits,
    queuedBytes: number,
    acknowledgedBytes: number,
    isPaused: boolean,
  ): Verdict | undefined {
    const { nowMs, elapsedMs, tickMs } = clock;
    if (this.closingAt >= 0) {
      return nowMs - this.closingAt > limits.closeTimeoutMs + tickMs ? Verdict.LINGERING : undefined;
    }
    if (queuedBytes === 0 || acknowledgedBytes !== this.#acknowledgedBytes) {
      this.takenAt = nowMs;
      this.#acknowledgedBytes = acknowledgedBytes;
    } else if (limits.stallTimeoutMs > 0 && nowMs - this.takenAt > limits.stallTimeoutMs + tickMs) {
      return Verdict.STALLED;
    }
    if (isPaused) {
      // All other times stand still.
      this.heardAt = nowMs;
      this.messageAt += elapsedMs;
      if (this.begunAt >= 0) this.begunAt += elapsedMs;
      return undefined;
    }
    const { messageTimeoutMs, idleTimeoutMs, heartbeatIntervalMs } = limits;
    if (messageTimeoutMs > 0 && this.begunAt >= 0 && nowMs - this.begunAt > messageTimeoutMs + tickMs) {
      return Verdict.UNFINISHED;
    }
    if (idleTimeoutMs > 0 && nowMs - this.messageAt > idleTimeoutMs + tickMs) return Verdict.IDLE;
    return heartbeatIntervalMs > 0 ? this.#checkHeartbeat(nowMs, heartbeatIntervalMs, tickMs, queuedBytes) : undefined;
  }

  #checkHeartbeat(nowMs: number, intervalMs: number, tickMs: number, queuedBytes: number): Verdict | undefined {
    const isAwaited = this.heardAt < this.#pingedAt;
    if (queuedBytes > 0) {
      // A ping would wait behind the output, and stallTimeoutMs judges whether the peer takes that.
      if (isAwaited) this.#pingedAt = nowMs;
      return undefined;
    }
    if (isAwaited) return nowMs - this.#pingedAt > intervalMs ? Verdict.DEAD : undefined;
    if (nowMs - this.heardAt <= intervalMs + tickMs) return undefined;
    this.#pingedAt = nowMs;
    return Verdict.SILENT;
  }
}
