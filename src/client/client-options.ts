import type { Certificates } from './certificates.js';
import { milliseconds, type Option, OptionSet, other, size, WrongValue } from '../options/define.js';
import { OptionError } from '../options/option-error.js';
import { shown } from '../options/shown.js';
import type { ClientConnection } from './client-connection.js';
import type { ClientMessage } from './client-message.js';
import type { HandshakeOffer } from './handshake.js';

/** What a client is told of its connection. A hook that throws ends the connection, and the error is the caller's: uncaught. */
export interface ClientHooks {
  /** A message has come. */
  message?(connection: ClientConnection, message: ClientMessage): void;
  /** A pong has come, asked for by {@link ClientConnection.ping} or not. */
  pong?(connection: ClientConnection, payload: Buffer): void;
  /** After `send` has returned false: everything that was queued is with the system. */
  drain?(connection: ClientConnection): void;
}

/** Options of {@link connect}. */
export interface ClientOptions extends HandshakeOffer, ClientHooks {
  /** Whether a wss server must have a certificate that this machine trusts; default true. */
  readonly rejectUnauthorized?: boolean;
  /** Certificates to trust instead of the machine's, in PEM. */
  readonly ca?: Certificates;
  /** For TCP, TLS and the opening handshake together, in ms, from 1 to 2^31 less 1; default 10 s. */
  readonly handshakeTimeoutMs?: number;
  /** For the server to answer our Close, and to close TCP, in ms, from 1 to 2^31 less 1; default 5 s. */
  readonly closeTimeoutMs?: number;
  /** Longest message that the server may send, in bytes, from 1 to 2^32 less 1; default 16 MiB. A longer one is refused with 1009. */
  readonly maxPayloadBytes?: number;
}

/** Limits of a connection, complete. */
export interface ClientLimits {
  readonly handshakeTimeoutMs: number;
  readonly closeTimeoutMs: number;
  readonly maxPayloadBytes: number;
}

const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Every option of a client. */
export const CLIENT_ROWS = {
  subprotocols: other({ help: 'what is offered, in the order of preference', read: readSubprotocols }),
  headers: other({ help: 'sent besides those of the handshake', read: (headers) => headers }),
  message: hook('is given each message'),
  pong: hook('is given each pong'),
  drain: hook('is called when everything that was queued is with the system'),
  rejectUnauthorized: other({ help: 'whether a certificate must be trusted', read: (isWanted) => isWanted }),
  ca: other({ help: "certificates to trust instead of the machine's", read: (ca) => ca }),
  handshakeTimeoutMs: milliseconds({
    least: 1,
    most: MAX_TIMEOUT_MS,
    byDefault: 10_000,
    help: 'for TCP, TLS and the opening handshake together',
  }),
  closeTimeoutMs: milliseconds({
    least: 1,
    most: MAX_TIMEOUT_MS,
    byDefault: 5000,
    help: 'for the server to answer our Close, and to close TCP',
  }),
  maxPayloadBytes: size({
    least: 1,
    most: 2 ** 32 - 1,
    byDefault: 16 * 1024 * 1024,
    help: 'longest message that the server may send; beyond: 1009',
  }),
} as const satisfies Record<keyof ClientOptions, Option<unknown>>;

const CLIENT_OPTIONS = new OptionSet(CLIENT_ROWS);

function hook(help: string): Option<unknown> {
  return other({
    help,
    read: (given) => {
      if (given === undefined || typeof given === 'function') return given;
      throw new WrongValue(`must be a function, got ${shown(given)}`);
    },
  });
}

function readSubprotocols(given: unknown): unknown {
  if (given === undefined || Array.isArray(given)) return given;
  throw new WrongValue(`must be an array of names, got ${shown(given)}`);
}

/** Looks for what would change nothing, silently, or fail when it is used; and fills in the limits. @throws OptionError */
export function resolveClientLimits(options: ClientOptions): ClientLimits {
  if (typeof options !== 'object' || options === null) {
    throw new OptionError('options', `connect(url, options) takes an object of options, got ${shown(options)}`);
  }
  CLIENT_OPTIONS.checkNames(options);
  const { handshakeTimeoutMs, closeTimeoutMs, maxPayloadBytes } = CLIENT_OPTIONS.resolve(options);
  return { handshakeTimeoutMs, closeTimeoutMs, maxPayloadBytes };
}
