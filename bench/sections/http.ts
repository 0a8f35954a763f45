import { setTimeout as sleep } from 'node:timers/promises';
import autocannon from 'autocannon';
import type { Bench } from '../bench.js';
import { LARGE_ECHO } from '../cases.js';
import { wsloom } from '../contestants.js';
import { load, type Sample } from '../loadgen.js';
import { type RunningServer, start } from '../servers.js';
import { median, percentile } from '../statistics.js';

/** The load of a server: HTTP requests, and WebSocket messages meanwhile. */
interface Setting {
  readonly threads: number;
  /** Connections for HTTP. Each sends its next request as soon as it has an answer. */
  readonly connections: number;
  readonly isUnderLoad: boolean;
}

export interface HttpResult extends Setting {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** WebSocket messages meanwhile. */
  readonly messagesPerSecond: number;
}

const ROUNDS = 3;
/**
 * Two connections only measure how long an answer takes, and leave the cores to the WebSockets. Ten, the default of autocannon,
 * are a load of their own, which needs cores too.
 */
const CONNECTIONS = [2, 10];

/** How long `/healthz` takes while WebSockets keep the server busy, with and without worker threads. */
export async function http(bench: Bench): Promise<HttpResult[]> {
  if (!bench.wants('http')) return [];
  const results: HttpResult[] = [];
  for (const isUnderLoad of bench.hasLoadgen ? [false, true] : [false]) {
    for (const connections of CONNECTIONS) {
      const settings = [0, bench.cores].map((threads) => ({ threads, connections, isUnderLoad }));
      results.push(...(await compare(bench, settings)));
    }
  }
  return results;
}

async function compare(bench: Bench, settings: readonly Setting[]): Promise<HttpResult[]> {
  const turns = new Map<Setting, HttpResult[]>(settings.map((setting) => [setting, []]));
  for (let round = 1; round <= Math.min(ROUNDS, bench.settings.rounds); round++) {
    for (const [setting, results] of turns) {
      const { threads, connections, isUnderLoad } = setting;
      const title = `http on ${connections} connections ${isUnderLoad ? 'under' : 'without'} load, round ${round}: --threads ${threads}`;
      try {
        const result = await takeTurn(bench, setting);
        results.push(result);
        bench.progress(`${title} p99 ${result.p99Ms.toFixed(2)} ms`);
      } catch (error) {
        bench.fail(title, error);
        turns.delete(setting);
      }
    }
  }
  return [...turns].map(([setting, results]) => medianResult(setting, results));
}

async function takeTurn({ settings }: Bench, setting: Setting): Promise<HttpResult> {
  const { threads, connections, isUnderLoad } = setting;
  const { warmUpSeconds } = settings;
  const seconds = Math.max(1, settings.seconds);
  const server = await start(wsloom(threads), { mode: 'echo', bytes: LARGE_ECHO.bytes, core: undefined });
  try {
    await request(server, connections, 0.2); // the first requests wait for code to be compiled
    const [sample, times] = await Promise.all([
      isUnderLoad ? keepBusy(server, seconds, warmUpSeconds) : undefined,
      sleep(isUnderLoad ? warmUpSeconds * 1000 : 0).then(() => request(server, connections, seconds)),
    ]);
    if (sample !== undefined && sample.errors > 0) throw new Error(`${sample.errors} errors of the WebSocket load`);
    return {
      ...setting,
      requestsPerSecond: times.length / seconds,
      p50Ms: percentile(times, 0.5),
      p99Ms: percentile(times, 0.99),
      messagesPerSecond: sample?.perSecond ?? 0,
    };
  } finally {
    await server.stop();
  }
}

/** The load goes on a little longer than the requests, which begin later: starting the load takes time. */
function keepBusy(server: RunningServer, seconds: number, warmUpSeconds: number): Promise<Sample> {
  return load(server, LARGE_ECHO, { seconds: seconds + 0.2, warmUpSeconds, core: undefined });
}

/** The time that each response took, in ms. The summary of autocannon has only whole ms. */
async function request(server: RunningServer, connections: number, seconds: number): Promise<number[]> {
  const times: number[] = [];
  const options = { url: `http://127.0.0.1:${server.port}/healthz`, connections, duration: seconds };
  const { non2xx, errors } = await new Promise<autocannon.Result>((resolve, reject) => {
    const instance = autocannon(options, (error: unknown, result) => (error ? reject(error) : resolve(result)));
    instance.on('response', (_client, _status, _bytes, milliseconds) => times.push(milliseconds));
  });
  if (non2xx + errors > 0) throw new Error(`${non2xx} responses other than 2xx, ${errors} errors`);
  return times;
}

function medianResult(setting: Setting, results: readonly HttpResult[]): HttpResult {
  const of = (read: (result: HttpResult) => number) => median(results.map(read));
  return {
    ...setting,
    requestsPerSecond: of(({ requestsPerSecond }) => requestsPerSecond),
    p50Ms: of(({ p50Ms }) => p50Ms),
    p99Ms: of(({ p99Ms }) => p99Ms),
    messagesPerSecond: of(({ messagesPerSecond }) => messagesPerSecond),
  };
}
