import { CloseCode, type CloseStatus } from '../protocol/close.js';
import { Counter } from './counters.js';
import type { ConnectionEnvironment } from './environment.js';
import type { HostedConnection } from './hosted-connection.js';
import { Incident } from './incident.js';
import type { Input } from './input.js';
import { RateLimit } from './rate-limit.js';
import type { Transport } from './transport.js';
import type { Sliced } from './time-slices.js';
import { Verdict, Vigil } from './vigil.js';

/** The most bytes that are granted at a time: a small integer. */
const MAX_GRANT = 2 ** 30;

const SHED_STATUS: CloseStatus = { code: CloseCode.TRY_AGAIN_LATER, reason: 'the server holds too much' };

/**
 * A quarter of what may be taken, and one by one when that is little. What was granted is taken when the connection asks again,
 * and time may have filled the bucket before: so a burst may be of a second's worth and a quarter.
 */
function grantOf(tokens: number): number {
  return Math.min(tokens < 8 ? Math.min(Math.max(tokens, 0), 1) : tokens / 4, MAX_GRANT);
}

/** Holds one connection to the limits: how long its peer takes for what, how fast it sends, how much memory it holds. */
export class Guard implements Sliced {
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
  /** How many bytes and messages may come before it is to be asked again: see {@link ask}. */
  grantedBytes = 0;
  grantedMessages = 0;
  /** Whether the connection has had its slice of time, and goes on in the next iteration of the event loop. */
  givesWay = false;
  slicedIn = -1;
  slicedAtMs = 0;

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

  noteClosing(): void {
    this.#vigil.closingAt = this.#env.clock.nowMs;
  }

  /**
   * Input was handled, kept or forgotten, and something is kept now, or was before.
   * @param messages that were among it.
   */
  noteInput(messages: number): void {
    const { clock, budget } = this.#env;
    if (messages > 0 || !this.#input.reader.isMidway) this.#vigil.begunAt = -1;
    if (this.#input.reader.isMidway && this.#vigil.begunAt < 0) this.#vigil.begunAt = clock.nowMs;
    const { keptBytes } = this.#input;
    if (keptBytes === this.#keptBytes) return;
    budget.add(keptBytes - this.#keptBytes);
    this.#keptBytes = keptBytes;
  }

  // What comes of it.

  /**
   * Judges how fast the peer sends, and how much time the connection has had. Seldom, so that it costs nothing for each read: the
   * connection is granted so many bytes and messages at a time, and asks when one of the two has come to its end.
   * @param bytes that have come since it asked last.
   * @param messages the same.
   */
  ask(bytes: number, messages: number): void {
    this.#askRate(bytes, messages);
    this.askTime();
    this.grantedMessages = this.givesWay ? 0 : Math.min(this.grantedMessages, this.#env.slices.messages);
  }

  /** Looks whether the connection has to give way. Also to be called after a long read. */
  askTime(): void {
    const { slices } = this.#env;
    if (this.givesWay || !slices.isUsedUp(this)) return;
    this.givesWay = true;
    slices.giveWay(this);
  }

  goOn(): void {
    this.givesWay = false;
    this.#connection.goOn();
  }

  #askRate(bytes: number, messages: number): void {
    const rate = this.#rate;
    if (rate === undefined) {
      this.grantedBytes = MAX_GRANT;
      this.grantedMessages = MAX_GRANT;
      return;
    }
    // What was granted may have come at any time since; what came beyond that has just come, and the time before it does not pay.
    const [early, before] = [Math.min(bytes, this.grantedBytes), Math.min(messages, this.grantedMessages)];
    rate.take(early, before);
    rate.refill(this.#env.clock.recentMs);
    rate.take(bytes - early, messages - before);
    if (rate.isExhausted) this.#onExhausted(rate);
    this.grantedBytes = Math.floor(grantOf(rate.bytes));
    // Of a message that there is only a part of, one that is only slowed down may send the whole.
    const granted = grantOf(rate.messages);
    this.grantedMessages = this.#isThrottled ? 0 : this.pausesAtRate ? Math.ceil(granted) : Math.floor(granted);
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
   * Once in each tick of the thread's clock. What has happened since the last counts as of that.
   * @param hasHeard whether something was read.
   * @param hasMessage whether a message was received or sent.
   */
  tick(hasHeard: boolean, hasMessage: boolean): void {
    const { clock, limits } = this.#env;
    const lastMs = clock.nowMs - clock.elapsedMs;
    if (hasHeard) this.#vigil.heardAt = lastMs;
    if (hasMessage) this.#vigil.messageAt = lastMs;
    const { queuedBytes } = this.#transport;
    const takenBytes = queuedBytes === 0 ? 0 : this.#transport.takenBytes;
    const verdict = this.#vigil.check(clock, limits, queuedBytes, takenBytes, this.#input.isHeld);
    if (verdict !== Verdict.FINE) this.#execute(verdict);
  }

  /** What the connection holds of the thread's budget, in bytes. */
  get heldBytes(): number {
    return this.#transport.queuedBytes + this.#keptBytes;
  }

  /**
   * Since when it has held it, by the thread's clock. A connection that has sent more than can be handled counts as older than all
   * others. One that gives way with nothing unhandled has merely been unlucky: its thread may have had to wait for a core.
   */
  get heldSinceMs(): number {
    if (this.givesWay && this.#input.hasUnhandled) return Number.NEGATIVE_INFINITY;
    const { begunAt, takenAt } = this.#vigil;
    // What waits only because we do not read is as young as can be.
    if (this.#transport.queuedBytes === 0) return begunAt < 0 ? this.#env.clock.nowMs : begunAt;
    return begunAt < 0 ? takenAt : Math.min(begunAt, takenAt);
  }

  /** Gives back what the connection holds, at its price. */
  shed(): void {
    if (this.#transport.queuedBytes > 0) {
      this.#cut(Incident.SHED, SHED_STATUS); // a Close would have to wait behind all that is queued
      return;
    }
    this.#tell(Incident.SHED);
    this.#failAndForget(SHED_STATUS.code, SHED_STATUS.reason);
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

  /** Ends the connection without a word to the peer, which would not hear it. @param status what the handler is told */
  #cut(why: Incident, status?: CloseStatus): void {
    this.#tell(why);
    this.#connection.cut(status);
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
