import { CloseCode } from '../protocol/close.js';
import { Counter } from './counters.js';
import type { ConnectionEnvironment } from './environment.js';
import type { HostedConnection } from './hosted-connection.js';
import { Incident } from './incident.js';
import type { Input } from './input.js';
import { RateLimit } from './rate-limit.js';
import type { Transport } from './transport.js';
import { Verdict, Vigil } from './vigil.js';

/** More than a read can bring, and a small integer. */
const MAX_MESSAGES = 2 ** 30;

/** Holds one connection to the limits: how long its peer takes for what, how fast it sends, how much memory it holds. */
export class Guard {
  readonly #env: ConnectionEnvironment;
  readonly #connection: HostedConnection;
  readonly #input: Input;
  readonly #transport: Transport;
  readonly #vigil: Vigil;
  readonly #rate: RateLimit | undefined;
  /** Whether a peer that sends too fast is not read for a while, and not closed. */
  readonly pausesAtRate: boolean;
  /** Whether the peer has sent so fast that it is not read for a while. */
  #isThrottled = false;
  /** What the thread's budget knows to be held by the input, in bytes. */
  #keptBytes = 0;

  constructor(env: ConnectionEnvironment, connection: HostedConnection, input: Input, transport: Transport) {
    const { limits, clock } = env;
    this.#env = env;
    this.#connection = connection;
    this.#input = input;
    this.#transport = transport;
    this.#vigil = new Vigil(clock.nowMs);
    this.pausesAtRate = limits.rateLimitAction === 'pause';
    const isRated = limits.messagesPerSecond > 0 || limits.bytesPerSecond > 0;
    this.#rate = isRated ? new RateLimit(limits, clock.recentMs) : undefined;
  }

  // What the connection notes.

