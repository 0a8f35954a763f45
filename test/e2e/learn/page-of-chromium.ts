import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { CHROMIUM } from '../../../bench/browsers.js';
import { Command } from '../../cli/command.js';
import { pathOf } from '../installed.js';

/** A message of the DevTools protocol: an answer, which has an id, or an event. */
interface Said {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

interface Evaluated {
  readonly result: { readonly value?: unknown };
  readonly exceptionDetails?: { readonly exception?: { readonly description?: string } };
}

/** A page in Chromium, driven by the DevTools protocol. The browser ends with the block. */
export class ChromiumPage implements AsyncDisposable {
  /** What the page has complained of: the console, errors that nobody caught, and what its Content-Security-Policy forbids. */
  readonly complaints: unknown[] = [];
  readonly #profile: string;
  readonly #browser: Command;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (said: Said) => void>();
  readonly #onLoad: (() => void)[] = [];
  #session: unknown;
  #id = 0;

  private constructor(profile: string, browser: Command, socket: WebSocket) {
    this.#profile = profile;
    this.#browser = browser;
    this.#socket = socket;
    socket.on('message', (text) => this.#take(JSON.parse(String(text)) as Said));
  }

  static async open(url: string): Promise<ChromiumPage> {
    const profile = mkdtempSync(join(tmpdir(), 'wsloom-chromium-'));
    const env = { ...process.env, HOME: profile, XDG_CONFIG_HOME: profile, XDG_CACHE_HOME: profile };
    const args = [...CHROMIUM.prepare(profile), '--remote-debugging-port=0', 'about:blank'];
    const browser = new Command(pathOf(CHROMIUM.name) as string, args, { env });
    const [, address] = await browser.says('stderr', /DevTools listening on (ws:\S+)/);
    const socket = new WebSocket(address as string);
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const page = new ChromiumPage(profile, browser, socket);
    const { targetId } = await page.call('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await page.call('Target.attachToTarget', { targetId, flatten: true });
    page.#session = sessionId;
    for (const domain of ['Page', 'Runtime', 'Log']) await page.call(`${domain}.enable`);
    await page.load(url);
    return page;
  }

  /** Loads a page, with all of its scripts. */
  async load(url: string): Promise<void> {
    const loaded = new Promise<void>((resolve) => this.#onLoad.push(resolve));
    await this.call('Page.navigate', { url });
    await loaded;
  }

  /** Calls the browser. @throws if it answers with an error */
  async call(method: string, params: object = {}): Promise<Readonly<Record<string, unknown>>> {
    const id = ++this.#id;
    const answered = new Promise<Said>((resolve) => this.#waiting.set(id, resolve));
    this.#socket.send(
      JSON.stringify({ id, method, params, ...(this.#session !== undefined && { sessionId: this.#session }) }),
    );
    const { result, error } = await answered;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result ?? {};
  }

  /** The value of an expression in the page, or of the promise that it is. */
  async evaluate(expression: string): Promise<unknown> {
    const params = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = (await this.call('Runtime.evaluate', params)) as unknown as Evaluated;
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${exceptionDetails.exception?.description}`);
    return result.value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.terminate();
    await this.#browser[Symbol.asyncDispose]();
    // Its processes may still be writing when the first one has ended.
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }

  #take({ id, method, params, ...rest }: Said): void {
    if (id !== undefined) {
      this.#waiting.get(id)?.({ id, ...rest });
      this.#waiting.delete(id);
    } else if (method === 'Page.loadEventFired') {
      for (const resolve of this.#onLoad.splice(0)) resolve();
    } else if (/^(Runtime\.(exceptionThrown|consoleAPICalled)|Log\.entryAdded)$/.test(method ?? '')) {
      this.complaints.push(params);
    }
  }
}
