import { readdirSync } from 'node:fs';
import { setTimeout as pass } from 'node:timers/promises';
import { expect } from 'vitest';
import { Client } from '../e2e/client.js';
import { expectBytes, pattern } from '../e2e/pattern.js';
import { RawClient } from '../e2e/raw-client.js';
import { type Served, until } from '../e2e/serving.js';
import { isOverTls } from '../e2e/transport.js';

const MIB = 1024 * 1024;

export const handlerOf = (name: string) => new URL(`./handlers/${name}`, import.meta.url);

/** The descriptors of this process, which has server and clients; 0 where they cannot be counted. */
export function openDescriptors(): number {
  return process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0;
}

/** Limits on the cost of an attack, in bytes. */
export interface Bounds {
  /** Growth of the whole process with the attackers in it: arena, and heaps that are not collected. By default 128 MiB. */
  readonly residentBytes?: number;
  /** The memory that the server reports as held, at any time. By default 4 MiB. */
  readonly bufferedBytes?: number;
  /** How many messages may not fit into the arena. By default 0. */
  readonly heapMessages?: number;
}

/** Clients that have nothing to do with the attack: one in each thread, which a server fills in turn. */
class Bystanders implements Disposable {
  readonly #clients: Client[] = [];
  #echoes = 0;

  get count(): number {
    return this.#clients.length;
  }

  /** Resolves when all clients were served: only then does each thread have all its own descriptors. */
  async open({ server, url }: Served): Promise<void> {
    while (this.#clients.length < Math.max(1, server.threads)) {
      this.#clients.push(await Client.open(`${url}/bystander`));
    }
    await this.echo();
    expect(server.stats().threads.every(({ connections }) => connections === 1)).toBe(true);
  }

  async echo(): Promise<void> {
    const echoes = this.#echoes++;
    const message = pattern(echoes, echoes % 8 === 7 ? 300_000 : 1 + echoes);
    for (const client of this.#clients) client.send(message);
    for (const client of this.#clients) expectBytes((await client.next()).bytes, message);
  }

  [Symbol.dispose](): void {
    for (const client of this.#clients) client[Symbol.dispose]();
  }
}

/** How much the process may grow. The clients are in it too, and over TLS each of theirs takes memory as well. */
const RESIDENT_BYTES = (isOverTls ? 256 : 128) * MIB;

/**
 * Runs an attack on a server while other clients are served: echoes of a few bytes, and of slabs of the arena. Afterwards all
 * descriptors are back, no connection of the attackers is left, and the cost is within its limits.
 * @returns the result of the attack.
 */
export async function withstand<T>(served: Served, attack: () => Promise<T>, bounds: Bounds = {}): Promise<T> {
  const { residentBytes = RESIDENT_BYTES, bufferedBytes = 4 * MIB, heapMessages = 0 } = bounds;
  using bystanders = new Bystanders();
  await bystanders.open(served);
  const descriptors = openDescriptors();
  const resident = process.memoryUsage.rss();
  const peak = { residentBytes: 0, bufferedBytes: 0 };
  const look = () => {
    peak.residentBytes = Math.max(peak.residentBytes, process.memoryUsage.rss() - resident);
    peak.bufferedBytes = Math.max(peak.bufferedBytes, served.server.stats().bufferedBytes);
  };
  const looking = setInterval(look, 10);
  let isOver = false;
  const attacked = attack().finally(() => {
    isOver = true;
  });
  const serving = (async () => {
    // One more when it is over.
    for (let isLast = false; !isLast; ) {
      isLast = isOver;
      await bystanders.echo();
      await pass(2);
    }
  })();
  try {
    const [result] = await Promise.all([attacked, serving]);
    look();
    await until(() => served.server.stats().connections === bystanders.count && openDescriptors() <= descriptors);
    expect(peak.residentBytes).toBeLessThan(residentBytes);
    expect(peak.bufferedBytes).toBeLessThanOrEqual(bufferedBytes);
    expect(served.server.stats().heapMessages).toBeLessThanOrEqual(heapMessages);
    return result;
  } finally {
    clearInterval(looking);
  }
}

/** Sends bytes as they are. @returns all bytes that the server sends before it ends the connection. */
export async function answerTo(port: number, ...writes: readonly (string | Uint8Array)[]): Promise<string> {
  using client = await RawClient.connect(port);
  let answer = '';
  client.socket.on('data', (bytes) => {
    answer += bytes.toString('latin1');
  });
  for (const bytes of writes) client.socket.write(bytes);
  await Promise.race([client.ended, client.closed]);
  return answer;
}

/** The status of the response, which must be the only one. */
export function statusOf(answer: string): number {
  const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
  if (statuses.length !== 1) throw new Error(`${statuses.length} responses: ${JSON.stringify(answer.slice(0, 1000))}`);
  return statuses[0] as number;
}
