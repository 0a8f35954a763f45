import { readAddress } from '../client/address.js';
import type { SystemCalls } from '../system/system-calls.js';
import { BroadcastDriver } from './broadcast-driver.js';
import { ConnectDriver } from './connect-driver.js';
import { DeflatedFrames } from './deflated-frames.js';
import type { Driver, DriverEnvironment } from './driver.js';
import { EchoDriver } from './echo-driver.js';
import { NO_ANSWER, TERMINATED, WRONG } from './failures.js';
import { LoadFrames } from './frames.js';
import { IdleDriver } from './idle-driver.js';
import {
  LoadConnection,
  type LoadEnvironment,
  type LoadListener,
  MAX_CLOSE_MS,
  makeReadBuffer,
} from './load-connection.js';
import type { LoadProgress } from './load-options.js';
import type { ResolvedLoadOptions } from './resolved-load-options.js';
import { SendDriver } from './send-driver.js';
import { type EncodedTally, Tally } from './tally.js';

/** How many connections are being opened at a time: a server's backlog is not what is measured. */
const MAX_OPENING = 64;

/** How long all connections may take to be over, in ms: somewhat longer than each of them may take. */
const CLOSING_MS = MAX_CLOSE_MS + 1000;

/** How often late answers are looked for, without a rate, in ms. */
const TICK_MS = 100;

const PONG_TIMEOUT_MS = 1000;

function driverFor(options: ResolvedLoadOptions, env: DriverEnvironment): Driver {
  switch (options.mode) {
    case 'broadcast':
      return new BroadcastDriver(env);
    case 'connect':
      return new ConnectDriver(env);
    case 'idle':
      return new IdleDriver(env);
    case 'echo':
      return options.expect === 'none' ? new SendDriver(env) : new EchoDriver(env);
  }
}

/** A load, or a part of one, in the thread that it is made in. First {@link open}, then {@link run}. */
export class LoadRunner implements LoadListener {
  readonly #options: ResolvedLoadOptions;
  readonly #env: LoadEnvironment;
  readonly #driver: Driver;
  readonly #tally = new Tally();
  /** Open connections. */
  readonly #connections = new Set<LoadConnection>();
  /** Connections that are not over, open or not. */
  readonly #all = new Set<LoadConnection>();
  readonly #awaitingPong = new Set<LoadConnection>();
  #isAborted = false;
  /** Whether the measurement has begun: an end before that leaves nothing measured. */
  #isMeasured = false;
  #phase: LoadProgress['phase'] = 'connecting';
  #phaseStart = performance.now();
  #phaseMs = Number.POSITIVE_INFINITY;
  #isClosing = false;
  #wake: () => void = () => {};

