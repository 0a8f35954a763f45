import type { Certificates } from './certificates.js';
import { shown, unknownOption } from '../options/shown.js';
import type { ClientConnection } from './client-connection.js';
import type { ClientMessage } from './client-message.js';
import type { HandshakeOffer } from './handshake.js';
import { OptionError } from './option-error.js';

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

/** All of them. */
const OPTIONS = [
  'subprotocols',
  'headers',
  'message',
  'pong',
  'drain',
  'rejectUnauthorized',
  'ca',
  'handshakeTimeoutMs',
  'closeTimeoutMs',
  'maxPayloadBytes',
] as const satisfies readonly (keyof ClientOptions)[];

const HOOKS = ['message', 'pong', 'drain'] as const;

/** Looks for what would change nothing, silently, or fail when it is used. @throws OptionError */
export function checkOptions(options: ClientOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw new OptionError('options', `connect(url, options) takes an object of options, got ${shown(options)}`);
  }
  const unknown = unknownOption(options, OPTIONS);
  if (unknown !== undefined) throw new OptionError(unknown.name, unknown.message);
  for (const name of HOOKS) {
    const hook: unknown = options[name];
    if (hook === undefined || typeof hook === 'function') continue;
    throw new OptionError(name, `${name} must be a function, got ${shown(hook)}`);
  }
  const { subprotocols } = options;
  if (subprotocols === undefined || Array.isArray(subprotocols)) return;
  throw new OptionError('subprotocols', `subprotocols must be an array of names, got ${shown(subprotocols)}`);
}

/** Checks the limits and fills in defaults. @throws OptionError */
export function resolveLimits(options: ClientOptions): ClientLimits {
  const { handshakeTimeoutMs = 10_000, closeTimeoutMs = 5000, maxPayloadBytes = 16 * 1024 * 1024 } = options;
  return {
    handshakeTimeoutMs: checkNumber('handshakeTimeoutMs', handshakeTimeoutMs, MAX_TIMEOUT_MS),
    closeTimeoutMs: checkNumber('closeTimeoutMs', closeTimeoutMs, MAX_TIMEOUT_MS),
    maxPayloadBytes: checkNumber('maxPayloadBytes', maxPayloadBytes, 2 ** 32 - 1),
  };
}

function checkNumber(name: string, value: unknown, greatest: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= greatest) return value;
  throw new OptionError(name, `${name} must be an integer from 1 to ${greatest}, got ${shown(value)}`);
}
