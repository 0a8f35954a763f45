import { BackOff } from './back-off.js';
import type { Backplane, BackplaneConnection } from './backplane.js';
import { EngineLink } from './engine-link.js';
import { EnginePressure } from './engine-pressure.js';
import { EngineSubscriptions } from './engine-subscriptions.js';
import type { FleetIdentity } from './fleet-message.js';
import { fleetMessages, MessageMemory } from './fleet-messages.js';
import { FleetReceiver, type FleetReceiverListener } from './fleet-receiver.js';
import { type KeptPublication, KeptPublications } from './kept-publications.js';
import { TextCheck } from './text-check.js';

/** How often messages are looked for that wait for their next piece in vain, in ms. */
const EXPIRY_MS = 10_000;

/** How many topics go to the engine at once. */
const DEFAULT_BATCH = 500;

export interface BackplaneSessionOptions {
  readonly backplane: Backplane;
  /** This server, the same in all of its sessions. */
  readonly identity: FleetIdentity;
  /** How long an attempt to connect may take, and the engine's answer to a batch of topics, in ms. */
  readonly timeoutMs: number;
  /** How many bytes are kept while there is no connection; 0 for none. */
  readonly maxKeptBytes: number;
  /** For how long publishers are asked to wait for an engine that takes nothing, in ms. */
  readonly stallMs: number;
  /** The longest payload that is taken from other servers. */
  readonly maxPayloadBytes: number;
  /** @default Math.random */
  readonly random?: () => number;
  /** How many topics are subscribed to at once. @default 500 */
  readonly batch?: number;
}

export interface BackplaneSessionListener extends FleetReceiverListener {
  /** The engine has brought a message, right or not, or one of this server. @param bytes its length. */
  onReceived(bytes: number): void;
  /** Messages were given to the engine. @param bytes what was given to it, with the headers of the fleet's messages. */
  onPublished(messages: number, bytes: number): void;
  /** Messages were not given to the engine: it was away and there was no room to keep them, or it took nothing for too long. */
  onDropped(messages: number): void;
  /**
   * The state has changed. `connected` means that the subscriptions are there again too; `lost` is also reported if there is no connection when
   * {@link BackplaneSession.start} resolves.
   * @param why the engine's message about the loss.
   */
  onState(state: 'connected' | 'lost', why: string | undefined): void;
  /** It is connected again: called before {@link onState}, and not for the first connection. */
  onReconnect(): void;
  /** Publishers should wait (true), and may go on (false), in turn. */
  onPressure(isSlow: boolean): void;
}

/**
 * What this process has to do with one engine, as long as the server runs: connections one after the other, the topics that are subscribed to
 * in each of them, what goes out and what comes in.
 */
