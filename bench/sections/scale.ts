import type { Bench } from '../bench.js';
import { showBytes } from '../cases.js';
import { CoreWatch } from '../core-watch.js';
import { buildFanout, type Delays, type FanoutSample, fanout } from '../fanout.js';
import { type Fleet, findFleets, RunningFleet } from '../fleets.js';
import { median } from '../statistics.js';
import { waitForClosing } from './openings.js';

/** At most: there are many fleets, and each takes a while to start. */
const ROUNDS = 5;
/** Divisible by topics times processes, so that all topics and processes have as many. */
const SUBSCRIBERS = 400;
/** Processes that used less of their core than this were waiting for the load. */
const BUSY_CPU = 0.9;
/** If other processes used more than this of a core, the turn says little. */
const OTHERS_CPU = 0.15;
/** How many times as long the load of fixed pace runs as the other: it has fewer deliveries. */
const PACED_TIMES_AS_LONG = 3;

/** What is published, to whom, in two loads: as fast as it goes, and at a fixed pace that leaves all servers time. */
export interface ScaleCase {
  readonly name: string;
  readonly bytes: number;
  readonly topics: number;
  readonly subscribers: number;
  /** Publications under way at a time in the first load. */
  readonly underWay: number;
  /** Publications per second in the second one. */
  readonly perSecond: number;
  readonly isQuick: boolean;
}

/** Of one topic, each publication goes to all subscribers. Of a hundred, to four: what a publication costs by itself shows. */
const SPREADS = [
  { topics: 1, underWay: 32, perSecond: 50 },
  { topics: 100, underWay: 256, perSecond: 500 },
] as const;

export const SCALE_CASES: readonly ScaleCase[] = SPREADS.flatMap((spread) =>
  [256, 4096].map((bytes) => ({
    ...spread,
    name: `scale ${spread.topics} ${spread.topics === 1 ? 'topic' : 'topics'} x ${showBytes(bytes)}`,
    bytes,
    subscribers: SUBSCRIBERS,
    isQuick: spread.topics === 1 && bytes === 256,
  })),
);

/** The figures of a fleet in a case. */
export interface ScaleScore {
  readonly server: string;
  readonly processes: number;
  /** What connects the processes: see {@link Fleet.by}. */
  readonly by: string;
  /** The medians of all turns: as fast as it goes. */
  readonly flood: FanoutSample;
  /** The medians of all turns: at a fixed pace. */
  readonly paced: FanoutSample;
  /** Whether the processes had time left in the first load. */
  readonly isClientBound: boolean;
  /** Whether something else used a good part of a core, in the median. */
  readonly isDisturbed: boolean;
  readonly turns: readonly ScaleTurn[];
}

export interface ScaleTurn {
  readonly flood: FanoutSample;
  readonly paced: FanoutSample;
  /** In the first load, the part of the servers' core, or of the client's, that others used: the greater one. */
  readonly othersCpu: number;
}

export interface ScaleCaseResult {
  readonly case: ScaleCase;
  readonly scores: readonly ScaleScore[];
}

export interface ScaleResults {
  /** Of the servers, and of the engines between them. */
  readonly versions: Readonly<Record<string, string>>;
  readonly cases: readonly ScaleCaseResult[];
}

/** Nothing of it was measured. */
export const NO_SCALE: ScaleResults = { versions: {}, cases: [] };

/** The way of a publication to its subscribers, within one process and to another. */
export async function scale(bench: Bench): Promise<ScaleResults> {
  const { isQuick, only } = bench.settings;
  const wanted = SCALE_CASES.filter(
    (kind) => bench.wants(kind.name) && (!isQuick || only !== undefined || kind.isQuick),
  );
  if (wanted.length === 0) return NO_SCALE;
  try {
    await buildFanout();
  } catch (error) {
    bench.fail('scale: no program that publishes', error);
    return NO_SCALE;
  }
  const { fleets, versions, missing } = findFleets();
  for (const line of missing) bench.progress(`scale: ${line}; what needs it is not measured`);
  const cases: ScaleCaseResult[] = [];
  for (const kind of wanted) cases.push({ case: kind, scores: await compare(bench, kind, fleets) });
  return { versions, cases };
}

