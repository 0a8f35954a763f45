import { setTimeout as sleep } from 'node:timers/promises';
import autocannon from 'autocannon';
import type { Bench } from '../bench.js';
import { LARGE_ECHO } from '../cases.js';
import { wsloom } from '../contestants.js';
import { load, type Sample } from '../loadgen.js';
import { type RunningServer, start } from '../servers.js';
import { median, percentile } from '../statistics.js';

export interface HttpResult {
  readonly threads: number;
  readonly isUnderLoad: boolean;
  /** Requests that were answered, of {@link REQUESTS_PER_SECOND}. */
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** WebSocket messages meanwhile. */
  readonly messagesPerSecond: number;
}

const ROUNDS = 3;
const SECONDS = 2;
/** Few enough to be a small part of what the server does: it is their latency that is looked at. */
const REQUESTS_PER_SECOND = 500;
const CONNECTIONS = 10;

/** How long `/healthz` takes while WebSockets keep the server busy: without threads of their own, and with them. */
export async function http(bench: Bench): Promise<HttpResult[]> {
  if (!bench.wants('http')) return [];
  const results: HttpResult[] = [];
  const loads = bench.hasLoadgen ? [false, true] : [false];
  for (const isUnderLoad of loads) {
    const turns = new Map<number, HttpResult[]>([0, bench.cores].map((threads) => [threads, []]));
    for (let round = 1; round <= (isUnderLoad ? Math.min(ROUNDS, bench.settings.rounds) : 1); round++) {
      for (const [threads, measured] of turns) {
        const title = `http ${isUnderLoad ? 'under' : 'without'} load, round ${round}: --threads ${threads}`;
        try {
          const result = await takeTurn(threads, isUnderLoad);
          measured.push(result);
          bench.progress(`${title} p99 ${result.p99Ms.toFixed(1)} ms`);
        } catch (error) {
          bench.fail(title, error);
        }
      }
    }
    for (const [threads, measured] of turns) {
      if (measured.length > 0) results.push(medianResult(threads, isUnderLoad, measured));
    }
  }
  return results;
}

async function takeTurn(threads: number, isUnderLoad: boolean): Promise<HttpResult> {
  const server = await start(wsloom(threads), { mode: 'echo', bytes: LARGE_ECHO.bytes, core: undefined });
  try {
    const [sample, times] = await Promise.all([
      isUnderLoad ? keepBusy(server) : undefined,
      request(server, isUnderLoad),
    ]);
    if (sample !== undefined && sample.errors > 0) throw new Error(`${sample.errors} errors of the WebSocket load`);
    return {
      threads,
      isUnderLoad,
      perSecond: times.length / SECONDS,
      p50Ms: percentile(times, 0.5),
      p99Ms: percentile(times, 0.99),
      messagesPerSecond: sample?.perSecond ?? 0,
    };
  } finally {
    await server.stop();
  }
}

function keepBusy(server: RunningServer): Promise<Sample> {
  return load(server, LARGE_ECHO, { seconds: SECONDS + 0.5, warmUpSeconds: 1, core: undefined });
}

/** The time that each response took, in ms: autocannon's own summary is in whole ones. */
async function request(server: RunningServer, isUnderLoad: boolean): Promise<number[]> {
  if (isUnderLoad) await sleep(1000);
  const times: number[] = [];
  const options = {
    url: `http://127.0.0.1:${server.port}/healthz`,
    connections: CONNECTIONS,
    duration: SECONDS,
    overallRate: REQUESTS_PER_SECOND,
  };
  const { non2xx, errors } = await new Promise<autocannon.Result>((resolve, reject) => {
    const instance = autocannon(options, (error: unknown, result) => (error ? reject(error) : resolve(result)));
    instance.on('response', (_client, _status, _bytes, milliseconds) => times.push(milliseconds));
  });
  if (non2xx + errors > 0) throw new Error(`${non2xx} responses other than 2xx, ${errors} errors`);
  return times;
}

function medianResult(threads: number, isUnderLoad: boolean, turns: readonly HttpResult[]): HttpResult {
  const of = (read: (turn: HttpResult) => number) => median(turns.map(read));
  return {
    threads,
    isUnderLoad,
    perSecond: of(({ perSecond }) => perSecond),
    p50Ms: of(({ p50Ms }) => p50Ms),
    p99Ms: of(({ p99Ms }) => p99Ms),
    messagesPerSecond: of(({ messagesPerSecond }) => messagesPerSecond),
  };
}
