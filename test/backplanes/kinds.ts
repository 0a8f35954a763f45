import { type Backplane, nats, redis } from '../../dist/backplanes/index.js';
import { Engine, type EngineName, type EngineSettings } from './engines.js';

/** TLS as a test configures it. */
export interface TestTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** An engine that is tested like the others, and how it differs from them. */
export interface EngineKind {
  readonly program: EngineName;
  start(settings?: EngineSettings): Promise<Engine>;
  backplane(
    address: string,
    options?: { readonly password?: string; readonly tls?: boolean | TestTls; readonly prefix?: string },
  ): Backplane;
  /** The URL of a server, with the password in it. */
  url(address: string, password?: string): string;
  /** What makes the server ask for a password. */
  withPassword(password: string): readonly string[];
  /** What makes the server speak TLS, and ask for a certificate if there is an authority of clients. */
  withTls(files: { readonly cert: string; readonly key: string; readonly clientsCa?: string }): readonly string[];
  /** What makes the server give up a subscriber that does not read, after little. */
  readonly impatient: readonly string[];
}

export const NATS: EngineKind = {
  program: 'nats-server',
  start: (settings) => Engine.nats(settings),
  backplane: (address, { password, tls = false, prefix = 'wsloom' } = {}) =>
    nats({ servers: address, prefix, tls, ...(password === undefined ? {} : { user: 'me', pass: password }) }),
  url: (address, password) => `nats://${password === undefined ? '' : `me:${password}@`}${address}`,
  withPassword: (password) => [`authorization { user: me, password: "${password}" }`],
  withTls: ({ cert, key, clientsCa }) => [
    `tls { cert_file: "${cert}", key_file: "${key}"`,
    ...(clientsCa === undefined ? ['}'] : [`ca_file: "${clientsCa}", verify: true }`]),
  ],
  impatient: ['max_pending: 2097152', 'write_deadline: "1s"'],
};

export const REDIS: EngineKind = {
  program: 'redis-server',
  start: (settings) => Engine.redis(settings),
  backplane: (address, { password, tls = false, prefix = 'wsloom' } = {}) =>
    redis({ nodes: address, prefix, tls, ...(password === undefined ? {} : { password }) }),
  url: (address, password) => `redis://${password === undefined ? '' : `:${password}@`}${address}`,
  withPassword: (password) => [`requirepass ${password}`],
  withTls: ({ cert, key, clientsCa }) => [
    ...['tls-port PORT', `tls-cert-file ${cert}`, `tls-key-file ${key}`],
    ...(clientsCa === undefined
      ? [`tls-ca-cert-file ${cert}`, 'tls-auth-clients no']
      : [`tls-ca-cert-file ${clientsCa}`, 'tls-auth-clients yes']),
  ],
  impatient: ['client-output-buffer-limit pubsub 1mb 1mb 0'],
};
