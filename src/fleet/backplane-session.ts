import { BackOff } from './back-off.js';
import type { Backplane, BackplaneConnection } from './backplane.js';
import { EngineLink } from './engine-link.js';
import { EnginePressure } from './engine-pressure.js';
import { EngineSubscriptions } from './engine-subscriptions.js';
import { ENVELOPE_COST, ENVELOPE_HEADER_BYTES, type Origin } from './envelope.js';
import type { FleetPublication, TimedPublication } from './fleet-publication.js';
import { FleetReceiver, type FleetReceiverListener } from './fleet-receiver.js';
import { KeptPublications } from './kept-publications.js';
import { EnvelopeMemory, packEnvelopes } from './pack-envelopes.js';
import { TextCheck } from './text-check.js';

/**
 * How long the engine may take for a batch of topics, in ms. Megabytes of publications may be in front of it, on a slow line, and to renew the
 * connection would make that worse. An engine that answers nothing at all is found out otherwise.
 */
const ANSWER_MS = 30_000;

/** How often messages are looked for that wait for their next piece in vain, in ms. */
const EXPIRY_MS = 10_000;

/** A start that waits for so long, in ms, is reported. */
const NOTICEABLE_MS = 1000;

/** How many topics go to the engine at once. */
const DEFAULT_BATCH = 500;

export interface BackplaneSessionOptions {
  readonly backplane: Backplane;
  /** This server, the same in all of its sessions. */
  readonly origin: Origin;
  /** How long an attempt to connect may take, the end of a connection, and the start without one, in ms. */
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
  /** The engine has brought something, right or not, or of this server. @param bytes its length. */
  onReceived(bytes: number): void;
  /** Messages were given to the engine. @param bytes what was given to it, with the headers of the envelopes. */
  onPublished(messages: number, bytes: number): void;
  /** Messages were not given to the engine: it was away and there was no room to keep them, or it took nothing for too long. */
  onDropped(messages: number): void;
  /** The engine has refused a topic: it is not exchanged with other servers. @param why the engine's message. */
  onTopicRefused(why: string): void;
  /**
   * The state has changed. `connected` means that the subscriptions are there again too; `lost` is also reported if there is no connection when
   * {@link BackplaneSession.start} resolves.
   * @param why the engine's message about the loss.
   */
  onState(state: 'connected' | 'lost', why: string | undefined): void;
  /** An attempt has failed, the first at the start, which waits for another one. @param leftMs for how long it waits at most. */
  onWaiting(why: string, leftMs: number): void;
  /** It is connected again: called before {@link onState}, and not for the first connection. */
  onReconnect(): void;
  /** Publishers have to wait (true), and may go on (false), in turn. */
  onPressure(holdsPublishers: boolean): void;
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
  readonly #memory = new EnvelopeMemory();
  readonly #texts = new TextCheck();
  readonly #wanted = new Set<string>();
  /** When {@link BackplaneSession.start} was called, by `performance.now()`. */
  #startedAtMs = 0;
  #hasReportedWaiting = false;
  #state: 'starting' | 'connected' | 'lost' | 'closed' = 'starting';
  #link: EngineLink | undefined;
  #subscriptions: EngineSubscriptions | undefined;
  /** Whether all that was wanted when the connection was made is subscribed to. */
  #isRenewed = false;
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
    this.#pressure = new EnginePressure(options.stallMs, (holdsPublishers) => listener.onPressure(holdsPublishers));
    this.#backOff = new BackOff(options.random ?? Math.random);
    this.#receiver = new FleetReceiver(
      {
        origin: options.origin.bytes,
        maxPayloadBytes: options.maxPayloadBytes,
        now: () => Date.now(),
        clock: () => performance.now(),
        validateText: (bytes, start, end) => this.#texts.isUtf8(bytes, start, end),
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
      this.#startedAtMs = performance.now();
      this.#connect();
      // It keeps the process alive, unlike all other timers here: nothing else may do so before the server listens. The end of an attempt
      // that takes as long needs two turns of the event loop, and comes first: it says why.
      const startWithout = () => setImmediate(() => setImmediate(() => this.#startWithout()));
      this.#startDeadline = setTimeout(startWithout, this.#options.timeoutMs);
    });
  }

