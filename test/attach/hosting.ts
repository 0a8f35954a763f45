import type { Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type AttachedServer, type AttachOptions, attach } from '../../dist/index.js';
import { RecordingLog } from '../e2e/serving.js';

/** An HTTP server of an application, closed with all that is attached to it at the end of its block. */
export class Hosting<Http extends HttpServer = HttpServer> implements AsyncDisposable {
  readonly http: Http;
  readonly log = new RecordingLog();
  readonly #attached: AttachedServer[] = [];

  constructor(http: Http) {
    this.http = http;
  }

  /** @param host the address to listen on. */
  async listen(host = '127.0.0.1'): Promise<this> {
    await new Promise<void>((resolve) => this.http.listen(0, host, resolve));
    return this;
  }

  get port(): number {
    return (this.http.address() as AddressInfo).port;
  }

  /** Without a scheme, but with its colon: `//127.0.0.1:8080`. */
  get place(): string {
    return `//127.0.0.1:${this.port}`;
  }

  async attach(options: AttachOptions): Promise<AttachedServer> {
    const { log } = this;
    const sockets = await attach(this.http, { poison: true, arenaBytes: 64 * 1024 * 1024, log, ...options });
    this.#attached.push(sockets);
    return sockets;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#attached.map((sockets) => sockets.close({ drainMs: 0 })));
    if (!this.http.listening) return;
    this.http.closeAllConnections();
    await new Promise((resolve) => this.http.close(resolve));
  }
}
