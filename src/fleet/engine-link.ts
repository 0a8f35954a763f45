import type { Backplane, BackplaneConnection, BackplaneEvents } from './backplane.js';
import { withDeadline } from './deadline.js';
import { describeEngineError } from './engine-error.js';
import { missingMethods, saysMissing } from './missing-methods.js';
import { PatientTimeout } from './patient-timeout.js';

/** Engines that take less than this, in bytes, are of no use: a large message would become too many pieces. */
const LEAST_MAX_MESSAGE_BYTES = 1024;

export interface EngineLinkListener {
  onConnected(connection: BackplaneConnection): void;
  onReceived(topic: string, bytes: Uint8Array): void;
  onDrained(): void;
  /** The engine has refused a topic. */
  onTopicRefused(why: string): void;
  /** The attempt has failed, or the connection is lost. The last call; it does not come after {@link EngineLink.close}. */
  onOver(why: string): void;
}

/**
 * One connection to an engine, from the attempt to its end. Whatever an engine does (throw, reject, never answer, report too early, too late or
 * twice), its listener is called in order: connected at most once, nothing before that but the end, nothing after the end. What an engine opens
 * after the end is closed.
 */
export class EngineLink {
  readonly #backplane: Backplane;
  readonly #timeoutMs: number;
  readonly #listener: EngineLinkListener;
  readonly #abort = new AbortController();
  #deadline: PatientTimeout | undefined;
  /** Whether the time of the attempt is over, and the engine may still say what it has waited for. */
  #isLate = false;
  #lastWord: NodeJS.Immediate | undefined;
  #connection: BackplaneConnection | undefined;
  #isOver = false;
  #closing: Promise<void> | undefined;

  /** @param timeoutMs how long the attempt may take, and the end. */
  constructor(backplane: Backplane, timeoutMs: number, listener: EngineLinkListener) {
    this.#backplane = backplane;
    this.#timeoutMs = timeoutMs;
    this.#listener = listener;
  }

  /** Whether the connection was made, and is not over. */
  get isConnected(): boolean {
    return this.#connection !== undefined;
  }

  /** The most that the engine takes at once, in bytes; 0 while there is no connection. */
  get maxMessageBytes(): number {
    return this.#connection?.maxMessageBytes ?? 0;
  }

  /** Begins to connect. To be called once. */
  connect(): void {
    this.#deadline = new PatientTimeout(this.#timeoutMs, () => this.#giveUp());
    void this.#connect();
  }

  /**
   * Gives a message to the engine. If that fails, the connection is over.
   * @returns false if publishers should wait for {@link EngineLinkListener.onDrained}.
   */
  publish(topic: string, bytes: Uint8Array): boolean {
    try {
      return this.#connection?.publish(topic, bytes) !== false;
    } catch (error) {
      this.fail(error);
      return true;
    }
  }

  /** Ends the connection, or the attempt, because of an error. */
  fail(error: unknown): void {
    if (this.#isOver) return;
    void this.close();
    this.#listener.onOver(describeEngineError(error));
  }

  /** Ends the connection, or the attempt. Resolves when what waits was sent, or could not be sent in time. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** The time of the attempt is over. An engine that rejects at once knows best why there is no connection. */
  #giveUp(): void {
    this.#isLate = true;
    this.#lastWord = setImmediate(() => this.fail(new Error(this.#lateness)));
    this.#abort.abort();
  }

  get #lateness(): string {
    return `no connection within ${this.#timeoutMs} ms`;
  }

  async #close(): Promise<void> {
    this.#isOver = true;
    this.#deadline?.cancel();
    clearImmediate(this.#lastWord);
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection === undefined) this.#abort.abort();
    else await this.#closeQuietly(connection);
  }

  async #connect(): Promise<void> {
    let connection: BackplaneConnection | undefined;
    try {
      connection = await this.#backplane.connect(this.#events(), this.#abort.signal);
      checkConnection(connection);
    } catch (error) {
      this.fail(this.#isLate ? new Error(`${this.#lateness}: ${describeEngineError(error)}`) : error);
    }
    if (connection === undefined) return;
    if (this.#isOver || this.#isLate) {
      await this.#closeQuietly(connection);
      return;
    }
    this.#deadline?.cancel();
    this.#connection = connection;
    this.#listener.onConnected(connection);
  }

  #events(): BackplaneEvents {
    return {
      received: (topic, bytes) => {
        if (this.isConnected) this.#listener.onReceived(topic, bytes);
      },
      drained: () => {
        if (this.isConnected) this.#listener.onDrained();
      },
      refused: (error) => {
        if (this.isConnected) this.#listener.onTopicRefused(describeEngineError(error));
      },
      lost: (error) => this.fail(error),
    };
  }

  /** An error says nothing new: the connection is over anyway, and the reason was reported. */
  async #closeQuietly(connection: BackplaneConnection): Promise<void> {
    try {
      await withDeadline(connection.close(), this.#timeoutMs, 'closing');
    } catch {}
  }
}

/** What a connection lacks would be found out later, again and again. */
function checkConnection(connection: BackplaneConnection): void {
  const missing = missingMethods(connection);
  if (missing.length > 0) throw new Error(saysMissing(missing));
  const { maxMessageBytes } = connection;
  if (maxMessageBytes >= LEAST_MAX_MESSAGE_BYTES) return;
  throw new Error(
    `the engine takes messages of ${maxMessageBytes} bytes, at least ${LEAST_MAX_MESSAGE_BYTES} are needed`,
  );
}
