import type { MessagePort } from 'node:worker_threads';
import { SharedChunk } from './shared-chunk.js';
import type { Outlet, Run } from './topics.js';

/** What travels between threads: first the flag that says whether its sender listens, and then where runs lie in shared memory. */
type BusMessage = { readonly listens: SharedArrayBuffer } | Batch;

interface Batch {
  readonly buffer: SharedArrayBuffer;
  readonly runs: readonly (readonly [topic: string, start: number, end: number, messages: number])[];
}

/**
 * Connects the topics of one thread with those of the others, by a MessagePort to each of them: a batch of publications
 * is one message, and its bytes stay where they are, in memory that all threads share. A thread that hosts no connections, as
 * the primary mostly, does not listen: to wake it for each batch would cost more than a few deliveries.
 */
export class Bus implements Outlet {
  /** Whether they listen; undefined until it is known: then they are taken to. */
  readonly #peers = new Map<MessagePort, Int32Array | undefined>();
  readonly #listens = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  readonly #receive: (runs: readonly Run[]) => void;

  /** @param receive is given what other threads have published. */
  constructor(receive: (runs: readonly Run[]) => void) {
    this.#receive = receive;
  }

  /** Whether another thread listens. */
  get hasPeers(): boolean {
    for (const flag of this.#peers.values()) if (listens(flag)) return true;
    return false;
  }

  /** From now on, what others publish is received. To be called before the first client can hear that it is connected. */
  listen(): void {
    Atomics.store(this.#listens, 0, 1);
  }

  /** Adds another thread. It is removed when its end of the port is closed. */
  connect(port: MessagePort): void {
    this.#peers.set(port, undefined);
    port.on('message', (message: BusMessage) => {
      if (!('listens' in message)) this.#onBatch(message);
      else if (this.#peers.has(port)) this.#peers.set(port, new Int32Array(message.listens));
    });
    port.on('close', () => this.#peers.delete(port));
    port.unref(); // does not keep its thread alive
    port.postMessage({ listens: this.#listens.buffer as SharedArrayBuffer } satisfies BusMessage);
  }

  /** A batch for each chunk, to everybody who listens. */
  post(runs: readonly Run[]): void {
    for (const [port, flag] of this.#peers) if (listens(flag)) postTo(port, runs);
  }

  close(): void {
    for (const port of this.#peers.keys()) port.close();
    this.#peers.clear();
  }

  #onBatch({ buffer, runs }: Batch): void {
    const chunk = new SharedChunk(buffer);
    try {
      this.#receive(
        runs.map(([topic, start, end, messages]) => ({ topic, chunk, start, end, messages, except: undefined })),
      );
    } finally {
      chunk.release();
    }
  }
}

function listens(flag: Int32Array | undefined): boolean {
  return flag === undefined || Atomics.load(flag, 0) === 1;
}

function postTo(port: MessagePort, runs: readonly Run[]): void {
  let from = 0;
  for (let to = 1; to <= runs.length; to++) {
    const { chunk } = runs[from] as Run;
    if (to < runs.length && (runs[to] as Run).chunk === chunk) continue;
    chunk.acquire();
    port.postMessage({
      buffer: chunk.buffer,
      runs: runs.slice(from, to).map((run) => [run.topic, run.start, run.end, run.messages] as const),
    } satisfies BusMessage);
    from = to;
  }
}
