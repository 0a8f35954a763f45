import type { BufferBudget } from './buffer-budget.js';
import type { Clock } from './clock.js';
import { PeerTimeouts, type TimeLimits } from './peer-timeouts.js';
import { MAX_PROTOCOL_BYTES } from './protocol-bytes.js';
import { RateLimit, type Rates } from './rate-limit.js';
import { Verdict } from './verdict.js';

/** The most bytes and messages that are granted at a time: a small integer. */
const MAX_GRANT = 2 ** 30;

/** What a connection is held to by its {@link ConnectionLimiter}. */
export interface JudgedLimits extends TimeLimits, Rates {
  /** What may be queued for a peer that takes nothing, in bytes. One message is always accepted when nothing is queued. */
  readonly maxBackpressureBytes: number;
  /** What happens to a peer that has as much to take: it is closed with 1013, or does not get the message. */
  readonly slowConsumer: 'close' | 'drop';
  /** What happens to a peer that sends too fast: it is not read for a while, or closed with 1008. */
  readonly rateLimitAction: 'pause' | 'close';
}

/** What the connections of one thread have in common that their limiters need. */
export interface LimiterEnvironment {
  readonly limits: JudgedLimits;
  readonly clock: Clock;
  readonly budget: BufferBudget;
}

/** What the input of a connection keeps. */
export interface KeptInput {
  /** Whether a part of a message is kept, or something that cannot be handled yet. */
  readonly keepsSomething: boolean;
  /** Whether a message has begun that has not ended. */
  readonly isMidway: boolean;
  /** Memory that is held, in bytes. */
  readonly keptBytes: number;
}

/** What is queued for a peer, and what it takes of it. */
export interface OutputProgress {
  readonly queuedBytes: number;
  /** Changes whenever the peer has taken something. Costs a system call. */
  readonly acknowledgedBytes: number;
  /** What waits for the peer that nobody has queued: answers of TLS. A part of what was queued may be in it. */
  readonly protocolBytes: number;
}

/**
 * Grants a quarter of the tokens, or a single one when there are few. Tokens are taken only when the connection asks again, and time may
 * have filled the bucket before: so a burst may have as much as a second and a quarter brings.
 */
function nextGrant(tokens: number): number {
  return Math.min(tokens < 8 ? Math.min(Math.max(tokens, 0), 1) : tokens / 4, MAX_GRANT);
}

/**
 * Holds one connection to its limits: how long the peer may take, how fast it may send, and how much memory the server may hold for it.
 * The connection reports what happens. If that is too much, the limiter returns a {@link Verdict}, which the connection carries out.
 */
export class ConnectionLimiter {
  readonly #env: LimiterEnvironment;
  readonly #timeouts: PeerTimeouts;
  readonly #rate: RateLimit | undefined;
  /** Whether the peer has sent so fast that it is not read for a while. */
  #isThrottled = false;
  /** What the input holds of the thread's budget, in bytes. */
  #keptBytes = 0;
  /** Whether the input kept something when it was last noted. */
  #isKeeping = false;
  #grantedBytes = 0;
  #grantedMessages = 0;
  // Fields, and no methods, because each read and message counts here.
  /** How many bytes, and messages, fragments, pings and pongs, may come before it is to be asked again: see {@link ask}. */
  bytesLeft = 0;
  messagesLeft = 0;
  /** Whether anything was read, or a message received or sent, since the last tick. */
  hasHeard = false;
  hasMessage = false;

  constructor(env: LimiterEnvironment) {
    const { limits, clock } = env;
    this.#env = env;
    this.#timeouts = new PeerTimeouts(clock.nowMs);
    const isRated = limits.messagesPerSecond > 0 || limits.bytesPerSecond > 0;
    this.#rate = isRated ? new RateLimit(limits, clock.recentMs) : undefined;
  }

  /** Whether a peer that sends too fast is not read for a while, and not closed. */
  get pausesAtRate(): boolean {
    return this.#env.limits.rateLimitAction === 'pause';
  }

  noteClosing(): void {
    this.#timeouts.closingAt = this.#env.clock.nowMs;
  }

