import { BroadcastChannel } from 'node:worker_threads';
import {
  createServer,
  type Logger,
  type Server,
  type ServerOptions,
  type Upgrade,
  type UpgradeRequest,
} from '../../dist/index.js';
import { Queue } from './queue.js';

/** A module of test/e2e/handlers. */
export const handler = (name: string) => new URL(`./handlers/${name}`, import.meta.url);

/** A handler that comes with wsloom. */
export const builtIn = (name: string) => new URL(`../../dist/handlers/${name}.js`, import.meta.url);

/** Keeps the log of the server. */
export class RecordingLog implements Logger {
  readonly lines: string[] = [];
  #wake: () => void = () => {};

  info(line: string): void {
    this.#add(`info: ${line}`);
  }

  warn(line: string): void {
    this.#add(`warn: ${line}`);
  }

  error(line: string): void {
    this.#add(`error: ${line}`);
  }

  /** Resolves with the first line that matches, of those that have been and those to come. */
  async line(matching: RegExp): Promise<string> {
    for (;;) {
      const found = this.lines.find((line) => matching.test(line));
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #add(line: string): void {
    this.lines.push(line);
    this.#wake();
  }
}

/** A server that listens on a free port, and is closed at the end of the block that it was made in with `await using`. */
export class Served implements AsyncDisposable {
  readonly server: Server;
  readonly log: RecordingLog;
  readonly port: number;
  readonly url: string;

  constructor(server: Server, log: RecordingLog, address: { readonly port: number; readonly url: string }) {
    this.server = server;
    this.log = log;
    this.port = address.port;
    this.url = address.url;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close({ drainMs: 0 });
  }
}

/** Serves a handler, by default with two threads and poison. */
export async function serve(options: ServerOptions): Promise<Served> {
  const log = new RecordingLog();
  const server = createServer({ threads: 2, poison: true, arenaBytes: 64 * 1024 * 1024, log, ...options });
  return new Served(server, log, await server.listen({ port: 0 }));
}

/** What the handlers of tests report from their threads, in order for each thread. */
export class Reports implements Disposable {
  readonly #channel = new BroadcastChannel('wsloom-e2e');
  readonly #queue = new Queue<Report>();

  constructor() {
    // The channel of node:worker_threads has no addEventListener in its types.
    this.#channel.onmessage = (event) => this.#queue.push((event as { readonly data: Report }).data);
  }

  next(): Promise<Report> {
    return this.#queue.next();
  }

  /** The next report of a hook. Reports of other hooks are skipped. */
  async of(hook: string): Promise<Report> {
    for (;;) {
      const report = await this.next();
      if (report.hook === hook) return report;
    }
  }

  [Symbol.dispose](): void {
    this.#channel.close();
  }
}

/** The report of a call of a hook. Its other members depend on the hook. */
export interface Report {
  readonly hook: string;
  readonly id: number;
  readonly path: string;
  readonly code?: number;
  readonly reason?: string;
  readonly text?: string;
  readonly value?: unknown;
}

/** Lets a test decide about upgrades to servers of `handlers/deciding.js`, whose hook runs in this thread. */
export function decideUpgrades(decide: (request: UpgradeRequest) => ReturnType<Upgrade>): void {
  Reflect.set(globalThis, Symbol.for('wsloom.e2e.upgrade'), decide);
}

/** The gate that a handler waits for with `['block']` of `handlers/commands.js`, in any thread. */
export class Gate implements Disposable {
  readonly #cell = new Int32Array(new SharedArrayBuffer(4));

  constructor() {
    Reflect.set(globalThis, Symbol.for('wsloom.e2e.gate'), this.#cell);
  }

  open(): void {
    Atomics.store(this.#cell, 0, 1);
    Atomics.notify(this.#cell, 0);
  }

  /** A test that failed leaves no thread blocked. */
  [Symbol.dispose](): void {
    this.open();
    Reflect.deleteProperty(globalThis, Symbol.for('wsloom.e2e.gate'));
  }
}

/** Resolves when the primary has read what was written to any of its sockets before: it has answered two requests since. */
export async function primaryHasRead({ port }: Served): Promise<void> {
  for (let i = 0; i < 2; i++) await (await fetch(`http://127.0.0.1:${port}/healthz`)).text();
}

/** Asks again in every turn of the event loop until it holds; the test's timeout bounds it. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
}
