import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, CHROMIUM, FIREFOX } from '../../../bench/browsers.js';
import { Command } from '../../cli/command.js';
import { arePeersRequired, pathOf } from '../installed.js';
import { Queue } from '../queue.js';
import type { Outcome } from './echoing.js';

export { type Browser, CHROMIUM, FIREFOX };

/** Whether a browser is installed. Where it has to be, it throws if it is not. */
export function isThere({ name }: Browser): boolean {
  if (pathOf(name) !== undefined) return true;
  if (arePeersRequired) throw new Error(`${name} is not installed`);
  return false;
}

/** What the page does: it echoes on two connections, one after the other, or publishes to three of its own. */
export interface Job {
  readonly name: string;
  readonly mode: 'echo' | 'broadcast';
  readonly url: string;
}

/** What the page says of a job. */
export interface Report {
  readonly name: string;
  /** What came back: of `echoAll` and of `repeat`, or of `publishAll`. */
  readonly outcomes?: readonly Outcome[];
  /** `WebSocket.extensions` of each connection. */
  readonly extensions?: readonly string[];
  readonly error?: string;
}

const FILES: Readonly<Record<string, string>> = { '/': 'page.html', '/echoing.js': 'echoing.js' };

/** The HTTP server that the page comes from. Pages of {@link origin} connect to the servers under test. Closed at the end of its block. */
export class PageServer implements AsyncDisposable {
  readonly origin: string;
  readonly #server: Server;
  readonly #reports = new Queue<Report>();
  #jobs: readonly Job[] = [];

  private constructor(server: Server) {
    this.#server = server;
    this.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', (request, response) => void this.#answer(request, response));
  }

  static async listen(): Promise<PageServer> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new PageServer(server);
  }

  /** Has a browser do all jobs, and ends it. @throws if it ends before, with what it has said */
  async run({ name, prepare }: Browser, jobs: readonly Job[]): Promise<Report[]> {
    this.#jobs = jobs;
    const profile = mkdtempSync(join(tmpdir(), `wsloom-${name}-`));
    const env = { ...process.env, HOME: profile, XDG_CONFIG_HOME: profile, XDG_CACHE_HOME: profile };
    try {
      await using command = new Command(pathOf(name) as string, [...prepare(profile), `${this.origin}/`], { env });
      const over = command.ended.then((how) => {
        throw new Error(`${name} ended with ${how}: ${command.stderr}`);
      });
      return await Promise.race([this.#reports.take(jobs.length), over]);
    } finally {
      // Its processes may still be writing when the first one has ended.
      rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '/';
    if (path === '/report') {
      let body = '';
      for await (const part of request) body += part;
      response.end();
      this.#reports.push(JSON.parse(body) as Report);
    } else if (path === '/jobs') {
      response.end(JSON.stringify(this.#jobs));
    } else if (FILES[path] !== undefined) {
      const type = path === '/' ? 'text/html' : 'text/javascript';
      response
        .setHeader('Content-Type', `${type}; charset=utf-8`)
        .end(readFileSync(new URL(FILES[path], import.meta.url)));
    } else {
      response.writeHead(404).end();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
