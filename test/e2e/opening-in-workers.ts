import { connect, type Socket } from 'node:net';
import { BroadcastChannel } from 'node:worker_threads';
import type { ServerOptions } from '../../dist/index.js';
import { RawClient } from './raw-client.js';
import { handler, type Served, serve } from './serving.js';

/** Serves `handlers/opening.js`, with the opening handshake in workers. */
export function serveInWorkers(options: Partial<ServerOptions> = {}): Promise<Served> {
  return serve({ handler: handler('opening.js'), handshake: 'worker', ...options });
}

/** The status of the answer to an opening handshake. */
export async function statusOf(served: Served, path: string): Promise<number> {
  using client = await RawClient.upgrading(served.port, path);
  return Number((await client.response).slice(9, 12));
}

/** A connection for ordinary HTTP, which is kept. */
export class HttpClient implements Disposable {
  readonly socket: Socket;
  #read = '';

  constructor({ port }: Served) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.socket.on('error', () => {}); // 'close' follows
    this.socket.on('data', (bytes) => {
      this.#read += bytes.toString('latin1');
    });
  }

  write(text: string): void {
    this.socket.write(text);
  }

  get(path: string, more = ''): void {
    this.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`);
  }

  /** Resolves with all that has come when it has this in it. */
  async read(until: RegExp): Promise<string> {
    while (!until.test(this.#read)) {
      if (this.socket.destroyed) throw new Error(`closed after ${JSON.stringify(this.#read)}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const read = this.#read;
    this.#read = '';
    return read;
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

const decisions = new BroadcastChannel('wsloom-e2e-decision');
decisions.unref();

/** Answers all hooks that wait on `/held`, in all threads. */
export function decideHeld(answer: object): void {
  decisions.postMessage(answer);
}