  /**
   * Input was handled, kept or forgotten.
   * @param messages that have ended among it.
   * @param input what it keeps now.
   */
  noteInput(messages: number, input: KeptInput): void {
    const { keepsSomething } = input;
    if (messages > 0) this.hasMessage = true;
    if (keepsSomething || this.#isKeeping) this.#noteKept(messages, input);
    this.#isKeeping = keepsSomething;
  }

  #noteKept(messages: number, { isMidway, keptBytes }: KeptInput): void {
    const { clock, budget } = this.#env;
    if (messages > 0 || !isMidway) this.#timeouts.begunAt = -1;
    if (isMidway && this.#timeouts.begunAt < 0) this.#timeouts.begunAt = clock.nowMs;
    if (keptBytes === this.#keptBytes) return;
    budget.add(keptBytes - this.#keptBytes);
    this.#keptBytes = keptBytes;
  }

  /**
   * Judges how fast the peer sends. Seldom, so that it costs nothing for each read: a number of bytes and messages is granted at a
   * time, and the connection asks when one of the two has come to its end.
   * @param mostMessages how many may be granted at most.
   */
  ask(mostMessages: number): Verdict | undefined {
    const verdict = this.#grant(mostMessages);
    this.bytesLeft = this.#grantedBytes;
    this.messagesLeft = this.#grantedMessages;
    return verdict;
  }

  #grant(mostMessages: number): Verdict | undefined {
    const rate = this.#rate;
    if (rate === undefined) {
      this.#grantedBytes = MAX_GRANT;
      this.#grantedMessages = mostMessages;
      return undefined;
    }
    const [bytes, messages] = [this.#grantedBytes - this.bytesLeft, this.#grantedMessages - this.messagesLeft];
    // What was granted may have come at any time since. What came beyond it has just come, and must not be paid with earlier time.
    const [early, before] = [Math.min(bytes, this.#grantedBytes), Math.min(messages, this.#grantedMessages)];
    rate.take(early, before);
    rate.refill(this.#env.clock.recentMs);
    rate.take(bytes - early, messages - before);
    const verdict = rate.isExhausted ? this.#onExhausted(rate) : undefined;
    this.#grantedBytes = Math.floor(nextGrant(rate.bytes));
    // With a part of a token left, a peer that is only slowed down may send a whole message.
    const granted = nextGrant(rate.messages);
    const whole = this.#isThrottled ? 0 : this.pausesAtRate ? Math.ceil(granted) : Math.floor(granted);
    this.#grantedMessages = Math.min(whole, mostMessages);
    return verdict;
  }

  /** Whether a peer that was not read for a while may be read again. */
  isReleased(): boolean {
    if (!this.#isThrottled || this.#rate === undefined) return true;
    this.#rate.refill(this.#env.clock.recentMs);
    this.#isThrottled = this.#rate.isExhausted;
    return !this.#isThrottled;
  }

  /** Judges a message before it is queued behind others. @param owedBytes what the peer would have to take then. */
  judgeOutput(owedBytes: number): Verdict | undefined {
    const { limits } = this.#env;
    if (owedBytes <= limits.maxBackpressureBytes) return undefined;
    return limits.slowConsumer === 'drop' ? Verdict.DROPPED : Verdict.SLOW;
  }

  /**
   * Judges the times, once in each tick of the thread's clock. What has happened since the last tick counts as of that.
   * @param isPaused whether nothing is read, because this side does not want to.
   */
  tick(isPaused: boolean, output: OutputProgress): Verdict | undefined {
    const { clock, limits } = this.#env;
    const lastMs = clock.nowMs - clock.elapsedMs;
    if (this.hasHeard) this.#timeouts.heardAt = lastMs;
    if (this.hasMessage) this.#timeouts.messageAt = lastMs;
    this.hasHeard = false;
    this.hasMessage = false;
    if (output.protocolBytes > MAX_PROTOCOL_BYTES) return Verdict.STALLED;
    const { queuedBytes } = output;
    const acknowledgedBytes = queuedBytes === 0 ? 0 : output.acknowledgedBytes;
    return this.#timeouts.check(clock, limits, queuedBytes, acknowledgedBytes, isPaused);
  }

  /** What the input holds of the thread's budget, in bytes. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** Since when the connection holds what it holds, by the thread's clock. */
  heldSinceMs(queuedBytes: number): number {
    const { begunAt, takenAt } = this.#timeouts;
    // What waits only because it is not read is as young as can be.
    if (queuedBytes === 0) return begunAt < 0 ? this.#env.clock.nowMs : begunAt;
    return begunAt < 0 ? takenAt : Math.min(begunAt, takenAt);
  }

  #onExhausted(rate: RateLimit): Verdict | undefined {
    if (!this.pausesAtRate) return rate.isExceeded ? Verdict.TOO_FAST : undefined;
    if (this.#isThrottled) return undefined;
    this.#isThrottled = true;
    return Verdict.THROTTLED;
  }
}
