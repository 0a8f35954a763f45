import type { Authenticator, ConnectionOptions, NatsConnection } from '@nats-io/transport-node';
import type { Backplane, BackplaneConnection, BackplaneEvents } from '../fleet/backplane.js';
import { BackplaneError } from './backplane-error.js';
import { type EngineAddress, type EngineTls, loadTls, shownAddress } from './engine-options.js';
import { importNats } from './installed-package.js';
import { NatsSession } from './nats-session.js';
import { type GreetingServer, greetingServer } from './nats-greeting.js';
import { OwnedSockets } from './owned-sockets.js';
import { Secrets } from './secrets.js';

/** The options of NATS when all are checked. */
export interface NatsSettings {
  readonly servers: readonly EngineAddress[];
  readonly prefix: string;
  readonly tls: EngineTls | undefined;
  readonly user: string | undefined;
  readonly pass: string | undefined;
  readonly token: string | undefined;
  readonly nkey: string | undefined;
  readonly creds: string | undefined;
}

/** How often the server is asked whether it is still there. */
const PING_MS = 10_000;
/** How many of these questions may be open. With one more the connection is over. */
const MAX_PINGS = 2;
/** How long a server that has said INFO may take for the rest. */
const HANDSHAKE_MS = 20_000;
/** What a message needs at least, with room for the header of the fleet. */
const LEAST_MAX_PAYLOAD = 1024;

/** NATS, by the official client. Its own connecting again is switched off: the session of the server does that. */
export class NatsBackplane implements Backplane {
  readonly name = 'nats';
  readonly #settings: NatsSettings;
  readonly #secrets: Secrets;

  constructor(settings: NatsSettings) {
    this.#settings = settings;
    const { pass, token, nkey, creds } = settings;
    this.#secrets = new Secrets([pass, token, nkey, creds]);
  }

  async connect(events: BackplaneEvents, signal: AbortSignal): Promise<BackplaneConnection> {
    const greeted = await greetingServer(this.#settings.servers, signal, this.#secrets);
    const what = `NATS at ${shownAddress(greeted.server)}`;
    const client = await this.#client(greeted, signal).catch((error: unknown) => {
      throw this.#secrets.error(what, error);
    });
    const maxPayload = client.info?.max_payload ?? 0;
    if (maxPayload < LEAST_MAX_PAYLOAD) {
      await client.close();
      throw new BackplaneError(
        `${what}: its max_payload is ${maxPayload} bytes, and must be at least ${LEAST_MAX_PAYLOAD}`,
      );
    }
    return new NatsSession({ client, prefix: this.#settings.prefix, maxPayload, secrets: this.#secrets, what, events });
  }

  /** The promise rejects as soon as the attempt is aborted. A client that connects after all is closed then. */
  async #client({ server, offersTls }: GreetingServer, signal: AbortSignal): Promise<NatsConnection> {
    const { connect } = await importNats();
    const { user, pass, tls } = this.#settings;
    const authenticator = await this.#authenticator();
    const options: ConnectionOptions = {
      servers: shownAddress(server),
      ignoreClusterUpdates: true,
      reconnect: false,
      noEcho: true,
      timeout: HANDSHAKE_MS,
      pingInterval: PING_MS,
      maxPingOut: MAX_PINGS,
      name: 'wsloom',
      ...(user === undefined ? {} : { user, pass: pass ?? '' }),
      ...(authenticator === undefined ? {} : { authenticator }),
      ...(tls === undefined && !offersTls ? {} : { tls: await tlsOf(tls ?? {}, server) }),
    };
    if (signal.aborted) throw new Error('it took too long');
    const sockets = new OwnedSockets();
    return await new Promise<NatsConnection>((resolve, reject) => {
      const onAbort = () => {
        reject(new Error('it took too long'));
        sockets.destroy(); // the client would leave it open
      };
      signal.addEventListener('abort', onAbort);
      sockets
        .during(() => connect(options))
        .then((client) => {
          if (signal.aborted) void client.close();
          else resolve(client);
        }, reject)
        .finally(() => signal.removeEventListener('abort', onAbort));
    });
  }

  async #authenticator(): Promise<Authenticator | undefined> {
    const { token, nkey, creds } = this.#settings;
    const { tokenAuthenticator, nkeyAuthenticator, credsAuthenticator } = await importNats();
    const encoder = new TextEncoder();
    if (token !== undefined) return tokenAuthenticator(token);
    if (nkey !== undefined) return nkeyAuthenticator(encoder.encode(nkey));
    if (creds !== undefined) return credsAuthenticator(encoder.encode(creds));
    return undefined;
  }
}

/**
 * Members that the client's types do not name go on to node:tls. Without `host`, the certificate of a server that is named by its IP address
 * would have to be that of `localhost`.
 */
async function tlsOf(tls: EngineTls, { host }: EngineAddress): Promise<NonNullable<ConnectionOptions['tls']>> {
  return { host, ...(await loadTls(tls)) } as NonNullable<ConnectionOptions['tls']>;
}
