import type { MessagePort } from 'node:worker_threads';
import { SharedChunk } from './shared-chunk.js';
import type { Outlet, Run } from './topics.js';

/** What travels between threads: where runs lie in shared memory. */
interface Batch {
  readonly buffer: SharedArrayBuffer;
  readonly runs: readonly (readonly [topic: string, start: number, end: number, messages: number])[];
}

/**
 * Connects the topics of one thread with those of the others, by a MessagePort to each of them: a batch of publications
 * is one message, and its bytes stay where they are, in memory that all threads share.
 */
export class Bus implements Outlet {
  readonly #peers = new Set<MessagePort>();
  readonly #receive: (runs: readonly Run[]) => void;

  /** @param receive is given what other threads have published. */
  constructor(receive: (runs: readonly Run[]) => void) {
    this.#receive = receive;
  }

  get hasPeers(): boolean {
    return this.#peers.size > 0;
  }

  /** Adds another thread. It is removed when its end of the port is closed. */
  connect(port: MessagePort): void {
    this.#peers.add(port);
    port.on('message', (batch: Batch) => this.#onBatch(batch));
    port.on('close', () => this.#peers.delete(port));
    port.unref(); // does not keep its thread alive
  }

  post(runs: readonly Run[]): void {
    let from = 0;
    for (let to = 1; to <= runs.length; to++) {
      const chunk = (runs[from] as Run).chunk;
      if (to < runs.length && (runs[to] as Run).chunk === chunk) continue;
      this.#postFrom(chunk, runs.slice(from, to));
      from = to;
    }
  }

  close(): void {
    for (const port of this.#peers) port.close();
    this.#peers.clear();
  }

  #postFrom(chunk: SharedChunk, runs: readonly Run[]): void {
    chunk.acquire(this.#peers.size);
    const batch: Batch = {
      buffer: chunk.buffer,
      runs: runs.map((run) => [run.topic, run.start, run.end, run.messages] as const),
    };
    for (const port of this.#peers) port.postMessage(batch);
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
