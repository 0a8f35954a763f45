import { CloseCode } from '../protocol/close.js';
import { Counter } from './counters.js';
import type { ConnectionEnvironment } from './environment.js';
import type { HostedConnection } from './hosted-connection.js';
import { Incident } from './incident.js';
import type { Input } from './input.js';
import { RateLimit } from './rate-limit.js';
import type { Transport } from './transport.js';
import { Verdict, Vigil } from './vigil.js';

/** Holds one connection to the limits: how long its peer takes for what, how fast it sends, how much memory it holds. */
export class Guard {
  readonly #env: ConnectionEnvironment;
  readonly #connection: HostedConnection;
  readonly #input: Input;
  readonly #transport: Transport;
  readonly #vigil: Vigil;
  readonly #rate: RateLimit | undefined;
  /** Whether the peer has sent so fast that it is not read for a while. */
  isThrottled = false;
  /** What the thread's budget knows to be held by the input, in bytes. */
  #keptBytes = 0;

  constructor(env: ConnectionEnvironment, connection: HostedConnection, input: Input, transport: Transport) {
    const { limits, clock } = env;
    this.#env = env;
    this.#connection = connection;
    this.#input = input;
    this.#transport = transport;
    this.#vigil = new Vigil(clock.nowMs);
    this.#rate = limits.messagesPerSecond > 0 || limits.bytesPerSecond > 0 ? new RateLimit(limits) : undefined;
  }

  // What the connection notes.

  /** Bytes have been read, and are to be handled next. */
  noteRead(bytes: number): void {
    this.#vigil.heardAt = this.#env.clock.nowMs;
    const rate = this.#rate;
    if (rate === undefined) return;
    const wasExhausted = rate.isExhausted;
    rate.takeBytes(bytes);
    if (rate.isExhausted) this.#onExhausted(rate, wasExhausted);
  }

  /** A message has come whole. It may end the connection. Only while {@link isRated}: this is called for each message. */
  takeMessage(): void {
    const rate = this.#rate;
    if (rate === undefined) return;
    const wasExhausted = rate.isExhausted;
    rate.takeMessage();
    if (rate.isExhausted) this.#onExhausted(rate, wasExhausted);
  }

  noteClosing(): void {
    this.#vigil.closingAt = this.#env.clock.nowMs;
  }

  /**
   * Input was handled, kept or forgotten.
   * @param hasMessage whether a message was among it.
   */
  noteInput(hasMessage: boolean): void {
    const { clock, budget } = this.#env;
    if (hasMessage) {
      this.#vigil.begunAt = -1;
      this.#vigil.messageAt = clock.nowMs;
    }
    if (!this.#input.reader.isMidway) this.#vigil.begunAt = -1;
    else if (this.#vigil.begunAt < 0) this.#vigil.begunAt = clock.nowMs;
    const { keptBytes } = this.#input;
    if (keptBytes === this.#keptBytes) return;
    budget.add(keptBytes - this.#keptBytes);
    this.#keptBytes = keptBytes;
  }

  // What comes of it.

  /** Whether there is a limit to rates. */
  get isRated(): boolean {
    return this.#rate !== undefined;
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
    this.#refill(clock.elapsedMs);
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
    this.noteInput(false);
  }

  /** Ends the connection without a word to the peer, which would not hear it. */
  #cut(why: Incident): void {
    this.#tell(why);
    this.#connection.terminate();
  }

  #refill(elapsedMs: number): void {
    if (this.#rate === undefined) return;
    this.#rate.refill(elapsedMs);
    if (!this.#rate.isExhausted) this.isThrottled = false;
  }

  #onExhausted(rate: RateLimit, wasExhausted: boolean): void {
    this.isThrottled = this.#env.limits.rateLimitAction === 'pause';
    if (!this.#connection.isOpen) return;
    if (this.#env.limits.rateLimitAction === 'close') {
      if (!rate.isExceeded) return;
      this.#tell(Incident.RATE_LIMIT);
      this.#connection.fail(CloseCode.POLICY_VIOLATION, 'sent too fast');
    } else if (!wasExhausted) {
      this.#tell(Incident.RATE_LIMIT);
    }
  }

  #tell(incident: Incident): void {
    this.#env.onLimit(this.#connection, incident);
  }
}
