import { Worker } from 'node:worker_threads';

/** What the thread has found in a module. */
export interface Loaded {
  readonly hooks?: readonly string[];
  readonly upgrade?: unknown;
  readonly answer?: unknown;
  readonly error?: string;
}

/** A thread without the test runner's loader, which loads handler modules. It ends with the block that it was started in. */
export class LoadingThread implements AsyncDisposable {
  readonly #worker = new Worker(new URL('./loading-program.js', import.meta.url), { execArgv: [] });
  /** Rejects when the thread ends by an uncaught error. */
  readonly died: Promise<never>;

  constructor() {
    this.died = new Promise((_, reject) => this.#worker.once('error', reject));
    this.died.catch(() => {}); // `load` reports it
  }

  load(href: string, limitMs = 20_000): Promise<Loaded> {
    const loaded = new Promise<Loaded>((resolve) => void this.#worker.once('message', resolve));
    this.#worker.postMessage({ href, limitMs });
    return Promise.race([loaded, this.died]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}