export class BackplaneSession {
  readonly #options: BackplaneSessionOptions;
  readonly #listener: BackplaneSessionListener;
  readonly #receiver: FleetReceiver;
  readonly #kept: KeptPublications;
  readonly #pressure: EnginePressure;
  readonly #backOff: BackOff;
  readonly #memory = new MessageMemory();
  readonly #wanted = new Set<string>();
  #state: 'starting' | 'connected' | 'lost' | 'closed' = 'starting';
  #link: EngineLink | undefined;
  #subscriptions: EngineSubscriptions | undefined;
  /** When the present connection was made, by `performance.now()`. */
  #connectedAtMs = 0;
  #hasConnected = false;
  /** Why the last connection or attempt is over. */
  #why: string | undefined;
  #retry: NodeJS.Timeout | undefined;
  #expiry: NodeJS.Timeout | undefined;
  #startDeadline: NodeJS.Timeout | undefined;
  #onStarted: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: BackplaneSessionOptions, listener: BackplaneSessionListener) {
    this.#options = options;
    this.#listener = listener;
    this.#kept = new KeptPublications(options.maxKeptBytes);
    this.#pressure = new EnginePressure(options.stallMs, (isSlow) => listener.onPressure(isSlow));
    this.#backOff = new BackOff(options.random ?? Math.random);
    const texts = new TextCheck();
    this.#receiver = new FleetReceiver(
      {
        origin: options.identity.origin,
        maxPayloadBytes: options.maxPayloadBytes,
        now: () => Date.now(),
        validateText: (bytes, start, end) => texts.isUtf8(bytes, start, end),
      },
      listener,
    );
  }

  /**
   * Begins to connect. To be called once.
   * @returns a promise that resolves with the first connection, or after `timeoutMs` without one. The session goes on trying then. It never
   * rejects.
   */
  start(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#state === 'closed') {
        resolve();
        return;
      }
      this.#onStarted = resolve;
      this.#connect();
      // It keeps the process alive, unlike all other timers here: nothing else may do so before the server listens.
      this.#startDeadline = setTimeout(() => this.#setState('lost'), this.#options.timeoutMs);
    });
  }

  /** Whether there is a connection, and all that was wanted when it was made is subscribed to. */
  get isConnected(): boolean {
    return this.#state === 'connected';
  }

  /** Whether publishers should wait, because the engine takes messages too slowly. */
  get isSlow(): boolean {
    return this.#pressure.isSlow;
  }

  /** How many topics the engine is subscribed to for this process. */
  get subscriptions(): number {
    return this.#subscriptions?.size ?? 0;
  }

  /**
   * Publishes the frames of a run to the other servers.
   * @param frames right frames of whole messages. They are copied or sent when this returns.
   * @param messages how many they are.
   * @param mayCompress whether other servers may compress them for their clients.
   */
  publish(topic: string, frames: Uint8Array, messages: number, mayCompress = true): void {
    const timestamp = Date.now();
    if (this.#link?.isConnected && this.#kept.isEmpty) {
      this.#send({ topic, frames, messages, timestamp, mayCompress });
    } else if (this.#state === 'closed' || !this.#kept.add(topic, frames, messages, timestamp, mayCompress)) {
      this.#listener.onDropped(messages);
    }
  }

  /** Topics have got their first subscriber in this process, or have lost their last. */
  want(added: readonly string[], removed: readonly string[]): void {
    for (const topic of added) this.#wanted.add(topic);
    for (const topic of removed) this.#wanted.delete(topic);
    this.#subscriptions?.change([...added, ...removed]);
  }

  /** Sends what waits, for `timeoutMs` at most, and ends the session. Its listener is told of no state any more. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#setState('closed');
    clearTimeout(this.#retry);
    clearTimeout(this.#expiry);
    const link = this.#link;
    this.#unlink();
    for (let kept = this.#kept.shift(); kept !== undefined; kept = this.#kept.shift()) {
      this.#listener.onDropped(kept.messages);
    }
    await link?.close();
  }

  #connect(): void {
    const { backplane, timeoutMs } = this.#options;
    const link = new EngineLink(backplane, timeoutMs, {
      onConnected: (connection) => this.#onConnected(link, connection),
      onReceived: (topic, bytes) => this.#receive(topic, bytes),
      onDrained: () => {
        this.#pressure.drain();
        this.#sendKept();
      },
      onOver: (why) => this.#onOver(why),
    });
    this.#link = link;
    link.connect();
  }

  #onConnected(link: EngineLink, connection: BackplaneConnection): void {
    const { timeoutMs, batch = DEFAULT_BATCH } = this.#options;
    this.#connectedAtMs = performance.now();
    this.#sendKept(); // before anything that is published from now on
    if (!link.isConnected) return;
    this.#subscriptions = new EngineSubscriptions({
      connection,
      wanted: this.#wanted,
      batch,
      timeoutMs,
      onRenewed: () => this.#onRenewed(),
      onFailed: (error) => link.fail(error),
    });
    this.#subscriptions.start();
  }

  #onRenewed(): void {
    if (this.#hasConnected) this.#listener.onReconnect();
    this.#hasConnected = true;
    this.#setState('connected');
  }

  #onOver(why: string): void {
    this.#why = why;
    const lastedMs = this.#subscriptions === undefined ? 0 : performance.now() - this.#connectedAtMs;
    this.#unlink();
    this.#retry = setTimeout(() => this.#connect(), this.#backOff.next(lastedMs)).unref();
    if (this.#state === 'connected') this.#setState('lost');
  }

  /** Forgets what belongs to the connection, which is over. */
  #unlink(): void {
    this.#link = undefined;
    this.#subscriptions?.end();
    this.#subscriptions = undefined;
    this.#receiver.reset();
    this.#pressure.drain();
  }

  #setState(state: 'connected' | 'lost' | 'closed'): void {
    this.#state = state;
    clearTimeout(this.#startDeadline);
    if (state !== 'closed') this.#listener.onState(state, state === 'lost' ? this.#why : undefined);
    this.#onStarted?.();
  }

  /** Sends what was kept, until the engine takes no more. */
  #sendKept(): void {
    while (this.#link?.isConnected && !this.#pressure.isFull) {
      const kept = this.#kept.shift();
      if (kept === undefined) return;
      this.#send(kept);
    }
  }

  /** To be called while there is a connection. */
  #send({ topic, frames, messages, timestamp, mayCompress }: KeptPublication): void {
    const link = this.#link as EngineLink;
    const { identity } = this.#options;
    const { maxMessageBytes } = link;
    const memory = this.#memory;
    if (!this.#pressure.admits(frames.length)) {
      this.#listener.onDropped(messages);
      return;
    }
    let bytes = 0;
    let hasRoom = true;
    for (const message of fleetMessages(identity, frames, messages, maxMessageBytes, timestamp, mayCompress, memory)) {
      hasRoom = link.publish(topic, message) && hasRoom;
      if (!link.isConnected) {
        this.#listener.onDropped(messages);
        return;
      }
      bytes += message.length;
    }
    this.#listener.onPublished(messages, bytes);
    if (!hasRoom) this.#pressure.fill();
  }

  #receive(topic: string, bytes: Uint8Array): void {
    this.#listener.onReceived(bytes.length);
    this.#receiver.receive(topic, bytes);
    if (this.#receiver.isJoining) this.#expiry ??= setTimeout(() => this.#expire(), EXPIRY_MS).unref();
  }

  #expire(): void {
    this.#expiry = undefined;
    this.#receiver.expire();
    if (this.#receiver.isJoining) this.#expiry = setTimeout(() => this.#expire(), EXPIRY_MS).unref();
  }
}
