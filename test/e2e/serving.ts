import { BroadcastChannel, setEnvironmentData } from 'node:worker_threads';
import {
  createServer,
  type Logger,
  type Server,
  type ServerOptions,
  type Upgrade,
  type UpgradeRequest,
} from '../../dist/index.js';
import { HandshakeHeaders } from '../../dist/protocol/opening/handshake-headers.js';
import { Queue } from './queue.js';
import { TRANSPORT_OPTIONS } from './transport.js';

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

const { WSLOOM_TEST_HANDSHAKE } = process.env;

/**
 * Whether workers do the opening handshake: the tests of many rooms are run once more so. A test that cannot be is skipped then, with
 * the reason in its file.
 */
export const isWorkerHandshake = WSLOOM_TEST_HANDSHAKE === 'worker';
const HANDSHAKE = isWorkerHandshake ? ({ handshake: 'worker' } as const) : {};

/** Serves a handler, by default with two threads and poison. @param port 0 for any that is free */
export async function serve(options: ServerOptions, port = 0): Promise<Served> {
  const log = new RecordingLog();
  const usual = { threads: 2, poison: true, arenaBytes: 64 * 1024 * 1024, log, ...TRANSPORT_OPTIONS, ...options };
  const server = createServer({ ...(usual.threads > 0 ? HANDSHAKE : {}), ...usual });
  return new Served(server, log, await server.listen({ port }));
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

type Decide = (request: UpgradeRequest) => ReturnType<Upgrade>;

let decisions: BroadcastChannel | undefined;

/**
 * Lets a test decide about upgrades to servers of `handlers/deciding.js`. Where its hook runs in a worker, the hook asks this thread.
 */
export function decideUpgrades(decide: Decide): void {
  Reflect.set(globalThis, Symbol.for('wsloom.e2e.upgrade'), decide);
  if (decisions !== undefined) return;
  const channel = new BroadcastChannel('wsloom-e2e-upgrade');
  channel.unref();
  // The channel of node:worker_threads has no addEventListener in its types.
  channel.onmessage = (event) => void answer(channel, (event as { readonly data: Question }).data);
  decisions = channel;
}

/** What the hook of a worker asks this thread. */
interface Question {
  readonly asked: string;
  readonly request: Omit<UpgradeRequest, 'headers'> & { readonly rawHeaders: readonly string[] };
}

async function answer(channel: BroadcastChannel, { asked, request }: Question): Promise<void> {
  if (asked === undefined) return; // an answer to another server
  const { rawHeaders, ...rest } = request;
  const decide = Reflect.get(globalThis, Symbol.for('wsloom.e2e.upgrade')) as Decide;
  let outcome: object;
  try {
    outcome = { value: await decide({ ...rest, headers: new HandshakeHeaders(rawHeaders) }) };
  } catch (error) {
    outcome = { error };
  }
  channel.postMessage({ answered: asked, ...outcome });
}

const GATE = 'wsloom.e2e.gate';

/**
 * What a handler waits for with `['block']` of `handlers/commands.js`, in whatever thread it is. Make it before the server: threads
 * know it from their start on.
 */
export class Gate implements Disposable {
  readonly #cell = new Int32Array(new SharedArrayBuffer(4));

  constructor() {
    setEnvironmentData(GATE, this.#cell);
  }

  open(): void {
    Atomics.store(this.#cell, 0, 1);
    Atomics.notify(this.#cell, 0);
  }

  /** A test that failed leaves no thread blocked. */
  [Symbol.dispose](): void {
    this.open();
    setEnvironmentData(GATE, undefined);
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

/**
 * Waits until the worker threads host so many connections. A client may have its 101 a moment before that, and what is published in between
 * need not reach it.
 */
export async function hosted(server: Server, count: number): Promise<void> {
  await until(() => server.stats().threads.reduce((sum, { connections }) => sum + connections, 0) >= count);
}
