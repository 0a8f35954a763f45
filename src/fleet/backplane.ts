/** What {@link Backplane.name} may be. */
export const ENGINE_NAME = /^[\w .-]{1,40}$/;

/**
 * An engine that carries publications between the processes of a fleet, for example NATS or Redis. Implement this, and give an object of it to
 * `createServer({ backplane })`, for an engine that wsloom does not bring along; `testBackplane` of `wsloom/backplane` checks the
 * implementation. All of it runs in the primary's thread. The server connects again by itself after a connection is lost: an implementation makes
 * one connection a call, and never retries.
 */
export interface Backplane {
  /**
   * What logs and `/healthz` call the engine, for example `nats`: 1 to 40 letters, digits, spaces, `.`, `_` and `-`. It must not contain an
   * address or credentials.
   */
  readonly name: string;
  /**
   * Makes one connection to the engine.
   * @param events what the connection reports, from the moment on at which the promise is resolved.
   * @param signal aborts the attempt: whatever was opened has to be closed, and the promise rejects. If it does so at once, the log says by
   * the error's message what the attempt has waited for.
   * @returns a promise that rejects if the engine cannot be reached or refuses. The error's message is logged, and must contain no password.
   */
  connect(events: BackplaneEvents, signal: AbortSignal): Promise<BackplaneConnection>;
}

/** What a connection to an engine reports to the server. */
export interface BackplaneEvents {
  /**
   * A message has come for a topic that is subscribed to. Messages of one publisher to one topic have to come in the order of publishing.
   * @param bytes the message as it was published. The server has copied what it needs when this returns.
   */
  received(topic: string, bytes: Uint8Array): void;
  /** The connection takes messages again, after {@link BackplaneConnection.publish} has returned false. */
  drained(): void;
  /**
   * The engine has refused a topic, for example because it is not permitted: nothing that is published to it comes, or goes to others. The connection
   * goes on for all other topics: clients may choose topics, and none of them should end the exchange of all others.
   * @param error why; its message is logged, and must contain no password.
   */
  refused(error: Error): void;
  /**
   * The connection is over, and what it has not sent is lost. To be called once, and not after {@link BackplaneConnection.close}.
   * @param error why; its message is logged, and must contain no password.
   */
  lost(error: Error): void;
}

/** One connection to an engine. After it is lost or closed, its methods do nothing. */
export interface BackplaneConnection {
  /** The largest message that the engine takes, in bytes. The server cuts what is larger. */
  readonly maxMessageBytes: number;
  /**
   * Sends a message to all connections that are subscribed to a topic. This connection may get it too: the server knows its own messages, and
   * drops them.
   * @param topic any string, also with spaces, wildcards, NUL or lone surrogates: different topics never share messages.
   * @param bytes at most {@link maxMessageBytes}. The caller may overwrite them when this returns.
   * @returns false if enough waits to be sent, and the server should wait for {@link BackplaneEvents.drained}. The message is sent all the same.
   */
  publish(topic: string, bytes: Uint8Array): boolean;
  /**
   * Subscribes to topics that are not subscribed to yet.
   * @returns a promise that resolves when the engine has done so: what others publish from then on is received. A topic that the
   * engine refuses is reported by {@link BackplaneEvents.refused}. If the promise rejects, or takes more than half a minute, the server gives the
   * connection up and makes another one.
   */
  subscribe(topics: readonly string[]): Promise<void>;
  /** Ends the subscriptions to topics. */
  unsubscribe(topics: readonly string[]): Promise<void>;
  /** Sends what waits, for a few seconds at most, and ends the connection. */
  close(): Promise<void>;
}
