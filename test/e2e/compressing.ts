import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect, type Server as NetServer } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { attach, type ServerOptions, type ServerStats } from '../../dist/index.js';
import { pair } from '../tls/certificates.js';
import { encodeRequest, RawClient } from './raw-client.js';
import { handler, RecordingLog, serve } from './serving.js';
import { TRUST } from './transport.js';

const MODULE = handler('deflating.js');
export const KIB = 1024;
export const TLS = { tls: pair('default') };
/** What Chrome offers. */
export const CHROME = 'permessage-deflate; client_max_window_bits';
/** What a server answers that keeps no windows. */
export const WITHOUT_WINDOWS = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';

/** A running server, whichever way connections take to their handler. */
export interface Running {
  readonly port: number;
  readonly isSecure: boolean;
  stats(): ServerStats;
  reload(): Promise<void>;
  readonly log: RecordingLog;
  readonly end: () => Promise<unknown>;
}

/** Starts a server that compresses, in one of the modes. */
export type Begin = (options: Partial<ServerOptions>) => Promise<Running>;

export const served =
  (mode: Partial<ServerOptions>): Begin =>
  async (options) => {
    const { server, port, log } = await serve({ handler: MODULE, threads: 1, ...mode, ...options });
    return {
      ...{ port, log, isSecure: mode.tls !== undefined },
      stats: () => server.stats(),
      reload: () => server.reload({ drainMs: 0 }),
      end: () => server.close({ drainMs: 0 }),
    };
  };

const attached =
  (create: () => NetServer, isSecure: boolean, threads: number): Begin =>
  async (options) => {
    const http = create();
    await once(http.listen(0, '127.0.0.1'), 'listening');
    const log = new RecordingLog();
    const arenaBytes = 64 * KIB * KIB;
    const sockets = await attach(http, { handler: MODULE, threads, log, poison: true, arenaBytes, ...options });
    const end = async () => {
      await sockets.close({ drainMs: 0 });
      http.close();
    };
    const { port } = http.address() as AddressInfo;
    return {
      ...{ port, isSecure, log, end },
      stats: () => sockets.stats(),
      reload: () => sockets.reload({ drainMs: 0 }),
    };
  };

export const MODES: readonly (readonly [string, Begin])[] = [
  ['plain', served({})],
  ['plain, opened by a worker', served({ handshake: 'worker' })],
  ['plain, without workers', served({ threads: 0 })],
  ['TLS', served(TLS)],
  ['TLS, without workers', served({ ...TLS, threads: 0 })],
  ['attached to node:http', attached(() => createServer(), false, 1)],
  ['attached to node:http, without workers', attached(() => createServer(), false, 0)],
  ['attached to node:https', attached(() => createHttpsServer(pair('default')), true, 1)],
];

/** Clients of one server, which leave at the end of their block. */
export class Clients implements Disposable {
  readonly #running: Running;
  readonly all: RawClient[] = [];

  constructor(running: Running) {
    this.#running = running;
  }

  /** @returns what the server has answered to an offer: the value of the header, or the status if it has refused. */
  async offer(offer: string, path = '/'): Promise<string | undefined> {
    const response = await (await this.open(offer, path)).response;
    if (!response.startsWith('HTTP/1.1 101 ')) return response.slice(9, 12);
    return /\r\nSec-WebSocket-Extensions: ([^\r]*)\r\n/.exec(response)?.[1];
  }

  async open(offer: string, path = '/'): Promise<RawClient> {
    const { port, isSecure } = this.#running;
    const tcp = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const socket = isSecure ? connectTls({ ...TRUST, socket: tcp }) : tcp;
    const client = new RawClient(socket, tcp);
    this.all.push(client);
    await once(socket, isSecure ? 'secureConnect' : 'connect');
    socket.write(encodeRequest(path, [`Sec-WebSocket-Extensions: ${offer}`]));
    return client;
  }

  [Symbol.dispose](): void {
    for (const client of this.all.splice(0)) client[Symbol.dispose]();
  }
}
