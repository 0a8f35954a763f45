import { BackplaneError } from './backplane-error.js';
import { type EngineAddress, type EngineTls, loadTls, shownAddress } from './engine-options.js';
import { importRedis } from './installed-package.js';
import type { Secrets } from './secrets.js';

type Listener = (message: Buffer, channel: Buffer) => void;

/** What is used of a client of the package `redis`. */
interface Client {
  connect(): Promise<unknown>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  /** `connect` comes when the socket is connected, and with TLS when its handshake is done. */
  on(event: 'connect' | 'end' | 'sharded-channel-moved', listener: () => void): unknown;
  sendCommand(args: readonly (string | Buffer)[]): Promise<unknown>;
  subscribe(channels: readonly string[], listener: Listener, asBuffers: true): Promise<void>;
  unsubscribe(channels: readonly string[], listener: Listener, asBuffers: true): Promise<void>;
  sSubscribe(channels: readonly string[], listener: Listener, asBuffers: true): Promise<void>;
  sUnsubscribe(channels: readonly string[], listener: Listener, asBuffers: true): Promise<void>;
  destroy(): void;
}

/** Who asks, and by which TLS. */
export interface RedisCredentials {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly tls: EngineTls | undefined;
}

/** How often a server is asked whether it is still there. */
const PING_MS = 10_000;
/** TCP alone would wait much longer for a machine that is gone. */
const SILENCE_MS = 25_000;
/** How long an attempt takes at most, if nobody aborts it. */
const CONNECT_MS = 60_000;

/** What an attempt that took too long has waited for, and what may be wrong. */
function waitedFor(isConnected: boolean, isSecure: boolean): string {
  if (isConnected) return 'there is a connection, and no answer';
  return isSecure ? 'there is no connection with TLS: does it speak TLS at this port?' : 'there is no connection';
}

/** How errors of Redis and of its client begin that do not say what is wrong, and what they mean. The first that fits counts. */
const MEANINGS: readonly (readonly [begins: string, meaning: string])[] = [
  ['NOAUTH', 'NOAUTH: it demands a password, and none was given'],
  // The first byte of an alert of TLS.
  ['Unknown RESP type 21 ', 'what answers speaks TLS, and was asked without'],
  ['Unknown RESP type', 'what answers is no server of Redis'],
  ['ERR unknown command', 'it does not know a command: Redis 6 or later is needed, and 7 or later as a cluster'],
  ['Disconnects client', 'it was given up before it has answered'],
];

function explained(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const [, meaning] = MEANINGS.find(([begins]) => error.message.startsWith(begins)) ?? [];
  return meaning === undefined ? error : new Error(meaning);
}

/** One connection to one server of Redis. It never connects again. */
export class RedisClient {
  /** What errors call the server. */
  readonly what: string;
  readonly #client: Client;
  readonly #secrets: Secrets;
  readonly #onLost: (error: BackplaneError) => void;
  /** Ends the socket, also one that is still connecting: the client has no way of its own to do that. */
  readonly #socket: AbortController;
  #pings: NodeJS.Timeout | undefined;
  #lastAnswer = performance.now();
  #isOver = false;

  private constructor(
    client: Client,
    what: string,
    secrets: Secrets,
    socket: AbortController,
    onLost: (error: BackplaneError) => void,
  ) {
    this.what = what;
    this.#client = client;
    this.#secrets = secrets;
    this.#socket = socket;
    this.#onLost = onLost;
    client.on('error', (error) => this.lose(error));
    client.on('end', () => this.lose(new Error('the connection was closed')));
    client.on('sharded-channel-moved', () => this.lose(new Error('slots have moved to another node')));
  }