async function compare(bench: Bench, kind: ScaleCase, fleets: readonly Fleet[]): Promise<ScaleScore[]> {
  const turns = new Map<Fleet, ScaleTurn[]>(fleets.map((fleet) => [fleet, []]));
  for (let round = 1; round <= Math.min(ROUNDS, bench.settings.rounds); round++) {
    for (const [fleet, taken] of turns) {
      const title = `${kind.name}, round ${round}: ${fleetName(fleet)}`;
      try {
        const turn = await takeTurn(bench, kind, fleet);
        taken.push(turn);
        bench.progress(`${title} ${describe(turn)}`);
      } catch (error) {
        bench.fail(title, error);
        turns.delete(fleet);
      }
    }
  }
  return [...turns].map(([fleet, taken]) => scoreOf(fleet, taken));
}

/** All processes of the fleet are on one core, with the engine, and the load on another. Each turn starts them again. */
async function takeTurn({ settings, pinning }: Bench, kind: ScaleCase, fleet: Fleet): Promise<ScaleTurn> {
  const { seconds, warmUpSeconds } = settings;
  const core = pinning?.client;
  const running = await RunningFleet.start(fleet, pinning?.server);
  try {
    const cores = pinning && { server: new CoreWatch(pinning.server), client: new CoreWatch(pinning.client) };
    const load = { bytes: kind.bytes, topics: kind.topics, subscribers: kind.subscribers };
    const flood = await fanout(
      running.target,
      { ...load, pace: { underWay: kind.underWay } },
      { seconds, warmUpSeconds, core },
    );
    const others = cores && [cores.server.busyShare() - flood.cpu, cores.client.busyShare() - flood.clientCpu];
    await waitForClosing();
    const paced = await fanout(
      running.target,
      { ...load, pace: { perSecond: kind.perSecond } },
      { seconds: PACED_TIMES_AS_LONG * seconds, warmUpSeconds: warmUpSeconds / 2, core },
    );
    return { flood, paced, othersCpu: Math.max(0, ...(others ?? [])) };
  } finally {
    await running.stop();
  }
}

/** As it is named in tables: `Socket.IO x 2, Redis`. */
export function fleetName({ server, processes, by }: Pick<ScaleScore, 'server' | 'processes' | 'by'>): string {
  return processes === 1 ? server : `${server} x ${processes}, ${by}`;
}

function describe({ flood, paced, othersCpu }: ScaleTurn): string {
  const { p50Micros } = paced.across ?? paced.own;
  const speed = `${Math.round(flood.deliveriesPerSecond)} deliveries/s, p50 ${Math.round(p50Micros)} us at a fixed pace`;
  return othersCpu > OTHERS_CPU ? `${speed}, something else had ${othersCpu.toFixed(2)} of a core` : speed;
}

/** The medians of what a fleet has done. */
export function scoreOf({ server, processes, by }: Fleet, turns: readonly ScaleTurn[]): ScaleScore {
  const flood = medianFanout(turns.map((turn) => turn.flood));
  return {
    server,
    processes,
    by,
    flood,
    paced: medianFanout(turns.map((turn) => turn.paced)),
    isClientBound: flood.cpu < BUSY_CPU,
    isDisturbed: median(turns.map(({ othersCpu }) => othersCpu)) > OTHERS_CPU,
    turns,
  };
}

/** The median of each figure. */
export function medianFanout(samples: readonly FanoutSample[]): FanoutSample {
  const of = (read: (sample: FanoutSample) => number) => median(samples.map(read));
  const delays = (read: (sample: FanoutSample) => Delays): Delays => ({
    p50Micros: of((sample) => read(sample).p50Micros),
    p99Micros: of((sample) => read(sample).p99Micros),
  });
  const hasOthers = samples.length > 0 && samples.every(({ across }) => across !== undefined);
  return {
    publicationsPerSecond: of((sample) => sample.publicationsPerSecond),
    deliveriesPerSecond: of((sample) => sample.deliveriesPerSecond),
    own: delays(({ own }) => own),
    across: hasOthers ? delays(({ own, across = own }) => across) : undefined,
    cpu: of((sample) => sample.cpu),
    serverMicros: of((sample) => sample.serverMicros),
    engineMicros: of((sample) => sample.engineMicros),
    clientCpu: of((sample) => sample.clientCpu),
  };
}
