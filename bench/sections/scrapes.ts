import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ClientConnection, connect } from '#dist/client/index.js';
import type { Bench } from '../bench.js';
import { wsloom } from '../contestants.js';
import { load } from '../loadgen.js';
import { descriptorLimit } from '../machine.js';
import { type RunningServer, start } from '../servers.js';
import { median } from '../statistics.js';
import { idleKind, OTHER_DESCRIPTORS } from './connections.js';

export const SCRAPES = 'scrapes';
const CONNECTIONS = 10_000;
const THREADS = [1, 16];
const TIMES = 50;
/** How long echoes are watched around a scrape, or without one, in ms. */
const WATCHED_MS = 40;
const PATH = '/metrics';

/** What it costs a server with many connections to be asked for its metrics. */
export interface ScrapeResult {
  readonly connections: number;
  readonly threads: number;
  /** The length of an answer. */
  readonly bytes: number;
  /** From the request to the whole answer, in ms: the first one of the process, and the median and the longest of the others. */
  readonly firstMs: number;
  readonly medianMs: number;
  readonly longestMs: number;
  /**
   * The longest echo of a connection in each of two workers, while the server answers a scrape, and in as much time without one: the median of
   * all scrapes, in ms.
   */
  readonly echoMs: number;
  readonly quietEchoMs: number;
}

export async function scrapes(bench: Bench): Promise<ScrapeResult[]> {
  if (!bench.wants(SCRAPES)) return [];
  const results: ScrapeResult[] = [];
  for (const threads of THREADS) {
    try {
      const result = await measure(bench, threads);
      results.push(result);
      bench.progress(
        `${SCRAPES}, ${threads} threads: ${result.medianMs.toFixed(2)} ms, longest ${result.longestMs.toFixed(2)} ms`,
      );
    } catch (error) {
      bench.fail(`${SCRAPES}, ${threads} threads`, error);
    }
  }
  return results;
}

async function measure({ pinning, settings }: Bench, threads: number): Promise<ScrapeResult> {
  const wanted = settings.isQuick ? settings.idleConnections : CONNECTIONS;
  const connections = Math.min(wanted, descriptorLimit() - OTHER_DESCRIPTORS);
  const contestant = wsloom(threads, 'wsloom', ['--metrics', PATH, '--page', 'off']);
  const server = await start(contestant, { mode: 'echo', bytes: 20, core: pinning?.server });
  try {
    const first = await scrape(server);
    // Of a server without other connections, each gets a worker of its own, if there are two.
    const probes = [await Probe.connect(server), await Probe.connect(server)];
    const seconds = 5 + (TIMES * WATCHED_MS * 3) / 1000;
    const idle = load(
      server,
      { ...idleKind(SCRAPES), connections },
      { seconds, warmUpSeconds: 0, core: pinning?.client },
    );
    const failed = idle.then(() => undefined);
    while (connectionsIn((await scrape(server)).text) < connections) await Promise.race([sleep(50), failed]);
    const figures = await watch(server, probes);
    for (const probe of probes) probe.close();
    const { errors } = await idle;
    if (errors > 0) throw new Error(`${errors} of ${connections} connections were lost`);
    return { connections, threads, firstMs: first.ms, ...figures };
  } finally {
    await server.stop();
  }
}

async function watch(
  server: RunningServer,
  probes: readonly Probe[],
): Promise<Omit<ScrapeResult, 'connections' | 'threads' | 'firstMs'>> {
  const longest = async (during: () => Promise<unknown>) => {
    const over = Promise.all([sleep(WATCHED_MS), during()]);
    return Math.max(...(await Promise.all(probes.map((probe) => probe.longestUntil(over)))));
  };
  const times: number[] = [];
  const echoes: number[] = [];
  const quietEchoes: number[] = [];
  let bytes = 0;
  for (let i = 0; i < TIMES; i++) {
    quietEchoes.push(await longest(async () => {}));
    echoes.push(
      await longest(async () => {
        const { ms, text } = await scrape(server);
        times.push(ms);
        bytes = text.length;
      }),
    );
  }
  const [medianMs, longestMs] = [median(times), Math.max(...times)];
  return { bytes, medianMs, longestMs, echoMs: median(echoes), quietEchoMs: median(quietEchoes) };
}

/** Asks for the metrics. */
async function scrape({ port }: RunningServer): Promise<{ readonly text: string; readonly ms: number }> {
  const since = performance.now();
  const text = await new Promise<string>((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path: PATH, agent: false }, (response) => {
      let body = '';
      response.setEncoding('latin1').on('data', (part: string) => {
        body += part;
      });
      response.on('end', () => resolve(body));
    });
    request.on('error', reject);
  });
  return { text, ms: performance.now() - since };
}

function connectionsIn(text: string): number {
  return [...text.matchAll(/^wsloom_connections\{.*\} (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
}

/** A connection whose messages come back, one at a time. */
class Probe {
  readonly #connection: ClientConnection;
  #echoed: () => void = () => {};

  private constructor(connection: ClientConnection) {
    this.#connection = connection;
  }

  static async connect({ port }: RunningServer): Promise<Probe> {
    let probe: Probe | undefined;
    const connection = await connect(`ws://127.0.0.1:${port}/`, {
      message: () => {
        if (probe !== undefined) probe.#echoed();
      },
    });
    probe = new Probe(connection);
    return probe;
  }

  /** Sends messages, one after the other, until a promise is settled. @returns the longest time until one was back, in ms */
  async longestUntil(over: Promise<unknown>): Promise<number> {
    let isOver = false;
    void over.finally(() => {
      isOver = true;
    });
    let longest = 0;
    while (!isOver) {
      const since = performance.now();
      await new Promise<void>((resolve) => {
        this.#echoed = resolve;
        this.#connection.send('a message of 20 byte');
      });
      longest = Math.max(longest, performance.now() - since);
    }
    return longest;
  }

  close(): void {
    this.#connection.close();
  }
}