  /** Bytes have been read, and are to be handled next. */
  noteRead(bytes: number): void {
    this.#vigil.heardAt = this.#env.clock.nowMs;
    const rate = this.#rate;
    if (rate === undefined) return;
    rate.refill(this.#env.clock.recentMs);
    rate.takeBytes(bytes);
    if (rate.isExhausted) this.#onExhausted(rate);
  }

  noteClosing(): void {
    this.#vigil.closingAt = this.#env.clock.nowMs;
  }

  /**
   * Input was handled, kept or forgotten.
   * @param messages that were among it.
   */
  noteInput(messages: number): void {
    const { clock, budget } = this.#env;
    if (messages > 0) {
      this.#vigil.begunAt = -1;
      this.#vigil.messageAt = clock.nowMs;
      this.#rate?.takeMessages(messages);
      if (this.#rate?.isExhausted) this.#onExhausted(this.#rate);
    }
    if (!this.#input.reader.isMidway) this.#vigil.begunAt = -1;
    else if (this.#vigil.begunAt < 0) this.#vigil.begunAt = clock.nowMs;
    const { keptBytes } = this.#input;
    if (keptBytes === this.#keptBytes) return;
    budget.add(keptBytes - this.#keptBytes);
    this.#keptBytes = keptBytes;
  }

  // What comes of it.

  /**
   * How many messages may be handled now. To be asked when that begins, so that it need not be asked for each: with the
   * next the peer has sent too fast, and is not read for a while, or has {@link failRate} called.
   */
  get messageAllowance(): number {
    const rate = this.#rate;
    if (rate === undefined) return MAX_MESSAGES;
    if (this.#isThrottled) return 0;
    const messages = Math.min(rate.messages, MAX_MESSAGES);
    return this.pausesAtRate ? Math.ceil(messages) : Math.floor(messages);
  }

  /** A peer that is closed if it sends too fast has done so. */
  failRate(): void {
    this.#tell(Incident.RATE_LIMIT);
    this.#connection.fail(CloseCode.POLICY_VIOLATION, 'sent too fast');
  }

  /** Whether a peer that was not read for a while may be read again. */
  isReleased(): boolean {
    if (!this.#isThrottled || this.#rate === undefined) return true;
    this.#rate.refill(this.#env.clock.recentMs);
    this.#isThrottled = this.#rate.isExhausted;
    return !this.#isThrottled;
  }

  /**
   * Judges a message before it is queued behind `queuedBytes` of others. What is too much is counted, and maybe the end of
   * the connection.
   */
  hasRoomFor(bytes: number, messages: number, queuedBytes: number): boolean {
    const { limits, counters, topics, budget } = this.#env;
    if (budget.isOverrun) {
      this.#connection.shed();
      return false;
    }
    if (queuedBytes + bytes <= limits.maxBackpressureBytes) return true;
    if (limits.slowConsumer === 'drop') {
      counters.add(Counter.DROPPED, messages - 1);
      this.#tell(Incident.DROPPED);
      return false;
    }
    this.#tell(Incident.SLOW_CONSUMER);
    topics.forget(this.#connection); // it is to get no publications in front of the Close
    this.#connection.fail(CloseCode.TRY_AGAIN_LATER, 'too slow a consumer');
    return false;
  }

  /**
   * Once in each tick of the thread's clock.
   * @param hasSent whether a message was sent since the last.
   */
  tick(hasSent: boolean): void {
    const { clock, limits } = this.#env;
    if (hasSent) this.#vigil.messageAt = clock.nowMs - clock.elapsedMs;
    const { queuedBytes } = this.#transport;
    const takenBytes = queuedBytes === 0 ? 0 : this.#transport.takenBytes;
    const verdict = this.#vigil.check(clock, limits, queuedBytes, takenBytes, this.#input.isHeld);
    if (verdict !== Verdict.FINE) this.#execute(verdict);
  }

  /** What the connection holds of the thread's budget, in bytes. */
  get heldBytes(): number {
    return this.#transport.queuedBytes + this.#keptBytes;
  }

  /** Since when it has held it, by the thread's clock. */
  get heldSinceMs(): number {
    const { begunAt, takenAt } = this.#vigil;
    // What waits only because we do not read is as young as can be.
    if (this.#transport.queuedBytes === 0) return begunAt < 0 ? this.#env.clock.nowMs : begunAt;
    return begunAt < 0 ? takenAt : Math.min(begunAt, takenAt);
  }

  /** Gives back what the connection holds, at its price. */
  shed(): void {
    if (this.#transport.queuedBytes > 0) {
      this.#cut(Incident.SHED); // a Close would have to wait behind all that is queued
      return;
    }
    this.#tell(Incident.SHED);
    this.#failAndForget(CloseCode.TRY_AGAIN_LATER, 'the server holds too much');
  }

  #execute(verdict: Verdict): void {
    if (verdict === Verdict.SILENT) {
      this.#connection.ping();
    } else if (verdict === Verdict.DEAD) {
      this.#cut(Incident.HEARTBEAT_TIMEOUT);
    } else if (verdict === Verdict.STALLED) {
      this.#cut(Incident.STALL);
    } else if (verdict === Verdict.LINGERING) {
      this.#cut(Incident.CLOSE_TIMEOUT);
    } else if (verdict === Verdict.IDLE) {
      this.#tell(Incident.IDLE_TIMEOUT);
      this.#connection.close(CloseCode.GOING_AWAY, 'idle for too long');
    } else if (verdict === Verdict.UNFINISHED) {
      this.#tell(Incident.MESSAGE_TIMEOUT);
      this.#failAndForget(CloseCode.POLICY_VIOLATION, 'the message takes too long');
    }
  }

  /** Fails, and gives back at once what has arrived, however long the peer takes to go. Not while input is handled. */
  #failAndForget(code: number, reason: string): void {
    this.#connection.fail(code, reason);
    this.#input.discard();
    this.noteInput(0);
  }

  /** Ends the connection without a word to the peer, which would not hear it. */
  #cut(why: Incident): void {
    this.#tell(why);
    this.#connection.terminate();
  }

  #onExhausted(rate: RateLimit): void {
    if (!this.pausesAtRate) {
      if (rate.isExceeded && this.#connection.isOpen) this.failRate();
    } else if (!this.#isThrottled) {
      this.#isThrottled = true;
      this.#env.throttled.add(this.#connection);
      if (this.#connection.isOpen) this.#tell(Incident.RATE_LIMIT);
    }
  }

  #tell(incident: Incident): void {
    this.#env.onLimit(this.#connection, incident);
  }
}
