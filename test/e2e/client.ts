import { once } from 'node:events';
import { type ClientOptions, WebSocket } from 'ws';
import { Queue } from './queue.js';
import { TRUST } from './transport.js';

export interface Received {
  readonly bytes: Buffer;
  readonly isBinary: boolean;
}

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** A connection made with `ws`, whose messages are waited for one by one. Dropped at the end of its block. */
export class Client implements Disposable {
  readonly socket: WebSocket;
  /** How it ended: the code of the server's Close frame, 1005 if that had none, 1006 if there was none. */
  readonly closed: Promise<Closed>;
  readonly #messages = new Queue<Received>();

  constructor(url: string, options: ClientOptions & { readonly protocols?: string[] } = {}) {
    const { protocols = [], ...rest } = options;
    this.socket = new WebSocket(url, protocols, { ...TRUST, perMessageDeflate: false, maxPayload: 2 ** 30, ...rest });
    this.socket.on('message', (bytes: Buffer, isBinary) => this.#messages.push({ bytes, isBinary }));
    this.socket.on('error', () => {}); // 'close' follows
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => {
        this.#messages.end(`the connection was closed with ${code} ${reason}`);
        resolve({ code, reason: String(reason) });
      });
    });
  }

  /** Resolves when the server has accepted. */
  static async open(url: string, options?: ClientOptions & { readonly protocols?: string[] }): Promise<Client> {
    const client = new Client(url, options);
    await once(client.socket, 'open');
    return client;
  }

  send(data: string | Uint8Array): void {
    this.socket.send(data);
  }

  /** Makes a server of `handlers/commands.js` do something. */
  run(...commands: readonly (readonly unknown[])[]): void {
    this.socket.send(JSON.stringify(commands));
  }

  next(): Promise<Received> {
    return this.#messages.next();
  }

  async text(): Promise<string> {
    return String((await this.next()).bytes);
  }

  async texts(count: number): Promise<string[]> {
    const received = await this.#messages.take(count);
    return received.map(({ bytes }) => String(bytes));
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }

  /** The messages that were received and not asked for. */
  get rest(): readonly Received[] {
    return this.#messages.rest;
  }

  async close(code?: number, reason?: string): Promise<Closed> {
    this.socket.close(code, reason);
    return this.closed;
  }

  [Symbol.dispose](): void {
    this.socket.terminate();
  }
}

/** Closes a client that may not have been accepted. @returns the answer that it got */
export async function refusal(url: string, options: ClientOptions & { readonly protocols?: string[] } = {}) {
  const { protocols = [], ...rest } = options;
  const socket = new WebSocket(url, protocols, { ...TRUST, perMessageDeflate: false, ...rest });
  socket.on('error', () => {});
  const [, response] = await once(socket, 'unexpected-response');
  response.setEncoding('utf8');
  let body = '';
  for await (const part of response) body += part;
  return { status: response.statusCode as number, headers: response.headers as Record<string, string>, body };
}
