import type { Bench } from '../bench.js';
import { type Case, LARGE_ECHO, SMALL_ECHO } from '../cases.js';
import { type Contestant, wsloom } from '../contestants.js';
import { load } from '../loadgen.js';
import { start } from '../servers.js';
import { median } from '../statistics.js';

export interface ScalingResult {
  readonly case: string;
  readonly threads: number;
  readonly perSecond: number;
  /** Of the server: 1 is one core. */
  readonly cpu: number;
}

const ROUNDS = 3;

/** The same load with more and more threads. Nothing is bound to a core, and the load uses a part of the cores. */
export async function scaling(bench: Bench): Promise<ScalingResult[]> {
  const results: ScalingResult[] = [];
  for (const kind of [SMALL_ECHO, LARGE_ECHO]) {
    const name = `scaling ${kind.name}`;
    if (!bench.wants(name)) continue;
    for (const threads of threadCounts(bench)) {
      try {
        const { perSecond, cpu } = await share(bench, wsloom(threads), kind);
        results.push({ case: kind.name, threads, perSecond, cpu });
        bench.progress(`${name}: --threads ${threads} ${Math.round(perSecond)} messages/s`);
      } catch (error) {
        bench.fail(`${name} with --threads ${threads}`, error);
      }
    }
  }
  return results;
}

function threadCounts({ cores, settings }: Bench): number[] {
  const all = Array.from({ length: cores + 1 }, (_, threads) => threads);
  return settings.isQuick ? all.filter((threads) => threads < 2 || threads === cores) : all;
}

/** The figures of a server that shares all cores with its load. */
interface Shared {
  readonly perSecond: number;
  /** Of the server: 1 is one core. */
  readonly cpu: number;
}

/** @throws if there were errors */
async function share({ settings, cores }: Bench, contestant: Contestant, kind: Case): Promise<Shared> {
  const clients = Array.from({ length: Math.max(1, cores >> 1) });
  const server = await start(contestant, { mode: kind.mode, bytes: kind.bytes, core: undefined });
  try {
    const perSecond: number[] = [];
    const cpu: number[] = [];
    for (let round = 1; round <= Math.min(ROUNDS, settings.rounds); round++) {
      const { seconds, warmUpSeconds } = settings;
      const samples = await Promise.all(
        clients.map(() => load(server, kind, { seconds, warmUpSeconds, core: undefined })),
      );
      perSecond.push(samples.reduce((sum, sample) => sum + sample.perSecond, 0));
      cpu.push(median(samples.map((sample) => sample.cpu)));
      const errors = samples.reduce((sum, sample) => sum + sample.errors, 0);
      if (errors > 0) throw new Error(`${errors} errors`);
    }
    return { perSecond: median(perSecond), cpu: median(cpu) };
  } finally {
    await server.stop();
  }
}
