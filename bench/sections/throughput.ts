import type { Bench } from '../bench.js';
import { CASES, type Case } from '../cases.js';
import type { Contestant } from '../contestants.js';
import { CoreWatch } from '../core-watch.js';
import { load, type Sample } from '../loadgen.js';
import { start } from '../servers.js';
import { median } from '../statistics.js';

/** A server that used less of its core than this was waiting for the client. */
const BUSY_CPU = 0.9;
/** If other processes used more than this of a core, the turn says little. */
const OTHERS_CPU = 0.15;

/** The figures of a server in a case. */
export interface Score {
  readonly server: string;
  /** The medians of all turns. */
  readonly medians: Sample;
  /** Whether its client was the limit, or it did not get its core. */
  readonly isClientBound: boolean;
  /** Whether something else used a good part of a core, in the median. */
  readonly isDisturbed: boolean;
  readonly turns: readonly TurnSample[];
}

interface TurnSample extends Sample {
  /** The part of the server's core, or of the client's, that others used: the greater one. 0 if they are not bound to cores. */
  readonly othersCpu: number;
}

export interface CaseResult {
  readonly case: Case;
  readonly scores: readonly Score[];
}

/** Echo and broadcast: each server on a core of its own, the load on another, the servers in turns. */
export async function throughput(bench: Bench): Promise<CaseResult[]> {
  return await compareCases(bench, CASES);
}

/** All contestants in those of the cases that are wanted. */
export async function compareCases(bench: Bench, cases: readonly Case[]): Promise<CaseResult[]> {
  const { isQuick, only } = bench.settings;
  const wanted = cases.filter((kind) => bench.wants(kind.name) && (!isQuick || only !== undefined || kind.isQuick));
  const results: CaseResult[] = [];
  for (const kind of wanted) results.push({ case: kind, scores: await compare(bench, kind) });
  return results;
}

/**
 * All contestants in one case, in turns. Each turn starts a server of its own, because the place of the memory differs from start to
 * start: it makes one process up to a fifth faster than another.
 */
export async function compare(bench: Bench, kind: Case): Promise<Score[]> {
  const turns = new Map<Contestant, TurnSample[]>(bench.contestants.map((contestant) => [contestant, []]));
  for (let round = 1; round <= bench.settings.rounds; round++) {
    for (const [contestant, samples] of turns) {
      const title = `${kind.name}, round ${round}: ${contestant.name}`;
      try {
        const sample = await takeTurn(bench, contestant, kind);
        samples.push(sample);
        bench.progress(`${title} ${describe(sample)}`);
        if (sample.errors > 0) bench.fail(title, `${sample.errors} errors`);
      } catch (error) {
        bench.fail(title, error);
        turns.delete(contestant);
      }
    }
  }
  return [...turns].map(([{ name }, samples]) => score(name, samples));
}

async function takeTurn(bench: Bench, contestant: Contestant, kind: Case): Promise<TurnSample> {
  const { settings, pinning } = bench;
  const { seconds, warmUpSeconds } = settings;
  const server = await start(contestant, { mode: kind.mode, bytes: kind.bytes, core: pinning?.server });
  try {
    const cores = pinning && { server: new CoreWatch(pinning.server), client: new CoreWatch(pinning.client) };
    const sample = await load(server, kind, { seconds, warmUpSeconds, core: pinning?.client });
    // The CPU use of the two is only known for the measured time. It was about the same while they warmed up.
    const others = cores && [cores.server.busyShare() - sample.cpu, cores.client.busyShare() - sample.clientCpu];
    return { ...sample, othersCpu: Math.max(0, ...(others ?? [])) };
  } finally {
    await server.stop();
  }
}

function describe({ perSecond, cpu, othersCpu }: TurnSample): string {
  const speed = `${Math.round(perSecond)} messages/s`;
  if (othersCpu > OTHERS_CPU) return `${speed}, something else had ${othersCpu.toFixed(2)} of a core`;
  return cpu < BUSY_CPU ? `${speed}, the client is the limit` : speed;
}

function score(server: string, turns: readonly TurnSample[]): Score {
  const medians = medianSample(turns);
  const isDisturbed = median(turns.map(({ othersCpu }) => othersCpu)) > OTHERS_CPU;
  return { server, medians, isClientBound: medians.cpu < BUSY_CPU, isDisturbed, turns };
}

/** The median of each figure. */
export function medianSample(samples: readonly Sample[]): Sample {
  const of = (figure: keyof Sample) => median(samples.map((sample) => sample[figure]));
  return {
    perSecond: of('perSecond'),
    bytesPerSecond: of('bytesPerSecond'),
    compressionRatio: of('compressionRatio'),
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
