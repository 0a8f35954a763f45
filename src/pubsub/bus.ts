import type { MessagePort } from 'node:worker_threads';
import { Interest, placeOf } from './interest.js';
import { SharedChunk } from './shared-chunk.js';
import type { Outlet, Run } from './topics.js';

/** What travels between threads: first what its sender wants to have, if that is not everything, and then where runs lie in shared memory. */
type BusMessage = { readonly interest: SharedArrayBuffer } | Batch;

interface Batch {
  readonly buffer: SharedArrayBuffer;
  readonly runs: readonly (readonly [topic: string, start: number, end: number, messages: number])[];
}

/**
 * Connects the topics of one thread with those of the others, by a MessagePort to each of them: a batch of publications
 * is one message, and its bytes stay where they are, in memory that all threads share. A thread that is choosy and has no subscribers
 * of a topic is not disturbed by it.
 */
export class Bus implements Outlet {
  /** What they want; undefined for everything, and until they have said it. */
  readonly #peers = new Map<MessagePort, Interest | undefined>();
  readonly #interest: Interest | undefined;
  readonly #receive: (runs: readonly Run[]) => void;

  /**
   * @param receive is given what other threads have published.
   * @param isChoosy whether it is given only what it has subscribers of when it is published. Not of use to a worker: its clients
   * are told by the primary that they are connected, and may make others publish, before the worker has subscribed them.
   */
  constructor(receive: (runs: readonly Run[]) => void, isChoosy: boolean) {
    this.#receive = receive;
    this.#interest = isChoosy ? new Interest() : undefined;
  }

  /** Adds another thread. It is removed when its end of the port is closed. */
  connect(port: MessagePort): void {
    this.#peers.set(port, undefined);
    port.on('message', (message: BusMessage) => {
      if (!('interest' in message)) this.#onBatch(message);
      else if (this.#peers.has(port)) this.#peers.set(port, new Interest(message.interest));
    });
    port.on('close', () => this.#peers.delete(port));
    port.unref(); // does not keep its thread alive
    if (this.#interest !== undefined) port.postMessage({ interest: this.#interest.buffer } satisfies BusMessage);
  }

  wants(topic: string): boolean {
    if (this.#peers.size === 0) return false;
    const place = placeOf(topic);
    for (const interest of this.#peers.values()) if (interest?.includes(place) ?? true) return true;
    return false;
  }

  onFirstSubscriber(topic: string): void {
    this.#interest?.add(topic);
  }

  onLastSubscriber(topic: string): void {
    this.#interest?.remove(topic);
  }

  post(runs: readonly Run[]): void {
    if (this.#peers.size === 0) return;
    const places = runs.map(({ topic }) => placeOf(topic));
    for (const [port, interest] of this.#peers) {
      this.#postTo(port, interest === undefined ? runs : runs.filter((_, i) => interest.includes(places[i] as number)));
    }
  }

  close(): void {
    for (const port of this.#peers.keys()) port.close();
    this.#peers.clear();
  }

  /** A batch for each chunk. */
  #postTo(port: MessagePort, runs: readonly Run[]): void {
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
