import type { Bench } from '../bench.js';
import { CASES, type Case } from '../cases.js';
import { load, type Sample } from '../loadgen.js';
import { type RunningServer, start } from '../servers.js';
import { median } from '../statistics.js';

/** A server that used less of its core than this was waiting for the client. */
const BUSY_CPU = 0.9;

/** What a server did in a case. */
export interface Score {
  readonly server: string;
  /** Of all turns. */
  readonly medians: Sample;
  /** Its client was the limit. */
  readonly isClientBound: boolean;
  readonly turns: readonly Sample[];
}

export interface CaseResult {
  readonly case: Case;
  readonly scores: readonly Score[];
}

/** Echo and broadcast: each server on a core of its own, the load on another, the servers in turns. */
export async function throughput(bench: Bench): Promise<CaseResult[]> {
  const { isQuick, only } = bench.settings;
  const cases = CASES.filter((kind) => bench.wants(kind.name) && (!isQuick || only !== undefined || kind.isQuick));
  const results: CaseResult[] = [];
  for (const kind of cases) results.push({ case: kind, scores: await compare(bench, kind) });
  return results;
}

async function compare(bench: Bench, kind: Case): Promise<Score[]> {
  const servers = await startAll(bench, kind);
  const turns = new Map<RunningServer, Sample[]>(servers.map((server) => [server, []]));
  try {
    for (let round = 1; round <= bench.settings.rounds; round++) {
      for (const [server, samples] of turns) {
        const title = `${kind.name}, round ${round}: ${server.name}`;
        try {
          const sample = await takeTurn(bench, server, kind, round);
          samples.push(sample);
          bench.progress(
            `${title} ${Math.round(sample.perSecond)} messages/s${sample.cpu < BUSY_CPU ? ', the client is the limit' : ''}`,
          );
          if (sample.errors > 0) bench.fail(title, `${sample.errors} errors`);
        } catch (error) {
          bench.fail(title, error);
          turns.delete(server);
        }
      }
    }
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
  return [...turns].map(([{ name }, samples]) => score(name, samples));
}

async function startAll(bench: Bench, { name, mode, bytes }: Case): Promise<RunningServer[]> {
  const servers: RunningServer[] = [];
  for (const contestant of bench.contestants) {
    try {
      servers.push(await start(contestant, { mode, bytes, core: bench.pinning?.server }));
    } catch (error) {
      bench.fail(name, error);
    }
  }
  return servers;
}

function takeTurn({ settings, pinning }: Bench, server: RunningServer, kind: Case, round: number): Promise<Sample> {
  const warmUpSeconds = round === 1 ? settings.firstWarmUpSeconds : settings.warmUpSeconds;
  return load(server, kind, { seconds: settings.seconds, warmUpSeconds, core: pinning?.client });
}

function score(server: string, turns: readonly Sample[]): Score {
  const medians = medianSample(turns);
  return { server, medians, isClientBound: medians.cpu < BUSY_CPU, turns };
}

/** The median of each figure. */
export function medianSample(samples: readonly Sample[]): Sample {
  const of = (figure: keyof Sample) => median(samples.map((sample) => sample[figure]));
  return {
    perSecond: of('perSecond'),
    bytesPerSecond: of('bytesPerSecond'),
    p50Micros: of('p50Micros'),
    p99Micros: of('p99Micros'),
    cpu: of('cpu'),
    microsPerMessage: of('microsPerMessage'),
    clientCpu: of('clientCpu'),
    residentBytes: of('residentBytes'),
    connectSeconds: of('connectSeconds'),
    errors: of('errors'),
  };
}
