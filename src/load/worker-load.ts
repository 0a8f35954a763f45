import { Worker } from 'node:worker_threads';
import type { LoadProgress } from './load-options.js';
import { LoadThreadError } from './load-thread-error.js';
import type { ResolvedLoadOptions } from './resolved-load-options.js';
import type { EncodedTally } from './tally.js';
import type { FromThread, ToThread } from './thread-messages.js';

/** {@link LoadRunner} in a thread of its own. */
export class WorkerLoad {
  readonly #worker: Worker;
  readonly #opened: Promise<void>;
  readonly #done: Promise<EncodedTally>;
  progress: LoadProgress = {
    phase: 'connecting',
    elapsedMs: 0,
    durationMs: Number.POSITIVE_INFINITY,
    open: 0,
    messages: 0,
    errors: 0,
  };

  constructor(options: ResolvedLoadOptions) {
    const worker = new Worker(new URL('./thread.js', import.meta.url), { workerData: options });
    this.#worker = worker;
    worker.on('message', (message: FromThread) => {
      if (message.type === 'progress') this.progress = message.progress;
    });
    this.#opened = this.#says('open').then(() => undefined);
    this.#done = this.#says('done').then(({ tally }) => tally);
    this.#done.catch(() => {}); // it rejects for the caller of `run`; before that call nobody listens
  }

  open(): Promise<void> {
    return this.#opened;
  }

  run(): Promise<EncodedTally> {
    this.#say('run');
    return this.#done;
  }

  abort(): void {
    this.#say('abort');
  }

  /** Ends the thread, and with it its connections. What is waited for rejects. */
  terminate(): void {
    void this.#worker.terminate();
  }

  #say(message: ToThread): void {
    this.#worker.postMessage(message);
  }

  /** Rejects if the thread ends before it says that. */
  #says<Type extends FromThread['type']>(type: Type): Promise<Extract<FromThread, { readonly type: Type }>> {
    return new Promise((resolve, reject) => {
      this.#worker.on('message', (message: FromThread) => {
        if (message.type === type) resolve(message as Extract<FromThread, { readonly type: Type }>);
      });
      this.#worker.on('error', reject);
      this.#worker.on('exit', (code) =>
        reject(new LoadThreadError(`a thread of the load generator has exited with ${code}`)),
      );
    });
  }
}