  /**
   * @param onLost is called at most once, when the connection is there and then lost.
   * @throws BackplaneError
   */
  static async open(
    address: EngineAddress,
    { username, password, tls }: RedisCredentials,
    secrets: Secrets,
    signal: AbortSignal,
    onLost: (error: BackplaneError) => void,
  ): Promise<RedisClient> {
    const what = `Redis at ${shownAddress(address)}`;
    const socket = new AbortController();
    let isConnected = false;
    const tooLong = () => new Error(`it took too long: ${waitedFor(isConnected, tls !== undefined)}`);
    let onAbort = () => {};
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(tooLong());
    });
    // Nobody may wait for it any more.
    aborted.catch(() => {});
    let opened: RedisClient | undefined;
    let isThere = false;
    let failure: BackplaneError | undefined;
    try {
      const [redis, certificates] = await Promise.all([importRedis(), tls === undefined ? undefined : loadTls(tls)]);
      if (signal.aborted) throw tooLong();
      signal.addEventListener('abort', onAbort);
      // `createClient` would make a class with all commands of Redis for each address that it is called with: 40 ms, every time.
      const client = new redis.RedisClient({
        // Publications and what is subscribed to can share a connection from this version of the protocol on.
        RESP: 3,
        ...(username === undefined ? {} : { username }),
        ...(password === undefined ? {} : { password }),
        name: 'wsloom',
        disableClientInfo: true,
        disableOfflineQueue: true,
        maintNotifications: 'disabled',
        // A publication waits as long as the connection is there: how many may wait is bounded elsewhere.
        commandOptions: { timeout: undefined } as object,
        socket: {
          host: address.host,
          port: address.port,
          reconnectStrategy: false,
          connectTimeout: CONNECT_MS,
          ...(certificates === undefined ? {} : { tls: true, ...certificates }),
          // Goes on to node:net, like all that the client does not know.
          ...{ signal: socket.signal },
        },
      }) as unknown as Client;
      client.on('connect', () => {
        isConnected = true;
      });
      opened = new RedisClient(client, what, secrets, socket, (error) => {
        if (isThere) onLost(error);
        else failure ??= error;
      });
      await Promise.race([client.connect(), aborted]);
      isThere = true;
      if (opened.#isOver) throw failure;
    } catch (error) {
      opened?.close();
      socket.abort();
      if (signal.aborted) throw secrets.error(what, tooLong());
      // What has come first: that the client is given up because of it says nothing.
      throw failure ?? secrets.error(what, explained(error));
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
    return opened;
  }

  /** Sends a command. @throws BackplaneError */
  async command(args: readonly (string | Buffer)[]): Promise<unknown> {
    return await this.#told(this.#client.sendCommand(args));
  }

  /**
   * Sends a command whose answer only says that the server has done it. Cheaper than {@link command}.
   * @param failed is called with the error of the client.
   */
  send(args: readonly (string | Buffer)[], done: () => void, failed: (error: unknown) => void): void {
    this.#client.sendCommand(args).then(done, failed);
  }

  async subscribe(channels: readonly string[], isSharded: boolean, listener: Listener): Promise<void> {
    const { subscribe, sSubscribe } = this.#client;
    await this.#told((isSharded ? sSubscribe : subscribe).call(this.#client, channels, listener, true));
  }

  async unsubscribe(channels: readonly string[], isSharded: boolean, listener: Listener): Promise<void> {
    const { unsubscribe, sUnsubscribe } = this.#client;
    await this.#told((isSharded ? sUnsubscribe : unsubscribe).call(this.#client, channels, listener, true));
  }

  /**
   * Asks the server from time to time whether it is still there. Not to be called where there are subscriptions at a cluster: while a question is
   * open, the client takes the news that a slot has moved for its answer. There, the connection that publishes to the same server is asked.
   */
  watch(): void {
    this.#lastAnswer = performance.now();
    const answered = () => {
      this.#lastAnswer = performance.now();
    };
    const isSilent = () => performance.now() - this.#lastAnswer > SILENCE_MS;
    this.#pings = setInterval(() => {
      if (!isSilent()) {
        this.send(['PING'], answered, (error) => this.lose(error));
        return;
      }
      // If this thread was blocked itself, the answer has come, and is only not read yet.
      setImmediate(() => {
        if (isSilent()) this.lose(new Error('the server does not answer'));
      });
    }, PING_MS);
    this.#pings.unref();
  }

  /** Ends the connection because of an error, and reports it, if it is the first. */
  lose(error: unknown): void {
    if (this.#isOver) return;
    this.close();
    this.#onLost(error instanceof BackplaneError ? error : this.#secrets.error(this.what, explained(error)));
  }

  /** Ends the connection at once, without a report. */
  close(): void {
    this.#isOver = true;
    clearInterval(this.#pings);
    this.#client.destroy();
    this.#socket.abort();
  }

  async #told<Answer>(answer: Promise<Answer>): Promise<Answer> {
    try {
      return await answer;
    } catch (error) {
      throw this.#secrets.error(this.what, explained(error));
    }
  }
}
