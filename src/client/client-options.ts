import { milliseconds, type Option, OptionSet, other, size, WrongValue } from '../options/define.js';
import { OptionError } from '../options/option-error.js';
import { shown } from '../options/shown.js';
import type { Certificates } from './certificates.js';
import type { ClientConnection } from './client-connection.js';
import type { ConnectionHooks } from './client-hooks.js';
import type { ClientLimits } from './client-limits.js';
import { type ClientDeflateOptions, readDeflateOption } from './deflate-options.js';
import type { HandshakeOffer } from './handshake.js';

/**
 * The hooks of a client. They run in the thread that has called {@link connect}. A hook that throws ends its connection, and its
 * error is uncaught.
 */
export type ClientHooks = ConnectionHooks<ClientConnection>;

/** Options of {@link connect}. An option that cannot be used, or that there is not, is an {@link OptionError}. */
export interface ClientOptions extends HandshakeOffer, ClientHooks {
  /**
   * Whether a wss server must have a certificate that this machine trusts.
   *
   * @default true
   */
  readonly rejectUnauthorized?: boolean;
  /**
   * Certificates to trust instead of the machine's, in PEM.
   *
   * @default those of the machine
   */
  readonly ca?: Certificates;
  /**
   * The time for TCP, TLS and the opening handshake together, in ms. Beyond it the promise rejects with a {@link ConnectError}. From 1 ms
   * to 2^31 less 1 ms (24 days).
   *
   * @default 10 s
   */
  readonly handshakeTimeoutMs?: number;
  /**
   * The time for the server to answer our Close, and to close TCP, in ms. Beyond it the connection is destroyed. From 1 ms to 2^31 less 1
   * ms (24 days).
   *
   * @default 5 s
   */
  readonly closeTimeoutMs?: number;
  /**
   * The longest message that the server may send, in bytes, compressed and decompressed. A longer one is refused with 1009. From 1 byte to
   * 4 GiB less 1 byte.
   *
   * @default 16 MiB
   */
  readonly maxPayloadBytes?: number;
  /**
   * Whether messages may be compressed, in both directions (permessage-deflate, RFC 7692), or how. It is offered to the server, which may
   * decline: see `deflate` of the connection. A long message is compressed and decompressed in slices of up to 2 ms, between which the thread
   * does other things: 1 MiB of text takes some 3 ms and 2 ms. What is sent behind it leaves behind it, and what comes behind it is handed
   * out behind it.
   *
   * @default false
   */
  readonly deflate?: boolean | ClientDeflateOptions;
}

const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Every option of a client. */
export const CLIENT_ROWS = {
  subprotocols: other({
    help: 'what is offered, in the order of preference',
    defaultText: 'none',
    read: readSubprotocols,
  }),
  headers: other({ help: 'sent besides those of the handshake', defaultText: 'none', read: (headers) => headers }),
  message: hook('is given each message'),
  pong: hook('is given each pong'),
  drain: hook('is called when everything that was queued is with the system'),
  rejectUnauthorized: other({
    help: 'whether a certificate must be trusted',
    defaultText: 'true',
    read: (isWanted) => isWanted,
  }),
  ca: other({
    help: "certificates to trust instead of the machine's",
    defaultText: 'those of the machine',
    read: (ca) => ca,
  }),
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
    help: 'longest message that the server may send, compressed and decompressed; beyond: 1009',
  }),
  deflate: other({
    help: 'whether messages may be compressed, or how',
    defaultText: 'false',
    read: readDeflateOption,
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
  const { handshakeTimeoutMs, closeTimeoutMs, maxPayloadBytes, deflate } = CLIENT_OPTIONS.resolve(options);
  return { handshakeTimeoutMs, closeTimeoutMs, maxPayloadBytes, deflate };
}