  /** How many topics the engine is subscribed to for this process. */
  get subscriptions(): number {
    return this.#subscriptions?.size ?? 0;
  }

  /** Publishes messages to the other servers. Their frames are copied or sent when this returns. */
  publish({ topic, frames, messages, mayCompress }: FleetPublication): void {
    const publication = { topic, frames, messages, mayCompress, timestamp: Date.now() };
    if (this.#link?.isConnected && this.#kept.isEmpty) {
      this.#send(publication);
    } else if (this.#state === 'closed' || !this.#kept.add(publication)) {
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
      onTopicRefused: (why) => this.#listener.onTopicRefused(why),
      onOver: (why) => this.#onOver(why),
    });
    this.#link = link;
    link.connect();
  }

  /** What was kept goes behind the subscriptions: on a slow line these would otherwise be answered too late. */
  #onConnected(link: EngineLink, connection: BackplaneConnection): void {
    const { batch = DEFAULT_BATCH } = this.#options;
    this.#connectedAtMs = performance.now();
    this.#subscriptions = new EngineSubscriptions({
      connection,
      wanted: this.#wanted,
      batch,
      answerMs: ANSWER_MS,
      onRenewed: () => this.#onRenewed(link),
      onFailed: (error) => link.fail(error),
    });
    this.#subscriptions.start();
  }

  #onRenewed(link: EngineLink): void {
    this.#isRenewed = true;
    this.#sendKept(); // before anything that is published from now on
    if (!link.isConnected) return;
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
    if (this.#state === 'starting') this.#reportWaiting(why);
  }

  /** Somebody may look at a server that seems to do nothing. What cannot be reached at the end of the start is reported as `lost`. */
  #reportWaiting(why: string): void {
    const leftMs = this.#startedAtMs + this.#options.timeoutMs - performance.now();
    if (this.#hasReportedWaiting || leftMs < NOTICEABLE_MS) return;
    this.#hasReportedWaiting = true;
    this.#listener.onWaiting(why, leftMs);
  }

  /** Forgets what belongs to the connection, which is over. */
  #unlink(): void {
    this.#link = undefined;
    this.#subscriptions?.end();
    this.#subscriptions = undefined;
    this.#isRenewed = false;
    this.#receiver.reset();
    this.#pressure.drain();
  }

  /** The time for a first connection is over. */
  #startWithout(): void {
    if (this.#state === 'starting') this.#setState('lost');
  }

  #setState(state: 'connected' | 'lost' | 'closed'): void {
    this.#state = state;
    clearTimeout(this.#startDeadline);
    if (state !== 'closed') this.#listener.onState(state, state === 'lost' ? this.#why : undefined);
    this.#onStarted?.();
  }

  /** Sends what was kept, until the engine takes no more. */
  #sendKept(): void {
    while (this.#isRenewed && !this.#pressure.isFull) {
      const kept = this.#kept.shift();
      if (kept === undefined) return;
      this.#send(kept);
    }
  }

  /** To be called while there is a connection. */
  #send(publication: TimedPublication): void {
    const link = this.#link as EngineLink;
    const { topic, frames, messages } = publication;
    if (!this.#pressure.admits(ENVELOPE_COST + ENVELOPE_HEADER_BYTES + frames.length)) {
      this.#listener.onDropped(messages);
      return;
    }
    let bytes = 0;
    let hasRoom = true;
    for (const envelope of packEnvelopes(this.#options.origin, publication, link.maxMessageBytes, this.#memory)) {
      hasRoom = link.publish(topic, envelope) && hasRoom;
      if (!link.isConnected) {
        this.#listener.onDropped(messages);
        return;
      }
      bytes += envelope.length;
    }
    this.#listener.onPublished(messages, bytes);
    if (!hasRoom) this.#pressure.fill();
  }

  #receive(topic: string, bytes: Uint8Array): void {
    this.#listener.onReceived(bytes.length);
    this.#receiver.receive(topic, bytes);
    this.#texts.release();
    if (this.#receiver.isJoining) this.#expiry ??= setTimeout(() => this.#expire(), EXPIRY_MS).unref();
  }

  #expire(): void {
    this.#expiry = undefined;
    this.#receiver.expire();
    if (this.#receiver.isJoining) this.#expiry = setTimeout(() => this.#expire(), EXPIRY_MS).unref();
  }
}