  /**
   * @param options the share of this thread: see {@link shareOfThread}
   * @param calls of this thread; undefined on systems without koffi
   */
  constructor(options: ResolvedLoadOptions, calls: SystemCalls | undefined) {
    this.#options = options;
    const frames = new LoadFrames(options);
    const { deflate } = options;
    this.#env = {
      options,
      address: readAddress(options.url),
      frames,
      deflatedFrames: deflate === undefined ? undefined : new DeflatedFrames({ ...options, deflate }),
      readBuffer: makeReadBuffer(),
      calls,
    };
    this.#driver = driverFor(options, {
      options,
      tally: this.#tally,
      connections: this.#connections,
      connect: () => this.#connect(),
      wake: () => this.#wake(),
    });
  }

  get progress(): LoadProgress {
    return {
      phase: this.#phase,
      elapsedMs: performance.now() - this.#phaseStart,
      durationMs: this.#phaseMs,
      open: this.#connections.size,
      messages: this.#isMeasured ? this.#tally.messages : 0,
      errors: this.#tally.errorCount,
    };
  }

  /** Ends the load early, in whatever phase: the promises of `open` and `run` settle as soon as connections are closed. */
  abort(): void {
    this.#isAborted = true;
    this.#wake();
  }

  /** Drops all connections. The runner cannot be used any more. */
  terminate(): void {
    this.abort();
    this.#driver.stop(performance.now());
    for (const connection of this.#all) connection.fail(TERMINATED);
  }

  /** Opens the connections that the load begins with. Resolves when each of them is open, or has failed. */
  async open(): Promise<void> {
    const wanted = this.#driver.connectionsBefore;
    for (let begun = 0; begun < wanted && !this.#isAborted; ) {
      while (begun < wanted && this.#all.size - this.#connections.size < MAX_OPENING) {
        this.#connect();
        begun++;
      }
      await this.#until(() => this.#all.size - this.#connections.size < MAX_OPENING, this.#options.timeoutMs);
    }
    // Each of them has its own time limit.
    await this.#until(() => this.#all.size === this.#connections.size);
    if (this.#options.mode === 'broadcast') await this.#exchangePings();
  }

  /** Puts the load on, measures, and closes all connections. */
  async run(): Promise<EncodedTally> {
    const tick = setInterval(
      () => this.#driver.onTick(performance.now()),
      Number.isFinite(this.#options.ratePerSecond) ? 1 : TICK_MS,
    );
    if (this.#options.warmUpMs > 0 && !this.#isAborted) await this.#warmUp();
    if (!this.#isAborted) await this.#measure();
    clearInterval(tick);
    await this.#close();
    if (!this.#isMeasured) this.#restartTally();
    return this.#tally.encode();
  }

  async #warmUp(): Promise<void> {
    const { warmUpMs } = this.#options;
    this.#enter('warming up', warmUpMs);
    this.#driver.start(Number.POSITIVE_INFINITY, performance.now());
    await this.#until(() => this.#driver.isDone, warmUpMs);
    if (this.#startsAnew) await this.#settle();
  }

  /** Whether the messages of the warm-up must be answered before the measurement begins: an amount is exact, and a rate begins anew. */
  get #startsAnew(): boolean {
    return Number.isFinite(this.#options.amount) || Number.isFinite(this.#options.ratePerSecond);
  }

  async #measure(): Promise<void> {
    const { durationMs, amount, warmUpMs } = this.#options;
    const tally = this.#tally;
    this.#enter('measuring', durationMs);
    this.#restartTally();
    this.#isMeasured = true;
    const startedAt = performance.now();
    const cpu = process.cpuUsage();
    const loop = performance.eventLoopUtilization();
    if (warmUpMs === 0 || this.#startsAnew) this.#driver.start(amount, startedAt);
    await this.#until(() => this.#driver.isDone, durationMs);
    tally.elapsedMs = Math.max(performance.now() - startedAt, Number.EPSILON);
    const { user, system } = process.cpuUsage(cpu);
    tally.cpu = (user + system) / 1000 / tally.elapsedMs;
    tally.utilization = performance.eventLoopUtilization(loop).utilization;
    await this.#settle();
  }

  /** Begins the measurement without what was done before. Only idle connections are measured from their opening on. */
  #restartTally(): void {
    if (this.#options.mode !== 'idle') this.#tally.restart();
  }

  /** Waits for what is on its way, as long as the last message may take. */
  async #settle(): Promise<void> {
    this.#driver.stop(performance.now());
    await this.#until(() => this.#driver.isSettled, this.#options.timeoutMs);
    if (!this.#isAborted) this.#tally.error(NO_ANSWER, this.#driver.abandon());
  }

  async #close(): Promise<void> {
    this.#enter('closing', CLOSING_MS);
    this.#driver.stop(performance.now()); // if it has been ended while it warmed up
    this.#isClosing = true;
    for (const connection of this.#all) connection.close();
    this.#isAborted = false; // the wait below is to last
    await this.#until(() => this.#all.size === 0, CLOSING_MS);
  }

  /**
   * A server may have answered an opening handshake before the application knows of the connection: what is published then
   * does not reach it. A connection that has answered a ping is known.
   */
  async #exchangePings(): Promise<void> {
    for (const connection of this.#connections) {
      this.#awaitingPong.add(connection);
      connection.ping();
    }
    await this.#until(() => this.#awaitingPong.size === 0, PONG_TIMEOUT_MS);
  }

  onOpen(connection: LoadConnection): void {
    this.#tally.opened++;
    const { deflatedBytes } = connection;
    if (deflatedBytes !== undefined) {
      this.#tally.deflated++;
      this.#tally.deflatedBytes = deflatedBytes;
    }
    this.#connections.add(connection);
    this.#driver.onOpen(connection, performance.now());
    this.#wake();
  }

  onDeflated(bytes: number): void {
    this.#tally.answerBytes = bytes;
  }

  onReplies(connection: LoadConnection, count: number): void {
    this.#driver.onReplies(connection, count);
  }

  onWrong(connection: LoadConnection): void {
    const { mode, expect } = this.#options;
    if (expect === 'none' || mode === 'idle' || mode === 'connect') return; // no answer is expected
    connection.fail(WRONG);
  }

  onPong(connection: LoadConnection): void {
    this.#awaitingPong.delete(connection);
    this.#wake();
  }

  onDrain(connection: LoadConnection): void {
    this.#driver.onDrain(connection);
  }

  onClosed(connection: LoadConnection, code: number, failure: string | undefined): void {
    const wasOpen = this.#connections.delete(connection);
    this.#all.delete(connection);
    this.#awaitingPong.delete(connection);
    if (wasOpen) this.#tally.close(code);
    if (failure !== undefined && !(this.#isClosing && !wasOpen)) {
      if (wasOpen) this.#tally.lost++;
      else this.#tally.failed++;
      // Its messages have been counted as timeouts, one by one.
      if (failure !== NO_ANSWER) this.#tally.error(failure);
    }
    this.#driver.onClosed(connection);
    this.#wake();
  }

  #connect(): void {
    this.#all.add(new LoadConnection(this.#env, this));
  }

  #enter(phase: LoadProgress['phase'], durationMs: number): void {
    this.#phase = phase;
    this.#phaseStart = performance.now();
    this.#phaseMs = durationMs;
  }

  /**
   * Resolves when the condition holds, when the load is ended early, or when the time is over.
   * @param ms the longest time to wait; `Infinity` for no limit.
   */
  async #until(holds: () => boolean, ms = Number.POSITIVE_INFINITY): Promise<void> {
    if (this.#isAborted || holds()) return;
    await new Promise<void>((resolve) => {
      const timer = Number.isFinite(ms) ? setTimeout(resolve, ms) : undefined;
      this.#wake = () => {
        if (!this.#isAborted && !holds()) return;
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => {};
  }
}
